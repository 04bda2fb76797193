// Requests and ClusterConfigs of a peer that is not polite: each gets its code or its Close, nothing else happens.
#include "bep/model/serve.hh"

#include <gtest/gtest.h>

#include <deque>

#include "bep/model/hasher.hh"
#include "bep/net/steady.hh"
#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;
using proto::ErrorCode;

// A bare BEP peer: says what the test says.
class RawPeer : public net::LinkObserver {
 public:
  RawPeer(boost::asio::io_context& io, const base::DeviceId& other, const std::string& address) : io_(io) {
    std::string why;
    identity_.emplace(std::move(*net::Identity::generate(home_.path(), why)));
    other_ = other;
    address_ = address;
  }
  void dial() {
    net::LinkManagerConfig config;
    config.identity = &*identity_;
    net::LinkDevice device;
    device.id = other_;
    device.addresses = {address_};
    config.devices.push_back(device);
    std::string why;
    links_ = std::move(*net::LinkManager::make(io_, std::move(config), *this, why));
    links_->start();
  }
  [[nodiscard]] const base::DeviceId& id() const { return identity_->id(); }
  void set_address(const std::string& address) { address_ = address; }
  void on_link_ready(net::Link& ready, const proto::Hello&) override { link = &ready; }
  void on_message(net::Link&, proto::Event& event) override { events.push_back(std::move(event)); }
  void on_link_closed(net::Link&, net::CloseReason, std::string_view text) override {
    link = nullptr;
    close_text = text;
  }
  void on_output_drained(net::Link&) override {}

  proto::ClusterConfig cluster_config(bool with_us, bool with_them) const {
    proto::ClusterConfig config;
    config.folders.push_back({});
    config.folders[0].id = "f";
    proto::ClusterDevice device;
    device.id = id();
    if (with_us) config.folders[0].devices.push_back(device);
    device.id = other_;
    if (with_them) config.folders[0].devices.push_back(device);
    return config;
  }
  template <typename T> T* last() {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (auto* event = std::get_if<T>(&*it)) return event;
    return nullptr;
  }

  net::Link* link = nullptr;
  std::string close_text;
  std::deque<proto::Event> events;

 private:
  boost::asio::io_context& io_;
  TempDir home_;
  std::optional<net::Identity> identity_;
  base::DeviceId other_{};
  std::string address_;
  std::unique_ptr<net::LinkManager> links_;
};

// Node wants a Node to share with: this one only lends its identity.
class ServeTest : public ::testing::Test {
 protected:
  ServeTest() : node_(io_, "a"), raw_(io_, node_.id(), "") {
    node_.share_with(raw_.id());
    write_file(node_.root() / "file", content_);
    write_file(dir_.path() / "outside", "secret");
    fs::create_symlink(dir_.path(), node_.root() / "link");
    write_file(node_.root() / ".syncthing.coming.tmp", content_);
    node_.start();
    EXPECT_TRUE(run_until(io_, [this] { return node_.status().last_scan_s != 0; }));
    node_.listen();
    raw_.set_address(node_.links->listeners().at(0).actual);
    raw_.dial();
    EXPECT_TRUE(run_until(io_, [this] { return raw_.link != nullptr; }));
  }
  void send(const proto::ClusterConfig& config) {
    raw_.link->connection().send_cluster_config(config, net::steady_now());
    raw_.link->flush();
  }
  ErrorCode ask(const proto::Request& request, std::string* data = nullptr) {
    proto::Request out = request;
    out.id = ++id_;
    if (out.hash.empty()) out.hash.assign(hash_.begin(), hash_.end());
    raw_.link->connection().send_request(out, net::steady_now());
    raw_.link->flush();
    const auto answered = [&] {
      const auto* response = raw_.last<proto::ResponseReceived>();
      return response != nullptr && response->id == id_;
    };
    EXPECT_TRUE(run_until(io_, answered));
    const auto* response = raw_.last<proto::ResponseReceived>();
    if (data != nullptr)
      data->assign(reinterpret_cast<const char*>(response->data.bytes().data()), response->data.bytes().size());
    return response->code;
  }
  static proto::Request request(std::string folder, std::string name, std::int64_t offset, std::int32_t size) {
    proto::Request out;
    out.folder = std::move(folder);
    out.name = std::move(name);
    out.offset = offset;
    out.size = size;
    return out;
  }

  boost::asio::io_context io_;
  TempDir dir_;
  const std::string content_ = random_bytes(1000, 9);
  const base::Sha256 hash_ = sha256(std::as_bytes(std::span(content_)));
  Node node_;
  RawPeer raw_;
  std::int32_t id_ = 0;
};

