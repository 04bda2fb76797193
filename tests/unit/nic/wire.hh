// A wire in memory: PacketPort whose frames wait in two queues the test looks into. Frames are real mbufs.
#pragma once

#include <rte_mbuf.h>

#include <deque>

#include "engine/nic/packet_port.hh"
#include "tests/unit/nic/eal_environment.hh"
#include "tests/unit/nic/frames.hh"

namespace weft::nic::test {

// A pool of its own per test; checks at the end that every buffer came home.
class Pool {
 public:
  explicit Pool(unsigned frames = 1023) : frames_(frames) {
    (void)eal();
    static int number = 0;
    const std::string name = "test_" + std::to_string(number++);
    pool_ = rte_pktmbuf_pool_create(name.c_str(), frames, 0, 0, 2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
    if (pool_ == nullptr) std::abort();
  }
  ~Pool() {
    EXPECT_EQ(rte_mempool_avail_count(pool_), frames_) << "a buffer was lost";
    rte_mempool_free(pool_);
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  [[nodiscard]] rte_mempool* get() const { return pool_; }

  [[nodiscard]] rte_mbuf* frame(base::Bytes bytes) const {
    rte_mbuf* out = rte_pktmbuf_alloc(pool_);
    if (out == nullptr) std::abort();
    std::memcpy(rte_pktmbuf_append(out, static_cast<std::uint16_t>(bytes.size())), bytes.data(), bytes.size());
    return out;
  }

 private:
  const unsigned frames_;
  rte_mempool* pool_;
};

class Wire final : public PacketPort {
 public:
  std::deque<rte_mbuf*> in, out;     // what rx_burst() will give, what tx_burst() took
  std::uint32_t tx_room = ~0u;       // frames tx_burst() still takes

  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() override {
    for (auto* queue : {&in, &out})
      for (rte_mbuf* frame : *queue) rte_pktmbuf_free(frame);
  }
  std::uint32_t rx_burst(std::span<rte_mbuf*> frames, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < frames.size() && !in.empty(); in.pop_front()) frames[count++] = in.front();
    return count;
  }
  std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < frames.size() && tx_room > 0; --tx_room) out.push_back(frames[count++]);
    return count;
  }
};

inline FrameBytes bytes_of(rte_mbuf* frame) {
  const auto* first = rte_pktmbuf_mtod(frame, const std::byte*);
  return FrameBytes(first, first + rte_pktmbuf_data_len(frame));
}

}  // namespace weft::nic::test
