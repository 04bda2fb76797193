// The table cell by cell: every state x event against the drawing in tests/golden/path_state.dot.
#include "migrate/path_state.hh"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

namespace weft::migrate {
namespace {

std::string golden() {
  std::ifstream file(WEFT_GOLDEN_DIR "/path_state.dot");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(PathState, TheDrawingIsTheTable) {
  std::array<char, 4096> text{};
  const std::size_t length = to_dot(text);
  ASSERT_LE(length, text.size());
  EXPECT_EQ(std::string(text.data(), length), golden());
}

TEST(PathState, EveryCellIsAsDrawn) {
  std::map<std::pair<std::string, std::string>, std::string> drawn;  // (from, event) -> to
  std::istringstream lines(golden());
  std::string from, arrow, to, label;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (!(words >> from >> arrow >> to >> label) || arrow != "->") continue;
    const std::string event = label.substr(8, label.find('"', 8) - 8);  // [label="EVENT"];
    EXPECT_TRUE(drawn.emplace(std::pair{from, event}, to).second) << line;
  }
  ASSERT_EQ(drawn.size(), kTransitions.size());
  for (std::size_t s = 0; s < kStates; ++s) {
    for (std::size_t e = 0; e < kEvents; ++e) {
      const auto state = static_cast<PathState>(s);
      const auto event = static_cast<PathEvent>(e);
      const auto cell = drawn.find({name_of(state), share::name_of(event)});
      const auto target = next(state, event);
      ASSERT_EQ(target.has_value(), cell != drawn.end()) << name_of(state) << share::name_of(event);
      if (target.has_value()) {
        EXPECT_EQ(name_of(*target), cell->second);
      }
    }
  }
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
