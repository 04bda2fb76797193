#include "bep/proto/block_size.hh"

#include <array>
#include <string_view>

#include "engine/base/must.hh"

namespace weft::proto {
namespace {

constexpr auto kSmallest = static_cast<std::int32_t>(base::kBlockBytesMin);
constexpr auto kLargest = static_cast<std::int32_t>(base::kBlockBytesMax);
static_assert(kLargest == kSmallest << 7, "the table below has one hash for each of eight sizes");

constexpr base::Sha256 from_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  base::Sha256 hash{};
  for (std::size_t i = 0; i < hash.size(); ++i)
    hash[i] = static_cast<std::byte>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  return hash;
}

// SHA-256 of 128 KiB << i zeros; the unit test computes them.
constexpr std::array<base::Sha256, 8> kZeroHashes = {
    from_hex("fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471"),
    from_hex("8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90"),
    from_hex("07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541"),
    from_hex("30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58"),
    from_hex("5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee"),
    from_hex("bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8"),
    from_hex("2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74"),
    from_hex("080acf35a507ac9849cfcba47dc2ad83e01b75663a516279c8b9d243b719643e"),
};
constexpr base::Sha256 kEmptyHash =
    from_hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

}  // namespace

std::int32_t block_size_for(std::int64_t size) noexcept {
  MUST(size >= 0);
  std::int32_t block_size = kSmallest;
  while (block_size < kLargest && size >= kBlocksWanted * block_size) block_size *= 2;
  return block_size;
}

std::int32_t block_size_for(std::int64_t size, std::int32_t old) noexcept {
  const std::int32_t ideal = block_size_for(size);
  if (old < kSmallest || old > kLargest || (old & (old - 1)) != 0) return ideal;
  return old * 2 == ideal || ideal * 2 == old ? old : ideal;
}

std::int64_t BlockLayout::count() const noexcept {
  MUST(size >= 0);
  MUST(block_size > 0);
  if (size == 0) return 1;
  return (size - 1) / block_size + 1;
}

std::int32_t BlockLayout::size_of(std::int64_t index) const noexcept {
  MUST(index >= 0);
  MUST(index < count());
  const std::int64_t left = size - offset_of(index);
  return left < block_size ? static_cast<std::int32_t>(left) : block_size;
}

std::optional<base::Sha256> zero_block_hash(std::int32_t size) noexcept {
  for (std::size_t i = 0; i < kZeroHashes.size(); ++i)
    if (size == kSmallest << i) return kZeroHashes[i];
  return std::nullopt;
}

const base::Sha256& empty_block_hash() noexcept { return kEmptyHash; }

}  // namespace weft::proto
