#include "bep/net/listener.hh"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <utility>

#include "bep/net/socket.hh"
#include "bep/net/steady.hh"
#include "engine/base/log.hh"

namespace weft::net {
namespace {

namespace asio = boost::asio;
namespace ip = asio::ip;

constexpr int kBacklog = 128;

std::string host_of(const Address& address) {
  if (address.host == "localhost") return address.family == IpFamily::kV6 ? "::1" : "127.0.0.1";
  if (address.kind == Address::Kind::kDefault) return "0.0.0.0";
  if (address.host.empty()) return address.family == IpFamily::kV6 ? "::" : "0.0.0.0";
  return address.host;
}

}  // namespace

base::Status check_listen_host(const Address& address) {
  boost::system::error_code error;
  const ip::address host = ip::make_address(host_of(address), error);
  if (error) return base::fail(base::Errc::kInvalidConfig, "a listener needs an IP address of this machine, or none");
  if (address.family == IpFamily::kV6 && !host.is_v6())
    return base::fail(base::Errc::kInvalidConfig, "tcp6:// with an IPv4 address");
  return {};
}

Listener::Listener(asio::io_context& io, ListenerOwner& owner, std::string configured, const Address& address,
                   std::optional<PortChoice> choice)
    : owner_(&owner), configured_(std::move(configured)), address_(address), choice_(choice), acceptor_(io), timer_(io) {}

void Listener::start() {
  if (owner_ == nullptr) return;
  error_ = open();
  if (error_.empty()) {
    base::log(base::Subsystem::kLinks, base::LogLevel::kInfo, "listening", {{"address", actual()}});
    owner_->handle_listening(configured_, port_);
    return accept();
  }
  base::log(base::Subsystem::kLinks, base::LogLevel::kWarn, "cannot listen; will try again",
            {{"address", configured_}, {"error", error_}});
  after(kRetry, &Listener::start);
}

void Listener::stop() {
  owner_ = nullptr;
  port_ = 0;
  timer_.cancel();
  ErrorCode ignored;
  acceptor_.close(ignored);
}

void Listener::take_from(PassedSockets& passed) {
  ErrorCode error;
  if (passed.take(configured_, acceptor_)) port_ = acceptor_.local_endpoint(error).port();
}

std::string Listener::open() {
  if (port_ != 0) return {};     // an earlier weft's
  if (!choice_) {
    const ErrorCode error = open_on(address_.port);
    return error ? error.message() : std::string();
  }
  for (int tries = 0; tries < kTries; ++tries) {
    const auto port = choice_->next();
    if (!port) return "every port of the random range is in use or not allowed; widen randomPortRangeStart and …End";
    const ErrorCode error = open_on(*port);
    if (!error) return {};
    if (error != asio::error::address_in_use && error != asio::error::access_denied) return error.message();
  }
  return std::to_string(kTries) + " ports of the random range are in use or not allowed";
}

Listener::ErrorCode Listener::open_on(std::uint16_t port) {
  ErrorCode error;
  const ip::address host = ip::make_address(host_of(address_), error);
  if (error) return error;
  // As in stock, "all IPv4 addresses" without tcp4:// means both families where the kernel has IPv6.
  const bool both = address_.family == IpFamily::kAny && host.is_unspecified();
  if (both && !(error = open_at(tcp::endpoint(ip::address_v6::any(), port), false))) return {};
  return open_at(tcp::endpoint(host, port), address_.family == IpFamily::kV6);
}

Listener::ErrorCode Listener::open_at(const tcp::endpoint& endpoint, bool v6_only) {
  ErrorCode error;
  ErrorCode ignored;
  acceptor_.close(ignored);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) acceptor_.set_option(ip::v6_only(v6_only), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(kBacklog, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  if (error) acceptor_.close(ignored);
  return error;
}

std::string Listener::actual() const {
  ErrorCode error;
  const tcp::endpoint endpoint = acceptor_.local_endpoint(error);
  return error ? std::string() : "tcp://" + endpoint_text(endpoint);
}

void Listener::accept() {
  acceptor_.async_accept([self = shared_from_this()](const ErrorCode& error, tcp::socket socket) {
    if (self->owner_ == nullptr || error == asio::error::operation_aborted) return;
    if (!error) {
      self->owner_->handle_accepted(std::move(socket));
      if (self->owner_ != nullptr) self->accept();  // not if it was stopped meanwhile
      return;
    }
    // A connection that is gone before it is accepted is no news; lack of descriptors needs time to pass.
    if (error != asio::error::connection_aborted)
      base::log(base::Subsystem::kLinks, base::LogLevel::kWarn, "cannot accept",
                {{"address", self->configured_}, {"error", error.message()}});
    self->after(kPause, &Listener::accept);
  });
}

void Listener::after(base::Duration delay, void (Listener::*then)()) {
  timer_.expires_at(to_chrono(steady_now() + delay));
  timer_.async_wait([self = shared_from_this(), then](const ErrorCode& error) {
    if (!error && self->owner_ != nullptr) ((*self).*then)();
  });
}

}  // namespace weft::net
