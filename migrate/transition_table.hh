// A state table: which event leads from which state where. What all such tables share: the look-up, what must be true of any of
// them, and the drawing. The tables themselves: path_state.hh, migration_state.hh. Pure, constexpr.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace weft::migrate {

template <typename StateType, typename EventType> struct TransitionOf {
  using State = StateType;
  using Event = EventType;
  State from;
  Event event;
  State to;
};

// nullopt: the table says nothing of this event in this state.
template <typename Table>
[[nodiscard]] constexpr auto target_of(const Table& table, typename Table::value_type::State from,
                                       typename Table::value_type::Event event) noexcept {
  std::optional<typename Table::value_type::State> to;
  for (const auto& t : table)
    if (t.from == from && t.event == event) to = t.to;
  return to;
}

template <typename Table> [[nodiscard]] constexpr bool one_target_per_event(const Table& table) {
  for (std::size_t i = 0; i < table.size(); ++i)
    for (std::size_t k = i + 1; k < table.size(); ++k)
      if (table[i].from == table[k].from && table[i].event == table[k].event) return false;
  return true;
}
template <typename Table> [[nodiscard]] constexpr bool every_transition_moves(const Table& table) {
  for (const auto& t : table)
    if (t.from == t.to) return false;
  return true;
}

// Text into a buffer of fixed size: appends what fits and counts all.
class DotText {
 public:
  explicit DotText(std::span<char> out) noexcept : out_(out) {}
  DotText& operator<<(std::string_view piece) noexcept {
    for (const char c : piece) {
      if (length_ < out_.size()) out_[length_] = c;
      ++length_;
    }
    return *this;
  }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }

 private:
  std::span<char> out_;
  std::size_t length_ = 0;
};

// The table as a Graphviz drawing. Writes at most out.size() characters; returns how many the whole drawing has, so that a caller
// with too little room sees it.
template <typename Table, typename NameOfState, typename NameOfEvent>
std::size_t draw(std::span<char> out, const char* title, const Table& table, NameOfState state, NameOfEvent event) noexcept {
  DotText text(out);
  text << "digraph " << title << " {\n";
  for (const auto& t : table)
    text << "  " << state(t.from) << " -> " << state(t.to) << " [label=\"" << event(t.event) << "\"];\n";
  text << "}\n";
  return text.length();
}

}  // namespace weft::migrate
