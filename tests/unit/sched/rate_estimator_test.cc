#include "sched/rate_estimator.hh"

#include <gtest/gtest.h>

#include <deque>

namespace weft::sched {
namespace {

using base::Instant;
using base::microseconds;
using base::milliseconds;

constexpr std::uint32_t kPacket = 1000;
constexpr base::Duration kRtt = milliseconds(10);

// A pipe that delivers one packet of 1000 bytes each `every`, with a full window behind it.
class Pipe {
 public:
  explicit Pipe(RateEstimator& estimator) : estimator_(estimator) {}
  void run(base::Duration every, int packets, int per_ack, bool starved) {
    for (int i = 0; i < packets; ++i) {
      now_ += every;
      send(starved);
      if (flight_.size() <= static_cast<std::size_t>(kRtt.ns / every.ns)) continue;
      waiting_.push_back(flight_.front());
      flight_.pop_front();
      if (waiting_.size() < static_cast<std::size_t>(per_ack)) continue;
      for (const SentPacket& p : waiting_) estimator_.on_acked(p, now_);
      const bool round = waiting_.back().packet_number >= round_end_;
      if (round) round_end_ = next_;
      estimator_.finish(kRtt, round);
      waiting_.clear();
    }
  }

 private:
  void send(bool starved) {
    SentPacket p;
    p.packet_number = next_++;
    p.bytes = kPacket;
    p.kind = SentKind::kChunk;
    p.sent = now_;
    const std::uint64_t in_flight = (flight_.size() + waiting_.size()) * kPacket;
    if (starved) estimator_.on_app_limited(in_flight);
    estimator_.on_sent(p, in_flight, now_);
    flight_.push_back(p);
  }
  RateEstimator& estimator_;
  Instant now_{};
  std::uint64_t next_ = 0, round_end_ = 0;
  std::deque<SentPacket> flight_, waiting_;
};

TEST(RateEstimator, UnknownBeforeTheFirstAck) {
  const RateEstimator estimator;
  EXPECT_EQ(estimator.bandwidth_Bps(), 0u);
}

TEST(RateEstimator, FindsTheRateOfASteadyPipe) {
  RateEstimator estimator;
  Pipe pipe(estimator);
  pipe.run(microseconds(100), 2'000, 1, false);  // 10 MB/s
  EXPECT_NEAR(static_cast<double>(estimator.bandwidth_Bps()), 10e6, 0.2e6);
  EXPECT_NEAR(static_cast<double>(estimator.smoothed_Bps()), 10e6, 0.5e6);
}

TEST(RateEstimator, BunchedAcksDoNotRaiseIt) {
  RateEstimator estimator;
  Pipe pipe(estimator);
  pipe.run(microseconds(100), 5'000, 32, false);
  EXPECT_NEAR(static_cast<double>(estimator.bandwidth_Bps()), 10e6, 0.5e6);
}

TEST(RateEstimator, FallsWithThePathWithinTenRounds) {
  RateEstimator estimator;
  Pipe pipe(estimator);
  pipe.run(microseconds(100), 2'000, 1, false);
  pipe.run(microseconds(400), 2'000, 1, false);  // 100 in flight: twenty round trips
  EXPECT_NEAR(static_cast<double>(estimator.bandwidth_Bps()), 2.5e6, 0.2e6);
}

TEST(RateEstimator, AStarvedLaneKeepsItsEstimateForTenRoundsButShowsWhatItDoes) {
  RateEstimator estimator;
  Pipe pipe(estimator);
  pipe.run(microseconds(100), 2'000, 1, false);
  pipe.run(microseconds(400), 200, 1, true);  // eight round trips of a trickle
  EXPECT_NEAR(static_cast<double>(estimator.bandwidth_Bps()), 10e6, 0.2e6);
  EXPECT_LT(estimator.smoothed_Bps(), 4'000'000u);
}

TEST(RateEstimator, ForgettingKeepsTheCountOfBytes) {
  RateEstimator estimator;
  Pipe pipe(estimator);
  pipe.run(microseconds(100), 1'000, 1, false);
  const std::uint64_t delivered = estimator.delivered_bytes();
  estimator.forget();
  EXPECT_EQ(estimator.bandwidth_Bps(), 0u);
  EXPECT_EQ(estimator.delivered_bytes(), delivered);
  pipe.run(microseconds(100), 500, 1, false);  // packets stamped before are still in flight
  EXPECT_NEAR(static_cast<double>(estimator.bandwidth_Bps()), 10e6, 0.2e6);
}

}  // namespace
}  // namespace weft::sched
