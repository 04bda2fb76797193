// The table of a migration, cell by cell against the drawing in tests/golden/migration_state.dot, and the plan's order.
#include "migrate/migration_state.hh"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "migrate/move.hh"
#include "migrate/path_plan.hh"
#include "tests/unit/migrate/drawing.hh"

namespace weft::migrate {
namespace {

TEST(MigrationState, TheTableIsAsDrawn) {
  test::expect_drawn(
      kMigrationTransitions, kMigrationStates, kMigrationEvents, [](std::span<char> out) { return migration_to_dot(out); },
      [](MigrationState state) { return name_of(state); }, [](MigrationEvent event) { return name_of(event); },
      "migration_state");
}

TEST(MigrationState, EveryNameIsKnown) {
  for (std::size_t i = 0; i < kMigrationStates; ++i) EXPECT_STRNE(name_of(static_cast<MigrationState>(i)), "unknown");
  for (std::size_t i = 0; i < kMigrationEvents; ++i) EXPECT_STRNE(name_of(static_cast<MigrationEvent>(i)), "unknown");
  for (std::size_t i = 0; i < static_cast<std::size_t>(MoveReason::kCount); ++i)
    EXPECT_STRNE(name_of(static_cast<MoveReason>(i)), "unknown");
  std::map<std::string, int> words;
  for (std::size_t i = 0; i < static_cast<std::size_t>(PathError::kCount); ++i) {
    EXPECT_EQ(++words[name_of(static_cast<PathError>(i))], 1) << "each error has its own";
    EXPECT_STRNE(sentence_of(static_cast<PathError>(i)), "unknown");
  }
}

TEST(PathPlan, TheNewerWinsAndOfTwoAtOnceTheLowEnds) {
  PathPlan low, high;
  low.number = high.number = 4;
  low.by_low = true;
  EXPECT_TRUE(is_newer(low, high));
  EXPECT_FALSE(is_newer(high, low));
  EXPECT_FALSE(is_newer(low, low));
  high.number = 5;
  EXPECT_TRUE(is_newer(high, low));
  EXPECT_FALSE(is_newer(low, high));
}

TEST(PathSet, IsASet) {
  PathSet set;
  EXPECT_TRUE(set.empty());
  set.add(base::PathId{63});
  set.add(base::PathId{0});
  EXPECT_EQ(set.count(), 2u);
  EXPECT_EQ(base::to_index(set.first()), 0u);
  set.remove(base::PathId{0});
  EXPECT_EQ(base::to_index(set.first()), 63u);
  EXPECT_TRUE(set.without(set).empty());
  EXPECT_EQ(set.both(set), set);
}

}  // namespace
}  // namespace weft::migrate
