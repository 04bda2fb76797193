#include "bep/model/peer.hh"

#include <algorithm>
#include <utility>

#include "bep/model/index_db.hh"
#include "bep/net/steady.hh"
#include "bep/proto/names.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

using base::Errc;
using base::Field;
using base::LogLevel;
using base::Subsystem;

std::uint32_t to_wire(FolderType type) {
  switch (type) {
    case FolderType::kSendReceive: return 0;
    case FolderType::kSendOnly: return 1;
    case FolderType::kReceiveOnly: return 2;
  }
  MUST(false);
}

const proto::ClusterDevice* entry_of(const proto::ClusterFolder& folder, const base::DeviceId& device) {
  const auto it = std::ranges::find(folder.devices, device, &proto::ClusterDevice::id);
  return it == folder.devices.end() ? nullptr : &*it;
}

bool is_shared_with(const FolderConfig& folder, const base::DeviceId& device) {
  return std::ranges::find(folder.devices, device) != folder.devices.end();
}

// What an entry costs on the wire, near enough for a bound.
std::size_t wire_bytes(const proto::FileInfo& info) {
  return 100 + info.name.size() + info.symlink_target.size() + info.blocks.size() * 50;
}

std::uint64_t number_of(const std::unique_ptr<PeerLink>& link) { return link->link().number(); }

}  // namespace

IndexStart index_start(const proto::ClusterDevice& theirs_about_us, std::uint64_t our_index_id,
                       std::int64_t our_max_sequence) {
  MUST(our_index_id != 0);
  const bool known = theirs_about_us.index_id == our_index_id && theirs_about_us.max_sequence > 0 &&
                     theirs_about_us.max_sequence <= our_max_sequence;
  return known ? IndexStart{true, theirs_about_us.max_sequence} : IndexStart{};
}

proto::FileInfo entry_for_peer(const proto::FileInfo& info, std::uint32_t flags) {
  proto::FileInfo entry = info;
  if (flags == 0) return entry;
  entry.invalid = true;
  entry.blocks.clear();
  entry.blocks_hash.clear();
  if ((flags & kLocalReceiveOnly) != 0) entry.version = {};
  else entry.size = 0;
  return entry;
}

Peer::Peer(const base::DeviceId& device, const Config& config, const base::DeviceId& self, LinkStrategy strategy,
           IndexDb& index, Workers& workers, PeerHost& host)
    : device_(device), config_(config), self_(self), index_(index), host_(host),
      server_(workers, {[this](const std::string& folder) { return host_.root_for(device_, folder); },
                        [this] {
                          std::uint64_t bytes = 0;
                          for (const auto& link : links_)
                            if (!link->link().suspect()) bytes += link->link().output_bytes();   // what hangs holds up nobody
                          return bytes;
                        },
                        [this](std::uint64_t number) {
                          const PeerLink* const link = find(number);
                          return link != nullptr && link->link().suspect();
                        },
                        [this] {
                          for (const auto& link : links_) link->link().want_drained();
                        },
                        [this](std::uint64_t link, std::int32_t id, ServeAnswer answer) {
                          send_answer(link, id, std::move(answer));
                        },
                        [this](const proto::Request& request) { host_.on_not_found(request); }}),
      choice_(strategy, static_cast<std::uint64_t>(net::steady_now().ns)) {}

Peer::~Peer() = default;

// ---- links

PeerLink* Peer::find(std::uint64_t number) const {
  const auto it = std::ranges::find(links_, number, number_of);
  return it == links_.end() ? nullptr : it->get();
}

const LinkMeter* Peer::meter_of(const net::Link& link) const {
  const PeerLink* const known = find(link.number());
  return known == nullptr ? nullptr : &known->meter();
}

void Peer::add_link(net::Link& link) {
  links_.push_back(std::make_unique<PeerLink>(link));
  if (primary_ == nullptr) return promote(link);
  proto::ClusterConfig only;
  only.secondary = true;
  link.connection().send_cluster_config(only, net::steady_now());
  link.flush();
}

