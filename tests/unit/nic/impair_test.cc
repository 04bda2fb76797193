// ImpairStage on virtual time over a wire in memory.
#include "engine/nic/impair.hh"

#include <gtest/gtest.h>

#include "tests/unit/nic/wire.hh"

namespace weft::nic {
namespace {

using namespace test;
constexpr base::Instant at_us(std::int64_t us) { return base::Instant{} + base::microseconds(us); }

struct Bench {
  Pool pool;
  Wire wire;
  ImpairStage stage;
  explicit Bench(std::uint32_t frames_max = 64, std::uint64_t seed = 7) : stage(wire, frames_max, seed) {}

  // A frame whose first byte is its number.
  rte_mbuf* numbered(int number, std::size_t bytes = 100) const {
    FrameBytes frame(bytes);
    frame[0] = std::byte(number);
    return pool.frame(frame);
  }
  void send(int number, base::Instant now, std::size_t bytes = 100) {
    rte_mbuf* frame = numbered(number, bytes);
    ASSERT_EQ(stage.tx_burst({&frame, 1}, now), 1u);
  }
  // One turn without traffic, then the numbers that came out at the bottom.
  std::vector<int> out(base::Instant now) {
    rte_mbuf* none[kBurst];
    EXPECT_EQ(stage.rx_burst(none, now), 0u);
    std::vector<int> numbers;
    for (; !wire.out.empty(); wire.out.pop_front()) {
      numbers.push_back(std::to_integer<int>(*rte_pktmbuf_mtod(wire.out.front(), std::byte*)));
      rte_pktmbuf_free(wire.out.front());
    }
    return numbers;
  }
  std::vector<int> received(base::Instant now) {
    rte_mbuf* frames[kBurst];
    const std::uint32_t count = stage.rx_burst(frames, now);
    std::vector<int> numbers;
    for (std::uint32_t i = 0; i < count; ++i) {
      numbers.push_back(std::to_integer<int>(*rte_pktmbuf_mtod(frames[i], std::byte*)));
      rte_pktmbuf_free(frames[i]);
    }
    return numbers;
  }
};

TEST(Impair, OffIsNotThere) {
  Bench bench;
  bench.send(1, at_us(0));
  EXPECT_EQ(bench.out(at_us(0)), std::vector<int>{1});
  bench.wire.tx_room = 0;
  rte_mbuf* frame = bench.numbered(2);
  EXPECT_EQ(bench.stage.tx_burst({&frame, 1}, at_us(1)), 0u);   // back-pressure goes through
  rte_pktmbuf_free(frame);
  EXPECT_EQ(bench.stage.next_deadline(), base::kNever);
}

TEST(Impair, BlackholeSwallowsTheNamedDirectionOnly) {
  Bench bench;
  bench.stage.set({.blackhole = true, .direction = Direction::kTx});
  bench.send(1, at_us(0));
  EXPECT_TRUE(bench.out(at_us(0)).empty());
  bench.wire.in.push_back(bench.numbered(2));
  EXPECT_EQ(bench.received(at_us(0)), std::vector<int>{2});
  bench.stage.set({.blackhole = true, .direction = Direction::kRx});
  bench.send(3, at_us(0));
  bench.wire.in.push_back(bench.numbered(4));
  EXPECT_TRUE(bench.received(at_us(0)).empty());
  EXPECT_EQ(bench.out(at_us(0)), std::vector<int>{3});
  EXPECT_EQ(bench.stage.stats().blackholed, 2u);
}

TEST(Impair, DropRateIsWithinItsBounds) {
  Bench bench;
  bench.stage.set({.drop_ppm = 100'000});
  constexpr int kFrames = 20'000;
  int arrived = 0;
  for (int i = 0; i < kFrames; ++i) {
    bench.send(0, at_us(i));
    arrived += static_cast<int>(bench.out(at_us(i)).size());
  }
  // Binomial(20000, 0.1): standard deviation 42; six of them.
  EXPECT_NEAR(kFrames - arrived, 2000, 6 * 42);
  EXPECT_EQ(bench.stage.stats().dropped, static_cast<std::uint64_t>(kFrames - arrived));
}

TEST(Impair, DelayKeepsOrderAndTime) {
  Bench bench;
  bench.stage.set({.delay_us = 1000, .direction = Direction::kTx});
  bench.send(1, at_us(0));
  bench.send(2, at_us(300));
  EXPECT_EQ(bench.stage.next_deadline(), at_us(1000));
  EXPECT_TRUE(bench.out(at_us(999)).empty());
  EXPECT_EQ(bench.out(at_us(1000)), std::vector<int>{1});
  EXPECT_EQ(bench.out(at_us(1300)), std::vector<int>{2});
  EXPECT_EQ(bench.stage.stats().delayed, 2u);
}

TEST(Impair, JitterNeverReorders) {
  Bench bench;
  bench.stage.set({.delay_us = 100, .jitter_us = 5000});
  for (int i = 0; i < 40; ++i) bench.send(i, at_us(i));
  std::vector<int> seen;
  int moments = 0;   // at which something came out
  for (int us = 0; us < 6000; ++us) {
    const auto now_out = bench.out(at_us(us));
    moments += now_out.empty() ? 0 : 1;
    seen.insert(seen.end(), now_out.begin(), now_out.end());
  }
  ASSERT_EQ(seen.size(), 40u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_GT(moments, 1);
}

TEST(Impair, FullFifoDropsTheNewest) {
  Bench bench(8);
  bench.stage.set({.delay_us = 1000});
  for (int i = 0; i < 12; ++i) bench.send(i, at_us(0));
  EXPECT_EQ(bench.stage.stats().overflow, 4u);
  EXPECT_EQ(bench.out(at_us(1000)), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Impair, RateIsKeptAndItsQueueIsBounded) {
  Bench bench(512);
  bench.stage.set({.rate_Bps = 1'000'000});   // 100 bytes are 100 us
  for (int i = 0; i < 5; ++i) bench.send(i, at_us(0));
  EXPECT_EQ(bench.out(at_us(99)).size(), 0u);
  EXPECT_EQ(bench.out(at_us(300)), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(bench.out(at_us(500)), (std::vector<int>{3, 4}));
  // Offered ten times the rate, what passes in a second is the rate.
  std::size_t passed = 0;
  for (int us = 1000; us < 1'001'000; us += 1000) {
    for (int i = 0; i < 100; ++i) bench.send(0, at_us(us));
    passed += bench.out(at_us(us)).size();
  }
  EXPECT_NEAR(static_cast<double>(passed), 10'000.0, 520.0);   // less what still stands in the 50 ms queue
  EXPECT_GT(bench.stage.stats().overflow, 80'000u);
}

TEST(Impair, TheQueueIsAsLongAsAsked) {
  Bench bench(512);
  bench.stage.set({.rate_Bps = 1'000'000, .queue_us = 1000});   // 100 bytes are 100 us: ten may wait, one is under way
  for (int i = 0; i < 40; ++i) bench.send(i, at_us(0));
  EXPECT_EQ(bench.stage.stats().overflow, 29u);
  EXPECT_EQ(bench.out(at_us(2000)).size(), 11u);
}

TEST(Impair, ALinkThatIsDownSwallowsBothDirections) {
  Bench bench;
  bench.stage.set({.link_down = true, .direction = Direction::kTx});
  bench.send(1, at_us(0));
  EXPECT_TRUE(bench.out(at_us(0)).empty());
  bench.wire.in.push_back(bench.numbered(2));
  EXPECT_TRUE(bench.received(at_us(0)).empty());
  EXPECT_EQ(bench.stage.stats().blackholed, 2u);
}

TEST(Impair, EndOfImpairmentLetsTheHeldGoFirst) {
  Bench bench;
  bench.stage.set({.delay_us = 1'000'000});
  bench.send(1, at_us(0));
  bench.stage.set({});
  bench.send(2, at_us(10));
  EXPECT_EQ(bench.out(at_us(10)), (std::vector<int>{1, 2}));
}

TEST(Impair, DelayedReceiveComesLater) {
  Bench bench;
  bench.stage.set({.delay_us = 50, .direction = Direction::kRx});
  bench.wire.in.push_back(bench.numbered(9));
  EXPECT_TRUE(bench.received(at_us(0)).empty());
  EXPECT_TRUE(bench.received(at_us(49)).empty());
  EXPECT_EQ(bench.received(at_us(50)), std::vector<int>{9});
}

TEST(Impair, SameSeedSameFate) {
  const auto fate = [](std::uint64_t seed) {
    Bench bench(64, seed);
    bench.stage.set({.drop_ppm = 500'000});
    std::vector<int> all;
    for (int i = 0; i < 60; ++i) {
      bench.send(i, at_us(i));
      for (const int number : bench.out(at_us(i))) all.push_back(number);
    }
    return all;
  };
  EXPECT_EQ(fate(1), fate(1));
  EXPECT_NE(fate(1), fate(2));
}

TEST(Impair, ASeedInTheImpairmentRepeatsTheFate) {
  Bench bench;
  const auto fate = [&](std::uint64_t seed, std::int64_t from_us) {
    bench.stage.set({.drop_ppm = 500'000, .seed = seed});
    std::vector<int> all;
    for (int i = 0; i < 60; ++i) {
      bench.send(i, at_us(from_us + i));
      for (const int number : bench.out(at_us(from_us + i))) all.push_back(number);
    }
    return all;
  };
  const std::vector<int> first = fate(3, 0);
  EXPECT_EQ(fate(3, 100), first);
  EXPECT_NE(fate(4, 200), first);
  EXPECT_NE(fate(0, 300), fate(0, 400));   // 0: the dice go on
}

TEST(Impair, FreesWhatItHolds) {
  Bench bench;   // the pool checks at the end that every buffer came home
  bench.stage.set({.delay_us = 1'000'000});
  bench.send(1, at_us(0));
  bench.wire.in.push_back(bench.numbered(2));
  EXPECT_TRUE(bench.received(at_us(0)).empty());
  EXPECT_EQ(bench.stage.stats().delayed, 2u);
}

}  // namespace
}  // namespace weft::nic
