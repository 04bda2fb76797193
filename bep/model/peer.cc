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

base::Error error_of(proto::ErrorCode code) {
  switch (code) {
    case proto::ErrorCode::kNoSuchFile: return {Errc::kNotFound, 0, "the peer does not have the block any more"};
    case proto::ErrorCode::kInvalidFile: return {Errc::kInvalidArgument, 0, "the peer refuses the file"};
    default: return {Errc::kUnavailable, 0, "the peer cannot read the block"};
  }
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

Peer::Peer(net::Link& link, const Config& config, const base::DeviceId& self, IndexDb& index, Workers& workers,
           PeerHost& host)
    : link_(link), config_(config), self_(self), index_(index), host_(host),
      server_(workers, {[this](const std::string& folder) { return host_.root_for(device(), folder); },
                        [this] { return std::uint64_t{link_.output_bytes()}; },
                        [this](std::int32_t id, ServeAnswer answer) { send_answer(id, std::move(answer)); },
                        [this](const proto::Request& request) { host_.on_not_found(request); }}) {}

Peer::~Peer() {
  for (auto& [id, done] : std::exchange(outstanding_, {}))
    done(base::fail(Errc::kClosed, "the link was closed"));
}

// ---- ClusterConfig

void Peer::start() {
  link_.connection().send_cluster_config(our_cluster_config(), net::steady_now());
  link_.flush();
}

proto::ClusterConfig Peer::our_cluster_config() {
  proto::ClusterConfig config;
  for (const FolderConfig& folder : config_.folders) {
    if (!is_shared_with(folder, device()) || !folder.refusal.empty()) continue;
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
      if (known == nullptr || (known->untrusted && id != device())) continue;
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
    if (!folder.paused) exchanges_[folder.id] = {*index_id};
    config.folders.push_back(std::move(out));
  }
  return config;
}

void Peer::on_cluster_config(const proto::ClusterConfig& config) {
  if (config.secondary) return;    // an additional connection of a 2.x peer: requests only
  for (const proto::ClusterFolder& folder : config.folders) {
    const char* wrong = entry_of(folder, device()) == nullptr ? "remote device missing in cluster config"
                        : entry_of(folder, self_) == nullptr  ? "local device missing in cluster config"
                                                              : nullptr;
    if (wrong == nullptr) continue;
    base::log(Subsystem::kFolders, LogLevel::kWarn, "bad cluster config",
              {{"device", proto::to_text(device())}, {"folder", folder.id}, {"reason", wrong}});
    return link_.close(std::string("handling cluster-config: ") + wrong, net::CloseReason::kProtocol);
  }
  for (auto& [id, exchange] : exchanges_) exchange.ready = false;
  for (const proto::ClusterFolder& folder : config.folders) on_folder(folder);
}

void Peer::on_folder(const proto::ClusterFolder& folder) {
  const auto it = exchanges_.find(folder.id);
  if (it == exchanges_.end()) {
    base::log(Subsystem::kFolders, LogLevel::kInfo, "the device offers a folder that is not shared with it here",
              {{"device", proto::to_text(device())}, {"folder", folder.id}, {"label", folder.label}});
    return;
  }
  Exchange& exchange = it->second;
  const proto::ClusterDevice& about_itself = *entry_of(folder, device());
  const proto::ClusterDevice& about_us = *entry_of(folder, self_);
  if (about_itself.index_id == 0 || about_itself.index_id != index_.remote_index_id(folder.id, device())) {
    base::Status kept = index_.drop_remote(folder.id, device());
    if (kept) kept = index_.set_remote_index_id(folder.id, device(), about_itself.index_id);
    if (!kept) return link_.close("index database: " + std::string(kept.error().text));
  }
  if (!about_us.encryption_password_token.empty()) {
    base::log(Subsystem::kFolders, LogLevel::kWarn, "encrypted folders are not supported yet",
              {{"device", proto::to_text(device())}, {"folder", folder.id}});
    return;
  }
  if (folder.paused) return;
  exchange.ready = true;
  const IndexStart start = index_start(about_us, exchange.index_id, index_.max_sequence_local(folder.id));
  exchange.update = start.update;
  exchange.sent = start.after;
  base::log(Subsystem::kFolders, LogLevel::kInfo, "index exchange begins",
            {{"device", proto::short_id_text(proto::short_id(device()))}, {"folder", folder.id},
             {"delta", start.update}, {"after", start.after}});
  send_index(folder.id, exchange);
  host_.on_remote_index(folder.id);
}

// ---- index

void Peer::send_index(const std::string& folder, Exchange& exchange) {
  while (exchange.ready && link_.ready() && !link_.output_full()) {
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
    link_.connection().send_index(exchange.update, index, net::steady_now());
    ++counters_.index_messages_out;
    counters_.index_entries_out += index.files.size();
    exchange.update = true;
    exchange.sent = index.last_sequence;
  }
}

void Peer::on_local_index(const std::string& folder) {
  const auto it = exchanges_.find(folder);
  if (it == exchanges_.end()) return;
  send_index(folder, it->second);
  link_.flush();
}

void Peer::on_index(proto::IndexReceived& received) {
  const std::string& folder = received.index.folder;
  if (!exchanges_.contains(folder))
    return link_.close("handling index for " + folder + ": " + folder + ": no such folder",
                       net::CloseReason::kProtocol);
  ++counters_.index_messages_in;
  counters_.index_entries_in += received.index.files.size();
  for (proto::FileInfo& file : received.index.files)
    if (proto::is_internal_name(file.name) || proto::is_temp_name(file.name)) file.invalid = true;
  base::Status stored;
  if (!received.update) stored = index_.drop_remote(folder, device());
  if (stored) stored = index_.update_remote(folder, device(), received.index.files);
  if (!stored) {
    base::log(Subsystem::kFolders, LogLevel::kError, "cannot store the index of a device",
              {{"folder", folder}, {"error", stored.error().text}});
    return link_.close("index database: " + std::string(stored.error().text));
  }
  host_.on_remote_index(folder);
}

// ---- requests

bool Peer::serves(const std::string& folder) const {
  const auto it = exchanges_.find(folder);
  return it != exchanges_.end() && it->second.ready && link_.ready();
}

void Peer::request(const LinkRequest& request, LinkDone done) {
  proto::Request out;
  do {
    out.id = next_request_;
    next_request_ = next_request_ == INT32_MAX ? 0 : next_request_ + 1;
  } while (outstanding_.contains(out.id));
  out.folder = request.folder;
  out.name = request.name;
  out.offset = request.offset;
  out.size = request.size;
  out.hash.assign(request.hash.begin(), request.hash.end());
  out.block_no = request.block_number;
  outstanding_.emplace(out.id, std::move(done));
  ++counters_.requests_out;
  link_.connection().send_request(out, net::steady_now());
  link_.flush();
}

void Peer::on_response(proto::ResponseReceived& response) {
  ++counters_.responses_in;
  const auto it = outstanding_.find(response.id);
  if (it == outstanding_.end()) {
    ++counters_.responses_unknown;
    return;
  }
  const LinkDone done = std::move(it->second);
  outstanding_.erase(it);
  if (response.code == proto::ErrorCode::kNone) done(std::move(response.data));
  else done(tl::unexpected<base::Error>(error_of(response.code)));
}

void Peer::send_answer(std::int32_t id, ServeAnswer answer) {
  link_.connection().send_response(id, answer.code, std::move(answer.data), net::steady_now());
  link_.flush();
}

// ---- events

void Peer::handle(proto::Event& event) {
  if (auto* config = std::get_if<proto::ClusterConfigReceived>(&event)) on_cluster_config(config->config);
  else if (auto* index = std::get_if<proto::IndexReceived>(&event)) on_index(*index);
  else if (auto* request = std::get_if<proto::RequestReceived>(&event)) server_.handle(std::move(request->request));
  else if (auto* response = std::get_if<proto::ResponseReceived>(&event)) on_response(*response);
  // DownloadProgress is a hint that we have no use for; the ends of the link are bep/net's.
}

void Peer::on_output_drained() {
  for (auto& [folder, exchange] : exchanges_) send_index(folder, exchange);
  server_.on_output_drained();
  link_.flush();
}

}  // namespace weft::model
