// What we ask of a kernel TCP socket, and endpoints as text.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "engine/base/result.hh"
#include "engine/base/time.hh"

namespace weft::net {

// NODELAY (our messages are whole, Nagle would hold the last segment of each for a round trip), keep-alive after 60 s
// of silence as stock, and the end after 60 s without an acknowledgement instead of the kernel's quarter of an hour.
void set_link_options(boost::asio::ip::tcp::socket& socket);

// "10.0.0.2:22000", "[fe80::1%eth0]:22000"; an IPv4 address in IPv6 clothes is shown as IPv4.
[[nodiscard]] std::string endpoint_text(const boost::asio::ip::tcp::endpoint& endpoint);
[[nodiscard]] boost::asio::ip::address plain_address(const boost::asio::ip::address& address);

}  // namespace weft::net
