#include "bep/net/random_port.hh"

#include <numeric>

#include "engine/base/must.hh"
#include "engine/base/prng.hh"

namespace weft::net {

PortChoice::PortChoice(const PortRange& range, std::uint16_t remembered, std::uint64_t seed) noexcept
    : range_(range), remembered_(range.contains(remembered) ? remembered : std::uint16_t{0}) {
  MUST(range.first >= 1 && range.first <= range.last);
  base::Prng dice(seed);
  const std::uint32_t size = range.size();
  offset_ = dice.below(size);
  do stride_ = 1 + dice.below(size);
  while (std::gcd(stride_, size) != 1);
}

std::optional<std::uint16_t> PortChoice::next() noexcept {
  if (remembered_ != 0 && !remembered_tried_) {
    remembered_tried_ = true;
    return remembered_;
  }
  while (tried_ < range_.size()) {
    const std::uint64_t step = (offset_ + std::uint64_t{tried_++} * stride_) % range_.size();
    const auto port = static_cast<std::uint16_t>(range_.first + step);
    if (port != remembered_) return port;
  }
  tried_ = 0;
  remembered_tried_ = false;
  return std::nullopt;
}

}  // namespace weft::net
