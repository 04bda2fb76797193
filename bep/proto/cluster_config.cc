// ClusterConfig's codec; declared in messages.hh.
#include "bep/proto/messages.hh"

#include <utility>

#include "bep/proto/names.hh"
#include "bep/proto/pb_convert.hh"
#include "bep/proto/text.hh"

namespace weft::proto {
namespace {

constexpr std::uint32_t kFoldersField = 1, kDevicesField = 16, kAddressesField = 3;

// Counts everything that repeats before protobuf makes objects of it.
Reason check_bounds(base::Bytes bytes) {
  std::size_t folders = 0, devices = 0, addresses = 0;
  bool bounded = true;
  const auto visit_device = [&](base::Bytes device) {
    const auto more = count_entries(device, kAddressesField);
    if (!more) return false;
    addresses += *more;
    bounded = ++devices <= kFolderDevicesMax && addresses <= kAddressesMax;
    return bounded;
  };
  const auto visit_folder = [&](base::Bytes folder) {
    bounded = ++folders <= kFoldersMax;
    return bounded && for_each_entry(folder, kDevicesField, visit_device);
  };
  if (for_each_entry(bytes, kFoldersField, visit_folder)) return Reason::kNone;
  return bounded ? Reason::kMessageBroken : Reason::kMessageTooMany;
}

bool take_text(const std::string& from, std::string& to) {
  to = from;
  return is_utf8(to);
}

Reason take_device(const bep::Device& from, ClusterDevice& to) {
  if (from.id().size() != to.id.size()) return Reason::kDeviceIdLength;
  std::memcpy(to.id.data(), from.id().data(), to.id.size());
  if (!take_text(from.name(), to.name)) return Reason::kMessageBroken;
  if (!take_text(from.cert_name(), to.cert_name)) return Reason::kMessageBroken;
  for (const std::string& address : from.addresses())
    if (!take_text(address, to.addresses.emplace_back())) return Reason::kMessageBroken;
  const bool known = from.compression() <= static_cast<std::uint32_t>(Compression::kAlways);
  to.compression = known ? static_cast<Compression>(from.compression()) : Compression::kMetadata;
  to.max_sequence = from.max_sequence();
  to.introducer = from.introducer();
  to.index_id = from.index_id();
  to.skip_introduction_removals = from.skip_introduction_removals();
  to.encryption_password_token = vector_of(from.encryption_password_token());
  return Reason::kNone;
}

Reason take_folder(const bep::Folder& from, ClusterFolder& to) {
  if (!take_text(from.id(), to.id)) return Reason::kMessageBroken;
  if (!take_text(from.label(), to.label)) return Reason::kMessageBroken;
  to.type = from.type();
  to.ignore_permissions = from.ignore_permissions();
  to.ignore_delete = from.ignore_delete();
  to.disable_temp_indexes = from.disable_temp_indexes();
  // 1.19 has a flag here; in 2.x every number but 1 means running.
  to.paused = from.stop_reason() == 1;
  for (const bep::Device& device : from.devices()) {
    const Reason reason = take_device(device, to.devices.emplace_back());
    if (reason != Reason::kNone) return reason;
  }
  return Reason::kNone;
}

void put_device(const ClusterDevice& from, bep::Device& to) {
  to.set_id(from.id.data(), from.id.size());
  to.set_name(from.name);
  for (const std::string& address : from.addresses) to.add_addresses(address);
  to.set_compression(static_cast<std::uint32_t>(from.compression));
  to.set_cert_name(from.cert_name);
  to.set_max_sequence(from.max_sequence);
  to.set_introducer(from.introducer);
  to.set_index_id(from.index_id);
  to.set_skip_introduction_removals(from.skip_introduction_removals);
  to.set_encryption_password_token(string_of(from.encryption_password_token));
}

void put_folder(const ClusterFolder& from, bep::Folder& to) {
  to.set_id(from.id);
  to.set_label(from.label);
  to.set_type(from.type);
  to.set_ignore_permissions(from.ignore_permissions);
  to.set_ignore_delete(from.ignore_delete);
  to.set_disable_temp_indexes(from.disable_temp_indexes);
  to.set_stop_reason(from.paused ? 1 : 0);
  for (const ClusterDevice& device : from.devices) put_device(device, *to.add_devices());
}

}  // namespace

void encode(const ClusterConfig& message, std::vector<std::byte>& out) {
  bep::ClusterConfig to;
  for (const ClusterFolder& folder : message.folders) put_folder(folder, *to.add_folders());
  to.set_secondary(message.secondary);
  append_message(to, out);
}

Reason decode(base::Bytes bytes, ClusterConfig& out) {
  out = {};
  const Reason bounds = check_bounds(bytes);
  if (bounds != Reason::kNone) return bounds;
  bep::ClusterConfig from;
  if (!parse(bytes, from)) return Reason::kMessageBroken;
  out.secondary = from.secondary();
  for (const bep::Folder& folder : from.folders()) {
    const Reason reason = take_folder(folder, out.folders.emplace_back());
    if (reason != Reason::kNone) return reason;
  }
  return Reason::kNone;
}

}  // namespace weft::proto
