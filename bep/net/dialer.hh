// Dials one device: its addresses best first (dial_order.hh), a further one every kStagger while none is up yet (RFC 8305 5), at
// most kAtOnce at a time; the first connection wins, the others are given up. Then again after a back-off.
//
//   kIdle --start/link_lost--> kWaiting --timer--> kConnecting --TCP is up--> kHandedOver --ready--> kIdle
//                                 ^                    |  the addresses left      |
//                                 +--- all failed -----+<---------- failed -------+
//
// The manager makes a Link of the connected socket and answers with attempt_ready() or attempt_failed().
// Thread: the control thread. Owner: LinkManager, by shared_ptr because the timer's handlers outlast stop().
// Bounds: kAtOnce sockets, and DialerOwner::dials_left() over all devices; kAddressesPerDeviceMax.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bep/net/address.hh"
#include "bep/net/backoff.hh"
#include "bep/net/dial_attempt.hh"
#include "bep/net/dial_order.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

class Dialer;

class DialerOwner {
 public:
  virtual ~DialerOwner() = default;
  // A connected socket; answered later by attempt_ready() or attempt_failed().
  virtual void handle_dialled(Dialer& dialer, boost::asio::ip::tcp::socket socket) = 0;
  // Smaller is better; by the interfaces that there are now.
  [[nodiscard]] virtual std::int32_t priority_of(const Address& address) = 0;
  // Sockets that may still be opened for dialling, over all devices.
  [[nodiscard]] virtual std::size_t dials_left() const = 0;
  virtual void handle_record(Dialer& dialer, const std::string& address, const DialRecord& record) = 0;   // it changed
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  static constexpr std::size_t kAtOnce = 4;
  static constexpr base::Duration kStagger = base::milliseconds(250);

  struct Target {
    std::string text;                        // as configured
    std::optional<Address> address;          // none: not dialled (dynamic, quic, …)
    std::int64_t tried_unix_ms = 0;          // 0: never
    bool ok = false;
    std::string error;
    DialRecord record;
  };

  Dialer(boost::asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
         base::Duration connect_timeout);

  // Addresses that cannot be dialled are kept with their error.
  void set_addresses(const std::vector<std::string>& addresses);
  void set_record(const std::string& address, const DialRecord& record);   // as remembered from earlier
  void start();                              // dial at once; nothing if already at work or without an address
  void dial_now();                           // forget the back-off
  void link_up();                            // a link exists, whoever dialled it: give up what is still connecting
  void link_lost(bool was_stable);           // dial again
  void attempt_ready();
  void attempt_failed(const std::string& why);
  void stop();

  [[nodiscard]] const base::DeviceId& device() const noexcept { return device_; }
  [[nodiscard]] const std::vector<Target>& targets() const noexcept { return targets_; }
  [[nodiscard]] std::size_t connecting() const noexcept { return running_.size(); }

 private:
  using tcp = boost::asio::ip::tcp;
  using ErrorCode = boost::system::error_code;
  enum class State : std::uint8_t { kIdle, kWaiting, kConnecting, kHandedOver };
  struct Running {
    std::size_t target = 0;
    base::Instant began{};
    std::shared_ptr<DialAttempt> attempt;
  };

  void wait(base::Duration delay);
  void begin_round();
  void go_on();                              // with the addresses left; the back-off when there are none
  void launch(std::size_t target);
  void handle_attempt(std::size_t target, tcp::socket* connected, const std::string& why);
  void target_failed(std::size_t target, const std::string& why);
  void cancel_running(bool again);           // `again`: they are left to be tried
  [[nodiscard]] bool wanted() const;         // not stopped, no link, and an address to dial
  void set_timer(base::Duration delay, void (Dialer::*then)());
  void give_up();

  boost::asio::io_context& io_;
  DialerOwner* owner_;                       // null after stop()
  base::DeviceId device_;
  Backoff backoff_;
  base::Duration connect_timeout_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_serial_ = 0;           // of the newest wait: a handler of an earlier one does nothing
  State state_ = State::kIdle;
  bool linked_ = false;
  std::vector<Target> targets_;
  std::deque<std::size_t> left_;             // targets of this round, best first
  std::vector<Running> running_;
  std::size_t handed_over_ = 0;              // target, in kHandedOver
  base::Duration took_{};                    // of it
};

}  // namespace weft::net
