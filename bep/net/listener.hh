// One listening address: binds, accepts, and hands every socket on at once. Never waits for a peer.
// A port that is taken is tried again every kRetry; the error is shown meanwhile. Out of file descriptors: pauses for
// kPause, so that the loop does not spin.
// Thread: the control thread. Owner: LinkManager, by shared_ptr because an accept in flight outlasts stop().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bep/net/address.hh"
#include "bep/net/passed_sockets.hh"
#include "bep/net/random_port.hh"
#include "engine/base/time.hh"

namespace weft::net {

class ListenerOwner {
 public:
  virtual ~ListenerOwner() = default;
  virtual void handle_accepted(boost::asio::ip::tcp::socket socket) = 0;
  virtual void handle_listening(const std::string& configured, std::uint16_t port) = 0;
};

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  static constexpr base::Duration kRetry = base::seconds(10);
  static constexpr base::Duration kPause = base::milliseconds(100);

  // Ports tried in one go, before the next kRetry.
  static constexpr int kTries = 100;

  // `choice`: instead of the address's own port.
  Listener(boost::asio::io_context& io, ListenerOwner& owner, std::string configured, const Address& address,
           std::optional<PortChoice> choice = {});
  // Before start(): the socket of this address that an earlier weft left, if there is one.
  void take_from(PassedSockets& passed);
  void pass_to(PassedSockets& next) { next.add(configured_, acceptor_); }
  void start();
  void stop();

  [[nodiscard]] const std::string& configured() const noexcept { return configured_; }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }      // 0 when not listening
  [[nodiscard]] std::string actual() const;                                // empty when not listening

 private:
  using tcp = boost::asio::ip::tcp;
  using ErrorCode = boost::system::error_code;
  [[nodiscard]] std::string open();          // empty, or the error
  [[nodiscard]] ErrorCode open_on(std::uint16_t port);
  [[nodiscard]] ErrorCode open_at(const tcp::endpoint& endpoint, bool v6_only);
  void accept();
  void after(base::Duration delay, void (Listener::*then)());

  ListenerOwner* owner_;                     // null after stop()
  std::string configured_;
  Address address_;
  std::optional<PortChoice> choice_;
  tcp::acceptor acceptor_;
  boost::asio::steady_timer timer_;
  std::uint16_t port_ = 0;
  std::string error_;
};

// Whether the address can be listened on at all: an IP address, "localhost" or nothing for the host.
[[nodiscard]] base::Status check_listen_host(const Address& address);

}  // namespace weft::net
