#include "bep/model/model.hh"

#include <algorithm>
#include <chrono>
#include <utility>

#include "bep/model/index_settle.hh"
#include "bep/net/steady.hh"
#include "bep/proto/names.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::model {

using base::Errc;

namespace {

constexpr std::int64_t kStaleScanEveryNs = 10'000'000'000;   // whatever peers ask for
constexpr std::size_t kOpenTogetherMax = 16;                 // files that one worker job opens for peers

}  // namespace

Model::Model(boost::asio::io_context& io, Config config, ModelOptions options, IndexDb& index, Fabric& fabric,
             Workers& workers)
    : io_(io), config_(std::move(config)), options_(options), index_(index), fabric_(fabric), workers_(workers),
      sources_(fabric), quiet_timer_(io) {
  settle_index(config_, index_);
  sources_.set_on_room([this] {
    if (stopped_ || *room_posted_) return;
    *room_posted_ = true;
    boost::asio::post(io_, [this, weak = std::weak_ptr<bool>(room_posted_)] {
      if (weak.lock()) on_room();
    });
  });
  PullObserver& observer = *this;
  for (const FolderConfig& folder : config_.folders) {
    FolderSetup setup{folder, options_.self, options_.direct, options_.fsync,
                      config_.options.keep_temporaries_h, options_.times};
    folders_.emplace(folder.id, std::make_unique<Folder>(io_, std::move(setup), index_, workers_, sources_, observer));
  }
}

Model::~Model() { stop(); }

void Model::start() {
  MUST(!stopped_);
  for (const auto& [id, folder] : folders_) folder->start();
}

void Model::quiesce(base::Duration at_most, std::function<void()> done) {
  sources_.hold();
  quiet_until_ = net::steady_now() + at_most;
  quieted_ = std::move(done);
  look_whether_quiet();
}

void Model::look_whether_quiet() {
  if (sources_.idle() || net::steady_now() >= quiet_until_) return std::exchange(quieted_, nullptr)();
  quiet_timer_.expires_after(std::chrono::milliseconds(2));
  quiet_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look_whether_quiet();
  });
}

void Model::stop() {
  if (stopped_) return;
  stopped_ = true;
  for (const auto& [id, folder] : folders_) folder->stop();
  for (const auto& [device, peer] : peers_) sources_.set_link(device, nullptr);
  peers_.clear();
  workers_.stop();
}

Folder* Model::find(std::string_view folder) const {
  const auto it = folders_.find(folder);
  return it == folders_.end() ? nullptr : it->second.get();
}

// ---- orders

base::Status Model::scan(std::string_view folder) {
  Folder* found = find(folder);
  if (found == nullptr) return base::fail(Errc::kNotFound, "no such folder");
  if (found->config().paused) return base::fail(Errc::kUnavailable, "the folder is paused");
  if (!found->config().refusal.empty()) return base::fail(Errc::kUnavailable, "the folder is refused");
  found->scan();
  return {};
}

void Model::scan_all() {
  for (const auto& [id, folder] : folders_) (void)scan(id);
}

void Model::on_fabric_changed() {
  if (stopped_) return;
  for (const auto& [id, folder] : folders_) folder->pump();
}

// The windows belong to the device: what one folder gives back another may wait for, with nothing of its own under way
// that would wake it. Each time another folder comes first.
void Model::on_room() {
  *room_posted_ = false;
  if (stopped_ || folders_.empty()) return;
  auto first = folders_.lower_bound(room_first_);
  if (first == folders_.end()) first = folders_.begin();
  for (auto it = first; it != folders_.end(); ++it) it->second->on_room();
  for (auto it = folders_.begin(); it != first; ++it) it->second->on_room();
  ++first;
  room_first_ = first == folders_.end() ? std::string{} : first->first;
}

// ---- to show

base::Result<FolderStatus> Model::folder_status(std::string_view folder) const {
  const Folder* found = find(folder);
  if (found == nullptr) return base::fail(Errc::kNotFound, "no such folder");
  return found->status();
}

base::Result<Completion> Model::completion(std::string_view folder, const base::DeviceId& device) const {
  if (find(folder) == nullptr) return base::fail(Errc::kNotFound, "no such folder");
  return device == options_.self ? index_.completion_local(folder) : index_.completion(folder, device);
}

