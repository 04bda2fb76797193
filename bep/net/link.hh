// One link: a control connection to a device, BEP over TLS 1.3 over kernel TCP.
// Joins asio's TLS stream (bytes) with proto::Connection (rules): reads and writes at the same time, so that two ends
// that both have much to say never wait for each other; keeps BEP's timers; ends politely (Close, close_notify, FIN).
//
// Life:    kHandshaking -> kHello -> kReady -> kClosing -> kClosed; any state may go to kClosed at once.
// Thread:  the control thread (the io_context's). Nothing here is locked.
// Owner:   LinkManager. It is a shared_ptr because an asio operation in flight must keep the buffers it was given
//          alive: every handler holds one reference, nobody else does. Observers are handed a Link& that is valid
//          from on_link_ready until on_link_closed returns.
// Bounds:  one read buffer (kReadBytes); proto::Connection's own bound on a message; output up to LinkLimits,
//          where the link is closed because its peer does not read. Writers stop at output_full() and go on at
//          on_output_drained().
// Calls:   an observer may call anything of Link or LinkManager from inside a callback, but not destroy the manager.
// Not here: which links may exist (link_manager.hh), what messages mean (bep/model).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/net/close_reason.hh"
#include "bep/net/tcp_figures.hh"
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

// Of the output queue. Above high: output_full(). Below low again: on_output_drained. 8 MiB keeps a 10 Gbit/s link busy
// for 6 ms, more than the model needs to answer. Max: 32 MiB of answers, an index, and room.
struct LinkLimits {
  std::size_t output_bytes_high = 8u << 20;
  std::size_t output_bytes_low = 2u << 20;
  std::size_t output_bytes_max = 128u << 20;
};

struct LinkSetup {
  bool dialled = false;
  std::uint64_t number = 0;          // unique in this process, for logs
  std::optional<base::DeviceId> expected;   // of a link that we dial: whose handshake may be resumed
  LinkTimes times{};
  LinkLimits limits{};
};

// What the manager hears; it checks policy between Hello and on_link_ready.
class LinkOwner {
 public:
  virtual ~LinkOwner() = default;
  // TLS is up, device() is known. Fills the Hello and the rules for this peer; false: it has closed the link instead.
  [[nodiscard]] virtual bool handle_handshaked(Link& link, proto::ConnectionConfig& config) = 0;
  virtual void handle_hello(Link& link) = 0;
  virtual void handle_event(Link& link, proto::Event& event) = 0;
  virtual void handle_drained(Link& link) = 0;
  virtual void handle_closed(Link& link, CloseReason reason, std::string_view text) = 0;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  static constexpr std::size_t kReadBytes = 64u << 10;

  enum class State : std::uint8_t { kHandshaking, kHello, kReady, kClosing, kClosed };

  Link(boost::asio::ip::tcp::socket socket, TlsContext& tls, LinkOwner& owner, const LinkSetup& setup);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void start();                        // manager: once, after it has stored the link
  void accept_hello();                 // manager: policy passed, kHello -> kReady
  void abandon();                      // manager's destructor: closes the socket, calls nobody
  // What proto refused on this link; null before the handshake's end.
  [[nodiscard]] const proto::ReasonCounters* protocol_reasons() const noexcept {
    return connection_ ? &connection_->counters().reasons : nullptr;
  }

