#include "sched/pmtu.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::sched {

Pmtu::Pmtu(std::uint16_t largest) noexcept : largest_(largest), works_(std::min(largest, kBaseBytes)) {}

void Pmtu::search(base::Instant now) noexcept {
  state_ = State::kSearch;
  waiting_ = false;
  fails_ = static_cast<std::uint16_t>(largest_ + 1);
  asked_ = largest_;
  tries_ = 0;
  deadline_ = base::kNever;
  if (works_ >= largest_) next_size(now);
}

void Pmtu::on_validated(base::Instant now) noexcept {
  large_lost_ = base_lost_ = 0;
  if (state_ == State::kError) return give_up_base();   // it has to show that it can, soon
  // What worked before the outage goes on until it is seen not to.
  search(now);
}

// The next one between what works and what does not, or the end.
void Pmtu::next_size(base::Instant now) noexcept {
  MUST(works_ < fails_);
  waiting_ = false;
  tries_ = 0;
  if (works_ >= largest_ || fails_ - works_ <= kStepBytes) {
    state_ = State::kComplete;
    deadline_ = works_ < largest_ ? now + kRaiseAfter : base::kNever;
    return;
  }
  asked_ = static_cast<std::uint16_t>((works_ + fails_) / 2);
  deadline_ = base::kNever;
}

void Pmtu::handle_timeout(base::Instant now) noexcept {
  if (deadline_ > now) return;
  if (state_ == State::kComplete) return search(now);
  MUST(waiting_);
  waiting_ = false;
  deadline_ = base::kNever;
  if (tries_ < kProbesMax || state_ == State::kError) return;   // the same size again
  fails_ = asked_;
  next_size(now);
}

void Pmtu::on_probe_sent(std::uint64_t packet_number, base::Duration srtt, base::Instant now) noexcept {
  MUST(probe_due());
  waiting_ = true;
  number_ = packet_number;
  ++tries_;
  base::Duration wait = std::max(3 * srtt, kProbeWait);
  if (state_ == State::kError)
    wait = std::max(wait, std::min(kProbeWait * (std::int64_t{1} << std::min(tries_, 16u)), kErrorProbeMax));
  deadline_ = now + wait;
}

void Pmtu::handle_ack(const wire::Ack& ack, base::Instant now) noexcept {
  if (!waiting_) return;
  for (const wire::AckRange& range : ack.ranges) {
    if (range.last < number_) return;   // newest first
    if (range.first > number_) continue;
    large_lost_ = base_lost_ = 0;
    works_ = asked_;
    if (state_ == State::kError) search(now);
    else next_size(now);
    return;
  }
}

void Pmtu::give_up_base() noexcept {
  state_ = State::kError;
  waiting_ = false;
  works_ = std::min(works_, kBaseBytes);   // it may never again carry what it did: the base is what has to arrive
  asked_ = works_;
  tries_ = 0;
  deadline_ = base::kNever;
}

void Pmtu::count_base_loss(std::uint32_t bytes, base::Instant now) noexcept {
  if (base_lost_ > 0 && !smaller_acked_) return;
  if (base_lost_ == 0) {
    base_lost_bytes_ = bytes;
    base_lost_since_ = now;
  }
  base_lost_bytes_ = std::min(base_lost_bytes_, bytes);
  smaller_acked_ = false;
  if (++base_lost_ >= kBaseLosses && now - base_lost_since_ >= kBlackHoleTime) give_up_base();
}

void Pmtu::on_lost(std::uint32_t bytes, base::Instant now) noexcept {
  if (state_ == State::kBase || state_ == State::kError || bytes <= kSmallBytes) return;
  if (bytes <= kBaseBytes) return count_base_loss(bytes, now);
  if (works_ <= kBaseBytes) return;
  if (large_lost_++ == 0) large_lost_since_ = now;
  if (large_lost_ < kBlackHoleLosses || now - large_lost_since_ < kBlackHoleTime) return;
  large_lost_ = 0;
  works_ = kBaseBytes;
  search(now);
}

}  // namespace weft::sched
