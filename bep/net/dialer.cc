#include "bep/net/dialer.hh"

#include <algorithm>
#include <utility>

#include "bep/net/link_manager.hh"
#include "bep/net/socket.hh"
#include "bep/net/steady.hh"
#include "engine/base/must.hh"

namespace weft::net {

namespace asio = boost::asio;

Dialer::Dialer(asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
               base::Duration connect_timeout)
    : owner_(&owner), device_(device), backoff_(std::move(backoff)), connect_timeout_(connect_timeout), resolver_(io),
      socket_(io), timer_(io) {}

void Dialer::set_addresses(const std::vector<std::string>& addresses) {
  std::vector<Target> targets;
  for (const std::string& text : addresses) {
    if (targets.size() == LinkManager::kAddressesPerDeviceMax) break;
    const auto known = std::find_if(targets_.begin(), targets_.end(), [&](const Target& t) { return t.text == text; });
    Target target = known != targets_.end() ? *known : Target{.text = text, .address = {}, .error = {}};
    const base::Result<Address> address = parse_address(text, AddressUse::kDial);
    if (!address) target.error = address.error().text;
    else if (address->kind == Address::Kind::kDynamic) target.error = "discovery is not available; give a tcp:// address";
    else target.address = *address;
    targets.push_back(std::move(target));
  }
  targets_ = std::move(targets);
  // What was dialled may be gone from the list. A connection handed over goes on: its device ID decides.
  if (state_ == State::kConnecting) {
    give_up_attempt();
    begin_round();
  }
}

bool Dialer::wanted() const {
  return owner_ != nullptr && !linked_ &&
         std::any_of(targets_.begin(), targets_.end(), [](const Target& t) { return t.address.has_value(); });
}

void Dialer::start() {
  if (state_ == State::kIdle) begin_round();
}

void Dialer::dial_now() {
  backoff_.reset();
  if (state_ == State::kIdle || state_ == State::kWaiting) {
    give_up_attempt();
    start();
  }
}

void Dialer::link_up() {
  // A connection that was handed over has perhaps shown itself to the other side already: then both sides must see
  // it to the end and choose by the same rule (duplicate.hh).
  linked_ = true;
  if (state_ != State::kHandedOver) give_up_attempt();
}

void Dialer::link_lost(bool was_stable) {
  linked_ = false;
  if (was_stable) backoff_.reset();
  if (state_ == State::kIdle) wait(backoff_.next());
}

void Dialer::attempt_ready() {
  if (state_ != State::kHandedOver) return;
  if (target_ < targets_.size()) {
    targets_[target_].ok = true;
    targets_[target_].error.clear();
  }
  state_ = State::kIdle;
}

void Dialer::attempt_failed(const std::string& why) {
  if (state_ == State::kHandedOver) target_failed(why);
}

void Dialer::stop() {
  owner_ = nullptr;
  give_up_attempt();
}

void Dialer::give_up_attempt() {
  ++attempt_;
  state_ = State::kIdle;
  timer_.cancel();
  resolver_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
}

void Dialer::wait(base::Duration delay) {
  if (!wanted()) {
    state_ = State::kIdle;
    return;
  }
  state_ = State::kWaiting;
  timer_.expires_at(to_chrono(steady_now() + delay));
  timer_.async_wait([self = shared_from_this(), attempt = ++attempt_](const ErrorCode& error) {
    if (!error && !self->stale(attempt)) self->begin_round();
  });
}

void Dialer::begin_round() {
  target_ = 0;
  if (!wanted()) {
    state_ = State::kIdle;
    return;
  }
  try_target();
}

void Dialer::try_target() {
  while (target_ < targets_.size() && !targets_[target_].address) ++target_;
  if (target_ == targets_.size()) return wait(backoff_.next());
  state_ = State::kConnecting;
  const std::uint64_t attempt = ++attempt_;
  const Address& address = *targets_[target_].address;
  targets_[target_].tried_unix_ms = unix_ms_now();
  targets_[target_].ok = false;
  // One time limit for the name and all its addresses.
  timer_.expires_at(to_chrono(steady_now() + connect_timeout_));
  timer_.async_wait([self = shared_from_this(), attempt](const ErrorCode& error) {
    if (error || self->stale(attempt)) return;
    self->give_up_attempt();
    self->target_failed("no answer in time");
  });
  const auto resolved = [self = shared_from_this(), attempt](const ErrorCode& error,
                                                             const tcp::resolver::results_type& results) {
    if (!self->stale(attempt)) self->handle_resolved(error, results);
  };
  const auto flags = tcp::resolver::numeric_service;
  const std::string port = std::to_string(address.port);
  if (address.family == IpFamily::kV4) resolver_.async_resolve(tcp::v4(), address.host, port, flags, resolved);
  else if (address.family == IpFamily::kV6) resolver_.async_resolve(tcp::v6(), address.host, port, flags, resolved);
  else resolver_.async_resolve(address.host, port, flags, resolved);
}

void Dialer::handle_resolved(const ErrorCode& error, const tcp::resolver::results_type& results) {
  if (error) return target_failed("cannot resolve the host: " + error.message());
  endpoints_.clear();
  for (const auto& entry : results) endpoints_.push_back(entry.endpoint());
  std::reverse(endpoints_.begin(), endpoints_.end());
  endpoint_error_ = "the host has no address";
  try_endpoint();
}

void Dialer::try_endpoint() {
  if (endpoints_.empty()) return target_failed(endpoint_error_);
  const tcp::endpoint endpoint = endpoints_.back();
  endpoints_.pop_back();
  ErrorCode ignored;
  socket_.close(ignored);
  socket_.async_connect(endpoint, [self = shared_from_this(), attempt = attempt_](const ErrorCode& error) {
    if (!self->stale(attempt)) self->handle_connected(error);
  });
}

void Dialer::handle_connected(const ErrorCode& error) {
  if (error) {
    endpoint_error_ = error.message();
    return try_endpoint();
  }
  timer_.cancel();
  ++attempt_;
  MUST(owner_ != nullptr);
  state_ = State::kHandedOver;
  tcp::socket connected(std::move(socket_));
  owner_->handle_dialled(*this, std::move(connected));
}

void Dialer::target_failed(const std::string& why) {
  timer_.cancel();
  if (target_ < targets_.size()) {
    targets_[target_].ok = false;
    targets_[target_].error = why;
  }
  next_target();
}

void Dialer::next_target() {
  ++attempt_;
  state_ = State::kIdle;
  ++target_;
  if (wanted()) try_target();
}

}  // namespace weft::net