TEST_F(ServeTest, CodesOfRequests) {
  send(raw_.cluster_config(true, true));
  std::string data;
  EXPECT_EQ(ask(request("f", "file", 0, 1000), &data), ErrorCode::kNone);
  EXPECT_EQ(data, content_);
  EXPECT_EQ(ask(request("f", "file", 1, 999)), ErrorCode::kNoSuchFile);       // not what the hash says
  EXPECT_EQ(ask(request("f", "file", 900, 200)), ErrorCode::kNoSuchFile);     // beyond the end
  EXPECT_EQ(ask(request("f", "file", std::int64_t{1} << 50, 1000)), ErrorCode::kNoSuchFile);
  EXPECT_EQ(ask(request("other", "file", 0, 1000)), ErrorCode::kGeneric);
  EXPECT_EQ(ask(request("f", ".stfolder/x", 0, 1000)), ErrorCode::kInvalidFile);
  EXPECT_EQ(ask(request("f", ".syncthing.coming.tmp", 0, 1000)), ErrorCode::kInvalidFile);
  EXPECT_EQ(ask(request("f", "nothing", 0, 1000)), ErrorCode::kNoSuchFile);
  EXPECT_EQ(ask(request("f", "link", 0, 1000)), ErrorCode::kNoSuchFile);
  EXPECT_EQ(ask(request("f", "link/outside", 0, 6)), ErrorCode::kNoSuchFile);
  EXPECT_EQ(ask(request("f", "file/below", 0, 6)), ErrorCode::kNoSuchFile);
  proto::Request temporary = request("f", "coming", 0, 1000);
  EXPECT_EQ(ask(temporary), ErrorCode::kNoSuchFile);
  temporary.from_temporary = true;
  EXPECT_EQ(ask(temporary), ErrorCode::kNone);
  EXPECT_NE(raw_.link, nullptr);
}

TEST_F(ServeTest, WhatChangedSinceTheScanIsScannedWhenSomebodyAsksForIt) {
  send(raw_.cluster_config(true, true));
  write_file(node_.root() / "more", "more");
  proto::Request other = request("f", "file", 0, 1000);
  other.hash.assign(32, std::byte{7});
  EXPECT_EQ(ask(other), ErrorCode::kNoSuchFile);
  EXPECT_EQ(ask(request("f", "more", 0, 1000)), ErrorCode::kNoSuchFile);
  run_a_while(io_);
  EXPECT_FALSE(node_.index->get_local("f", "more").has_value()) << "asking for what never was orders no scan";
  write_file(node_.root() / "file", "changed");
  EXPECT_EQ(ask(request("f", "file", 0, 1000)), ErrorCode::kNoSuchFile);
  EXPECT_TRUE(run_until(io_, [this] { return node_.index->get_local("f", "file")->info.size == 7; }));
  EXPECT_TRUE(run_until(io_, [this] { return node_.index->get_local("f", "more").has_value(); }));
}

TEST_F(ServeTest, NameOutsideTheFolderClosesTheLink) {
  send(raw_.cluster_config(true, true));
  proto::Request out = request("f", "../outside", 0, 6);
  out.hash.assign(hash_.begin(), hash_.end());
  raw_.link->connection().send_request(out, net::steady_now());
  raw_.link->flush();
  EXPECT_TRUE(run_until(io_, [this] { return raw_.link == nullptr; }));
  EXPECT_EQ(raw_.last<proto::ResponseReceived>(), nullptr);
}

TEST_F(ServeTest, ClusterConfigMustListBothEnds) {
  send(raw_.cluster_config(false, true));
  EXPECT_TRUE(run_until(io_, [this] { return raw_.link == nullptr; }));
  EXPECT_NE(raw_.close_text.find("remote device missing"), std::string::npos) << raw_.close_text;
}

TEST_F(ServeTest, OurClusterConfigListsBothEndsAndOurIndex) {
  send(raw_.cluster_config(true, true));
  ASSERT_TRUE(run_until(io_, [this] { return raw_.last<proto::IndexReceived>() != nullptr; }));
  const auto* config = raw_.last<proto::ClusterConfigReceived>();
  ASSERT_NE(config, nullptr);
  ASSERT_EQ(config->config.folders.size(), 1u);
  ASSERT_EQ(config->config.folders[0].devices.size(), 2u);
  for (const proto::ClusterDevice& device : config->config.folders[0].devices) {
    EXPECT_EQ(device.index_id != 0, device.id == node_.id());
    EXPECT_EQ(device.max_sequence, device.id == node_.id() ? 2 : 0);
  }
  const auto* index = raw_.last<proto::IndexReceived>();
  EXPECT_FALSE(index->update);
  EXPECT_EQ(index->index.files.size(), 2u);
  EXPECT_EQ(index->index.last_sequence, 2);
}

