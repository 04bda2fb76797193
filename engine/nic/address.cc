#include "engine/nic/address.hh"

#include <cstring>

#include "engine/base/must.hh"

namespace weft::nic {

bool same_prefix(const base::IpAddress& a, const base::IpAddress& b, std::uint8_t prefix_bits) noexcept {
  MUST(prefix_bits <= (a.v6 ? 128 : 32));
  if (a.v6 != b.v6) return false;
  const std::size_t whole = prefix_bits / 8;
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix_bits % 8;
  if (rest == 0) return true;
  return ((a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest)) == 0;
}

bool is_host_address(const base::IpAddress& ip) noexcept {
  if (!ip.v6) return ip.bytes[0] != 0 && ip.bytes[0] != 127 && ip.bytes[0] < 224;  // 240/4 goes too: reserved
  if (ip.bytes[0] == 0xFF) return false;
  for (std::size_t i = 0; i < 15; ++i)
    if (ip.bytes[i] != 0) return true;
  return ip.bytes[15] > 1;  // :: and ::1
}

base::IpAddress solicited_node(const base::IpAddress& ip) noexcept {
  MUST(ip.v6);
  base::IpAddress group{{0xFF, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF}, true};
  for (std::size_t i = 13; i < 16; ++i) group.bytes[i] = ip.bytes[i];
  return group;
}

base::Mac multicast_mac(const base::IpAddress& group) noexcept {
  MUST(group.v6);
  return {0x33, 0x33, group.bytes[12], group.bytes[13], group.bytes[14], group.bytes[15]};
}

}  // namespace weft::nic
