#include "bep/model/stall_log.hh"

#include <algorithm>

namespace weft::model {

std::vector<Wait> WaitLog::after(std::uint64_t number) const {
  std::vector<Wait> out;
  const std::uint64_t oldest = newest_ < kKept ? 1 : newest_ - kKept + 1;
  for (std::uint64_t n = std::max(number < newest_ ? number + 1 : newest_ + 1, oldest); n <= newest_; ++n)
    out.push_back(waits_[n % kKept]);
  return out;
}

void StallLog::on_block(std::int64_t now_ns) {
  if (last_block_ns_ != 0) {
    const std::int64_t waited = now_ns - last_block_ns_;
    longest_ns_ = std::max(longest_ns_, waited);
    if (waited >= kNoteworthyNs) waits_.add(last_block_ns_, waited);
  }
  last_block_ns_ = now_ns;
}

}  // namespace weft::model