  // ---- for observers ----
  // Messages are sent by connection().send_*(…) and flush(). Inside a callback the flush happens by itself.
  [[nodiscard]] proto::Connection& connection();
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
  [[nodiscard]] const proto::Hello& hello() const;                                  // the peer's; from kReady on
  [[nodiscard]] bool peer_is_weft() const noexcept { return connection_ && connection_->peer_is_weft(); }
  [[nodiscard]] boost::asio::ip::address remote_ip() const { return remote_ip_; }   // unspecified if it went at once
  [[nodiscard]] const std::string& remote() const noexcept { return remote_; }      // "10.0.0.2:22000", "[::1]:22000"
  [[nodiscard]] const std::string& local() const noexcept { return local_; }
  [[nodiscard]] const char* type() const noexcept { return setup_.dialled ? "tcp-client" : "tcp-server"; }
  [[nodiscard]] const std::string& crypto() const noexcept { return crypto_; }
  [[nodiscard]] bool resumed() const noexcept { return resumed_; }                  // its TLS session went on from an earlier one
  [[nodiscard]] base::Duration handshake_took() const noexcept { return handshake_took_; }
  [[nodiscard]] std::uint64_t bytes_in() const noexcept { return bytes_in_; }       // BEP bytes, inside TLS
  [[nodiscard]] std::uint64_t bytes_out() const noexcept { return bytes_out_; }
  [[nodiscard]] std::size_t output_bytes() const;                                   // queued or being written
  // on_output_drained comes although the output is not full, if there is any.
  void want_drained() { full_ = full_ || output_bytes() > 0; }
  // Stays true until on_output_drained.
  [[nodiscard]] bool output_full() const { return full_ || output_bytes() >= setup_.limits.output_bytes_high; }
  // As the kernel's TCP sees them; an error where nothing was measured, or no more.
  [[nodiscard]] base::Result<TcpFigures> tcp_figures() { return net::tcp_figures(stream_.next_layer().native_handle()); }
  // Of its health, 0 … 100, 100 best, told by whoever judges it; 100 until then.
  void set_score(std::uint8_t score) noexcept { score_ = score; }
  [[nodiscard]] std::uint8_t score() const noexcept { return score_; }
  // An answer is waited for on it: its silence says something (health/link_silence.hh).
  void set_waiting(bool waiting) noexcept { waiting_ = waiting; }
  [[nodiscard]] bool busy() const { return waiting_ || output_bytes() > 0; }
  // Silent although it is busy, told by whoever watches it: nothing new should go by it while there is another.
  void set_suspect(bool suspect) noexcept { suspect_ = suspect; }
  [[nodiscard]] bool suspect() const noexcept { return suspect_; }
  void ping();
  [[nodiscard]] base::Instant heard_at() const noexcept { return heard_at_; }       // last byte; of its begin before the first
  // A Ping goes out after this long without a word of ours; well below what BEP takes for the end (300 s).
  void set_keep_alive(base::Duration interval);
  [[nodiscard]] bool peer_named(const std::string& name);   // certificate check, see tls.hh
  // Both ends of the link get the same `out` for the same label and context (RFC 8446 §7.5).
  [[nodiscard]] base::Status export_secret(std::string_view label, base::Bytes context, base::MutableBytes out);

 private:
  using Stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
  using ErrorCode = boost::system::error_code;

  void handle_handshake(const ErrorCode& error);
  void read_more();
  void handle_read(const ErrorCode& error, std::size_t bytes);
  void deliver_events();
  void deliver(proto::Event& event);
  void handle_written(const ErrorCode& error, std::size_t bytes);
  void begin_closing(CloseReason reason, std::string_view text);
  void shut_down_when_drained();
  void finish();
  void finish_soon();
  void arm_timer();
  void handle_timer();
  [[nodiscard]] base::Instant deadline() const;

  LinkSetup setup_;
  LinkOwner* owner_;                   // null after abandon()
  Stream stream_;
  boost::asio::steady_timer timer_;
  base::Instant timer_at_ = base::kNever;
  base::Instant state_deadline_{};     // of kHandshaking and kClosing, and after a failed write
  State state_ = State::kHandshaking;
  base::Instant began_{};
  base::Duration handshake_took_{};
  bool resumed_ = false;
  bool waiting_ = false, suspect_ = false;
  bool reading_ = false, writing_ = false, write_failed_ = false, full_ = false, shutting_down_ = false;
  std::optional<proto::Connection> connection_;   // from the end of the handshake on
  std::vector<std::byte> input_, output_;         // output_: the buffer being written
  base::DeviceId device_{};
  base::Instant ready_since_{}, heard_at_{};
  std::uint8_t score_ = 100;
  boost::asio::ip::address remote_ip_;
  std::string remote_, local_, crypto_, close_text_;
  CloseReason close_reason_ = CloseReason::kLocal;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
};

}  // namespace weft::net
