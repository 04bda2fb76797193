// One address of a device, from its name to a connected TCP socket: resolves, then tries what the name stands for one after
// the other. A socket that is connected is handed on at once: a stock listener serves nobody while a connection says nothing
// (shared fact: its handshake runs inside its accept loop, for 10 s).
// Thread: the control thread. Owner: Dialer, by shared_ptr because resolver and socket hold handlers that outlast cancel().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bep/net/address.hh"
#include "engine/base/time.hh"

namespace weft::net {

class DialAttempt : public std::enable_shared_from_this<DialAttempt> {
 public:
  using tcp = boost::asio::ip::tcp;
  // The socket, or null and the reason. Called once, never from start(), and not after cancel().
  using Done = std::function<void(tcp::socket* connected, const std::string& why)>;

  // `source`: where it comes from (dial_source.hh); empty: the kernel's choice. `timeout`: for the name and all that it stands
  // for.
  DialAttempt(boost::asio::io_context& io, Address address, std::string source, base::Duration timeout, Done done);
  void start();
  void cancel();

 private:
  using ErrorCode = boost::system::error_code;
  void handle_resolved(const ErrorCode& error, const tcp::resolver::results_type& results);
  void try_endpoint();
  void finish(tcp::socket* connected, const std::string& why);

  Address address_;
  std::string source_;
  base::Duration timeout_;
  Done done_;                                // empty: over
  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::vector<tcp::endpoint> endpoints_;     // not tried yet, last one next
  std::string error_ = "the host has no address";
};

}  // namespace weft::net
