// Where a connection that we dial comes from: an address of ours or an interface, instead of the kernel's choice.
// weft.toml: [links] from. An interface holds whatever the routing table says (SO_BINDTODEVICE); an address alone only names
// the sender, and the packets may still leave by another interface.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>

#include "engine/base/result.hh"

namespace weft::net {

// Of a socket that is open and not connected; empty text: nothing. kInvalidArgument: an address of the other family.
// kUnavailable: no such address or interface here, now.
[[nodiscard]] base::Status bind_source(boost::asio::ip::tcp::socket& socket, const boost::asio::ip::tcp& protocol,
                                       const std::string& source);

}  // namespace weft::net
