// Bytes per second of late: of the last whole second or longer in which something came. Thread: the owner's.
#pragma once

#include <cstdint>

#include "engine/base/time.hh"

namespace weft::model {

class RecentRate {
 public:
  static constexpr base::Duration kWindow = base::seconds(1), kOld = base::seconds(3);

  explicit RecentRate(base::Instant now) : since_(now) {}
  void add(std::uint64_t bytes, base::Instant now) {
    bytes_ += bytes;
    if (now - since_ < kWindow) return;
    last_Bps_ = per_second(now);
    bytes_ = 0;
    since_ = now;
  }
  // Fades when nothing has come for kOld.
  [[nodiscard]] std::uint64_t at(base::Instant now) const {
    if (now - since_ > kOld || last_Bps_ == 0) return per_second(now);
    return last_Bps_;
  }

 private:
  [[nodiscard]] std::uint64_t per_second(base::Instant now) const {
    const auto us = static_cast<std::uint64_t>((now - since_).us());
    return us == 0 ? 0 : bytes_ * 1'000'000 / us;
  }
  base::Instant since_;
  std::uint64_t bytes_ = 0, last_Bps_ = 0;
};

}  // namespace weft::model
