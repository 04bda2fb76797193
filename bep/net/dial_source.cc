#include "bep/net/dial_source.hh"

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>

namespace weft::net {

namespace ip = boost::asio::ip;

base::Status bind_source(ip::tcp::socket& socket, const ip::tcp& protocol, const std::string& source) {
  if (source.empty()) return {};
  boost::system::error_code error;
  const ip::address address = ip::make_address(source, error);
  if (error) {
    const int done = ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_BINDTODEVICE, source.c_str(),
                                  static_cast<socklen_t>(source.size() + 1));
    if (done == 0) return {};
    return base::fail(base::Errc::kUnavailable, "the interface it is to leave by is not there or not allowed");
  }
  if (address.is_v4() != (protocol == ip::tcp::v4()))
    return base::fail(base::Errc::kInvalidArgument, "the address it is to come from is of the other family");
  socket.bind({address, 0}, error);
  if (error) return base::fail(base::Errc::kUnavailable, "the address it is to come from is none of ours");
  return {};
}

}  // namespace weft::net
