#include "sched/ack_tracker.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::sched {

void AckTracker::on_received(std::uint64_t packet_number, bool ack_eliciting,
                             base::Instant now) noexcept {
  const std::uint64_t expected = count_ == 0 ? 0 : ranges_[count_ - 1].last + 1;
  insert(packet_number);
  if (packet_number >= expected) largest_at_ = now;
  if (!ack_eliciting) return;
  if (eliciting_since_ack_ == 0) eliciting_at_ = now;
  ++eliciting_since_ack_;
  if (packet_number != expected || eliciting_since_ack_ >= kAckEvery) at_once_ = true;
}

base::Instant AckTracker::next_deadline() const noexcept {
  if (eliciting_since_ack_ == 0) return base::kNever;
  return at_once_ ? eliciting_at_ : eliciting_at_ + kAckDelayMax;
}

bool AckTracker::fill(wire::Ack& out, base::Instant now) noexcept {
  if (count_ == 0) return false;
  MUST(now >= largest_at_);
  out.largest = ranges_[count_ - 1].last;
  out.delay_us = static_cast<std::uint32_t>(
      std::min<std::int64_t>((now - largest_at_).us(), UINT32_MAX));
  out.ranges.clear();
  for (std::size_t i = count_; i > 0; --i)
    if (!out.ranges.try_push(ranges_[i - 1])) break;  // the peer needs the newest ones most
  eliciting_since_ack_ = 0;
  at_once_ = false;
  return true;
}

void AckTracker::forget_up_to(std::uint64_t packet_number) noexcept {
  if (count_ == 0) return;
  std::size_t gone = 0;
  while (gone + 1 < count_ && ranges_[gone].last <= packet_number) ++gone;
  std::move(ranges_.begin() + static_cast<std::ptrdiff_t>(gone),
            ranges_.begin() + static_cast<std::ptrdiff_t>(count_), ranges_.begin());
  count_ -= gone;
  wire::AckRange& oldest = ranges_[0];
  if (oldest.first > packet_number) return;
  oldest.first = packet_number < oldest.last ? packet_number + 1 : oldest.last;
}

void AckTracker::insert(std::uint64_t packet_number) noexcept {
  std::size_t at = count_;
  while (at > 0 && ranges_[at - 1].first > packet_number) --at;
  if (at > 0 && packet_number <= ranges_[at - 1].last) return;
  const bool joins_older = at > 0 && ranges_[at - 1].last + 1 == packet_number;
  const bool joins_newer = at < count_ && packet_number + 1 == ranges_[at].first;
  if (joins_older && joins_newer) {
    ranges_[at - 1].last = ranges_[at].last;
    erase(at);
  } else if (joins_older) {
    ranges_[at - 1].last = packet_number;
  } else if (joins_newer) {
    ranges_[at].first = packet_number;
  } else {
    if (count_ == kRangesMax) {
      if (at == 0) return;
      erase(0);
      --at;
    }
    std::move_backward(ranges_.begin() + static_cast<std::ptrdiff_t>(at),
                       ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
                       ranges_.begin() + static_cast<std::ptrdiff_t>(count_ + 1));
    ranges_[at] = {packet_number, packet_number};
    ++count_;
  }
}

void AckTracker::erase(std::size_t at) noexcept {
  MUST(at < count_);
  std::move(ranges_.begin() + static_cast<std::ptrdiff_t>(at + 1),
            ranges_.begin() + static_cast<std::ptrdiff_t>(count_),
            ranges_.begin() + static_cast<std::ptrdiff_t>(at));
  --count_;
}

}  // namespace weft::sched
