// Text into a buffer of fixed size: appends what fits and counts all. For the drawings of the tables.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace weft::migrate {

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

// A table of {from, event, to} as a Graphviz drawing. Returns how many characters the whole drawing has.
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