void Peer::remove_link(net::Link& link) {
  const auto it = std::ranges::find(links_, link.number(), number_of);
  if (it == links_.end()) return;
  const std::unique_ptr<PeerLink> ended = std::move(*it);   // its requests end when this function does, and find the others
  links_.erase(it);
  server_.forget(link.number());
  if (primary_ == &link) {
    for (auto& [folder, exchange] : exchanges_) exchange.ready = false;
    if (links_.empty()) primary_ = nullptr;
    else promote(best().link());
  }
  server_.on_output_drained();   // what waited in its output holds up the others no more
}

PeerLink& Peer::best() const {
  MUST(!links_.empty());
  return **std::ranges::min_element(links_, {}, [](const auto& link) {
    return !link->link().ready() ? 2 : link->link().suspect() ? 1 : 0;
  });
}

void Peer::on_suspicion() {
  PeerLink& fine = best();
  if (!fine.link().ready() || fine.link().suspect()) return;
  for (const auto& link : links_)
    if (link->link().suspect()) link->give_up();
  server_.on_output_drained();
}

void Peer::promote(net::Link& link) {
  net::Link* const before = std::exchange(primary_, &link);
  if (before != nullptr)
    if (PeerLink* const demoted = find(before->number())) demoted->was_primary = true;
  link.connection().send_cluster_config(our_cluster_config(), net::steady_now());
  link.flush();
  host_.on_primary(before, link);   // after our ClusterConfig: nothing may be sent before it
  PeerLink* const promoted = find(link.number());
  MUST(promoted != nullptr);
  for (proto::Event& event : promoted->take_held()) handle_of_primary(event);
}

// ---- ClusterConfig

proto::ClusterConfig Peer::our_cluster_config() {
  proto::ClusterConfig config;
  for (const FolderConfig& folder : config_.folders) {
    if (!is_shared_with(folder, device_) || !folder.refusal.empty()) continue;
    const base::Result<std::uint64_t> index_id = index_.ensure_folder(folder.id);
    if (!index_id) {
      base::log(Subsystem::kFolders, LogLevel::kError, "folder has no index",
                {{"folder", folder.id}, {"error", index_id.error().text}});
      continue;
    }
    proto::ClusterFolder out;
    out.id = folder.id;
    out.label = folder.label;
    out.type = to_wire(folder.type);
    out.ignore_permissions = folder.ignore_perms;
    out.ignore_delete = folder.ignore_delete;
    out.paused = folder.paused;
    for (const base::DeviceId& id : folder.devices) {
      const DeviceConfig* known = config_.device(id);
      if (known == nullptr || (known->untrusted && id != device_)) continue;
      proto::ClusterDevice entry;
      entry.id = id;
      entry.name = known->name;
      entry.addresses = known->addresses;
      entry.compression = known->compression;
      entry.cert_name = known->cert_name;
      entry.index_id = id == self_ ? *index_id : index_.remote_index_id(folder.id, id);
      entry.max_sequence = id == self_ ? index_.max_sequence_local(folder.id)
                                       : index_.max_sequence_remote(folder.id, id);
      out.devices.push_back(std::move(entry));
    }
    if (!folder.paused) exchanges_[folder.id] = {.index_id = *index_id, .shared = exchanges_[folder.id].shared};
    config.folders.push_back(std::move(out));
  }
  return config;
}

void Peer::on_cluster_config(const proto::ClusterConfig& config) {
  for (const proto::ClusterFolder& folder : config.folders) {
    const char* wrong = entry_of(folder, device_) == nullptr ? "remote device missing in cluster config"
                        : entry_of(folder, self_) == nullptr  ? "local device missing in cluster config"
                                                              : nullptr;
    if (wrong == nullptr) continue;
    base::log(Subsystem::kFolders, LogLevel::kWarn, "bad cluster config",
              {{"device", proto::to_text(device_)}, {"folder", folder.id}, {"reason", wrong}});
    return primary_->close(std::string("handling cluster-config: ") + wrong, net::CloseReason::kProtocol);
  }
  for (auto& [id, exchange] : exchanges_) exchange.shared = exchange.ready = false;
  for (const proto::ClusterFolder& folder : config.folders) on_folder(folder);
}

