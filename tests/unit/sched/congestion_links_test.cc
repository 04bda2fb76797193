// CUBIC and BBR side by side over simulated links: the table of README.md, and what must hold in it.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "link_sim.hh"
#include "sched/cubic.hh"

namespace weft::sched::test {
namespace {

using base::milliseconds;
using base::seconds;
using share::Congestion;
using share::Policy;

constexpr std::uint64_t kMbit = 125'000;   // bytes per second
constexpr std::uint64_t kEndless = 4'000'000;

struct Seen {
  double percent = 0;            // of the link, distinct payload
  double srtt_ms = 0;            // at the end: how full the queue stands
  double lost_percent = 0;
};

Seen bulk(LinkSpec link, Congestion congestion, base::Duration warm_up) {
  constexpr base::Duration time = seconds(10);
  link.congestion = congestion;
  const std::array links{link};
  LinkSim sim(links, Policy::kRate, kEndless, 1);
  sim.run(warm_up);
  const std::uint64_t before = sim.received();
  sim.run(time);
  const LaneMetrics metrics = sim.lane(0).metrics();
  return {.percent = static_cast<double>((sim.received() - before) * LinkSim::kPacket) * 1e11 /
                     static_cast<double>(link.rate_Bps) / static_cast<double>(time.ns),
          .srtt_ms = static_cast<double>(metrics.srtt.us()) / 1e3,
          .lost_percent = 100.0 * static_cast<double>(metrics.packets_lost) / static_cast<double>(sim.sent_on(0))};
}

struct Both {
  Seen cubic, bbr;
};
Both both(const char* what, const LinkSpec& link, base::Duration warm_up = seconds(2)) {
  const Both seen{bulk(link, Congestion::kCubic, warm_up), bulk(link, Congestion::kBbr, warm_up)};
  std::printf("| %-44s | %5.1f %% %6.2f ms %5.2f %% | %5.1f %% %6.2f ms %5.2f %% |\n", what, seen.cubic.percent,
              seen.cubic.srtt_ms, seen.cubic.lost_percent, seen.bbr.percent, seen.bbr.srtt_ms, seen.bbr.lost_percent);
  return seen;
}

TEST(CongestionLinks, ACleanPath) {
  const Both seen = both("100 Mbit/s, 10 ms", {.rate_Bps = 100 * kMbit, .delay = milliseconds(5)});
  EXPECT_GE(seen.cubic.percent, 95);
  EXPECT_GE(seen.bbr.percent, 90);
}

TEST(CongestionLinks, ALan) {
  const Both seen = both("1 Gbit/s, 0.2 ms, queue 512 KiB", {.rate_Bps = 1000 * kMbit, .delay = base::microseconds(100),
                                                             .queue_bytes = 512 << 10});
  EXPECT_GE(seen.cubic.percent, 95);
  EXPECT_GE(seen.bbr.percent, 90);
}

TEST(CongestionLinks, RandomLossOfOnePercent) {
  const Both seen = both("100 Mbit/s, 20 ms, 1 % loss",
                         {.rate_Bps = 100 * kMbit, .delay = milliseconds(10), .queue_bytes = 256 << 10,
                          .loss_one_in = 100});
  EXPECT_GE(seen.bbr.percent, 80);
  EXPECT_LE(seen.cubic.percent, 40);
}

TEST(CongestionLinks, ALongPath) {
  const Both seen = both("200 Mbit/s, 100 ms, queue 2.5 MB",
                         {.rate_Bps = 200 * kMbit, .delay = milliseconds(50), .queue_bytes = 2'500'000}, seconds(10));
  EXPECT_GE(seen.cubic.percent, 90);
  EXPECT_GE(seen.bbr.percent, 85);
}

TEST(CongestionLinks, AShallowQueue) {
  const Both seen = both("100 Mbit/s, 20 ms, queue 32 KiB (1/8 bdp)",
                         {.rate_Bps = 100 * kMbit, .delay = milliseconds(10), .queue_bytes = 32 << 10});
  EXPECT_GE(seen.cubic.percent, 70);
  EXPECT_GE(seen.bbr.percent, 85);
}

TEST(CongestionLinks, ADeepQueue) {
  const Both seen = both("100 Mbit/s, 20 ms, queue 2.5 MB (10 bdp)",
                         {.rate_Bps = 100 * kMbit, .delay = milliseconds(10), .queue_bytes = 2'500'000});
  EXPECT_GE(seen.cubic.percent, 95);
  EXPECT_GE(seen.bbr.percent, 90);
  EXPECT_LT(2 * seen.bbr.srtt_ms, seen.cubic.srtt_ms);   // the queue stays short
}

// The descriptors of a card are a queue of the same kind: 2048 packets before a cable of 10 Mbit/s.
TEST(CongestionLinks, AQueueWithoutEnd) {
  const Both seen = both("10 Mbit/s, 0.6 ms, queue 3 MB (2.4 s)",
                         {.rate_Bps = 10 * kMbit, .delay = base::microseconds(300), .queue_bytes = 3'000'000});
  EXPECT_GE(seen.cubic.percent, 95);
  EXPECT_LE(seen.cubic.srtt_ms, 2.0 * static_cast<double>(kQueueMax.ms()));
  EXPECT_EQ(seen.cubic.lost_percent, 0);
  EXPECT_GE(seen.bbr.percent, 85);
}

// Two lanes of one kind on one bottleneck: fair within a factor of two, and full.
TEST(CongestionLinks, TwoLanesShareABottleneck) {
  for (const Congestion kind : {Congestion::kCubic, Congestion::kBbr}) {
    SCOPED_TRACE(share::name_of(kind));
    const std::array links{LinkSpec{.rate_Bps = 100 * kMbit, .delay = milliseconds(10), .queue_bytes = 256 << 10,
                                    .congestion = kind},
                           LinkSpec{.rate_Bps = 100 * kMbit, .delay = milliseconds(10), .queue_bytes = 256 << 10,
                                    .congestion = kind, .bottleneck_of = 0}};
    LinkSim sim(links, Policy::kRate, kEndless, 1);
    sim.run(seconds(5));
    const std::uint64_t first = sim.received_on(0), second = sim.received_on(1);
    sim.run(seconds(20));
    const auto a = static_cast<double>(sim.received_on(0) - first);
    const auto b = static_cast<double>(sim.received_on(1) - second);
    std::printf("| two lanes, one bottleneck, %-6s: %4.1f and %4.1f Mbit/s\n",
                share::name_of(kind), a * LinkSim::kPacket * 8 / 20e6,
                b * LinkSim::kPacket * 8 / 20e6);
    EXPECT_GE((a + b) * LinkSim::kPacket, 0.90 * 20 * 100 * kMbit);
    EXPECT_LE(std::max(a, b), 2 * std::min(a, b));
  }
}

}  // namespace
}  // namespace weft::sched::test
