// Output bounds and both directions at once.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "bep/net/link_manager.hh"
#include "tests/unit/net/raw_peer.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace asio = boost::asio;

constexpr base::Instant kNow{1};
constexpr std::size_t kBlock = 128 << 10;

class OutputTest : public testing::Test {
 protected:
  void serve(LinkLimits limits) {
    LinkManagerConfig config = quick_config(us);
    config.devices = {device(peer)};
    config.limits = limits;
    config.times.closing = base::seconds(10);
    server.emplace(io, std::move(config));
    raw.emplace(server->port(), RawOptions{.identity = &peer});
    run_beside(io, [&] { return raw->handshake() && raw->write(stock_hello("slow")); });
    ASSERT_TRUE(run_until(io, [&] { return server->seen.story.size() == 1; }));
    link = server->manager->link_of(peer.id());
    ASSERT_NE(link, nullptr);
    link->connection().send_cluster_config({}, kNow);
  }
  void send_block() {
    link->connection().send_response(1, proto::ErrorCode::kNone, std::vector<std::byte>(kBlock), kNow);
    link->flush();
  }

  asio::io_context io;
  const Identity us = new_identity();
  const Identity peer = new_identity();
  std::optional<Node> server;
  std::optional<RawPeer> raw;
  Link* link = nullptr;
};

TEST_F(OutputTest, APeerThatDoesNotReadFillsTheQueueAndDrainsItLater) {
  ASSERT_NO_FATAL_FAILURE(serve({.output_bytes_high = 4 * kBlock, .output_bytes_low = kBlock}));
  std::size_t sent = 0;
  // The kernel's socket buffers take some megabytes first.
  while (!link->output_full() && sent < (256u << 20)) {
    send_block();
    sent += kBlock;
    if (sent % (1 << 20) == 0) run_for(io, std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(link->output_full());
  EXPECT_GE(link->output_bytes(), 4 * kBlock);
  EXPECT_EQ(server->seen.drained, 0);
  run_beside(io, [&] { return raw->read_exactly(sent).size(); });
  ASSERT_TRUE(run_until(io, [&] { return server->seen.drained == 1; }));
  EXPECT_FALSE(link->output_full());
  EXPECT_LE(link->output_bytes(), kBlock);
}

TEST_F(OutputTest, AQueueBeyondItsBoundEndsTheLink) {
  ASSERT_NO_FATAL_FAILURE(serve({.output_bytes_high = 2 * kBlock, .output_bytes_low = 1, .output_bytes_max = 8 * kBlock}));
  for (int i = 0; i < 20 && link->ready(); ++i) send_block();
  EXPECT_TRUE(server->seen.closed.empty()) << "not from inside flush()";
  ASSERT_TRUE(run_until(io, [&] { return server->seen.closed.size() == 1; }));
  EXPECT_EQ(server->seen.closed[0].reason, CloseReason::kOutputOverflow);
}

TEST_F(OutputTest, CloseSendsWhatIsQueuedFirst) {
  ASSERT_NO_FATAL_FAILURE(serve({}));
  for (int i = 0; i < 4; ++i) send_block();
  link->close("enough");
  const auto all = run_beside(io, [&] { return raw->read_all(); });
  EXPECT_GT(all.size(), 4 * kBlock);
  EXPECT_TRUE(as_text(all).ends_with("enough"));
}

TEST_F(OutputTest, TwoLinksThatBothSendMuchDoNotWaitForEachOther) {
  LinkManagerConfig left_config = quick_config(us);
  left_config.devices = {device(peer)};
  Node left(io, std::move(left_config));
  LinkManagerConfig right_config = quick_config(peer);
  right_config.devices = {device(us, {left.address()})};
  Node right(io, std::move(right_config));
  constexpr std::size_t kBlocks = 128;
  const auto send_all = [](Link& from) {
    from.connection().send_cluster_config({}, kNow);
    for (std::size_t i = 0; i < kBlocks; ++i)
      from.connection().send_response(static_cast<std::int32_t>(i), proto::ErrorCode::kNone,
                                      std::vector<std::byte>(kBlock), kNow);
  };
  left.seen.when_ready = send_all;  // flushed by itself after the callback
  right.seen.when_ready = send_all;
  ASSERT_TRUE(run_until(io, [&] {
    return left.seen.messages.size() == kBlocks + 1 && right.seen.messages.size() == kBlocks + 1;
  }));
}

}  // namespace
}  // namespace weft::net::test
