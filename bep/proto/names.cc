#include "bep/proto/names.hh"

#include <array>
#include <cstdio>

#include "bep/proto/sha256.hh"
#include "bep/proto/text.hh"

namespace weft::proto {
namespace {

constexpr std::string_view kTempPrefix = ".syncthing.";
constexpr std::string_view kTempPrefixWindows = "~syncthing~";
constexpr std::string_view kTempSuffix = ".tmp";
constexpr std::string_view kConflictMark = ".sync-conflict-";
constexpr std::array<std::string_view, 3> kInternal = {".stfolder", ".stignore", ".stversions"};
// An extension longer than this is taken for part of the stem when a name must be shortened.
constexpr std::size_t kExtensionBytesKept = 32;

std::string hex(base::Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::byte byte : bytes) {
    out += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    out += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return out;
}

// Bytes of the UTF-8 character at the front of `text`, 0 if there is none (RFC 3629 §4).
std::size_t utf8_character(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;   // a continuation, or a longer form of ASCII
  if (first < 0xE0) return continues(1) ? 2 : 0;
  if (first < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (first > 0xF4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  const bool overlong = first == 0xF0 && at(1) < 0x90;
  const bool beyond = first == 0xF4 && at(1) >= 0x90;
  return overlong || beyond ? 0 : 4;
}

NameFault check_component(std::string_view component) noexcept {
  if (component.empty()) return NameFault::kEmptyComponent;
  if (component == ".") return NameFault::kDot;
  if (component == "..") return NameFault::kDotDot;
  return NameFault::kOk;
}

std::string joined(std::string_view directory, std::string_view base) {
  std::string out(directory);
  if (!out.empty()) out += '/';
  out += base;
  return out;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t size = utf8_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

NameFault check_name(std::string_view name) noexcept {
  if (name.empty()) return NameFault::kEmpty;
  if (name.size() > kNameBytesMax) return NameFault::kTooLong;
  if (name.find('\0') != std::string_view::npos) return NameFault::kNul;
  if (name.front() == '/') return NameFault::kAbsolute;
  for (std::string_view rest = name;;) {
    const std::size_t slash = rest.find('/');
    const NameFault fault = check_component(rest.substr(0, slash));
    if (fault != NameFault::kOk) return fault;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return is_utf8(name) ? NameFault::kOk : NameFault::kNotUtf8;
}

const char* text_of(NameFault fault) noexcept {
  switch (fault) {
    case NameFault::kOk: return "nothing wrong";
    case NameFault::kEmpty: return "it is empty";
    case NameFault::kTooLong: return "it is too long";
    case NameFault::kNotUtf8: return "it is not UTF-8";
    case NameFault::kNul: return "it holds a NUL";
    case NameFault::kAbsolute: return "it is absolute";
    case NameFault::kDot: return "it holds a component \".\"";
    case NameFault::kDotDot: return "it holds a component \"..\"";
    case NameFault::kEmptyComponent: return "it holds an empty component";
  }
  return "it is unknown";
}

bool is_internal_name(std::string_view name) noexcept {
  const std::string_view first = name.substr(0, name.find('/'));
  for (const std::string_view internal : kInternal)
    if (first == internal) return true;
  return false;
}

bool is_temp_name(std::string_view name) noexcept {
  const std::string_view base = base_of(name);
  return base.starts_with(kTempPrefix) || base.starts_with(kTempPrefixWindows);
}

std::string temp_name(std::string_view name) {
  const std::string_view base = base_of(name);
  std::string temp(kTempPrefix);
  if (base.size() > kTempBaseBytesMax) temp += hex(sha256(bytes_of(base)));
  else temp += base;
  temp += kTempSuffix;
  return joined(directory_of(name), temp);
}

std::optional<std::string> name_of_temp(std::string_view temp) {
  std::string_view base = base_of(temp);
  if (!base.starts_with(kTempPrefix) || !base.ends_with(kTempSuffix)) return std::nullopt;
  if (base.size() <= kTempPrefix.size() + kTempSuffix.size()) return std::nullopt;
  base.remove_prefix(kTempPrefix.size());
  base.remove_suffix(kTempSuffix.size());
  // A hash in the place of a name cannot be told from a name that looks like one: neither is
  // answered.
  const bool like_hash =
      base.size() == 64 && base.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (like_hash || base.size() > kTempBaseBytesMax) return std::nullopt;
  return joined(directory_of(temp), base);
}

std::string conflict_name(std::string_view name, const ConflictTime& when, ShortId modified_by) {
  const std::string_view base = base_of(name);
  const std::size_t dot = base.rfind('.');
  std::string_view stem = base.substr(0, dot);
  std::string_view extension = dot == std::string_view::npos ? "" : base.substr(dot);
  char stamp[64];
  std::snprintf(stamp, sizeof stamp, "%04d%02d%02d-%02d%02d%02d-", when.year, when.month, when.day,
                when.hour, when.minute, when.second);
  const std::string mark = std::string(kConflictMark) + stamp + short_id_text(modified_by);
  if (base.size() + mark.size() > kComponentBytesMax && extension.size() > kExtensionBytesKept) {
    stem = base;
    extension = "";
  }
  stem = cut_utf8(stem, kComponentBytesMax - mark.size() - extension.size());
  std::string conflict(stem);
  conflict += mark;
  conflict += extension;
  return joined(directory_of(name), conflict);
}

bool is_conflict_name(std::string_view name) noexcept {
  return base_of(name).find(kConflictMark) != std::string_view::npos;
}

std::string_view base_of(std::string_view name) noexcept {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

std::string_view directory_of(std::string_view name) noexcept {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

}  // namespace weft::proto
