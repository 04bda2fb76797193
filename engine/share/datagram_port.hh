// DatagramPort: one core's view of one port, in UDP payloads. The seam between the data agent and the network:
// engine/nic implements it over DPDK, the simulator over virtual links. Virtual once per burst, never per packet.
// Threads: one data core owns it; make nothing here cross to another core except RxDatagram::packet by hand-over,
// which any core's view of the same port may release.
// Payload buffers are writable in place and contiguous; they stay valid until released, cancelled or sent.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::share {

// Where a lane sends to and from; made by control (it chooses the next hop), used by one core.
struct Flow {
  base::IpAddress src{}, dst{};
  std::uint16_t src_udp = 0, dst_udp = 0;   // host order
  std::uint32_t neighbour = 0;              // slot of the next hop in the port's Neighbours
};

struct RxDatagram {
  std::byte* payload = nullptr;
  std::uint16_t bytes = 0;
  std::uint16_t dst_udp = 0, src_udp = 0;   // host order
  base::PortId port{};
  base::IpAddress src{};
  void* packet = nullptr;                   // opaque buffer behind the payload
};

struct TxSlot {
  std::byte* payload = nullptr;
  std::uint16_t room = 0;
  void* packet = nullptr;
};

struct TxItem {
  void* packet = nullptr;
  std::uint16_t bytes = 0;                  // of UDP payload
  const Flow* flow = nullptr;               // must stay valid until tx() returns
};

// Packets per rx and tx call at most, so of one turn and port. Against 32: 706 for 598 MB/s over memif on two CPUs
// (scripts/bench_vs.sh --only weft, medians of 3, alternately).
inline constexpr std::uint32_t kBurst = 64;

class DatagramPort {
 public:
  virtual ~DatagramPort() = default;
  // At most min(out.size(), kBurst) datagrams addressed to one of our UDP ports.
  [[nodiscard]] virtual std::uint32_t rx(std::span<RxDatagram> out, base::Instant now) noexcept = 0;
  virtual void release(std::span<const RxDatagram> datagrams) noexcept = 0;
  // Buffers to fill; fewer when the pool runs dry.
  [[nodiscard]] virtual std::uint32_t tx_alloc(std::span<TxSlot> out) noexcept = 0;
  virtual void tx_cancel(std::span<const TxSlot> slots) noexcept = 0;
  // Takes items from the front and says how many; the rest stay the caller's. A taken packet may still be dropped
  // (unknown next hop, link down): that is a loss like any other. Never waits.
  [[nodiscard]] virtual std::uint32_t tx(std::span<const TxItem> items, base::Instant now) noexcept = 0;
};

}  // namespace weft::share
