#include "sched/lane.hh"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

namespace weft::sched {
namespace {

using base::Duration;
using base::Instant;
using base::microseconds;
using base::milliseconds;

constexpr std::uint32_t kPacket = 1400;

class LaneTest : public testing::Test {
 protected:
  std::uint64_t send(SentKind kind = SentKind::kChunk, std::uint32_t ref = 0) {
    SentPacket p;
    p.packet_number = lane_.take_packet_number();
    p.bytes = kind == SentKind::kControl ? 60 : kPacket;
    p.kind = kind;
    p.ref = ref;
    lane_.on_sent(p, now_);
    return p.packet_number;
  }
  // Everything that may go now.
  int flood() {
    int sent = 0;
    for (; lane_.can_send(kPacket, now_); ++sent) send();
    return sent;
  }
  AckResult ack(std::vector<std::pair<std::uint64_t, std::uint64_t>> newest_first) {
    wire::Ack ack;
    ack.largest = newest_first.front().second;
    for (const auto& [first, last] : newest_first)
      EXPECT_TRUE(ack.ranges.try_push({first, last}));
    fates_.clear();
    return lane_.handle_ack(ack, now_, [this](const SentPacket& p, Fate f) { note(p, f); });
  }
  void timeout() {
    fates_.clear();
    lane_.handle_timeout(now_, [this](const SentPacket& p, Fate f) { note(p, f); });
  }
  void wait(Duration time) { now_ += time; }
  void note(const SentPacket& p, Fate fate) { fates_.emplace_back(p.packet_number, fate); }

