// Two stations, and the slow reading of a frame: byte by byte, with sums as RFC 1071 writes them.
#pragma once

#include <cstring>
#include <optional>

#include "engine/nic/address.hh"
#include "engine/nic/classify.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

inline constexpr base::IpAddress kOurs4{{10, 1, 0, 1}, false}, kTheirs4{{10, 1, 0, 2}, false};
inline constexpr base::IpAddress kOurs6{{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, true};
inline constexpr base::IpAddress kTheirs6{{0xFD, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}, true};
inline constexpr base::Mac kOurMac{2, 0, 0, 0, 0, 1}, kTheirMac{2, 0, 0, 0, 0, 2};
inline constexpr std::uint16_t kUdpFirst = 7000, kUdpCount = 2;

inline unsigned at(base::Bytes bytes, std::size_t i) { return std::to_integer<unsigned>(bytes[i]); }
inline unsigned word_at(base::Bytes bytes, std::size_t i) { return at(bytes, i) << 8 | at(bytes, i + 1); }

inline unsigned slow_sum(unsigned sum, base::Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += at(bytes, i) << (i % 2 == 0 ? 8 : 0);
    sum = (sum & 0xFFFF) + (sum >> 16);
  }
  return sum;
}
// Of the addresses in the frame's own IP header.
inline unsigned slow_pseudo(base::Bytes ip, bool v6, unsigned protocol, unsigned length) {
  const unsigned sum = v6 ? slow_sum(0, ip.subspan(8, 32)) : slow_sum(0, ip.subspan(12, 8));
  const unsigned all = sum + protocol + length;
  return (all & 0xFFFF) + (all >> 16);
}

struct Datagram {
  std::size_t offset = 0, bytes = 0;     // of the payload
  unsigned src_udp = 0, dst_udp = 0;
};

// A UDP datagram to one of our ports, whose checksums are right; nothing for all else.
inline std::optional<Datagram> slow_datagram(base::Bytes frame, const nic::LocalView& local) {
  if (frame.size() < 14 || frame.size() > 65535) return {};
  if (std::memcmp(frame.data(), local.mac.data(), 6) != 0) return {};
  if (std::memcmp(frame.data() + 6, local.mac.data(), 6) == 0 || (at(frame, 6) & 1) != 0) return {};
  const bool v6 = word_at(frame, 12) == 0x86DD;
  if (!v6 && word_at(frame, 12) != 0x0800) return {};
  const auto& own = v6 ? local.v6 : local.v4;
  const base::Bytes ip = frame.subspan(14);
  if (!own || ip.size() < (v6 ? 40u : 20u) || at(ip, 0) >> 4 != (v6 ? 6u : 4u)) return {};
  const std::size_t header = v6 ? 40 : 4 * (at(ip, 0) & 15);
  const std::size_t total = v6 ? 40 + word_at(ip, 4) : word_at(ip, 2);
  if (header < 20 || total < header || total > ip.size()) return {};
  if (!v6 && (slow_sum(0, ip.first(header)) != 0xFFFF || (word_at(ip, 6) & 0x3FFF) != 0)) return {};
  if (std::memcmp(&ip[v6 ? 24 : 16], own->bytes.data(), v6 ? 16 : 4) != 0) return {};
  if (at(ip, v6 ? 6 : 9) != 17) return {};
  base::IpAddress src{{}, v6};
  std::memcpy(src.bytes.data(), &ip[v6 ? 8 : 12], v6 ? 16 : 4);
  if (!nic::is_host_address(src) || src == *own) return {};
  const base::Bytes l4 = ip.subspan(header, total - header);
  if (l4.size() < 8 || word_at(l4, 4) < 8 || word_at(l4, 4) > l4.size()) return {};
  const base::Bytes udp = l4.first(word_at(l4, 4));
  const unsigned sum = word_at(udp, 6);
  if (sum == 0 && v6) return {};
  if (sum != 0 && slow_sum(slow_pseudo(ip, v6, 17, word_at(udp, 4)), udp) != 0xFFFF) return {};
  const Datagram out{14 + header + 8, udp.size() - 8, word_at(udp, 0), word_at(udp, 2)};
  if (out.src_udp == 0 || out.dst_udp < local.udp_first || out.dst_udp >= local.udp_first + local.udp_count) return {};
  return out;
}

// A frame whose sums are wrong tells little: mends those that the headers say are there.
inline void mend_sums(Buffer& frame) {
  if (frame.size() < 34) return;
  const bool v6 = word_at(frame, 12) == 0x86DD;
  if (!v6 && word_at(frame, 12) != 0x0800) return;
  const std::size_t header = v6 ? 40 : 4 * (at(frame, 14) & 15);
  const std::size_t total = v6 ? 40 + word_at(frame, 18) : word_at(frame, 16);
  if (header < 20 || total < header || 14 + total > frame.size()) return;
  const auto store = [&](std::size_t where, unsigned sum) {
    frame[where] = static_cast<std::byte>(~sum >> 8);
    frame[where + 1] = static_cast<std::byte>(~sum);
  };
  const base::Bytes ip = base::Bytes(frame).subspan(14, total);
  if (!v6) {
    store(24, 0xFFFF);
    store(24, slow_sum(0, ip.first(header)));
  }
  const unsigned protocol = at(ip, v6 ? 6 : 9);
  std::size_t length = total - header, field = 2;
  if (protocol == 17) {
    if (length < 8 || word_at(ip, header + 4) < 8 || word_at(ip, header + 4) > length) return;
    length = word_at(ip, header + 4);
    field = 6;
  }
  if (length < 8) return;
  store(14 + header + field, 0xFFFF);
  const unsigned start = protocol == 1 ? 0 : slow_pseudo(ip, v6, protocol, static_cast<unsigned>(length));
  store(14 + header + field, slow_sum(start, ip.subspan(header, length)));
}

}  // namespace weft::fuzz
