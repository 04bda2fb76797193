// HostPath: a port's exception path: a TAP interface of the host's kernel through which SSH, ping, DHCP or the TLS link use
// the same NIC as weft. What is not ours (host_frame.hh) goes to the interface; what the kernel sends there goes out.
//
//   core i:  UdpPort --> [ring i] --+                       The interface has the port's MAC, MTU and addresses, so
//                                   thread <--> TAP fd      host and weft are one station to the wire.
//   core 0:  UdpPort <-- [ring] ----+
//
// Why a thread and not DPDK's net_tap: a TAP costs a system call per frame, which must not be spent in a data core's
// turn, and net_tap tells of arrivals by a signal to whichever thread. A core pays one eventfd write per burst that had
// frames for the host, one look at a ring per turn, and nothing else.
// Threads:   construction and stats() control; give() core i, take() core 0; the rest on the thread.
// Ownership: frames given belong to the thread, which frees them; frames taken came from core 0's pool and are its.
// Bounds:    kRingFrames each way; what does not fit is dropped and counted, as a NIC does.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "engine/base/unique_fd.hh"
#include "engine/share/snapshot.hh"
#include "engine/share/spsc_ring.hh"

struct rte_mbuf;
struct rte_mempool;

namespace weft::nic {

struct HostPathStats {
  std::uint64_t to_host = 0, from_host = 0;      // frames
  std::uint64_t to_host_failed = 0;              // the kernel did not take them (the interface is down)
  std::uint64_t from_host_dropped = 0;           // no buffer, or core 0's ring is full
};

class HostPath {
 public:
  static constexpr std::uint32_t kRingFrames = 256;

  // `tap`: of open_tap() (tap_interface.hh). `pool`: core 0's; its buffers hold a whole frame; it outlives the path.
  HostPath(base::UniqueFd tap, std::uint32_t cores, rte_mempool& pool);
  ~HostPath();                                   // the cores no longer use it
  HostPath(const HostPath&) = delete;
  HostPath& operator=(const HostPath&) = delete;

  // Core `core`: hands frames to the kernel. Returns how many went; the rest stays the caller's.
  [[nodiscard]] std::uint32_t give(std::uint32_t core, std::span<rte_mbuf* const> frames) noexcept;
  // Core 0: what the kernel sent.
  [[nodiscard]] std::uint32_t take(std::span<rte_mbuf*> out) noexcept { return from_host_.pop(out); }
  // As of the thread's last report.
  [[nodiscard]] const HostPathStats& stats() noexcept;

 private:
  struct ToHost {
    ToHost() : slots(kRingFrames), ring(slots) {}
    std::vector<rte_mbuf*> slots;
    share::SpscRing<rte_mbuf*> ring;
  };
  void run() noexcept;
  void write_all() noexcept;
  void read_some() noexcept;

  rte_mempool& pool_;
  const base::UniqueFd tap_, wake_, stop_;
  std::vector<std::unique_ptr<ToHost>> to_host_; // by core
  std::vector<rte_mbuf*> from_host_slots_;
  share::SpscRing<rte_mbuf*> from_host_;
  HostPathStats counts_{};                       // the thread's
  share::Snapshot<HostPathStats> report_;
  std::thread thread_;
};

}  // namespace weft::nic
