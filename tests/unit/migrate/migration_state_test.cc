// The table of a migration, cell by cell against the drawing in tests/golden/migration_state.dot, and the plan's order.
#include "migrate/migration_state.hh"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "migrate/move.hh"
#include "migrate/path_plan.hh"

namespace weft::migrate {
namespace {

std::string golden() {
  std::ifstream file(WEFT_GOLDEN_DIR "/migration_state.dot");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(MigrationState, TheDrawingIsTheTable) {
  std::array<char, 4096> text{};
  const std::size_t length = migration_to_dot(text);
  ASSERT_LE(length, text.size());
  EXPECT_EQ(std::string(text.data(), length), golden());
}

TEST(MigrationState, EveryCellIsAsDrawn) {
  const std::string drawing = golden();
  std::size_t cells = 0;
  for (std::size_t s = 0; s < kMigrationStates; ++s)
    for (std::size_t e = 0; e < kMigrationEvents; ++e) {
      const auto state = static_cast<MigrationState>(s);
      const auto event = static_cast<MigrationEvent>(e);
      const auto to = next(state, event);
      const std::string line = std::string("  ") + name_of(state) + " -> " + (to ? name_of(*to) : "") +
                               (to ? "" : "nowhere") + " [label=\"" + name_of(event) + "\"];\n";
      EXPECT_EQ(drawing.find(line) != std::string::npos, to.has_value()) << line;
      cells += to.has_value();
    }
  EXPECT_EQ(cells, kMigrationTransitions.size());
  EXPECT_EQ(static_cast<std::size_t>(std::count(drawing.begin(), drawing.end(), '\n')), cells + 2);
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