void Peer::on_folder(const proto::ClusterFolder& folder) {
  const auto it = exchanges_.find(folder.id);
  if (it == exchanges_.end()) {
    base::log(Subsystem::kFolders, LogLevel::kInfo, "the device offers a folder that is not shared with it here",
              {{"device", proto::to_text(device_)}, {"folder", folder.id}, {"label", folder.label}});
    return;
  }
  Exchange& exchange = it->second;
  const proto::ClusterDevice& about_itself = *entry_of(folder, device_);
  const proto::ClusterDevice& about_us = *entry_of(folder, self_);
  if (about_itself.index_id == 0 || about_itself.index_id != index_.remote_index_id(folder.id, device_)) {
    base::Status kept = index_.drop_remote(folder.id, device_);
    if (kept) kept = index_.set_remote_index_id(folder.id, device_, about_itself.index_id);
    if (!kept) return primary_->close("index database: " + std::string(kept.error().text));
  }
  if (!about_us.encryption_password_token.empty()) {
    base::log(Subsystem::kFolders, LogLevel::kWarn, "encrypted folders are not supported yet",
              {{"device", proto::to_text(device_)}, {"folder", folder.id}});
    return;
  }
  if (folder.paused) return;
  exchange.shared = exchange.ready = true;
  const IndexStart start = index_start(about_us, exchange.index_id, index_.max_sequence_local(folder.id));
  exchange.update = start.update;
  exchange.sent = start.after;
  base::log(Subsystem::kFolders, LogLevel::kInfo, "index exchange begins",
            {{"device", proto::short_id_text(proto::short_id(device_))}, {"folder", folder.id},
             {"delta", start.update}, {"after", start.after}});
  send_index(folder.id, exchange);
  host_.on_remote_index(folder.id);
}

// ---- index

void Peer::send_index(const std::string& folder, Exchange& exchange) {
  while (exchange.ready && primary_->ready() && !primary_->output_full()) {
    proto::Index index;
    index.folder = folder;
    std::size_t bytes = 0;
    index_.for_each_local_since(folder, exchange.sent, kIndexFilesPerMessage, [&](const LocalFile& file) {
      bytes += wire_bytes(file.info);
      if (!index.files.empty() && bytes > kIndexBytesPerMessage) return false;
      index.files.push_back(entry_for_peer(file.info, file.flags));
      return true;
    });
    if (index.files.empty()) return;
    index.last_sequence = index.files.back().sequence;
    MUST(index.last_sequence > exchange.sent);
    if (exchange.update) index.prev_sequence = exchange.sent;
    primary_->connection().send_index(exchange.update, index, net::steady_now());
    ++counters_.index_messages_out;
    counters_.index_entries_out += index.files.size();
    exchange.update = true;
    exchange.sent = index.last_sequence;
  }
}

void Peer::on_local_index(const std::string& folder) {
  const auto it = exchanges_.find(folder);
  if (it == exchanges_.end() || primary_ == nullptr) return;
  send_index(folder, it->second);
  primary_->flush();
}

void Peer::on_index(proto::IndexReceived& received) {
  const std::string& folder = received.index.folder;
  if (!exchanges_.contains(folder))
    return primary_->close("handling index for " + folder + ": " + folder + ": no such folder",
                       net::CloseReason::kProtocol);
  ++counters_.index_messages_in;
  counters_.index_entries_in += received.index.files.size();
  for (proto::FileInfo& file : received.index.files)
    if (proto::is_internal_name(file.name) || proto::is_temp_name(file.name)) file.invalid = true;
  base::Status stored;
  if (!received.update) stored = index_.drop_remote(folder, device_);
  if (stored) stored = index_.update_remote(folder, device_, received.index.files);
  if (!stored) {
    base::log(Subsystem::kFolders, LogLevel::kError, "cannot store the index of a device",
              {{"folder", folder}, {"error", stored.error().text}});
    return primary_->close("index database: " + std::string(stored.error().text));
  }
  host_.on_remote_index(folder);
}

