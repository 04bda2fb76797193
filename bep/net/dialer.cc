#include "bep/net/dialer.hh"

#include <algorithm>
#include <utility>

#include "bep/net/link_manager.hh"
#include "bep/net/steady.hh"
#include "engine/base/must.hh"

namespace weft::net {

namespace asio = boost::asio;

Dialer::Dialer(asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
               base::Duration connect_timeout)
    : io_(io), owner_(&owner), device_(device), backoff_(std::move(backoff)), connect_timeout_(connect_timeout), timer_(io) {}

void Dialer::set_addresses(const std::vector<std::string>& addresses) {
  std::vector<Target> targets;
  for (const std::string& text : addresses) {
    if (targets.size() == LinkManager::kAddressesPerDeviceMax) break;
    const auto known = std::find_if(targets_.begin(), targets_.end(), [&](const Target& t) { return t.text == text; });
    Target target = known != targets_.end() ? *known : Target{.text = text, .address = {}, .error = {}, .record = {}};
    const base::Result<Address> address = parse_address(text, AddressUse::kDial);
    if (!address) target.error = address.error().text;
    else if (address->kind == Address::Kind::kDynamic) target.error = "discovery is not available; give a tcp:// address";
    else target.address = *address;
    targets.push_back(std::move(target));
  }
  // What was dialled may be gone from the list. A connection handed over goes on: its device ID decides.
  const bool was_connecting = state_ == State::kConnecting;
  if (was_connecting) give_up();
  const std::string handed_over = handed_over_ < targets_.size() ? targets_[handed_over_].text : std::string();
  targets_ = std::move(targets);
  left_.clear();
  const auto place = std::find_if(targets_.begin(), targets_.end(), [&](const Target& t) { return t.text == handed_over; });
  handed_over_ = static_cast<std::size_t>(place - targets_.begin());
  if (was_connecting) begin_round();
}

void Dialer::set_record(const std::string& address, const DialRecord& record) {
  for (Target& target : targets_)
    if (target.text == address) target.record = record;
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
    give_up();
    start();
  }
}

void Dialer::link_up() {
  // A connection that was handed over has perhaps shown itself to the other side already: then both sides must see
  // it to the end and choose by the same rule (duplicate.hh).
  linked_ = true;
  if (state_ != State::kHandedOver) give_up();
}

void Dialer::link_lost(bool was_stable) {
  linked_ = false;
  if (was_stable) backoff_.reset();
  if (state_ == State::kIdle) wait(backoff_.next());
}

void Dialer::attempt_ready() {
  if (state_ != State::kHandedOver) return;
  state_ = State::kIdle;
  if (handed_over_ >= targets_.size()) return;
  Target& target = targets_[handed_over_];
  target.ok = true;
  target.error.clear();
  note_success(target.record, took_, unix_ms_now());
  owner_->handle_record(*this, target.text, target.record);
}

void Dialer::attempt_failed(const std::string& why) {
  if (state_ != State::kHandedOver) return;
  state_ = State::kIdle;
  target_failed(handed_over_, why);
  if (wanted()) go_on();
}

void Dialer::stop() {
  owner_ = nullptr;
  give_up();
}

void Dialer::give_up() {
  state_ = State::kIdle;
  ++timer_serial_;
  timer_.cancel();
  cancel_running(false);
}

void Dialer::cancel_running(bool again) {
  for (auto running = running_.rbegin(); running != running_.rend(); ++running) {
    running->attempt->cancel();
    if (again) left_.push_front(running->target);
  }
  running_.clear();
}

void Dialer::set_timer(base::Duration delay, void (Dialer::*then)()) {
  timer_.expires_at(to_chrono(steady_now() + delay));
  timer_.async_wait([self = shared_from_this(), serial = ++timer_serial_, then](const ErrorCode& error) {
    if (!error && serial == self->timer_serial_) ((*self).*then)();
  });
}

void Dialer::wait(base::Duration delay) {
  state_ = wanted() ? State::kWaiting : State::kIdle;
  if (state_ == State::kWaiting) set_timer(delay, &Dialer::begin_round);
}

void Dialer::begin_round() {
  left_.clear();
  state_ = State::kIdle;
  if (!wanted()) return;
  std::vector<DialCandidate> candidates;
  for (std::size_t i = 0; i < targets_.size(); ++i)
    if (targets_[i].address) candidates.push_back({i, owner_->priority_of(*targets_[i].address), targets_[i].record});
  for (const std::size_t target : dial_order(std::move(candidates))) left_.push_back(target);
  go_on();
}

void Dialer::go_on() {
  if (left_.empty() && running_.empty()) return wait(backoff_.next());
  state_ = State::kConnecting;
  // A machine with many devices dials them in turn: the next look is after kStagger.
  if (!left_.empty() && running_.size() < kAtOnce && owner_->dials_left() > 0) {
    const std::size_t target = left_.front();
    left_.pop_front();
    launch(target);
  }
  if (!left_.empty()) set_timer(kStagger, &Dialer::go_on);
}

void Dialer::launch(std::size_t target) {
  Target& to = targets_[target];
  to.tried_unix_ms = unix_ms_now();
  to.ok = false;
  auto attempt = std::make_shared<DialAttempt>(
      io_, *to.address, connect_timeout_, [self = shared_from_this(), target](tcp::socket* connected, const std::string& why) {
        self->handle_attempt(target, connected, why);
      });
  running_.push_back({target, steady_now(), attempt});
  attempt->start();
}

void Dialer::handle_attempt(std::size_t target, tcp::socket* connected, const std::string& why) {
  const auto running = std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.target == target; });
  MUST(running != running_.end());
  MUST(owner_ != nullptr);
  const std::shared_ptr<DialAttempt> attempt = running->attempt;   // holds the socket to the end of this function
  const base::Duration took = steady_now() - running->began;
  running_.erase(running);
  if (connected == nullptr) {
    target_failed(target, why);
    return go_on();
  }
  ++timer_serial_;
  timer_.cancel();
  cancel_running(true);
  state_ = State::kHandedOver;
  handed_over_ = target;
  took_ = took;
  tcp::socket socket(std::move(*connected));
  owner_->handle_dialled(*this, std::move(socket));
}

void Dialer::target_failed(std::size_t target, const std::string& why) {
  if (target >= targets_.size() || owner_ == nullptr) return;
  targets_[target].ok = false;
  targets_[target].error = why;
  note_failure(targets_[target].record);
  owner_->handle_record(*this, targets_[target].text, targets_[target].record);
}

}  // namespace weft::net
