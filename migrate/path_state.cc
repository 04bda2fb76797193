#include "migrate/path_state.hh"

#include <algorithm>
#include <string_view>

namespace weft::migrate {
namespace {

// Appends what fits and counts all.
class Text {
 public:
  explicit Text(std::span<char> out) : out_(out) {}
  Text& operator<<(std::string_view piece) {
    for (const char c : piece) {
      if (length_ < out_.size()) out_[length_] = c;
      ++length_;
    }
    return *this;
  }
  [[nodiscard]] std::size_t length() const { return length_; }

 private:
  std::span<char> out_;
  std::size_t length_ = 0;
};

}  // namespace

const char* name_of(PathState state) noexcept {
  switch (state) {
    case PathState::kAbsent: return "absent";
    case PathState::kProbing: return "probing";
    case PathState::kStandby: return "standby";
    case PathState::kActive: return "active";
    case PathState::kSuspect: return "suspect";
    case PathState::kDraining: return "draining";
    case PathState::kDown: return "down";
  }
  return "unknown";
}

std::size_t to_dot(std::span<char> out) noexcept {
  Text text(out);
  text << "digraph path_state {\n";
  for (const Transition& t : kTransitions)
    text << "  " << name_of(t.from) << " -> " << name_of(t.to) << " [label=\""
         << share::name_of(t.event) << "\"];\n";
  text << "}\n";
  return text.length();
}

}  // namespace weft::migrate
