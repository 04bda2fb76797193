#include "bep/model/sources.hh"

#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::model {

void Sources::set_link(const base::DeviceId& device, LinkSource* link) { entries_[device].link = link; }

LinkSource* Sources::link(const base::DeviceId& device) const {
  const auto it = entries_.find(device);
  return it == entries_.end() ? nullptr : it->second.link;
}

Way Sources::way(const base::DeviceId& device, const std::string& folder) const {
  if (fabric_.usable(device)) return Way::kFabric;
  const LinkSource* from = link(device);
  return from != nullptr && from->serves(folder) ? Way::kLink : Way::kNone;
}

bool Sources::has_room(const base::DeviceId& device, Way way, std::uint32_t bytes) const {
  MUST(way != Way::kNone);
  if (held_) return false;
  const auto it = entries_.find(device);
  const Entry entry = it == entries_.end() ? Entry{} : it->second;
  if (way == Way::kFabric) return entry.fabric_blocks < fabric_.window_blocks(device, bytes);
  return entry.link_bytes == 0 || entry.link_bytes + bytes <= kLinkWindowBytes;
}

bool Sources::idle() const {
  for (const auto& [device, entry] : entries_)
    if (entry.link_bytes > 0 || entry.fabric_blocks > 0) return false;
  return true;
}

bool Sources::is_full(const base::DeviceId& device) const {
  if (fabric_.usable(device)) return !has_room(device, Way::kFabric, base::kBlockBytesMin);
  return link(device) == nullptr || !has_room(device, Way::kLink, base::kBlockBytesMin);
}

std::uint64_t Sources::load(const base::DeviceId& device) const {
  const auto it = entries_.find(device);
  return it == entries_.end() ? 0 : it->second.link_bytes + it->second.fabric_bytes;
}

void Sources::taken(const base::DeviceId& device, Way way, std::uint32_t bytes) {
  Entry& entry = entries_[device];
  if (way == Way::kLink) {
    entry.link_bytes += bytes;
    return;
  }
  ++entry.fabric_blocks;
  entry.fabric_bytes += bytes;
}

void Sources::returned(const base::DeviceId& device, Way way, std::uint32_t bytes) {
  Entry& entry = entries_[device];
  if (way == Way::kLink) {
    MUST(entry.link_bytes >= bytes);
    entry.link_bytes -= bytes;
  } else {
    MUST(entry.fabric_blocks > 0);
    --entry.fabric_blocks;
    entry.fabric_bytes -= bytes;
  }
  if (on_room_) on_room_();
}

}  // namespace weft::model
