#include "health/path_report.hh"

#include <gtest/gtest.h>

#include <array>

namespace weft::health {
namespace {

using base::Instant;
using base::microseconds;
using base::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{} + milliseconds(ms); }

share::LaneReport lane(std::int64_t heard_ms) {
  share::LaneReport l;
  l.exists = l.validated = true;
  l.last_received = at_ms(heard_ms);
  l.unanswered_since = base::kNever;
  l.srtt = microseconds(300);
  l.rttvar = microseconds(20);
  l.rtt_min = microseconds(200);
  return l;
}

TEST(PathReport, NoLanesIsAnEmptyReport) {
  const share::LaneReport absent;
  const std::array samples{LaneSample{&absent, at_ms(1)}};
  const PathReport report = aggregate(base::PathId{3}, samples);
  EXPECT_EQ(report.path, base::PathId{3});
  EXPECT_EQ(report.lanes, 0u);
  EXPECT_FALSE(report.validated);
  EXPECT_FALSE(report.waiting);
}

TEST(PathReport, TrafficAddsUpAndTimesAreOfTheLaneHeardLast) {
  share::LaneReport a = lane(10), b = lane(20);
  a.rate_Bps = 100; b.rate_Bps = 20;
  a.in_flight_bytes = 7; b.in_flight_bytes = 5;
  a.packets_out = 1000; b.packets_out = 500;
  a.packets_lost = 10; a.packets_spurious = 4;
  b.packets_lost = 1; b.packets_spurious = 3;  // seen late, never below none
  a.rtt_min = microseconds(90);
  b.srtt = milliseconds(4);
  a.probe_seq_answered = 8; b.probe_seq_answered = 6;
  const std::array samples{LaneSample{&a, at_ms(21)}, LaneSample{&b, at_ms(21)}};
  const PathReport report = aggregate(base::PathId{0}, samples);
  EXPECT_EQ(report.lanes, 2u);
  EXPECT_EQ(report.rate_Bps, 120u);
  EXPECT_EQ(report.in_flight_bytes, 12u);
  EXPECT_EQ(report.packets_out, 1500u);
  EXPECT_EQ(report.packets_lost, 6u);
  EXPECT_EQ(report.srtt, milliseconds(4));
  EXPECT_EQ(report.rtt_min, microseconds(90));
  EXPECT_EQ(report.last_received, at_ms(20));
  EXPECT_EQ(report.probe_seq_answered, 8u);
}

TEST(PathReport, SilenceIsThatOfTheLeastSilentLaneUpToItsOwnReport) {
  share::LaneReport a = lane(10), b = lane(10);
  a.unanswered_since = at_ms(100);
  b.unanswered_since = at_ms(250);
  std::array samples{LaneSample{&a, at_ms(300)}, LaneSample{&b, at_ms(290)}};
  PathReport report = aggregate(base::PathId{0}, samples);
  EXPECT_TRUE(report.waiting);
  EXPECT_EQ(report.silence, milliseconds(40));
  b.unanswered_since = base::kNever;  // quiet since 10 ms: proves nothing about now
  report = aggregate(base::PathId{0}, samples);
  EXPECT_TRUE(report.waiting);
  EXPECT_EQ(report.silence, milliseconds(200));
  b.last_received = at_ms(285);       // answered everything just now: the path works
  report = aggregate(base::PathId{0}, samples);
  EXPECT_EQ(report.silence, milliseconds(5));
}

}  // namespace
}  // namespace weft::health
