#include "bep/net/link.hh"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "bep/net/socket.hh"
#include "bep/net/steady.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

CloseReason reason_of(proto::Reason reason) {
  switch (reason) {
    case proto::Reason::kHelloMagicOld:
    case proto::Reason::kHelloMagicUnknown:
    case proto::Reason::kHelloTooLong:
    case proto::Reason::kHelloBroken: return CloseReason::kBadHello;
    case proto::Reason::kHelloTimeout: return CloseReason::kHelloTimeout;
    case proto::Reason::kReadTimeout: return CloseReason::kReadTimeout;
    default: return CloseReason::kProtocol;
  }
}

}  // namespace

Link::Link(tcp::socket socket, TlsContext& tls, LinkOwner& owner, const LinkSetup& setup)
    : setup_(setup), owner_(&owner), stream_(std::move(socket), tls.asio()), timer_(stream_.get_executor()),
      input_(kReadBytes) {
  boost::system::error_code ignored;
  const tcp::endpoint remote = stream_.next_layer().remote_endpoint(ignored);
  remote_ip_ = plain_address(remote.address());
  remote_ = endpoint_text(remote);
  if (setup_.expected) resume_session(stream_.native_handle(), *setup_.expected);
  local_ = endpoint_text(stream_.next_layer().local_endpoint(ignored));
}

Link::~Link() = default;

void Link::start() {
  MUST(state_ == State::kHandshaking);
  set_link_options(stream_.next_layer());
  began_ = steady_now();
  state_deadline_ = began_ + setup_.times.handshake;
  const auto side = setup_.dialled ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
  stream_.async_handshake(side, [self = shared_from_this()](const ErrorCode& error) { self->handle_handshake(error); });
  arm_timer();
}

void Link::handle_handshake(const ErrorCode& error) {
  if (state_ != State::kHandshaking) {
    if (state_ == State::kClosing) finish();
    return;
  }
  if (error) {
    close_reason_ = reason_of_handshake_error(error, stream_.native_handle());
    close_text_ = "TLS handshake: " + error.message();
    return finish();
  }
  const base::Result<base::DeviceId> device = peer_device_id(stream_.native_handle());
  if (!device) {
    close_reason_ = CloseReason::kNoCertificate;
    close_text_ = device.error().text;
    return finish();
  }
  device_ = *device;
  crypto_ = crypto_text(stream_.native_handle());
  resumed_ = is_resumed(stream_.native_handle());
  handshake_took_ = steady_now() - began_;
  if (!peer_spoke_alpn(stream_.native_handle()))
    base::log(base::Subsystem::kLinks, base::LogLevel::kInfo, "peer offers no ALPN; going on without",
              {{"link", number()}, {"remote", remote_}});
  state_ = State::kHello;
  proto::ConnectionConfig config;
  if (!owner_->handle_handshaked(*this, config)) {
    MUST(state_ == State::kClosing);
    return;
  }
  config.hello_timeout = setup_.times.hello;
  connection_.emplace(std::move(config), steady_now());
  flush();
  read_more();
  arm_timer();
}

void Link::accept_hello() {
  MUST(state_ == State::kHello);
  MUST(connection_.has_value());
  state_ = State::kReady;
  ready_since_ = heard_at_ = steady_now();
  if (!setup_.dialled && peer_is_weft()) give_ticket(stream_.native_handle());
}

// ---- reading ----

void Link::read_more() {
  if (reading_ || state_ == State::kClosed) return;
  reading_ = true;
  stream_.async_read_some(asio::buffer(input_), [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
    self->handle_read(error, bytes);
  });
}

void Link::handle_read(const ErrorCode& error, std::size_t bytes) {
  reading_ = false;
  if (state_ == State::kClosed) return;
  if (!error) {
    bytes_in_ += bytes;
    heard_at_ = steady_now();
    // While closing, what still arrives is read and forgotten: unread bytes would turn our FIN into a reset, and the
    // peer could lose our Close.
    if (state_ != State::kClosing) {
      connection_->handle_bytes(base::Bytes(input_.data(), bytes), steady_now());
      deliver_events();
    }
    return read_more();
  }
  if (state_ != State::kClosing) {
    close_reason_ = reason_of_handshake_error(error, stream_.native_handle());
    if (!write_failed_ || close_text_.empty()) close_text_ = "connection lost: " + error.message();
  }
  finish();
}

void Link::deliver_events() {
  proto::Event event;
  while ((state_ == State::kHello || state_ == State::kReady) && connection_->next_event(event)) deliver(event);
  flush();
  arm_timer();
}

void Link::deliver(proto::Event& event) {
  if (std::holds_alternative<proto::HelloReceived>(event)) {
    owner_->handle_hello(*this);
    MUST(state_ == State::kReady || state_ == State::kClosing);
  } else if (const auto* closed = std::get_if<proto::PeerClosed>(&event)) {
    begin_closing(CloseReason::kPeerClosed, closed->reason);
  } else if (const auto* failed = std::get_if<proto::Failed>(&event)) {
    begin_closing(reason_of(failed->reason), failed->text);
  } else {
    owner_->handle_event(*this, event);
  }
}

// ---- writing ----

proto::Connection& Link::connection() {
  MUST(connection_.has_value());
  return *connection_;
}