TEST_F(ServeTest, IndexOfAFolderNotSharedClosesTheLink) {
  send(raw_.cluster_config(true, true));
  proto::Index index;
  index.folder = "other";
  raw_.link->connection().send_index(false, index, net::steady_now());
  raw_.link->flush();
  EXPECT_TRUE(run_until(io_, [this] { return raw_.link == nullptr; }));
  EXPECT_NE(raw_.close_text.find("other: no such folder"), std::string::npos) << raw_.close_text;
}

TEST_F(ServeTest, AnnouncedInternalAndTempNamesAreNotPulled) {
  send(raw_.cluster_config(true, true));
  proto::Index index;
  index.folder = "f";
  std::int64_t sequence = 0;
  for (const char* name : {".stfolder/evil", ".stignore", ".syncthing.evil.tmp"}) {
    proto::FileInfo file;
    file.name = name;
    file.size = 1000;
    file.permissions = 0644;
    file.block_size = 131'072;
    file.blocks = {{0, 1000, hash_}};
    file.version.update(5, 5);
    file.sequence = ++sequence;
    index.files.push_back(file);
  }
  raw_.link->connection().send_index(false, index, net::steady_now());
  raw_.link->flush();
  EXPECT_TRUE(run_until(io_, [this] { return node_.index->max_sequence_remote("f", raw_.id()) == 3; }));
  run_a_while(io_);
  EXPECT_EQ(node_.status().counts.need, Counts{});
  EXPECT_EQ(node_.model->peer(raw_.id())->counters().requests_out, 0u);
}

TEST(RequestServer, RequestsOfNoBytesAreBoundedByTheirNumber) {
  boost::asio::io_context io;
  TempDir dir;
  write_file(dir.path() / "file", "x");
  const base::UniqueFd root = std::move(*open_root(dir.path().string()));
  Workers workers(io, 1);
  std::size_t begun = 0, answered = 0;
  RequestServer server(workers, {[&](const std::string&) { ++begun; return root.get(); },
                                 [] { return std::uint64_t{0}; },
                                 [](std::uint64_t) { return false; },
                                 [] {},
                                 [&](std::uint64_t, std::int32_t, ServeAnswer answer) {
                                   answered += answer.code == ErrorCode::kNone ? 1 : 0;
                                 },
                                 [](const proto::Request&) {}});
  constexpr std::size_t kAsked = kServeReadsMax + 500;
  for (std::size_t i = 0; i < kAsked; ++i) {
    proto::Request request;
    request.id = static_cast<std::int32_t>(i);
    request.folder = "f";
    request.name = "file";
    server.handle(1, std::move(request));
  }
  EXPECT_EQ(begun, kServeReadsMax);            // no result can have come back yet: the loop has not turned
  EXPECT_TRUE(run_until(io, [&] { return answered == kAsked; }));
  workers.stop();
}

TEST(IndexStart, Rule) {
  proto::ClusterDevice theirs;
  EXPECT_EQ(index_start(theirs, 77, 10).update, false);
  theirs.index_id = 77;
  theirs.max_sequence = 4;
  EXPECT_EQ(index_start(theirs, 77, 10).after, 4);
  EXPECT_TRUE(index_start(theirs, 77, 10).update);
  EXPECT_TRUE(index_start(theirs, 77, 4).update);
  EXPECT_FALSE(index_start(theirs, 77, 3).update);
  EXPECT_EQ(index_start(theirs, 77, 3).after, 0);
  EXPECT_FALSE(index_start(theirs, 78, 10).update);
}

TEST(EntryForPeer, WhatOthersMustNotUse) {
  proto::FileInfo info;
  info.size = 5;
  info.blocks = {{0, 5, {}}};
  info.version.update(1, 1);
  EXPECT_EQ(entry_for_peer(info, 0), info);
  const proto::FileInfo mine = entry_for_peer(info, kLocalReceiveOnly);
  EXPECT_TRUE(mine.invalid);
  EXPECT_TRUE(mine.version.empty());
  EXPECT_TRUE(mine.blocks.empty());
  const proto::FileInfo ignored = entry_for_peer(info, kLocalIgnored);
  EXPECT_EQ(ignored.size, 0);
  EXPECT_FALSE(ignored.version.empty());
}

}  // namespace
}  // namespace weft::model::test
