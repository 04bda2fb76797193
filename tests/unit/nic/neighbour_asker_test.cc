#include "engine/nic/neighbour_asker.hh"

#include <gtest/gtest.h>

namespace weft::nic {
namespace {

base::Instant at_ms(std::int64_t ms) { return base::Instant{} + base::milliseconds(ms); }

// How often a hop is asked for when packets go to it every millisecond of [from, to).
int questions(NeighbourAsker& asker, bool known, std::int64_t from_ms, std::int64_t to_ms) {
  int count = 0;
  for (std::int64_t ms = from_ms; ms < to_ms; ++ms) {
    asker.on_use(5, known, at_ms(ms));
    std::uint32_t slot = 0;
    while (asker.poll(slot, at_ms(ms))) {
      EXPECT_EQ(slot, 5u);
      ++count;
    }
  }
  return count;
}

TEST(NeighbourAsker, UnknownIsAskedAtOnceThenEvery100ms) {
  NeighbourAsker asker;
  EXPECT_EQ(questions(asker, false, 0, 1), 1);
  EXPECT_EQ(questions(asker, false, 1, 100), 0);
  EXPECT_EQ(questions(asker, false, 100, 1000), 9);
}

TEST(NeighbourAsker, KnownIsAskedAgainEvery30sWhileUsed) {
  NeighbourAsker asker;
  EXPECT_EQ(questions(asker, true, 0, 29'999), 0);
  EXPECT_EQ(questions(asker, true, 30'000, 90'000), 2);
  std::uint32_t slot = 0;
  EXPECT_FALSE(asker.poll(slot, at_ms(1'000'000)));   // nobody sends to it: nobody asks
}

TEST(NeighbourAsker, LinkUpPutsKnownHopsInDoubt) {
  NeighbourAsker asker;
  EXPECT_EQ(questions(asker, true, 0, 1000), 0);
  asker.on_link_up();
  EXPECT_EQ(questions(asker, true, 1000, 1001), 1);
  EXPECT_EQ(questions(asker, true, 1001, 11'000), NeighbourAsker::kDoubtMax - 1);   // nobody answers this core
  asker.on_link_up();
  EXPECT_EQ(questions(asker, true, 11'000, 11'001), 1);
  asker.on_answer(5);
  EXPECT_EQ(questions(asker, true, 11'001, 41'000), 0);
}

TEST(NeighbourAsker, EachHopHasItsOwnTime) {
  NeighbourAsker asker;
  for (std::uint32_t slot = 0; slot < share::Neighbours::kMax; ++slot) asker.on_use(slot, false, at_ms(1));
  std::uint32_t slot = 0, count = 0;
  while (asker.poll(slot, at_ms(1))) ++count;
  EXPECT_EQ(count, share::Neighbours::kMax);
  EXPECT_FALSE(asker.any_due());
}

}  // namespace
}  // namespace weft::nic
