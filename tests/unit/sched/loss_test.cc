#include "sched/loss.hh"

#include <gtest/gtest.h>

#include <vector>

namespace weft::sched {
namespace {

using base::Instant;
using base::milliseconds;

class LossDetectorTest : public testing::Test {
 protected:
  LossDetectorTest() { rtt_.on_sample(milliseconds(10), {}); }
  void send(std::uint64_t number, std::int64_t at_ms) {
    SentPacket p;
    p.packet_number = number;
    p.bytes = 100;
    p.kind = SentKind::kChunk;
    p.sent = Instant{} + milliseconds(at_ms);
    in_flight_.push(p);
  }
  LossResult ack(std::uint64_t number, std::int64_t at_ms) {
    in_flight_.settle(*in_flight_.find(number), SentState::kAcked);
    detector_.on_largest_acked(number);
    return look(at_ms);
  }
  LossResult look(std::int64_t at_ms) {
    lost_.clear();
    return detector_.detect(in_flight_, rtt_, Instant{} + milliseconds(at_ms),
                            [this](const SentPacket& p, SentState was) {
                              if (was == SentState::kInFlight) lost_.push_back(p.packet_number);
                            });
  }
  std::vector<SentPacket> ring_{256};
  InFlight in_flight_{ring_};
  Rtt rtt_{milliseconds(10)};
  LossDetector detector_;
  std::vector<std::uint64_t> lost_;
};

TEST_F(LossDetectorTest, NothingIsLostBeforeAnAck) {
  send(0, 0);
  EXPECT_EQ(look(10'000).packets, 0u);
  EXPECT_EQ(detector_.deadline(), base::kNever);
}

TEST_F(LossDetectorTest, ThreePacketsBehindIsLostAndTwoAreNot) {
  for (std::uint64_t n = 0; n < 5; ++n) send(n, 0);
  EXPECT_EQ(ack(4, 5).packets, 2u);
  EXPECT_EQ(lost_, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_EQ(detector_.deadline(), Instant{} + base::microseconds(11'250));
}

TEST_F(LossDetectorTest, TheRestIsLostByTime) {
  for (std::uint64_t n = 0; n < 3; ++n) send(n, 0);
  EXPECT_EQ(ack(2, 10).packets, 0u);
  EXPECT_EQ(look(11).packets, 0u);
  EXPECT_EQ(look(12).packets, 2u);
  EXPECT_EQ(detector_.deadline(), base::kNever);
  EXPECT_EQ(look(13).packets, 0u);
}

TEST_F(LossDetectorTest, AnEvacuatedPacketIsCountedButNotHandedBackAgain) {
  for (std::uint64_t n = 0; n < 5; ++n) send(n, 0);
  in_flight_.settle(*in_flight_.find(0), SentState::kEvacuated);
  EXPECT_EQ(ack(4, 5).packets, 2u);
  EXPECT_EQ(lost_, std::vector<std::uint64_t>{1});
}

TEST_F(LossDetectorTest, LossesOverThreeProbeTimeoutsArePersistentCongestion) {
  const std::int64_t pto = rtt_.pto().ms() + 1;
  send(0, 0);
  send(1, pto);
  send(2, 2 * pto);
  send(3, 3 * pto + 1);
  for (std::uint64_t n = 4; n < 8; ++n) send(n, 3 * pto + 2);
  EXPECT_TRUE(ack(7, 3 * pto + 10).persistent_congestion);
}

TEST_F(LossDetectorTest, AnAckBetweenThemMakesItOrdinaryLoss) {
  const std::int64_t pto = rtt_.pto().ms() + 1;
  send(0, 0);
  send(1, pto);
  send(2, 2 * pto);
  send(3, 3 * pto + 1);
  for (std::uint64_t n = 4; n < 8; ++n) send(n, 3 * pto + 2);
  in_flight_.settle(*in_flight_.find(1), SentState::kAcked);
  const LossResult result = ack(7, 3 * pto + 10);
  EXPECT_EQ(result.packets, 4u);
  EXPECT_FALSE(result.persistent_congestion);
}

}  // namespace
}  // namespace weft::sched