// ---- requests

bool Peer::serves(const std::string& folder) const {
  const auto it = exchanges_.find(folder);
  return it != exchanges_.end() && it->second.shared &&
         std::ranges::any_of(links_, [](const auto& link) { return link->link().ready(); });
}

void Peer::request(const LinkRequest& request, LinkDone done) {
  MUST(!links_.empty());
  views_.clear();
  for (const auto& link : links_) views_.push_back(link->view(static_cast<std::uint32_t>(request.size)));
  ++counters_.requests_out;
  const auto picked = choice_.pick(views_);
  (picked ? *links_[*picked] : best()).request(request, std::move(done));
}

void Peer::send_answer(std::uint64_t link, std::int32_t id, ServeAnswer answer) {
  const PeerLink* const to = find(link);
  if (to == nullptr) return;   // it ended meanwhile
  to->link().connection().send_response(id, answer.code, std::move(answer.data), net::steady_now());
  to->link().flush();
}

// ---- events

void Peer::handle(net::Link& link, proto::Event& event) {
  PeerLink* const known = find(link.number());
  if (known == nullptr) return;
  if (auto* request = std::get_if<proto::RequestReceived>(&event)) {
    server_.handle(link.number(), std::move(request->request));
  } else if (auto* response = std::get_if<proto::ResponseReceived>(&event)) {
    ++counters_.responses_in;
    if (!known->handle_response(*response)) ++counters_.responses_unknown;
  } else if (&link == primary_) {
    handle_of_primary(event);
  } else {
    handle_of_other(*known, event);
  }
}

void Peer::handle_of_primary(proto::Event& event) {
  if (auto* config = std::get_if<proto::ClusterConfigReceived>(&event)) {
    if (config->config.secondary) return;
    for (const auto& link : links_) {   // both ends agree again
      (void)link->take_held();
      link->called_secondary = &link->link() != primary_;
    }
    on_cluster_config(config->config);
  } else if (auto* index = std::get_if<proto::IndexReceived>(&event)) {
    on_index(*index);
  } else if (auto* own = std::get_if<proto::PrivateReceived>(&event)) {
    host_.on_private(*primary_, *own);
  }
  // DownloadProgress is a hint that we have no use for; the ends of the link are bep/net's.
}

void Peer::handle_of_other(PeerLink& link, proto::Event& event) {
  const auto* config = std::get_if<proto::ClusterConfigReceived>(&event);
  if (config != nullptr && config->config.secondary) {
    link.called_secondary = true;
    return;
  }
  if (config != nullptr) {
    (void)link.take_held();
    link.was_primary = false;   // what follows is meant
    const bool on_purpose = std::exchange(link.called_secondary, false);
    if (on_purpose || !link.link().peer_is_weft() || device_ < self_) {
      promote(link.link());
      return handle_of_primary(event);
    }
  } else if (std::holds_alternative<proto::DownloadProgressReceived>(event) || link.was_primary) {
    return;   // of the latter: sent before the other end knew, and said again by the new one
  } else if (!link.holds()) {
    return link.link().close("only requests may come by a secondary connection", net::CloseReason::kProtocol);
  }
  // Its index would be said again by the new primary, from what our ClusterConfig says.
  if (std::holds_alternative<proto::IndexReceived>(event)) return;
  if (!link.hold(std::move(event)))
    link.link().close("both ends take another connection for the primary", net::CloseReason::kProtocol);
}

void Peer::on_output_drained(net::Link& link) {
  if (&link == primary_)
    for (auto& [folder, exchange] : exchanges_) send_index(folder, exchange);
  server_.on_output_drained();
  link.flush();
}

}  // namespace weft::model
