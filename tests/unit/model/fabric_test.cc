// Files by a stand-in for the datapath: taken when usable, left when it dies, and a lost link does not matter to it.
#include <gtest/gtest.h>

#include "tests/unit/model/node.hh"

namespace weft::model::test {
namespace {

namespace fs = std::filesystem;

class FabricTest : public ::testing::Test {
 protected:
  FabricTest() : a_(io_, "a"), b_(io_, "b") {
    a_.share_with(b_);
    b_.share_with(a_);
    b_.fabric = std::make_unique<FakeFabric>(io_);
  }
  void start() {
    a_.start();
    EXPECT_TRUE(run_until(io_, [this] { return a_.status().last_scan_s != 0; }));
    b_.start();
    b_.fabric->connect(b_.id(), a_.id(), a_.model.get());
    a_.listen();
    b_.dial(a_);
  }
  [[nodiscard]] bool converge() {
    return run_until(io_, [this] { return b_.in_sync() && snapshot(a_.root()) == snapshot(b_.root()); });
  }

  boost::asio::io_context io_;
  Node a_, b_;
};

TEST_F(FabricTest, EverythingComesByTheDatapath) {
  write_file(a_.root() / "big", random_bytes(6'000'001, 1));       // O_DIRECT where the file system takes it
  for (int i = 0; i < 200; ++i) write_file(a_.root() / "small" / std::to_string(i), random_bytes(1000, 50));
  write_file(a_.root() / "empty", "");
  start();
  ASSERT_TRUE(converge());
  const TransferTotals& totals = b_.model->totals();
  EXPECT_EQ(totals.bytes_via_link, 0u);
  EXPECT_EQ(totals.bytes_via_fabric + totals.bytes_reused, 6'000'001u + 200u * 1000u);
  EXPECT_EQ(b_.fabric->opened, b_.fabric->closed);
  EXPECT_EQ(b_.fabric->links_up, 1);
}

TEST_F(FabricTest, ATransferShowsHowFarItIs) {
  write_file(a_.root() / "big", random_bytes(5'000'000, 2));
  start();
  std::vector<TransferInfo> seen;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    io_.run_one_for(std::chrono::seconds(1));
    for (TransferInfo& info : b_.model->transfers()) seen.push_back(std::move(info));
    ASSERT_LT(std::chrono::steady_clock::now(), give_up);
  } while (seen.empty() || !b_.in_sync());
  std::uint64_t done = 0;
  for (const TransferInfo& info : seen) {
    EXPECT_EQ(info.name, "big");
    EXPECT_EQ(info.bytes_total, 5'000'000u);
    EXPECT_EQ(info.block_bytes, 131'072u);
    EXPECT_EQ(info.blocks_total, 39u);
    EXPECT_LE(info.blocks_done + info.blocks_asked, 39u);
    EXPECT_TRUE(!info.next_block || *info.next_block < 39u);
    EXPECT_LE(info.bytes_done, info.blocks_done * 131'072);        // the last block is short
    EXPECT_GT(info.bytes_done + 131'072, info.blocks_done * 131'072);
    EXPECT_GE(info.blocks_done, done);
    EXPECT_LE(info.silent, info.running);
    done = info.blocks_done;
  }
}

TEST_F(FabricTest, DiesInTheMiddleAndTheLinkGoesOn) {
  write_file(a_.root() / "big", random_bytes(5'000'000, 2));
  b_.fabric->dies_after = 9;
  start();
  ASSERT_TRUE(converge());
  const TransferTotals& totals = b_.model->totals();
  EXPECT_EQ(totals.bytes_via_fabric, 9u * 131'072);
  EXPECT_EQ(totals.bytes_via_link, 5'000'000u - 9u * 131'072);     // nothing verified is fetched twice
}

TEST_F(FabricTest, DeadHandleIsOpenedAnewAndTheDatapathGoesOn) {
  write_file(a_.root() / "big", random_bytes(5'000'000, 2));
  b_.fabric->handle_dies_at = 9;
  start();
  ASSERT_TRUE(converge());
  EXPECT_EQ(b_.model->totals().bytes_via_link, 0u);
  EXPECT_EQ(b_.model->totals().bytes_via_fabric, 5'000'000u);
  EXPECT_EQ(b_.fabric->opened, 2u);
  EXPECT_EQ(b_.fabric->closed, 2u);
}

TEST_F(FabricTest, ComesUpInTheMiddleAndIsTaken) {
  write_file(a_.root() / "big", random_bytes(20'000'000, 3));
  start();
  b_.fabric->up = false;
  ASSERT_TRUE(run_until(io_, [this] { return b_.model->totals().bytes_via_link > 0; }));
  b_.fabric->up = true;
  b_.model->on_fabric_changed();
  ASSERT_TRUE(converge());
  const TransferTotals& totals = b_.model->totals();
  EXPECT_EQ(totals.bytes_via_fabric + totals.bytes_via_link, 20'000'000u);
}

TEST_F(FabricTest, IsRefusedWhileTheLastBlocksAskedForComeByTheLink) {
  write_file(a_.root() / "big", random_bytes(40'000'000, 3));       // more than a link's window
  start();
  b_.fabric->up = false;
  ASSERT_TRUE(run_until(io_, [this] { return b_.model->totals().bytes_via_link > 0; }));
  ASSERT_FALSE(b_.in_sync());
  b_.fabric->up = true;
  b_.fabric->opens_refused = 1;                // it has another version by now
  b_.model->on_fabric_changed();
  ASSERT_TRUE(run_until(io_, [this] { return b_.status().pull_errors > 0; })) << "it waits for nobody";
  ASSERT_TRUE(converge());
}

TEST_F(FabricTest, LostLinkDoesNotStopOpenTransfers) {
  write_file(a_.root() / "big", random_bytes(8'000'000, 4));
  start();
  bool cut = false;
  b_.fabric->on_block = [&] {
    if (cut || b_.fabric->blocks < 5) return;
    cut = true;
    a_.links->stop();
    b_.links->stop();
  };
  ASSERT_TRUE(run_until(io_, [this] { return fs::exists(b_.root() / "big") && b_.in_sync(); }));
  EXPECT_TRUE(cut);
  EXPECT_EQ(b_.links->links().size(), 0u);
  EXPECT_EQ(snapshot(b_.root()), snapshot(a_.root()));
  EXPECT_EQ(b_.model->totals().bytes_via_fabric, 8'000'000u);
}

TEST_F(FabricTest, WrongBytesLeadToTheOtherTryAndNeverToDisk) {
  write_file(a_.root() / "big", random_bytes(1'000'000, 5));
  b_.fabric->corrupt_first = 2;
  start();
  ASSERT_TRUE(converge());
  EXPECT_EQ(b_.fabric->corrupted, 2u);
}

// The window belongs to the device: what one folder gives back, the other one waits for.
TEST(FabricWindow, FullForOneFolderWakesTheOther) {
  boost::asio::io_context io;
  Node a(io, "a", {.root = {}, .second_folder = true});
  Node b(io, "b", {.root = {}, .second_folder = true});
  a.share_with(b);
  b.share_with(a);
  b.fabric = std::make_unique<FakeFabric>(io);
  b.fabric->holding = true;
  write_file(a.root() / "one", random_bytes(8 * 131'072, 1));      // each fills the window
  write_file(a.second_root() / "two", random_bytes(8 * 131'072, 2));
  a.start();
  EXPECT_TRUE(run_until(io, [&] {
    return a.status().last_scan_s != 0 && a.model->folder_status("g")->last_scan_s != 0;
  }));
  b.start();
  b.fabric->connect(b.id(), a.id(), a.model.get());
  a.listen();
  b.dial(a);
  ASSERT_TRUE(run_until(io, [&] { return b.fabric->opened == 2 && b.fabric->held() == 8; }));
  run_a_while(io);                             // the other one asks, and there is no room
  b.fabric->release();
  EXPECT_TRUE(run_until(io, [&] { return fs::exists(b.root() / "one") && fs::exists(b.second_root() / "two"); }));
}

TEST_F(FabricTest, ServerRefusesWhatItMust) {
  write_file(a_.root() / "file", "content");
  start();
  ASSERT_TRUE(converge());
  const LocalFile local = a_.index->get_local("f", "file").value();
  const auto ask = [&](const base::DeviceId& device, RemoteFile file) {
    std::optional<base::Errc> code;
    a_.model->open_for_peer(device, file, [&](base::Result<ServedFile> served) {
      code = served ? base::Errc::kExists : served.error().code;
    });
    EXPECT_FALSE(code.has_value());            // never from inside the call
    EXPECT_TRUE(run_until(io_, [&] { return code.has_value(); }));
    return *code;
  };
  const RemoteFile good{"f", "file", local.info.version, local.info.size, local.info.block_size};
  EXPECT_EQ(ask(b_.id(), good), base::Errc::kExists);
  EXPECT_EQ(ask(base::DeviceId{}, good), base::Errc::kPermission);
  RemoteFile bad = good;
  bad.folder = "other";
  EXPECT_EQ(ask(b_.id(), bad), base::Errc::kPermission);
  for (const char* name : {"../file", "/etc/passwd", ".stfolder", ".syncthing.file.tmp", "", "nothing"}) {
    bad = good;
    bad.name = name;
    EXPECT_EQ(ask(b_.id(), bad), base::Errc::kNotFound) << name;
  }
  bad = good;
  bad.version.update(99, 1);
  EXPECT_EQ(ask(b_.id(), bad), base::Errc::kNotFound);
  write_file(a_.root() / "file", "changed since");
  EXPECT_EQ(ask(b_.id(), good), base::Errc::kNotFound);
  EXPECT_TRUE(run_until(io_, [&] { return a_.index->get_local("f", "file")->info.size == 13; })) << "scanned by it";
}

}  // namespace
}  // namespace weft::model::test
