// The table cell by cell: every state x event against the drawing in tests/golden/path_state.dot.
#include "migrate/path_state.hh"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/migrate/drawing.hh"

namespace weft::migrate {
namespace {

TEST(PathState, TheTableIsAsDrawn) {
  test::expect_drawn(
      kTransitions, kStates, kEvents, [](std::span<char> out) { return to_dot(out); },
      [](PathState state) { return name_of(state); }, [](PathEvent event) { return share::name_of(event); }, "path_state");
}

TEST(PathState, ADrawingThatDoesNotFitIsCutAndSaysSo) {
  std::array<char, 10> text{};
  EXPECT_GT(to_dot(text), text.size());
  EXPECT_EQ(std::string(text.data(), text.size()), "digraph pa");
}

TEST(PathState, EveryNameIsKnown) {
  for (std::size_t s = 0; s < kStates; ++s)
    EXPECT_STRNE(name_of(static_cast<PathState>(s)), "unknown");
  for (std::size_t e = 0; e < kEvents; ++e)
    EXPECT_STRNE(share::name_of(static_cast<PathEvent>(e)), "unknown");
}

}  // namespace
}  // namespace weft::migrate