std::vector<TransferInfo> Model::transfers() const {
  std::vector<TransferInfo> all;
  for (const auto& [id, folder] : folders_) {
    std::vector<TransferInfo> some = folder->transfers();
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return all;
}

const Peer* Model::peer(const base::DeviceId& device) const {
  const auto it = peers_.find(device);
  return it == peers_.end() ? nullptr : it->second.get();
}

// ---- what peers may have

int Model::root_for(const base::DeviceId& device, const std::string& folder) const {
  const Folder* found = find(folder);
  if (found == nullptr || !found->runs() || found->config().paused) return -1;
  const std::vector<base::DeviceId>& devices = found->config().devices;
  return std::ranges::find(devices, device) == devices.end() ? -1 : found->root();
}

void Model::open_for_peer(const base::DeviceId& device, const RemoteFile& file, ServedDone done) {
  const auto answer = [this, &done](Errc code, const char* text) {
    boost::asio::post(io_, [done = std::move(done), code, text] { done(base::fail(code, text)); });
  };
  if (stopped_) return answer(Errc::kNotFound, "stopped");
  const int root = root_for(device, file.folder);
  if (root < 0) return answer(Errc::kPermission, "the folder is not shared with the device");
  if (!proto::is_valid_name(file.name) || proto::is_internal_name(file.name) || proto::is_temp_name(file.name))
    return answer(Errc::kNotFound, "a name that is never served");
  const std::optional<LocalFile> local = index_.get_local(file.folder, file.name);
  const bool served = local && local->flags == 0 && !local->info.deleted && !local->info.invalid &&
                      local->info.type == proto::FileType::kFile;
  if (!served || local->info.version != file.version || local->info.size != file.size)
    return answer(Errc::kNotFound, "not the version that was asked for");
  if (opening_.empty())
    boost::asio::post(io_, [this, weak = std::weak_ptr<bool>(room_posted_)] {
      if (weak.lock()) open_gathered();
    });
  opening_.push_back({root, file.folder, local->info, std::move(done)});
}

void Model::open_gathered() {
  std::vector<Opening> gathered = std::exchange(opening_, {});
  for (std::size_t at = 0; at < gathered.size();) {
    const int root = gathered[at].root;
    std::vector<proto::FileInfo> infos;
    std::vector<Opening> waiting;
    for (; at < gathered.size() && infos.size() < kOpenTogetherMax && gathered[at].root == root; ++at) {
      infos.push_back(std::move(gathered[at].info));
      waiting.push_back(std::move(gathered[at]));
    }
    workers_.run(
        [root, infos = std::move(infos), direct = options_.direct] {
          Directories directories(root);
          std::vector<base::Result<ServedFile>> opened;
          for (const proto::FileInfo& info : infos) opened.push_back(open_served(directories, info, direct));
          return opened;
        },
        [this, waiting = std::move(waiting)](std::vector<base::Result<ServedFile>> opened) {
          for (std::size_t i = 0; i < waiting.size(); ++i) {
            const bool stale = !opened[i] && (opened[i].error().code == Errc::kNotFound ||
                                              opened[i].error().code == Errc::kInvalidArgument);
            if (stale) scan_stale(waiting[i].folder);
            waiting[i].done(std::move(opened[i]));
          }
        });
  }
}

// ---- links

void Model::on_link_ready(net::Link& link, const proto::Hello&) {
  if (stopped_) return;
  const base::DeviceId device = link.device();
  std::unique_ptr<Peer>& peer = peers_[device];
  if (!peer) {
    PeerHost& host = *this;
    peer = std::make_unique<Peer>(device, config_, options_.self, options_.link_strategy, index_, workers_, host);
    sources_.set_link(device, peer.get());
  }
  peer->add_link(link);
}

void Model::on_primary(net::Link* before, net::Link& now) {
  if (before != nullptr) fabric_.on_link_down(*before);
  fabric_.on_link_up(now);
}

void Model::on_private(net::Link& link, const proto::PrivateReceived& message) {
  fabric_.on_private(link, static_cast<int>(message.type), message.bytes);
}

void Model::on_message(net::Link& link, proto::Event& event) {
  const auto it = peers_.find(link.device());
  if (!stopped_ && it != peers_.end()) it->second->handle(link, event);
}

void Model::on_link_closed(net::Link& link, net::CloseReason, std::string_view) {
  const auto it = peers_.find(link.device());
  if (stopped_ || it == peers_.end()) return fabric_.on_link_down(link);
  it->second->remove_link(link);
  if (it->second->primary() != nullptr) return;
  sources_.set_link(link.device(), nullptr);
  fabric_.on_link_down(link);
  const std::unique_ptr<Peer> ended = std::move(it->second);
  peers_.erase(it);
}

void Model::on_output_drained(net::Link& link) {
  const auto it = peers_.find(link.device());
  if (!stopped_ && it != peers_.end()) it->second->on_output_drained(link);
}

void Model::on_suspicion(net::Link& link) {
  const auto it = peers_.find(link.device());
  if (!stopped_ && it != peers_.end()) it->second->on_suspicion();
}

// ---- news from inside

void Model::on_remote_index(const std::string& folder) {
  Folder* found = find(folder);
  if (found == nullptr) return;
  found->pump();
  found->on_remote_change();
}

// Only what our index offers counts: a peer cannot order scans by asking for what never was.
void Model::on_not_found(const proto::Request& request) {
  const std::optional<LocalFile> local = index_.get_local(request.folder, request.name);
  if (!local || local->flags != 0 || local->info.deleted || local->info.invalid) return;
  const bool offered = std::ranges::any_of(local->info.blocks, [&](const proto::Block& block) {
    return block.offset == request.offset && block.size == request.size &&
           std::ranges::equal(block.hash, request.hash);
  });
  if (offered) scan_stale(request.folder);
}

void Model::scan_stale(const std::string& folder) {
  const std::int64_t now = net::steady_now().ns;
  const auto [last, first] = stale_scans_ns_.try_emplace(folder, now);
  if (!first && now - last->second < kStaleScanEveryNs) return;
  last->second = now;
  (void)scan(folder);
}

void Model::on_index_changed(const std::string& folder) {
  for (const auto& [device, peer] : peers_) peer->on_local_index(folder);
}

void Model::on_bytes(Way way, std::uint64_t bytes) {
  MUST(way != Way::kNone);
  (way == Way::kFabric ? totals_.bytes_via_fabric : totals_.bytes_via_link) += bytes;
  stalls_.on_block(net::steady_now().ns);
}

void Model::on_reused(std::uint64_t bytes) { totals_.bytes_reused += bytes; }

void Model::on_pull_ended(const std::string&) {
  const bool pulling = std::ranges::any_of(
      folders_, [](const auto& entry) { return !entry.second->transfers().empty(); });
  if (!pulling) stalls_.on_idle();
}

}  // namespace weft::model
