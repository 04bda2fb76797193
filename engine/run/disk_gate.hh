// The data agent's side of its disk agent: jobs out with typed cookies, answers in, and room counted beforehand.
// Owner: one data core. Bounds: the job ring; has_room() before each job.
#pragma once

#include <cstdint>

#include "engine/base/must.hh"
#include "engine/share/disk_job.hh"
#include "engine/share/spsc_ring.hh"

namespace weft::run {

class DiskGate {
 public:
  enum class Owner : std::uint8_t { kServe, kFetch, kInstall, kRemove };
  struct Cookie {
    Owner owner{};
    std::uint32_t index = 0;       // extent, block, or file
  };

  DiskGate(share::SpscRing<share::DiskJob>& jobs, share::SpscRing<share::DiskDone>& dones) noexcept
      : jobs_(jobs), dones_(dones) {}

  [[nodiscard]] bool has_room() noexcept { return jobs_.room() > 0; }
  // REQUIRES: has_room().
  void submit(share::DiskJob job, Cookie cookie) noexcept {
    job.cookie = (std::uint64_t{static_cast<std::uint8_t>(cookie.owner)} << 32) | cookie.index;
    MUST(jobs_.push_one(job));
    ++outstanding_;
  }
  [[nodiscard]] bool next_done(Cookie& cookie, std::int32_t& result) noexcept {
    share::DiskDone done;
    if (!dones_.pop_one(done)) return false;
    cookie = {static_cast<Owner>(done.cookie >> 32), static_cast<std::uint32_t>(done.cookie)};
    result = done.result;
    --outstanding_;
    return true;
  }
  [[nodiscard]] std::uint32_t outstanding() const noexcept { return outstanding_; }

 private:
  share::SpscRing<share::DiskJob>& jobs_;
  share::SpscRing<share::DiskDone>& dones_;
  std::uint32_t outstanding_ = 0;
};

}  // namespace weft::run
