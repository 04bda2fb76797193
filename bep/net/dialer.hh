// Dials one device: all its addresses in order, one TCP connection at a time, then again after a back-off.
//
//   kIdle --start/link_lost--> kWaiting --timer--> kConnecting --TCP is up--> kHandedOver --ready--> kIdle
//                                 ^                    |  next address             |
//                                 +--- all failed -----+<---------- failed --------+
//
// The manager makes a Link of the connected socket and answers with attempt_ready() or attempt_failed().
// Thread: the control thread. Owner: LinkManager, by shared_ptr because the resolver and the socket hold handlers that
// outlast stop(); they keep it alive and find it stopped. Bounds: one socket, one resolution, kAddressesPerDeviceMax.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bep/net/address.hh"
#include "bep/net/backoff.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

class Dialer;

class DialerOwner {
 public:
  virtual ~DialerOwner() = default;
  // A connected socket; answered later by attempt_ready() or attempt_failed().
  virtual void handle_dialled(Dialer& dialer, boost::asio::ip::tcp::socket socket) = 0;
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  struct Target {
    std::string text;                        // as configured
    std::optional<Address> address;          // none: not dialled (dynamic, quic, …)
    std::int64_t tried_unix_ms = 0;          // 0: never
    bool ok = false;
    std::string error;
  };

  Dialer(boost::asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
         base::Duration connect_timeout);

  // Addresses that cannot be dialled are kept with their error.
  void set_addresses(const std::vector<std::string>& addresses);
  void start();                              // dial at once; nothing if already at work or without an address
  void dial_now();                           // forget the back-off
  void link_up();                            // a link exists, whoever dialled it: give up what is still connecting
  void link_lost(bool was_stable);           // dial again
  void attempt_ready();
  void attempt_failed(const std::string& why);
  void stop();

  [[nodiscard]] const base::DeviceId& device() const noexcept { return device_; }
  [[nodiscard]] const std::vector<Target>& targets() const noexcept { return targets_; }

 private:
  using tcp = boost::asio::ip::tcp;
  using ErrorCode = boost::system::error_code;
  enum class State : std::uint8_t { kIdle, kWaiting, kConnecting, kHandedOver };

  void wait(base::Duration delay);
  void begin_round();
  void try_target();
  void handle_resolved(const ErrorCode& error, const tcp::resolver::results_type& results);
  void try_endpoint();
  void handle_connected(const ErrorCode& error);
  void target_failed(const std::string& why);
  void next_target();
  [[nodiscard]] bool wanted() const;         // not stopped, no link, and an address to dial
  // True for a handler that belongs to an attempt given up since.
  [[nodiscard]] bool stale(std::uint64_t attempt) const { return attempt != attempt_; }
  void give_up_attempt();

  DialerOwner* owner_;                       // null after stop()
  base::DeviceId device_;
  Backoff backoff_;
  base::Duration connect_timeout_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  State state_ = State::kIdle;
  bool linked_ = false;
  std::uint64_t attempt_ = 0;
  std::vector<Target> targets_;
  std::size_t target_ = 0;
  std::vector<tcp::endpoint> endpoints_;     // of the target, not tried yet, last one next
  std::string endpoint_error_;
};

}  // namespace weft::net
