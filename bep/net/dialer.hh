// Dials one device: its addresses best first (dial_order.hh), a further one every kStagger while none is up yet (RFC 8305 5), at
// most kAtOnce at a time; the first connection wins, the others are given up. Then again after a back-off.
//
//   kIdle --start/set_links--> kWaiting --timer--> kConnecting --TCP is up--> kHandedOver --ready--> kIdle
//                                 ^                    |  the addresses left      |
//                                 +--- all failed -----+<---------- failed -------+
//
// The manager makes a Link of the connected socket and answers with attempt_ready() or attempt_failed(); and tells by
// set_links() what links there are now, whoever dialled them. With a link, more are dialled while fewer are there than wanted,
// one per `more_after` and by addresses of no worse network; and every `better_after` those of a better network than the links
// have, so that a device which came home to our LAN does not stay on its detour.
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
#include "bep/net/dialer_times.hh"
#include "bep/net/duplicate.hh"
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
  virtual void handle_dialling(int change) = 0;    // so many sockets more, or less, are being connected
  [[nodiscard]] virtual const ReplaceRule& replace_rule() const = 0;
  virtual void handle_record(Dialer& dialer, const std::string& address, const DialRecord& record) = 0;   // it changed
};

// The links to a device, as a dialer needs to know them.
struct LinksNow {
  std::size_t links = 0, wanted = 1;
  std::int32_t worst_priority = 0;                   // of the links
};

class Dialer : public std::enable_shared_from_this<Dialer> {
 public:
  static constexpr std::size_t kAtOnce = 4;
  static constexpr base::Duration kStagger = base::milliseconds(250);

  struct Target {
    std::string text;                        // as configured; " from SOURCE" behind it where one is
    std::string source;                      // dial_source.hh; empty: the kernel's choice
    std::optional<Address> address;          // none: not dialled (dynamic, quic, …)
    std::int64_t tried_unix_ms = 0;          // 0: never
    bool ok = false;
    std::string error;
    DialRecord record;
    std::uint32_t links = 0;                 // that there are by it
  };

  Dialer(boost::asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
         const DialTimes& times);

  // Each address from each source (none: the kernel's choice). Addresses that cannot be dialled are kept with their error.
  void set_addresses(const std::vector<std::string>& addresses, const std::vector<std::string>& sources = {});
  void set_record(const std::string& address, const DialRecord& record);   // as remembered from earlier
  void start();                              // dial at once; nothing if already at work or without an address
  void dial_now();                           // forget the back-off
  // A link came or went. A connection that was handed over has perhaps shown itself to the other side already: it is seen
  // to its end, and both sides choose by the same rule (duplicate.hh). What is still connecting is given up.
  void set_links(const LinksNow& now);
  void forget_backoff() { backoff_.reset(); }   // the link that went was stable
  void link_gone(const std::string& target);    // one of those by it
  void attempt_ready();
  void attempt_failed(const std::string& why);
  void stop();

  [[nodiscard]] const base::DeviceId& device() const noexcept { return device_; }
  [[nodiscard]] const std::vector<Target>& targets() const noexcept { return targets_; }
  // Of the connection that is handed over; empty when its address was taken away.
  [[nodiscard]] std::string handed_over() const { return handed_over_ < targets_.size() ? targets_[handed_over_].text : ""; }

 private:
  using tcp = boost::asio::ip::tcp;
  using ErrorCode = boost::system::error_code;
  enum class State : std::uint8_t { kIdle, kWaiting, kConnecting, kHandedOver };
  struct Running {
    std::size_t target = 0;
    base::Instant began{};
    std::shared_ptr<DialAttempt> attempt;
  };

  [[nodiscard]] Target target_of(const std::string& address, const std::string& source) const;
  void wait(base::Duration delay);
  void begin_round();
  void go_on();                              // with the addresses left; the back-off when there are none
  void launch(std::size_t target);
  void handle_attempt(std::size_t target, tcp::socket* connected, const std::string& why);
  void target_failed(std::size_t target, const std::string& why);
  void cancel_running(bool again);           // `again`: they are left to be tried
  [[nodiscard]] bool is_due(const Target& target) const;   // to be dialled with the links that there are
  [[nodiscard]] bool wanted() const;                       // not stopped, and some target is due
  [[nodiscard]] bool may_want() const;                     // … or may be in a while
  [[nodiscard]] base::Duration pause() const;              // with a link: before the next one
  void set_timer(base::Duration delay, void (Dialer::*then)());
  void give_up();

  boost::asio::io_context& io_;
  DialerOwner* owner_;                       // null after stop()
  base::DeviceId device_;
  Backoff backoff_;
  DialTimes times_;
  LinksNow now_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_serial_ = 0;           // of the newest wait: a handler of an earlier one does nothing
  State state_ = State::kIdle;
  std::vector<Target> targets_;
  std::deque<std::size_t> left_;             // targets of this round, best first
  std::vector<Running> running_;
  std::size_t handed_over_ = 0;              // target, in kHandedOver
  base::Duration took_{};                    // of it
};

}  // namespace weft::net
