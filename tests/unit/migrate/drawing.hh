// A state table and its drawing in tests/golden: the same text, and the same cells.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "migrate/transition_table.hh"

namespace weft::migrate::test {

inline std::string golden(const std::string& name) {
  std::ifstream file(WEFT_GOLDEN_DIR "/" + name + ".dot");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// `to_dot` of the table writes what the file has, and every state x event has a line there or none.
template <typename Table, typename ToDot, typename NameOfState, typename NameOfEvent>
void expect_drawn(const Table& table, std::size_t states, std::size_t events, ToDot to_dot, NameOfState name_of_state,
                  NameOfEvent name_of_event, const std::string& name) {
  using State = typename Table::value_type::State;
  using Event = typename Table::value_type::Event;
  const std::string drawing = golden(name);
  std::array<char, 4096> text{};
  const std::size_t length = to_dot(text);
  ASSERT_LE(length, text.size());
  EXPECT_EQ(std::string(text.data(), length), drawing);

  std::size_t lines = 0;
  for (std::size_t s = 0; s < states; ++s)
    for (std::size_t e = 0; e < events; ++e) {
      const auto from = static_cast<State>(s);
      const auto event = static_cast<Event>(e);
      const auto to = target_of(table, from, event);
      for (std::size_t t = 0; t < states; ++t) {
        const std::string line = std::string("  ") + name_of_state(from) + " -> " + name_of_state(static_cast<State>(t)) +
                                 " [label=\"" + name_of_event(event) + "\"];\n";
        const bool drawn = drawing.find(line) != std::string::npos;
        EXPECT_EQ(drawn, to == static_cast<State>(t)) << line;
        lines += drawn;
      }
    }
  EXPECT_EQ(lines, table.size());
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(drawing, '\n')), lines + 2);
}

}  // namespace weft::migrate::test
