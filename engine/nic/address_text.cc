// The text side of address.hh, apart because it needs std::string and libc's address functions.
#include <arpa/inet.h>

#include <charconv>

#include "engine/nic/address.hh"

namespace weft::nic {

base::Result<base::IpAddress> parse_ip(std::string_view text) {
  const std::string copy(text);  // inet_pton wants a terminator
  base::IpAddress ip;
  if (copy.size() != copy.find('\0') && copy.find('\0') != std::string::npos)
    return base::fail(base::Errc::kInvalidArgument, "an IP address holds no zero byte");
  if (inet_pton(AF_INET, copy.c_str(), ip.bytes.data()) == 1) return ip;
  ip.bytes.fill(0);
  if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) == 1) {
    ip.v6 = true;
    return ip;
  }
  return base::fail(base::Errc::kInvalidArgument, "not an IPv4 or IPv6 address");
}

base::Result<IpPrefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return base::fail(base::Errc::kInvalidArgument, "write the address with its prefix length, as in 10.0.0.1/24");
  IpPrefix out;
  out.ip = TRY(parse_ip(text.substr(0, slash)));
  const std::string_view bits = text.substr(slash + 1);
  const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), out.prefix_bits);
  const bool all = error == std::errc{} && end == bits.data() + bits.size();
  if (!all || out.prefix_bits > (out.ip.v6 ? 128 : 32))
    return base::fail(base::Errc::kInvalidArgument, "the prefix length is 0 to 32 for IPv4, 0 to 128 for IPv6");
  return out;
}

std::string to_text(const base::IpAddress& ip) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(ip.v6 ? AF_INET6 : AF_INET, ip.bytes.data(), text, sizeof text);
}

std::string to_text(const base::Mac& mac) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : mac) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace weft::nic
