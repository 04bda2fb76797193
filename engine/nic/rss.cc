#include "engine/nic/rss.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::nic {
namespace {

constexpr std::uint16_t kDynamicFirst = 49152;   // RFC 6335 6: ports that nobody registers

class Toeplitz {
 public:
  void add(std::uint8_t byte) noexcept {
    MUST(at_ + 4 < kRssKey.size());
    // The 32 bits of the key that begin at the bit in hand; the next byte's bits come in from below.
    std::uint32_t window = 0;
    for (std::size_t i = 0; i < 4; ++i) window = window << 8 | kRssKey[at_ + i];
    for (int bit = 7; bit >= 0; --bit) {
      if ((byte >> bit & 1) != 0) hash_ ^= window;
      window = window << 1 | (kRssKey[at_ + 4] >> bit & 1u);
    }
    ++at_;
  }
  void add(const base::IpAddress& address) noexcept {
    for (std::size_t i = 0; i < (address.v6 ? 16u : 4u); ++i) add(address.bytes[i]);
  }
  void add(std::uint16_t port) noexcept {
    add(static_cast<std::uint8_t>(port >> 8));
    add(static_cast<std::uint8_t>(port & 0xFF));
  }
  [[nodiscard]] std::uint32_t hash() const noexcept { return hash_; }

 private:
  std::size_t at_ = 0;
  std::uint32_t hash_ = 0;
};

}  // namespace

std::uint32_t rss_hash(const share::Flow& flow) noexcept {
  Toeplitz toeplitz;
  toeplitz.add(flow.src);
  toeplitz.add(flow.dst);
  toeplitz.add(flow.src_udp);
  toeplitz.add(flow.dst_udp);
  return toeplitz.hash();
}

std::optional<std::uint16_t> source_port_for(const share::Flow& flow, std::uint32_t entries, std::uint32_t queues,
                                             std::uint32_t queue) noexcept {
  MUST(is_rss_table(entries));
  if (queue >= std::min(entries, queues)) return std::nullopt;
  share::Flow tried = flow;
  for (std::uint32_t i = 0; i <= UINT16_MAX - kDynamicFirst; ++i) {
    if (rss_hash(tried) % entries % queues == queue) return tried.src_udp;
    tried.src_udp = tried.src_udp == UINT16_MAX ? kDynamicFirst : static_cast<std::uint16_t>(tried.src_udp + 1);
  }
  return std::nullopt;
}

}  // namespace weft::nic
