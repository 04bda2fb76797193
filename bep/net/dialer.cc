#include "bep/net/dialer.hh"

#include <algorithm>
#include <span>
#include <utility>

#include "bep/net/link_manager.hh"
#include "bep/net/steady.hh"
#include "engine/base/must.hh"

namespace weft::net {

namespace asio = boost::asio;

Dialer::Dialer(asio::io_context& io, DialerOwner& owner, const base::DeviceId& device, Backoff backoff,
               const DialTimes& times)
    : io_(io), owner_(&owner), device_(device), backoff_(std::move(backoff)), times_(times), timer_(io) {}

Dialer::Target Dialer::target_of(const std::string& address, const std::string& source) const {
  const std::string text = source.empty() ? address : address + " from " + source;
  const auto known = std::find_if(targets_.begin(), targets_.end(), [&](const Target& t) { return t.text == text; });
  Target target = known != targets_.end() ? *known : Target{};
  target.text = text;
  target.source = source;
  const base::Result<Address> parsed = parse_address(address, AddressUse::kDial);
  if (!parsed) target.error = parsed.error().text;
  else if (parsed->kind == Address::Kind::kDynamic) target.error = "discovery is not available; give a tcp:// address";
  else target.address = *parsed;
  return target;
}

void Dialer::set_addresses(const std::vector<std::string>& addresses, const std::vector<std::string>& sources) {
  std::vector<Target> targets;
  for (const std::string& address : std::span(addresses).first(std::min(addresses.size(), LinkManager::kAddressesPerDeviceMax))) {
    if (sources.empty()) targets.push_back(target_of(address, {}));
    for (const std::string& source : sources) targets.push_back(target_of(address, source));
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

bool Dialer::is_due(const Target& target) const {
  if (!target.address) return false;
  if (now_.links == 0) return true;
  // What a name stands for is known when it is dialled: it is neither better nor worse.
  if (!is_numeric(*target.address)) return now_.links < now_.wanted;
  const std::int32_t priority = owner_->priority_of(*target.address);
  if (is_better(priority, now_.worst_priority, owner_->replace_rule())) return true;
  return now_.links < now_.wanted && !is_better(now_.worst_priority, priority, owner_->replace_rule());
}

bool Dialer::wanted() const {
  return owner_ != nullptr && std::any_of(targets_.begin(), targets_.end(), [&](const Target& t) { return is_due(t); });
}

// With a link, an address that is not due now may be later: a cable is plugged in, and it is on our LAN.
bool Dialer::may_want() const {
  return owner_ != nullptr && std::any_of(targets_.begin(), targets_.end(), [&](const Target& t) {
    return t.address && (now_.links > 0 || is_due(t));
  });
}

base::Duration Dialer::pause() const { return now_.links < now_.wanted ? times_.more_after : times_.better_after; }

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

void Dialer::set_links(const LinksNow& now) {
  now_ = now;
  if (state_ == State::kHandedOver) return;
  if (now_.links > 0) {
    give_up();
    wait(pause());
  } else if (state_ == State::kIdle || state_ == State::kWaiting) {
    give_up();
    wait(backoff_.next());
  }
}

void Dialer::link_gone(const std::string& target) {
  for (Target& known : targets_)
    if (known.text == target && known.links > 0) --known.links;
}

void Dialer::attempt_ready() {
  if (state_ != State::kHandedOver) return;
  state_ = State::kIdle;
  if (handed_over_ >= targets_.size()) return;
  Target& target = targets_[handed_over_];
  target.ok = true;
  ++target.links;
  target.error.clear();
  note_success(target.record, took_, unix_ms_now());
  owner_->handle_record(*this, target.text, target.record);
}

void Dialer::attempt_failed(const std::string& why) {
  if (state_ != State::kHandedOver) return;
  state_ = State::kIdle;
  target_failed(handed_over_, why);
  if (now_.links > 0) return wait(std::max(backoff_.next(), pause()));
  if (wanted()) go_on();
}

void Dialer::stop() {
  give_up();
  owner_ = nullptr;
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
  if (owner_ != nullptr) owner_->handle_dialling(-static_cast<int>(running_.size()));
  running_.clear();
}

void Dialer::set_timer(base::Duration delay, void (Dialer::*then)()) {
  timer_.expires_at(to_chrono(steady_now() + delay));
  timer_.async_wait([self = shared_from_this(), serial = ++timer_serial_, then](const ErrorCode& error) {
    if (!error && serial == self->timer_serial_) ((*self).*then)();
  });
}

void Dialer::wait(base::Duration delay) {
  state_ = may_want() ? State::kWaiting : State::kIdle;
  if (state_ == State::kWaiting) set_timer(delay, &Dialer::begin_round);
}

void Dialer::begin_round() {
  left_.clear();
  state_ = State::kIdle;
  if (!wanted()) return wait(times_.better_after);
  std::vector<DialCandidate> candidates;
  for (std::size_t i = 0; i < targets_.size(); ++i)
    if (is_due(targets_[i]))
      candidates.push_back({i, owner_->priority_of(*targets_[i].address), targets_[i].record, targets_[i].links});
  for (const std::size_t target : dial_order(std::move(candidates))) left_.push_back(target);
  go_on();
}

void Dialer::go_on() {
  if (left_.empty() && running_.empty())
    return wait(now_.links == 0 ? backoff_.next() : std::max(backoff_.next(), pause()));
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
      io_, *to.address, to.source, times_.connect,
      [self = shared_from_this(), target](tcp::socket* connected, const std::string& why) {
        self->handle_attempt(target, connected, why);
      });
  running_.push_back({target, steady_now(), attempt});
  owner_->handle_dialling(1);
  attempt->start();
}

void Dialer::handle_attempt(std::size_t target, tcp::socket* connected, const std::string& why) {
  const auto running = std::find_if(running_.begin(), running_.end(), [&](const Running& r) { return r.target == target; });
  MUST(running != running_.end());
  MUST(owner_ != nullptr);
  const std::shared_ptr<DialAttempt> attempt = running->attempt;   // holds the socket to the end of this function
  const base::Duration took = steady_now() - running->began;
  running_.erase(running);
  owner_->handle_dialling(-1);
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
