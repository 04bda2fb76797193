#include "bep/net/dial_order.hh"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>
#include <cstring>
#include <memory>
#include <tuple>

#include "bep/net/socket.hh"

namespace weft::net {
namespace {

namespace ip = boost::asio::ip;

constexpr std::uint32_t kFailuresMax = 1000;

ip::address address_of(const sockaddr* socket) {
  if (socket->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, socket, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, socket, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes);
}

std::uint8_t bits_of(const ip::address& mask) {
  unsigned bits = 0;
  if (mask.is_v4()) bits = static_cast<unsigned>(std::popcount(mask.to_v4().to_uint()));
  else
    for (const unsigned char byte : mask.to_v6().to_bytes()) bits += static_cast<unsigned>(std::popcount(byte));
  return static_cast<std::uint8_t>(bits);
}

bool is_in(const ip::address& address, const Network& network) {
  if (address.is_v4() != network.address.is_v4()) return false;
  if (address.is_v4()) {
    const auto bits = static_cast<unsigned short>(network.prefix_bits);
    return ip::network_v4(address.to_v4(), bits).canonical() == ip::network_v4(network.address.to_v4(), bits).canonical();
  }
  const ip::address_v6 bare(address.to_v6().to_bytes());   // without its zone
  return ip::network_v6(bare, network.prefix_bits).canonical() ==
         ip::network_v6(network.address.to_v6(), network.prefix_bits).canonical();
}

}  // namespace

void note_success(DialRecord& record, base::Duration took, std::int64_t unix_ms) noexcept {
  record.ok_unix_ms = unix_ms;
  record.failures = 0;
  record.took = record.took.ns == 0 ? took : (3 * record.took + took) / 4;
}

void note_failure(DialRecord& record) noexcept { record.failures = std::min(record.failures + 1, kFailuresMax); }

std::string to_text(const DialRecord& record) {
  return std::to_string(record.ok_unix_ms) + ' ' + std::to_string(record.failures) + ' ' + std::to_string(record.took.us());
}

DialRecord parse_dial_record(std::string_view text) {
  std::array<std::int64_t, 3> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ' ')) return {};
    const auto read = std::from_chars(at, end, numbers[i]);
    if (read.ec != std::errc{} || numbers[i] < 0) return {};
    at = read.ptr;
  }
  if (at != end || numbers[1] > UINT32_MAX || numbers[2] > INT64_MAX / 1000) return {};
  return {.ok_unix_ms = numbers[0], .failures = static_cast<std::uint32_t>(numbers[1]), .took = base::microseconds(numbers[2])};
}

std::vector<Network> own_networks() {
  std::vector<Network> networks;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return networks;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> all(first, ::freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_netmask == nullptr) continue;
    const int family = at->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const Network network{address_of(at->ifa_addr), bits_of(address_of(at->ifa_netmask))};
    if (network.prefix_bits > 0) networks.push_back(network);   // a tunnel to everywhere is no LAN
  }
  return networks;
}

bool is_lan(const ip::address& address, std::span<const Network> own) {
  const ip::address plain = plain_address(address);
  if (plain.is_loopback()) return true;
  const bool link_local = plain.is_v4() ? (plain.to_v4().to_uint() >> 16) == 0xA9FE : plain.to_v6().is_link_local();
  return link_local || std::ranges::any_of(own, [&](const Network& network) { return is_in(plain, network); });
}

bool is_lan(const Address& address, std::span<const Network> own) {
  if (address.host == "localhost") return true;
  boost::system::error_code error;
  const ip::address numeric = ip::make_address(address.host, error);
  return !error && is_lan(numeric, own);
}

std::vector<std::size_t> dial_order(std::vector<DialCandidate> candidates) {
  const auto rank = [](const DialCandidate& c) {
    const bool fails = c.record.failures >= kFailuresTold;
    const bool worked = c.record.ok_unix_ms != 0;
    return std::tuple(c.priority, c.links, fails, !worked, worked ? c.record.took.ns / 1'000'000 : 0, c.target);
  };
  std::ranges::sort(candidates, {}, rank);
  std::vector<std::size_t> order;
  for (const DialCandidate& candidate : candidates) order.push_back(candidate.target);
  return order;
}

}  // namespace weft::net
