#include "health/path_report.hh"

#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace weft::health {
namespace {

using base::Instant;
using base::microseconds;
using base::milliseconds;

Instant at_ms(std::int64_t ms) { return Instant{} + milliseconds(ms); }

share::LaneReport lane(std::int64_t heard_ms) {
  share::LaneReport l;
  l.validated = true;
  l.last_received = at_ms(heard_ms);
  l.unanswered_since = base::kNever;
  l.srtt = microseconds(300);
  l.rttvar = microseconds(20);
  l.rtt_min = microseconds(200);
  return l;
}

TEST(PathReport, NoLanesIsAnEmptyReport) {
  const PathReport report = aggregate(base::PathId{3}, {});
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
  EXPECT_EQ(report.unheard, milliseconds(5));
}

TEST(PathReport, LanesArePickedBySessionAndPathFromAllCores) {
  const auto first = std::make_unique<share::CoreReport>();
  const auto second = std::make_unique<share::CoreReport>();
  const auto put = [](share::CoreReport& core, std::uint8_t session, std::uint8_t path,
                      std::uint64_t rate) {
    share::LaneReport& l = core.lanes[core.lane_count++] = lane(10);
    l.session = base::SessionId{session};
    l.path = base::PathId{path};
    l.rate_Bps = rate;
  };
  put(*first, 0, 3, 1);
  put(*first, 1, 3, 10);
  put(*first, 1, 4, 100);
  put(*second, 1, 3, 1000);
  first->lanes[first->lane_count].session = base::SessionId{1};  // left from an earlier report
  first->lanes[first->lane_count].path = base::PathId{3};
  const std::array<const share::CoreReport*, 2> cores{first.get(), second.get()};
  const PathReport report = aggregate(base::SessionId{1}, base::PathId{3}, cores);
  EXPECT_EQ(report.lanes, 2u);
  EXPECT_EQ(report.rate_Bps, 1010u);
  EXPECT_EQ(aggregate(base::SessionId{2}, base::PathId{3}, cores).lanes, 0u);
}

}  // namespace
}  // namespace weft::health
