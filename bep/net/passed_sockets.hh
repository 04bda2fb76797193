// Listening sockets that one weft leaves to the next on the same home (`weft handover`): they stay open in between, so that
// a peer who dials then waits a moment instead of being refused. By exec in the same process, named in the environment variable
// WEFT_SOCKETS: "NUMBER=NAME" per line; a name is the address as configured, or kApi.
// Threads: control. What is named and is no listening TCP socket, or not what the configuration asks for, is closed.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/unique_fd.hh"

namespace weft::net {

class PassedSockets {
 public:
  static constexpr const char* kVariable = "WEFT_SOCKETS";
  static constexpr const char* kApi = "api";            // no address of a listener is called so

  PassedSockets() = default;
  // Takes what the variable names, and the variable away.
  [[nodiscard]] static PassedSockets from_environment();

  // Takes the socket out of an open acceptor, which is closed then; nothing where it has none.
  void add(std::string name, boost::asio::ip::tcp::acceptor& acceptor);
  // The socket of this name into an acceptor that is not open. False: there is none.
  [[nodiscard]] bool take(std::string_view name, boost::asio::ip::tcp::acceptor& acceptor);
  // For the next program: descriptors survive exec, and the variable names them.
  void to_environment() const;
  [[nodiscard]] bool empty() const { return sockets_.empty(); }

 private:
  struct Socket {
    std::string name;
    base::UniqueFd fd;
  };
  std::vector<Socket> sockets_;
};

}  // namespace weft::net
