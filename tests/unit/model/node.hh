// One whole folder model for tests: identity, index, links on loopback, and a stand-in for the datapath.
// All nodes of a test share one io_context, which run_until() turns.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bep/model/model.hh"
#include "tests/unit/model/tree.hh"

namespace weft::model::test {

class Node;

// "Fetches" blocks by reading the other side's file, which it opens through the other side's FileServer, exactly as
// a datapath would: verified, then written to the descriptor it was given.
class FakeFabric : public Fabric {
 public:
  explicit FakeFabric(boost::asio::io_context& io) : io_(io) {}
  void connect(const base::DeviceId& self, const base::DeviceId& other, FileServer* server);
  [[nodiscard]] bool usable(const base::DeviceId& device) const override;
  void open(const base::DeviceId& device, const RemoteFile& file, int fd, bool direct, OpenDone done) override;
  void fetch(const BlockOrder& order, BlockDone done) override;
  [[nodiscard]] std::uint32_t window_blocks(const base::DeviceId&, std::uint32_t) const override { return 8; }
  void close(std::uint32_t transfer, std::function<void()> gone) override;
  void on_link_up(net::Link&) override { ++links_up; }
  void on_link_down(net::Link&) override { ++links_down; }
  void on_private(net::Link&, int, base::Bytes) override {}

  bool up = false;
  std::uint64_t dies_after = UINT64_MAX;       // blocks until it is not usable any more
  std::uint64_t blocks = 0, corrupted = 0, opened = 0, closed = 0;
  std::uint64_t handle_dies_at = UINT64_MAX;   // after so many blocks the handle in use answers kUnavailable
  std::uint64_t corrupt_first = 0;             // so many blocks come back as kCorrupt
  std::uint64_t opens_refused = 0;             // so many opens answer kNotFound
  int links_up = 0, links_down = 0;
  std::function<void()> on_block;              // after each
  bool holding = false;                        // blocks wait for release()
  void release();
  [[nodiscard]] std::size_t held() const { return held_.size(); }

 private:
  struct Opened {
    ServedFile served;
    int fd = -1;
    bool direct = false;
    bool dead = false;
  };
  base::Status copy(const Opened& file, const BlockOrder& order);
  boost::asio::io_context& io_;
  base::DeviceId self_{}, other_{};
  FileServer* server_ = nullptr;
  std::map<std::uint32_t, Opened> open_;
  std::uint32_t next_ = 1;
  std::vector<std::pair<BlockOrder, BlockDone>> held_;
};

struct NodeOptions {
  FolderType type = FolderType::kSendReceive;
  std::filesystem::path root;                  // empty: one of its own
  bool ignore_perms = false;
  bool second_folder = false;                  // "g" beside "f"
  std::int32_t connections = 1;                // links wanted with each device
  LinkStrategy strategy = LinkStrategy::kRate;
};

class Node {
 public:
  Node(boost::asio::io_context& io, std::string name, NodeOptions options = {});
  ~Node();
  // Shares the one folder "f" with the other node; before start().
  void share_with(const Node& other) { share_with(other.id()); }
  void share_with(const base::DeviceId& other) { others_.push_back(other); }
  void start();                                // everything but links
  void listen();
  void dial(const Node& other);
  // Both at the same moment; both listen.
  static void dial_each_other(Node& one, Node& other);
  // Another directory for the folder; while stopped.
  void move_to(const std::filesystem::path& root) { root_ = root; }
  void stop();                                 // as at exit; the home stays for another start()
  [[nodiscard]] bool in_sync() const;          // idle, nothing needed

  [[nodiscard]] const base::DeviceId& id() const { return identity_->id(); }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path second_root() const { return home_.path() / "second"; }
  [[nodiscard]] FolderStatus status() const { return *model->folder_status("f"); }

  std::unique_ptr<Workers> workers;
  std::unique_ptr<IndexDb> index;
  std::unique_ptr<FakeFabric> fabric;
  std::unique_ptr<Model> model;
  std::unique_ptr<net::LinkManager> links;

 private:
  [[nodiscard]] net::LinkDevice link_device(const base::DeviceId& other) const;
  void make_links(std::vector<std::string> addresses, const base::DeviceId* dialled, bool listens);
  boost::asio::io_context& io_;
  std::string name_;
  NodeOptions options_;
  TempDir home_;
  std::filesystem::path root_;
  std::optional<net::Identity> identity_;
  std::vector<base::DeviceId> others_;
};

// Turns the loop until the condition holds; false after a minute, which only a broken build reaches.
[[nodiscard]] bool run_until(boost::asio::io_context& io, const std::function<bool()>& condition);
// Turns the loop for a while: only to let something happen that must NOT happen.
void run_a_while(boost::asio::io_context& io);

}  // namespace weft::model::test
