// Big-endian loads and stores, and bounded readers and writers over a span.
// A reader that runs out sets ok() to false and returns zeros: parse first, check once at the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/base/must.hh"

namespace weft::base {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

template <typename T> constexpr T swap_to_be(T value) {
  static_assert(std::endian::native == std::endian::little, "weft runs on little-endian machines");
  if constexpr (sizeof(T) == 1) return value;
  else if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  else if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  else return __builtin_bswap64(value);
}
template <typename T> T load_be(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return swap_to_be(value);
}
template <typename T> void store_be(std::byte* at, T value) {
  value = swap_to_be(value);
  std::memcpy(at, &value, sizeof value);
}

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) noexcept : rest_(bytes) {}
  template <typename T> T be() noexcept {
    if (rest_.size() < sizeof(T)) { ok_ = false; rest_ = {}; return T{}; }
    const T value = load_be<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  Bytes take(std::size_t count) noexcept {
    if (rest_.size() < count) { ok_ = false; rest_ = {}; return {}; }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] Bytes rest() const noexcept { return rest_; }
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  Bytes rest_;
  bool ok_ = true;
};

// The caller makes room first: running out is our bug.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes bytes) noexcept : all_(bytes) {}
  template <typename T> void be(T value) noexcept {
    MUST(all_.size() - used_ >= sizeof(T));
    store_be(all_.data() + used_, value);
    used_ += sizeof(T);
  }
  void put(Bytes bytes) noexcept {
    MUST(all_.size() - used_ >= bytes.size());
    if (!bytes.empty()) std::memcpy(all_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }
  [[nodiscard]] std::size_t room() const noexcept { return all_.size() - used_; }

 private:
  MutableBytes all_;
  std::size_t used_ = 0;
};

}  // namespace weft::base
