// The target of an HTTP request taken apart: as a slow reading does it, and the same after being put together again.
#include "engine/api/url.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace api;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out(1);
  for (const char c : text)
    if (c == separator) out.emplace_back();
    else out.back() += c;
  return out;
}

std::optional<std::string> slow_decode(const std::string& text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const std::string digits = text.substr(i + 1, 2);
    if (digits.size() < 2 || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) return {};
    const long code = std::strtol(digits.c_str(), nullptr, 16);
    if (code == 0) return {};
    out += static_cast<char>(code);
    i += 2;
  }
  return out;
}

std::optional<Target> slow_parse(const std::string& text) {
  if (text.empty() || text[0] != '/') return {};
  const std::size_t mark = text.find('?');
  const std::string path = text.substr(1, mark == text.npos ? mark : mark - 1);
  Target out;
  if (!path.empty())
    for (const std::string& piece : split(path, '/')) {
      const auto segment = slow_decode(piece, false);
      if (!segment) return {};
      out.segments.push_back(*segment);
    }
  if (mark == text.npos) return out;
  for (const std::string& piece : split(text.substr(mark + 1), '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    const auto key = slow_decode(piece.substr(0, equals), true);
    const auto value = slow_decode(equals == piece.npos ? "" : piece.substr(equals + 1), true);
    if (!key || !value) return {};
    out.query.emplace_back(*key, *value);
  }
  return out;
}

}  // namespace

void make_seeds(Seeds& out) {
  for (const char* text : {"/rest/db/status?folder=a%20b&x=1+2&flag&&folder=second", "/a/x%2Fy/b+c", "/", "/?a=b",
                           "/rest/weft/ports/left/impair"})
    out.add("target-" + std::to_string(out.all().size()), text);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const std::string text(text_of(bytes_of(data, size)));
  const auto target = parse_target(text);
  const auto slow = slow_parse(text);
  CHECK(target.has_value() == slow.has_value());
  const bool without_nul = text.find('\0') == text.npos;
  if (without_nul) {
    CHECK(percent_decode(percent_encode(text), PlusIs::kSpace) == text);
    CHECK(percent_decode(percent_encode(text), PlusIs::kPlus) == text);
  }
  if (!target) return 0;
  understood();
  CHECK(target->segments == slow->segments && target->query == slow->query);
  if (!without_nul) return 0;      // only a raw NUL is kept: an HTTP parser lets none through
  std::string again = target->segments.empty() ? "/" : "";
  for (const std::string& segment : target->segments) again += "/" + percent_encode(segment);
  for (std::size_t i = 0; i < target->query.size(); ++i)
    again += (i == 0 ? "?" : "&") + percent_encode(target->query[i].first) + "=" + percent_encode(target->query[i].second);
  const auto second = parse_target(again);
  CHECK(second && second->segments == target->segments && second->query == target->query);
  for (const auto& [key, value] : target->query)
    CHECK(target->value(key) == std::ranges::find(target->query, key, [](const auto& q) { return q.first; })->second);
  return 0;
}
