#include "bep/proto/device_id.hh"

#include <array>
#include <cstdint>

#include "bep/proto/sha256.hh"

namespace weft::proto {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kBase32Chars = 52;    // of 32 bytes, without '='
constexpr std::size_t kCheckedChars = 56;   // with one check character per group
constexpr std::size_t kGroupChars = 13;     // that a check character covers
constexpr std::size_t kPrintGroup = 7;      // between two dashes

int value_of(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

std::string base32(base::Bytes bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const std::byte byte : bytes) {
    bits = (bits << 8) | std::to_integer<std::uint32_t>(byte);
    bit_count += 8;
    for (; bit_count >= 5; bit_count -= 5) text += kAlphabet[(bits >> (bit_count - 5)) & 31];
    bits &= 31;   // fewer than 5 bits are left
  }
  if (bit_count > 0) text += kAlphabet[(bits << (5 - bit_count)) & 31];
  return text;
}

// 52 characters hold 260 bits: the last 4 must be zero, or two texts would be one device.
bool base32_decode(std::string_view text, DeviceId& id) noexcept {
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t used = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return false;
    bits = ((bits << 5) | static_cast<std::uint32_t>(value)) & 0xFFF;
    bit_count += 5;
    if (bit_count < 8) continue;
    bit_count -= 8;
    id[used++] = static_cast<std::byte>((bits >> bit_count) & 0xFF);
  }
  return used == id.size() && (bits & ((1u << bit_count) - 1)) == 0;
}

// Upper case, no dashes, spaces and padding, and the digits that people mistake for letters.
std::string normalised(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '-' || c == ' ' || c == '=') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '0') c = 'O';
    if (c == '1') c = 'I';
    if (c == '8') c = 'B';
    out += c;
    if (out.size() > kCheckedChars) break;   // already wrong; do not copy a novel
  }
  return out;
}

}  // namespace

DeviceId device_id_of_certificate(base::Bytes der) { return sha256(der); }

char luhn32(std::string_view base32_text) noexcept {
  // Unlike Luhn's own, the sum runs left to right and starts with factor 1.
  int factor = 1, sum = 0;
  for (const char c : base32_text) {
    const int value = value_of(c);
    if (value < 0) return 0;
    const int addend = factor * value;
    sum += addend / 32 + addend % 32;
    factor = factor == 1 ? 2 : 1;
  }
  return kAlphabet[static_cast<std::size_t>((32 - sum % 32) % 32)];
}

std::string to_text(const DeviceId& id) {
  if (id == kEmptyDeviceId) return {};
  const std::string plain = base32(id);
  std::string checked;
  for (std::size_t at = 0; at < kBase32Chars; at += kGroupChars) {
    const std::string_view group = std::string_view(plain).substr(at, kGroupChars);
    checked += group;
    checked += luhn32(group);
  }
  std::string text;
  for (std::size_t at = 0; at < kCheckedChars; at += kPrintGroup) {
    if (at > 0) text += '-';
    text += std::string_view(checked).substr(at, kPrintGroup);
  }
  return text;
}

base::Result<DeviceId> parse_device_id(std::string_view text) {
  using base::Errc;
  std::string plain = normalised(text);
  if (plain.empty()) return kEmptyDeviceId;
  if (plain.size() == kCheckedChars) {
    std::string unchecked;
    for (std::size_t at = 0; at < kCheckedChars; at += kGroupChars + 1) {
      const std::string_view group = std::string_view(plain).substr(at, kGroupChars);
      const char check = luhn32(group);
      if (check == 0) return base::fail(Errc::kInvalidArgument, "device ID is not base32");
      if (check != plain[at + kGroupChars])
        return base::fail(Errc::kInvalidArgument, "device ID is mistyped: check character wrong");
      unchecked += group;
    }
    plain = unchecked;
  }
  if (plain.size() != kBase32Chars)
    return base::fail(Errc::kInvalidArgument, "device ID is not 52 or 56 characters long");
  DeviceId id{};
  if (!base32_decode(plain, id))
    return base::fail(Errc::kInvalidArgument, "device ID is not base32");
  return id;
}

ShortId short_id(const DeviceId& id) noexcept { return base::load_be<ShortId>(id.data()); }

std::string short_id_text(ShortId id) {
  std::array<std::byte, sizeof(ShortId)> bytes;
  base::store_be(bytes.data(), id);
  return base32(bytes).substr(0, kPrintGroup);
}

}  // namespace weft::proto
