// One disk agent with its rings and buffers, driven as a data agent drives it.
// Time is virtual: every poll is one kRetryDelay later than the one before, so retries need no
// waiting.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/disk/disk_agent.hh"

namespace weft::disk::test {

using Kind = share::DiskJob::Kind;

inline std::vector<std::byte> random_bytes(base::Prng& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next() & 0xFF);
  return bytes;
}

class AgentBench {
 public:
  explicit AgentBench(const DiskLimits& limits, std::size_t jobs = 256, std::size_t dones = 256,
                      std::uint32_t slots = 16)
      : job_slots_(jobs), done_slots_(dones), jobs_(job_slots_), dones_(done_slots_) {
    auto buffers = SlotBuffers::allocate(slots);
    EXPECT_TRUE(buffers);
    buffers_ = std::make_unique<SlotBuffers>(std::move(*buffers));
    auto agent = DiskAgent::start(limits, *buffers_, jobs_, dones_);
    EXPECT_TRUE(agent) << (agent ? "" : agent.error().text);
    if (agent) agent_ = std::move(*agent);
  }

  [[nodiscard]] DiskAgent& agent() { return *agent_; }
  [[nodiscard]] base::MutableBytes slot(std::uint16_t number) { return buffers_->slot(number); }

  // Pushes a job with a cookie of its own and returns the cookie.
  std::uint64_t submit(share::DiskJob job) {
    job.cookie = next_cookie_++;
    EXPECT_TRUE(jobs_.push_one(job));
    return job.cookie;
  }
  std::uint32_t poll() {
    now_ += kRetryDelay;
    return agent_->poll(now_);
  }
  // Takes at most `most` answers out of the ring.
  std::uint32_t collect(std::uint32_t most = UINT32_MAX) {
    std::uint32_t taken = 0;
    share::DiskDone done;
    while (taken < most && dones_.pop_one(done)) {
      EXPECT_TRUE(answers_.emplace(done.cookie, done.result).second) << "answered twice";
      ++taken;
    }
    return taken;
  }
  [[nodiscard]] bool answered(std::uint64_t cookie) const { return answers_.contains(cookie); }
  // Polls until the job is answered. The limit only ends a test that hangs.
  std::int32_t wait(std::uint64_t cookie) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!answered(cookie)) {
      if (poll() + collect() == 0) std::this_thread::yield();
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << "job " << cookie << " was never answered";
        return INT32_MIN;
      }
    }
    return answers_.at(cookie);
  }
  std::int32_t run(const share::DiskJob& job) { return wait(submit(job)); }

  std::int32_t install(std::uint32_t file, int fd, bool direct = false) {
    return run({.kind = Kind::kInstall, .direct = direct, .file = file, .fd = fd});
  }
  std::int32_t remove(std::uint32_t file) { return run({.kind = Kind::kRemove, .file = file}); }
  static share::DiskJob read(std::uint32_t file, std::uint16_t slot, std::uint64_t offset,
                             std::uint32_t length) {
    return {.kind = Kind::kRead, .slot = slot, .file = file, .length = length, .offset = offset};
  }
  static share::DiskJob write(std::uint32_t file, std::uint16_t slot, std::uint64_t offset,
                              std::uint32_t length) {
    return {.kind = Kind::kWrite, .slot = slot, .file = file, .length = length, .offset = offset};
  }

 private:
  std::vector<share::DiskJob> job_slots_;
  std::vector<share::DiskDone> done_slots_;
  share::SpscRing<share::DiskJob> jobs_;
  share::SpscRing<share::DiskDone> dones_;
  std::unique_ptr<SlotBuffers> buffers_;
  std::unique_ptr<DiskAgent> agent_;
  std::map<std::uint64_t, std::int32_t> answers_;
  std::uint64_t next_cookie_ = 1;
  base::Instant now_{};
};

}  // namespace weft::disk::test
