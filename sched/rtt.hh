// Round-trip time of one lane and the probe timeout made of it (RFC 9002 5 and 6.2).
// Owner: one data core. Integers only, nanoseconds.
#pragma once

#include "engine/base/time.hh"

namespace weft::sched {

// Below this a variance is our own clock and turn, not the path (RFC 9002 recommends 1 ms; a LAN
// needs less).
inline constexpr base::Duration kGranularity = base::microseconds(100);
// No probe timeout is shorter. A data core shares its CPU on small machines and may be put aside
// for one slice of the kernel's scheduler (3 to 4 ms); a timeout inside that slice only sends data
// twice. A dead path is still noticed two orders of magnitude before a kernel TCP would notice it.
inline constexpr base::Duration kPtoMin = base::milliseconds(5);
// The back-off stops here: a dead lane is probed at least this often until control decides about
// it.
inline constexpr base::Duration kPtoMax = base::seconds(1);

class Rtt {
 public:
  // `initial`: what the path challenge measured, or 2 ms where nothing is known.
  explicit Rtt(base::Duration initial) noexcept;

  // One sample: from sending to this ack of the largest newly acknowledged packet; `ack_delay` as
  // the peer says.
  void on_sample(base::Duration latest, base::Duration ack_delay) noexcept;
  // Back to one measured value: the path was challenged again, or acks come another way.
  void reset(base::Duration measured) noexcept;

  [[nodiscard]] base::Duration latest() const noexcept { return latest_; }
  [[nodiscard]] base::Duration srtt() const noexcept { return srtt_; }
  [[nodiscard]] base::Duration rttvar() const noexcept { return rttvar_; }
  [[nodiscard]] base::Duration min() const noexcept { return min_; }
  [[nodiscard]] bool has_sample() const noexcept { return has_sample_; }

  // srtt + max(4 rttvar, granularity) + the peer's ack delay, at least kPtoMin; without back-off.
  [[nodiscard]] base::Duration pto() const noexcept;
  // 9/8 max(srtt, latest), at least the granularity (RFC 9002 6.1.2).
  [[nodiscard]] base::Duration loss_delay() const noexcept;

 private:
  base::Duration latest_, srtt_, rttvar_, min_;
  bool has_sample_ = false;
};

}  // namespace weft::sched