  using Fates = std::vector<std::pair<std::uint64_t, Fate>>;
  std::vector<SentPacket> ring_{1024};
  Lane lane_{{.path = base::PathId{5}, .max_packet_bytes = kPacket, .initial_rtt = milliseconds(1)},
             ring_};
  Instant now_ = Instant{} + base::seconds(100);
  Fates fates_;
};

TEST_F(LaneTest, AcksOfTheNumbersBeforeItsFirstSayNothing) {
  Lane lane({.max_packet_bytes = kPacket, .first_packet_number = 5000}, ring_);
  wire::Ack late{.largest = 4999};                // of the lane before, with the same path
  ASSERT_TRUE(late.ranges.try_push({0, 4999}));
  const auto no_fate = [](const SentPacket&, Fate) { ADD_FAILURE(); };
  EXPECT_TRUE(lane.handle_ack(late, now_, no_fate).acceptable);
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(lane.can_send(kPacket, now_));
    lane.on_sent({.packet_number = lane.take_packet_number(), .bytes = kPacket, .kind = SentKind::kChunk}, now_);
  }
  EXPECT_EQ(lane.next_packet_number(), 5008u);
  const AckResult result = lane.handle_ack(late, now_, no_fate);
  EXPECT_TRUE(result.acceptable);
  EXPECT_EQ(result.newly_acked + result.lost, 0u);
  wire::Ack real{.largest = 5007};
  ASSERT_TRUE(real.ranges.try_push({4990, 5007}));
  EXPECT_EQ(lane.handle_ack(real, now_, [](const SentPacket&, Fate) {}).newly_acked, 8u);
}

TEST_F(LaneTest, PacketNumbersCountUp) {
  EXPECT_EQ(lane_.take_packet_number(), 0u);
  EXPECT_EQ(lane_.take_packet_number(), 1u);
}

TEST_F(LaneTest, SendsTheInitialWindowPacedAndThenWaits) {
  lane_.set_path_validated(milliseconds(20), now_);
  EXPECT_EQ(flood(), 16);  // the first burst; then 2 windows per round trip
  wait(milliseconds(1));
  EXPECT_EQ(flood(), 4);
  wait(milliseconds(10));
  EXPECT_EQ(flood(), 12);
  wait(milliseconds(10));
  EXPECT_EQ(flood(), 0);   // the window is full
  EXPECT_TRUE(lane_.can_send_control());
  EXPECT_EQ(lane_.in_flight_bytes(), 32u * kPacket);
}

TEST_F(LaneTest, AcksMeasureOpenTheWindowAndAreReportedOnce) {
  for (int i = 0; i < 16; ++i) send();
  wait(microseconds(500));
  const AckResult result = ack({{0, 15}});
  EXPECT_TRUE(result.acceptable);
  EXPECT_EQ(result.newly_acked, 16u);
  EXPECT_EQ(fates_.size(), 16u);
  EXPECT_EQ(lane_.srtt(), microseconds(500));
  EXPECT_EQ(lane_.metrics().cwnd_bytes, 48u * kPacket);
  EXPECT_EQ(lane_.in_flight_bytes(), 0u);
  EXPECT_GT(lane_.bandwidth_Bps(), 0u);
  EXPECT_EQ(ack({{0, 15}}).newly_acked, 0u);
  EXPECT_TRUE(fates_.empty());
}

TEST_F(LaneTest, AnAckOfWhatWasNeverSentChangesNothing) {
  send();
  static_cast<void>(lane_.take_packet_number());  // taken, not sent
  EXPECT_FALSE(ack({{0, 1}}).acceptable);
  EXPECT_FALSE(ack({{7, 7}, {0, 0}}).acceptable);
  EXPECT_TRUE(fates_.empty());
  EXPECT_EQ(lane_.in_flight_bytes(), kPacket);
  wire::Ack empty;
  EXPECT_FALSE(lane_.handle_ack(empty, now_, [](const SentPacket&, Fate) {}).acceptable);
}

TEST_F(LaneTest, AListOfRangesThatLiesIsCutAndNotBelieved) {
  for (int i = 0; i < 8; ++i) send();
  wait(microseconds(500));
  EXPECT_EQ(ack({{6, 7}, {0, 1'000}}).newly_acked, 2u);  // rises: not newest first
}

TEST_F(LaneTest, ALostPacketIsReportedAndItsLateAckIsSpurious) {
  for (int i = 0; i < 5; ++i) send();
  wait(microseconds(500));
  EXPECT_EQ(ack({{1, 4}}).lost, 1u);
  EXPECT_EQ(fates_.back(), (std::pair{std::uint64_t{0}, Fate::kLost}));
  const std::uint64_t window = lane_.metrics().cwnd_bytes;
  wait(microseconds(100));
  EXPECT_EQ(ack({{0, 4}}).newly_acked, 1u);
  EXPECT_EQ(fates_, (Fates{{0, Fate::kAcked}}));
  EXPECT_EQ(lane_.metrics().packets_lost, 1u);
  EXPECT_EQ(lane_.metrics().packets_spurious, 1u);
  EXPECT_LE(lane_.metrics().cwnd_bytes, window);
  EXPECT_EQ(ack({{0, 4}}).newly_acked, 0u);
}

TEST_F(LaneTest, TheLossTimerFindsTheLastLosses) {
  for (int i = 0; i < 2; ++i) send();
  wait(microseconds(500));
  ack({{1, 1}});
  ASSERT_LT(lane_.next_deadline(), base::kNever);
  now_ = lane_.next_deadline();
  timeout();
  EXPECT_EQ(fates_, (Fates{{0, Fate::kLost}}));
  EXPECT_FALSE(lane_.probe_wanted());
  EXPECT_EQ(lane_.next_deadline(), base::kNever);
}

TEST_F(LaneTest, AProbeTimeoutHandsEverythingBackAndClosesTheLane) {
  send(SentKind::kRequests, 77);
  send(SentKind::kChunk, 78);
  send(SentKind::kAckOnly);
  now_ = lane_.next_deadline();
  EXPECT_EQ(now_ - (Instant{} + base::seconds(100)), kPtoMin);
  timeout();
  EXPECT_EQ(fates_, (Fates{{0, Fate::kEvacuated}, {1, Fate::kEvacuated}}));
  EXPECT_TRUE(lane_.probe_wanted());
  EXPECT_FALSE(lane_.answering());
  EXPECT_FALSE(lane_.can_send(kPacket, now_ + milliseconds(100)));
  EXPECT_TRUE(lane_.can_send_control());
  EXPECT_EQ(lane_.in_flight_bytes(), 0u);
  EXPECT_EQ(lane_.metrics().unanswered_since, Instant{} + base::seconds(100));
  EXPECT_EQ(lane_.next_deadline(), base::kNever);  // until the probe leaves
}

// The challenge was answered in an empty queue; a window, and those of the lanes beside it, make one.
TEST_F(LaneTest, AFirstFlightIsGivenTimeToQueueAndAQuestionIsNot) {
  const Instant start = now_;
  for (int i = 0; i < 4; ++i) send();
  EXPECT_EQ(lane_.next_deadline() - start, kPtoMin);
  send();
  EXPECT_EQ(lane_.next_deadline() - start, milliseconds(25));
}

TEST_F(LaneTest, ProbesBackOffAndTheFirstAnswerOpensTheLane) {
  send();
  now_ = lane_.next_deadline();
  timeout();
  for (int k = 1; k <= 4; ++k) {
    send(SentKind::kControl);
    EXPECT_FALSE(lane_.probe_wanted());
    EXPECT_EQ(lane_.next_deadline() - now_, kPtoMin * (1 << k));
    now_ = lane_.next_deadline();
    timeout();
    EXPECT_EQ(lane_.metrics().pto_count, static_cast<std::uint32_t>(k + 1));
  }
  const std::uint64_t probe = send(SentKind::kControl);
  wait(microseconds(300));
  EXPECT_EQ(ack({{probe, probe}}).newly_acked, 1u);
  EXPECT_TRUE(lane_.answering());
  EXPECT_TRUE(lane_.can_send(kPacket, now_));
  EXPECT_EQ(lane_.metrics().pto_count, 0u);
}

TEST_F(LaneTest, AnAckOnlyPacketHasNoTimerAndIsNeverLost) {
  SentPacket p;
  p.packet_number = lane_.take_packet_number();
  p.bytes = 60;
  p.kind = SentKind::kAckOnly;
  lane_.on_sent(p, now_);
  EXPECT_EQ(lane_.next_deadline(), base::kNever);
  EXPECT_EQ(lane_.in_flight_bytes(), 0u);
  EXPECT_EQ(lane_.metrics().unanswered_since, base::kNever);
  for (int i = 0; i < 4; ++i) send();
  wait(microseconds(300));
  EXPECT_EQ(ack({{1, 4}}).lost, 0u);  // three numbers behind, and nobody misses it
}

TEST_F(LaneTest, ALateAckOfAnEvacuatedPacketStillCounts) {
  for (std::uint32_t i = 0; i < 4; ++i) send(SentKind::kChunk, i);
  now_ = lane_.next_deadline();
  timeout();
  wait(milliseconds(1));
  EXPECT_EQ(ack({{0, 3}}).newly_acked, 4u);
  EXPECT_EQ(fates_.size(), 4u);
  for (const auto& [number, fate] : fates_) EXPECT_EQ(fate, Fate::kAcked);
  EXPECT_EQ(lane_.metrics().packets_lost, 0u);
  EXPECT_EQ(lane_.metrics().unanswered_since, base::kNever);
}

TEST_F(LaneTest, ControlFramesOnADeadLaneDoNotPostponeItsDiscovery) {
  send();
  const Instant deadline = lane_.next_deadline();
  while (now_ < deadline) {
    send(SentKind::kControl);
    EXPECT_EQ(lane_.next_deadline(), deadline);
    wait(microseconds(500));
  }
  timeout();
  EXPECT_FALSE(lane_.answering());
}

TEST_F(LaneTest, AFullRingIsBackpressureAndClearsAtTheProbeTimeout) {
  std::vector<SentPacket> small(4);
  Lane lane({.max_packet_bytes = kPacket, .initial_rtt = milliseconds(1)}, small);
  const auto none = [](const SentPacket&, Fate) {};
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(lane.can_send_control());
    SentPacket p;
    p.packet_number = lane.take_packet_number();
    p.bytes = kPacket;
    lane.on_sent(p, now_);
  }
  EXPECT_FALSE(lane.can_send_control());
  EXPECT_FALSE(lane.can_send(kPacket, now_));
  for (int round = 0; round < 20; ++round) {  // silent for ever: probes always find room
    now_ = lane.next_deadline();
    lane.handle_timeout(now_, none);
    ASSERT_TRUE(lane.probe_wanted());
    ASSERT_TRUE(lane.can_send_control());
    SentPacket p;
    p.packet_number = lane.take_packet_number();
    p.bytes = 60;
    lane.on_sent(p, now_);
  }
}

TEST_F(LaneTest, AnsweredAfterALongSilenceItStartsFromTwoPackets) {
  for (int i = 0; i < 16; ++i) send();
  wait(microseconds(500));
  ack({{0, 15}});
  for (int i = 0; i < 10; ++i) send();
  std::uint64_t probe = 0;
  for (int i = 0; i < 6; ++i) {
    now_ = lane_.next_deadline();
    timeout();
    probe = send(SentKind::kControl);
  }
  for (int i = 0; i < 3; ++i) probe = send(SentKind::kControl);
  wait(microseconds(400));
  ack({{probe, probe}});
  EXPECT_EQ(lane_.metrics().cwnd_bytes, 2u * kPacket);
  lane_.reset_congestion(now_);
  EXPECT_EQ(lane_.metrics().cwnd_bytes, 32u * kPacket);
}

TEST_F(LaneTest, TellsWhatItReceived) {
  lane_.on_packet_received(0, true, now_);
  EXPECT_EQ(lane_.next_deadline(), now_ + kAckDelayMax);
  EXPECT_FALSE(lane_.ack_due(now_));
  EXPECT_TRUE(lane_.ack_pending());
  wire::Ack ack;
  ASSERT_TRUE(lane_.fill_ack(ack, now_));
  EXPECT_EQ(ack.path, 5);
  EXPECT_EQ(ack.largest, 0u);
  EXPECT_EQ(lane_.next_deadline(), base::kNever);
}

class SmallLaneTest : public LaneTest {
 protected:
  SmallLaneTest() {
    ring_.assign(32, SentPacket{});   // no more than the initial window
    small_.emplace(LaneConfig{.path = base::PathId{5}, .max_packet_bytes = kPacket, .initial_rtt = milliseconds(1)},
                   ring_);
  }
  void send_small(SentKind kind) {
    SentPacket p;
    p.packet_number = small_->take_packet_number();
    p.bytes = kPacket;
    p.kind = kind;
    small_->on_sent(p, now_);
  }
  std::optional<Lane> small_;
};

TEST_F(SmallLaneTest, DataLeavesRoomForAcks) {
  small_->set_path_validated(milliseconds(1), now_);
  for (int turn = 0; turn < 20; ++turn, wait(milliseconds(1) / 10))
    while (small_->can_send(kPacket, now_)) send_small(SentKind::kChunk);
  EXPECT_GT(small_->in_flight_bytes(), 24u * kPacket);
  // Two ends that fill each other's lanes must still be able to say so.
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(small_->can_send_control());
    send_small(SentKind::kAckOnly);
  }
}

TEST_F(SmallLaneTest, AcksBehindEvacuatedPacketsLeaveRoomForTheProbe) {
  for (int i = 0; i < 4; ++i) send_small(SentKind::kChunk);
  wait(milliseconds(100));
  small_->handle_timeout(now_, [](const SentPacket&, Fate) {});
  EXPECT_TRUE(small_->probe_wanted());
  // Nothing is in flight, so no timer runs: acks for what still comes in must not take the probe's place for ever.
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(small_->can_send_control()) << "after " << i << " acks";
    send_small(SentKind::kAckOnly);
  }
  send_small(SentKind::kControl);
  EXPECT_FALSE(small_->probe_wanted());
}

}  // namespace
}  // namespace weft::sched
