// One link: a control connection to a device, BEP over TLS 1.3 over kernel TCP.
// Joins asio's TLS stream (bytes) with proto::Connection (rules): reads and writes at the same time, so that two ends
// that both have much to say never wait for each other; keeps BEP's timers; ends politely (Close, close_notify, FIN).
//
// Life:    kHandshaking -> kHello -> kReady -> kClosing -> kClosed; any state may go to kClosed at once.
// Thread:  the control thread (the io_context's). Nothing here is locked.
// Owner:   LinkManager. It is a shared_ptr because an asio operation in flight must keep the buffers it was given
//          alive: every handler holds one reference, nobody else does. Observers are handed a Link& that is valid
//          from on_link_ready until on_link_closed returns.
// Bounds:  one read buffer (kReadBytes); proto::Connection's own bound on a message; output up to kOutputBytesMax,
//          where the link is closed because its peer does not read. Writers stop at output_full() and go on at
//          on_output_drained().
// Calls:   an observer may call anything of Link or LinkManager from inside a callback.
// Not here: which links may exist (link_manager.hh), what messages mean (bep/model).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bep/net/close_reason.hh"
#include "bep/net/tls.hh"
#include "bep/proto/connection.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

class Link;

// What the folder model (and the datapath's key exchange) hears of ready links. Not told of connections that never
// became ready.
class LinkObserver {
 public:
  virtual ~LinkObserver() = default;
  // Hello was exchanged and every policy check passed. Send ClusterConfig now.
  virtual void on_link_ready(Link& link, const proto::Hello& hello) = 0;
  // One BEP message after Hello. The event may be moved from.
  virtual void on_message(Link& link, proto::Event& event) = 0;
  // Last call for this link. `text` is the peer's Close reason or a sentence of ours.
  virtual void on_link_closed(Link& link, CloseReason reason, std::string_view text) = 0;
  // output_full() was true and is false again.
  virtual void on_output_drained(Link& link) = 0;
};

struct LinkTimes {
  base::Duration handshake = base::seconds(10);   // as stock
  base::Duration hello = base::seconds(20);       // as stock
  base::Duration closing = base::seconds(2);      // for Close, close_notify and the peer's FIN together
};

struct LinkSetup {
  bool dialled = false;
  base::Instant started{};
  std::uint64_t number = 0;          // unique in this process, for logs
  LinkTimes times{};
};

// What the manager hears; it checks policy between Hello and on_link_ready.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  // TLS is up, device() is known. Returns the Hello and rules for this peer, or closes the link and returns nothing.
  virtual bool handle_handshaked(Link& link, proto::ConnectionConfig& config) = 0;
  virtual void handle_hello(Link& link) = 0;
  virtual void handle_event(Link& link, proto::Event& event) = 0;
  virtual void handle_drained(Link& link) = 0;
  virtual void handle_closed(Link& link, CloseReason reason, std::string_view text) = 0;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  static constexpr std::size_t kReadBytes = 64u << 10;
  // Above high: output_full(). Below low again: on_output_drained. 8 MiB keeps a 10 Gbit/s link busy for 6 ms, more
  // than the model needs to answer.
  static constexpr std::size_t kOutputHighBytes = 8u << 20;
  static constexpr std::size_t kOutputLowBytes = 2u << 20;
  static constexpr std::size_t kOutputBytesMax = 128u << 20;  // 32 MiB of answers, an index, and room: then overflow

  enum class State : std::uint8_t { kHandshaking, kHello, kReady, kClosing, kClosed };

  Link(boost::asio::ip::tcp::socket socket, TlsContext& tls, LinkOwner& owner, const LinkSetup& setup);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();                        // manager: once, after it has stored the link
  void accept_hello();                 // manager: policy passed, kHello -> kReady

  // ---- for observers ----
  // Messages are sent by connection().send_*(…) and flush(). Inside a callback the flush happens by itself.
  [[nodiscard]] proto::Connection& connection() noexcept;
  void flush();
  // Sends Close{text} and whatever is queued, then TLS close_notify and FIN. on_link_closed follows, never from inside
  // this call. kLocal unless the caller knows better.
  void close(std::string_view text, CloseReason reason = CloseReason::kLocal);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] bool ready() const noexcept { return state_ == State::kReady; }
  [[nodiscard]] const base::DeviceId& device() const noexcept { return device_; }   // zeros until TLS is up
  [[nodiscard]] bool dialled() const noexcept { return setup_.dialled; }
  [[nodiscard]] std::uint64_t number() const noexcept { return setup_.number; }
  [[nodiscard]] base::Instant ready_since() const noexcept { return ready_since_; }
  [[nodiscard]] const proto::Hello& hello() const noexcept { return hello_; }
  [[nodiscard]] bool peer_is_weft() const noexcept;
  [[nodiscard]] const std::string& remote() const noexcept { return remote_; }      // "10.0.0.2:22000", "[::1]:22000"
  [[nodiscard]] const std::string& local() const noexcept { return local_; }
  [[nodiscard]] const char* type() const noexcept { return setup_.dialled ? "tcp-client" : "tcp-server"; }
  [[nodiscard]] const std::string& crypto() const noexcept { return crypto_; }
  [[nodiscard]] std::uint64_t bytes_in() const noexcept { return bytes_in_; }       // BEP bytes, inside TLS
  [[nodiscard]] std::uint64_t bytes_out() const noexcept { return bytes_out_; }
  [[nodiscard]] std::size_t output_bytes() const;                                   // queued or being written
  [[nodiscard]] bool output_full() const { return output_bytes() >= kOutputHighBytes; }
  // Smoothed RTT and its variance as the kernel's TCP sees them.
  struct Rtt { base::Duration smoothed, variance; };
  [[nodiscard]] base::Result<Rtt> rtt();
  // Both ends of the link get the same `out` for the same label and context (RFC 8446 §7.5).
  [[nodiscard]] base::Status export_secret(std::string_view label, base::Bytes context, base::MutableBytes out);

 private:
  State state_ = State::kHandshaking;
  LinkSetup setup_;
  base::DeviceId device_{};
  base::Instant ready_since_{};
  proto::Hello hello_;
  std::string remote_, local_, crypto_;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace weft::net