const proto::Hello& Link::hello() const {
  MUST(connection_ && connection_->peer_hello());
  return *connection_->peer_hello();
}

std::size_t Link::output_bytes() const {
  return (connection_ ? connection_->output_bytes_pending() : 0) + (writing_ ? output_.size() : 0);
}

void Link::flush() {
  if (!connection_ || state_ == State::kClosed || write_failed_ || shutting_down_) return;
  const std::size_t pending = output_bytes();
  if (pending > setup_.limits.output_bytes_max && state_ != State::kClosing) {
    // Not even Close would get through.
    begin_closing(CloseReason::kOutputOverflow, "the peer does not read what it asked for");
    return finish_soon();
  }
  if (pending >= setup_.limits.output_bytes_high) full_ = true;
  if (!writing_) {
    if (!connection_->next_output(output_)) return shut_down_when_drained();
    writing_ = true;
    asio::async_write(stream_, asio::buffer(output_), [self = shared_from_this()](const ErrorCode& error, std::size_t n) {
      self->handle_written(error, n);
    });
  }
  arm_timer();
}

void Link::set_keep_alive(base::Duration interval) {
  if (!connection_) return;
  connection_->set_ping_interval(interval);
  arm_timer();
}

void Link::ping() {
  if (!ready()) return;
  connection_->send_ping(steady_now());
  flush();
}

void Link::handle_written(const ErrorCode& error, std::size_t bytes) {
  writing_ = false;
  if (state_ == State::kClosed) return;
  bytes_out_ += bytes;
  if (error) {
    // The peer may have said why before it went: the reader has a moment to find its Close.
    const base::Instant until = std::min(steady_now() + base::seconds(1), deadline());
    write_failed_ = true;          // from here on deadline() is state_deadline_, which was another state's
    state_deadline_ = until;
    if (state_ == State::kClosing) return finish();
    close_reason_ = CloseReason::kPeerGone;
    close_text_ = "connection lost: " + error.message();
    return arm_timer();
  }
  flush();
  if (full_ && state_ == State::kReady && output_bytes() <= setup_.limits.output_bytes_low) {
    full_ = false;
    owner_->handle_drained(*this);
    flush();
  }
}

// ---- the end ----

void Link::close(std::string_view text, CloseReason reason) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  const bool during_handshake = state_ == State::kHandshaking;
  if (connection_) connection_->send_close(text, steady_now());
  begin_closing(reason, text);
  if (during_handshake) return finish_soon();
  flush();
  if (!connection_) shut_down_when_drained();
}

void Link::begin_closing(CloseReason reason, std::string_view text) {
  MUST(state_ != State::kClosing);
  MUST(state_ != State::kClosed);
  state_ = State::kClosing;
  close_reason_ = reason;
  close_text_ = text;
  state_deadline_ = steady_now() + setup_.times.closing;
  if (write_failed_) finish_soon();
  arm_timer();
}

void Link::shut_down_when_drained() {
  if (state_ != State::kClosing || shutting_down_ || writing_) return;
  shutting_down_ = true;
  stream_.async_shutdown([self = shared_from_this()](const ErrorCode&) {
    // Done, or the peer still had something to say: our close_notify is out either way. FIN follows; the reader waits
    // for the peer's.
    if (self->state_ == State::kClosed) return;
    ErrorCode ignored;
    self->stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
    if (!self->reading_) self->finish();
  });
}

void Link::finish_soon() {
  asio::post(stream_.get_executor(), [self = shared_from_this()] { self->finish(); });
}

void Link::finish() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  timer_.cancel();
  ErrorCode ignored;
  stream_.next_layer().close(ignored);
  if (owner_ == nullptr) return;
  owner_->handle_closed(*this, close_reason_, close_text_);
}

void Link::abandon() {
  owner_ = nullptr;
  finish();
}

// ---- time ----

base::Instant Link::deadline() const {
  if (state_ == State::kClosed) return base::kNever;
  if (state_ == State::kHandshaking || state_ == State::kClosing || write_failed_) return state_deadline_;
  return connection_ ? connection_->next_deadline() : base::kNever;
}

// Lazy: a deadline that moved later (every read moves the read timeout) leaves the timer as it is; when it fires early,
// it is armed again.
void Link::arm_timer() {
  const base::Instant at = deadline();
  if (at >= timer_at_ || at == base::kNever) return;
  timer_at_ = at;
  timer_.expires_at(to_chrono(at));
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->handle_timer();
  });
}

void Link::handle_timer() {
  timer_at_ = base::kNever;
  const base::Instant now = steady_now();
  if (state_ == State::kClosed) return;
  if (now < deadline()) return arm_timer();
  if (state_ == State::kHandshaking) {
    close_reason_ = CloseReason::kHandshakeTimeout;
    close_text_ = "TLS handshake not finished in time";
    return finish();
  }
  if (state_ == State::kClosing || write_failed_) return finish();
  if (!connection_) return;
  connection_->handle_timeout(now);
  deliver_events();
}

bool Link::peer_named(const std::string& name) { return peer_certificate_named(stream_.native_handle(), name); }

base::Status Link::export_secret(std::string_view label, base::Bytes context, base::MutableBytes out) {
  return net::export_secret(stream_.native_handle(), label, context, out);
}

}  // namespace weft::net
