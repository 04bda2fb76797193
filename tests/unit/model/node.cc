#include "tests/unit/model/node.hh"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "bep/model/hasher.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/limits.hh"
#include "engine/base/must.hh"

namespace weft::model::test {

using base::Errc;

void FakeFabric::connect(const base::DeviceId& self, const base::DeviceId& other, FileServer* server) {
  self_ = self;
  other_ = other;
  server_ = server;
  up = true;
}

bool FakeFabric::usable(const base::DeviceId& device) const {
  return up && server_ != nullptr && device == other_ && blocks < dies_after;
}

void FakeFabric::open(const base::DeviceId& device, const RemoteFile& file, int fd, bool direct, OpenDone done) {
  if (!usable(device)) {
    boost::asio::post(io_, [done] { done(base::fail(Errc::kUnavailable, "no path")); });
    return;
  }
  if (opens_refused > 0) {
    --opens_refused;
    boost::asio::post(io_, [done] { done(base::fail(Errc::kNotFound, "another version")); });
    return;
  }
  server_->open_for_peer(self_, file, [this, fd, direct, done](base::Result<ServedFile> served) {
    if (!served) return done(tl::unexpected<base::Error>(served.error()));
    const std::uint32_t number = next_++;
    open_[number] = {std::move(*served), fd, direct, false};
    ++opened;
    done(number);
  });
}

base::Status FakeFabric::copy(const Opened& file, const BlockOrder& order) {
  // Aligned and padded, as O_DIRECT wants it and as the disk agent does it.
  const std::size_t padded = (order.size + base::kDirectAlignment - 1) / base::kDirectAlignment * base::kDirectAlignment;
  std::unique_ptr<std::byte, decltype(&std::free)> buffer(
      static_cast<std::byte*>(std::aligned_alloc(base::kDirectAlignment, padded)), &std::free);
  std::memset(buffer.get(), 0, padded);
  const ssize_t got = ::pread(file.served.fd.get(), buffer.get(), padded, static_cast<off_t>(order.offset));
  if (got < static_cast<ssize_t>(order.size)) return base::fail(Errc::kNotFound, "short file");
  if (sha256({buffer.get(), order.size}) != order.hash) return base::fail(Errc::kCorrupt, "wrong bytes");
  std::memset(buffer.get() + order.size, 0, padded - order.size);
  const std::size_t length = file.direct ? padded : order.size;
  if (::pwrite(file.fd, buffer.get(), length, static_cast<off_t>(order.offset)) != static_cast<ssize_t>(length))
    return base::fail_errno(errno, "write");
  return {};
}

void FakeFabric::release() {
  holding = false;
  for (auto& [order, done] : std::exchange(held_, {})) fetch(order, std::move(done));
}

void FakeFabric::fetch(const BlockOrder& order, BlockDone done) {
  MUST(open_.contains(order.transfer));
  if (holding) {
    held_.emplace_back(order, std::move(done));
    return;
  }
  boost::asio::post(io_, [this, order, done] {
    if (!open_.contains(order.transfer) || !usable(other_))
      return done(base::fail(Errc::kUnavailable, "paths gone"));
    if (blocks == handle_dies_at) {
      handle_dies_at = UINT64_MAX;
      open_.at(order.transfer).dead = true;
    }
    if (open_.at(order.transfer).dead) return done(base::fail(Errc::kUnavailable, "the handle is not known"));
    if (corrupted < corrupt_first) {
      ++corrupted;
      return done(base::fail(Errc::kCorrupt, "wrong bytes"));
    }
    ++blocks;
    const base::Status status = copy(open_.at(order.transfer), order);
    done(status);
    if (on_block) on_block();
  });
}

void FakeFabric::close(std::uint32_t transfer, std::function<void()> gone) {
  boost::asio::post(io_, [this, transfer, gone] {
    MUST(open_.erase(transfer) == 1);
    ++closed;
    gone();
  });
}

Node::Node(boost::asio::io_context& io, std::string name, NodeOptions options)
    : io_(io), name_(std::move(name)), options_(std::move(options)) {
  root_ = options_.root.empty() ? home_.path() / "folder" : options_.root;
  std::string why;
  base::Result<net::Identity> identity = net::Identity::generate(home_.path() / "home", why);
  MUST(identity.has_value());
  identity_.emplace(std::move(*identity));
}

Node::~Node() { stop(); }

void Node::start() {
  Config config;
  FolderConfig folder;
  folder.id = "f";
  folder.path = root_;
  folder.type = options_.type;
  folder.ignore_perms = options_.ignore_perms;
  folder.fs_watcher_enabled = false;
  folder.devices = others_;
  for (const base::DeviceId& id : others_) {
    DeviceConfig device;
    device.id = id;
    device.addresses = {"dynamic"};
    config.devices.push_back(device);
  }
  config.folders.push_back(folder);
  if (options_.second_folder) {
    folder.id = "g";
    folder.path = second_root();
    config.folders.push_back(folder);
  }
  MUST(prepare(config, id(), name_).has_value());
  workers = std::make_unique<Workers>(io_, 2);
  ConfigResult<std::unique_ptr<IndexDb>> opened = IndexDb::open(home_.path() / "home" / "weft.db");
  MUST(opened.has_value());
  index = std::move(*opened);
  if (!fabric) fabric = std::make_unique<FakeFabric>(io_);
  ModelOptions options;
  options.self = id();
  options.link_strategy = options_.strategy;
  options.times.retry_first_s = 1;
  options.times.disk_retry_s = 1;
  model = std::make_unique<Model>(io_, std::move(config), options, *index, *fabric, *workers);
  model->start();
}

void Node::make_links(std::vector<std::string> addresses, const base::DeviceId* dialled, bool listens) {
  net::LinkManagerConfig config;
  config.identity = &*identity_;
  for (const base::DeviceId& other : others_) {
    net::LinkDevice device = link_device(other);
    if (dialled != nullptr && other == *dialled) device.addresses = addresses;
    config.devices.push_back(device);
  }
  if (listens) config.listen = {"tcp://127.0.0.1:0"};
  config.hello.device_name = name_;
  config.hello.weft_version = proto::kWeftVersion;
  config.redial = {base::milliseconds(20)};
  config.dial_times.more_after = base::milliseconds(5);
  if (options_.connections == 1) config.replace.age = base::milliseconds(0);
  std::string why;
  auto made = net::LinkManager::make(io_, std::move(config), *model, why);
  MUST(made.has_value());
  links = std::move(*made);
  links->start();
}

net::LinkDevice Node::link_device(const base::DeviceId& other) const {
  net::LinkDevice device;
  device.id = other;
  device.connections = options_.connections;
  return device;
}

void Node::dial_each_other(Node& one, Node& other) {
  one.listen();
  other.listen();
  for (const auto& [from, to] : {std::pair{&one, &other}, std::pair{&other, &one}}) {
    net::LinkDevice device = from->link_device(to->id());
    device.addresses = {to->links->listeners().at(0).actual};
    from->links->set_devices({device});
  }
}

void Node::listen() { make_links({}, nullptr, true); }

void Node::dial(const Node& other) {
  MUST(other.links != nullptr);
  const base::DeviceId id = other.id();
  make_links({other.links->listeners().at(0).actual}, &id, false);
}

void Node::stop() {
  if (!model) return;
  if (links) {
    links->stop();
    for (int i = 0; i < 200 && !links->links().empty(); ++i) {
      io_.restart();
      io_.run_for(std::chrono::milliseconds(5));
    }
  }
  model->stop();
  links.reset();
  model.reset();
  index.reset();
  workers.reset();
}

bool Node::in_sync() const {
  const FolderStatus now = status();
  return now.state == FolderState::kIdle && now.counts.need == Counts{} && now.last_scan_s != 0 &&
         now.counts.global == now.counts.local;
}

bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_for(std::chrono::milliseconds(5));
  }
  return true;
}

void run_a_while(boost::asio::io_context& io) {
  for (int i = 0; i < 20; ++i) {
    io.restart();
    io.run_for(std::chrono::milliseconds(10));
  }
}

}  // namespace weft::model::test
