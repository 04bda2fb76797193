#include "bep/net/socket.hh"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weft::net {
namespace {

constexpr int kKeepIdleS = 60;
constexpr int kKeepIntervalS = 10;
constexpr int kKeepCount = 3;
constexpr unsigned kUserTimeoutMs = 60'000;

template <typename T> void set(boost::asio::ip::tcp::socket& socket, int level, int option, T value) {
  // A socket that is dying refuses options; its next read says so.
  (void)::setsockopt(socket.native_handle(), level, option, &value, sizeof value);
}

}  // namespace

void set_link_options(boost::asio::ip::tcp::socket& socket) {
  set(socket, IPPROTO_TCP, TCP_NODELAY, int{1});
  set(socket, SOL_SOCKET, SO_KEEPALIVE, int{1});
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, kKeepIdleS);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, kKeepIntervalS);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, kKeepCount);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kUserTimeoutMs);
}

boost::asio::ip::address plain_address(const boost::asio::ip::address& address) {
  namespace ip = boost::asio::ip;
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return ip::make_address_v4(ip::v4_mapped, address.to_v6());
}

std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint) {
  const boost::asio::ip::address address = plain_address(endpoint.address());
  const std::string text = address.to_string();
  return (address.is_v6() ? '[' + text + ']' : text) + ':' + std::to_string(endpoint.port());
}

}  // namespace weft::net
