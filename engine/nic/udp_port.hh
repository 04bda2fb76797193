// UdpPort: UDP datagrams over one queue pair of one port, for the one data core that owns it.
// It speaks Ethernet, IPv4, IPv6, UDP; answers ARP, ND and echo requests itself; resolves next hops. What it
// hands up is a datagram to one of this device's UDP ports, nothing else; what it cannot use it counts and drops.
// Threads:   every call from the owning data core only (its thread registered with Eal::register_thread()).
//            Control speaks to it through Port (orders and reports are snapshots).
// Bounds:    one burst per call, no allocation, no wait; pools are sized in port.cc.
// Ownership: datagrams from rx() until release(); slots from tx_alloc() until tx() takes or tx_cancel().
//            Releasing a datagram on another data core is allowed (pools take buffers back from any core).
// Trust:     next-hop MACs are learnt only from ARP and ND about addresses in share::Neighbours, never from data.
// Not here:  lanes, keys, congestion (engine/wire, sched); opening devices (port.hh).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/nic/classify.hh"
#include "engine/nic/drop.hh"
#include "engine/nic/flow.hh"
#include "engine/nic/impairment.hh"
#include "engine/nic/neighbour_asker.hh"
#include "engine/nic/packet_port.hh"
#include "engine/share/neighbours.hh"
#include "engine/share/snapshot.hh"

struct rte_mempool;

namespace weft::nic {

class HostPath;
class ImpairStage;
class VlanStage;

using share::RxDatagram;   // bytes may be 0; dst_udp is one of ours: base + the core it is meant for
using share::TxItem;       // at most payload_max(flow's family) bytes
using share::TxSlot;       // payload is 64-byte aligned; room is payload_max() of IPv4, IPv6 has 20 bytes less

struct UdpPortStats {
  std::uint64_t packets_in = 0, bytes_in = 0;      // datagrams handed up, payload bytes
  std::uint64_t packets_out = 0, bytes_out = 0;    // datagrams the port took, payload bytes
  std::uint64_t answered = 0;                      // ARP, ND and echo requests
  std::uint64_t asked = 0;                         // ARP requests and neighbour solicitations sent
  std::uint64_t announced = 0;
  std::uint64_t tx_refused = 0;                    // datagrams tx() did not take: ring full or port closed
  std::uint64_t no_buffer = 0;                     // slots tx_alloc() could not give
  std::array<std::uint64_t, kNicDrops> drops{};    // by NicDrop
  ImpairStats impaired{};
};

// What control wants of one core's queue: published as a whole value (Port).
struct PortOrders {
  Impairment impairment{};
  bool link_up = true;              // false: tx() drops and counts instead of filling a dead ring
  std::uint32_t announce_seq = 0;   // each step: the link came up; announce our addresses, doubt the neighbours'
};

class UdpPort final : public share::DatagramPort {
 public:
  struct Setup {
    base::PortId id{};                         // written into every datagram
    PacketPort* port = nullptr;                // the chain's top: a stage or the queue itself
    ImpairStage* stage = nullptr;              // null where impairment is not allowed
    const VlanStage* vlan = nullptr;           // null without a VLAN
    HostPath* host = nullptr;                  // null without an exception path
    std::uint32_t core = 0;                    // whose queue this is; core 0 sends for the host
    rte_mempool* pool = nullptr;
    share::Neighbours* neighbours = nullptr;   // of the whole port
    share::Snapshot<PortOrders>* orders = nullptr;
    share::Snapshot<UdpPortStats>* report = nullptr;   // published every kReportEvery
    LocalView local{};
    std::uint16_t mtu = 1500;
    bool checksum_offload = false;             // the device fills IPv4 and UDP checksums
    bool udp_checksum_v4 = true;               // false: 0 = none, RFC 768; IPv6 always has one
  };
  static constexpr base::Duration kReportEvery = base::milliseconds(50);
  // Once each kReportEvery: the first may meet a far end that has posted no buffers yet (memif) or a port of a
  // switch that does not forward yet.
  static constexpr std::uint32_t kAnnouncements = 4;

  explicit UdpPort(const Setup& setup) noexcept;   // everything setup points at must outlive the port
  UdpPort(const UdpPort&) = delete;
  UdpPort& operator=(const UdpPort&) = delete;

  // One burst in: at most min(out.size(), kBurst) datagrams. Also answers, asks, announces and reports, so it must
  // be called every turn, also when no datagram is expected. Returns how many of `out` were filled.
  [[nodiscard]] std::uint32_t rx(std::span<RxDatagram> out, base::Instant now) noexcept override;
  void release(std::span<const RxDatagram> datagrams) noexcept override;

  // Returns how many slots were filled from the front, 0 when the pool is empty.
  [[nodiscard]] std::uint32_t tx_alloc(std::span<TxSlot> out) noexcept override;
  void tx_cancel(std::span<const TxSlot> slots) noexcept override;
  // One burst out: at most kBurst items from the front. Returns how many were taken; a datagram whose next hop is
  // unknown (it is asked for then) or whose port has no link is taken too: dropped and counted. The rest is the
  // caller's: try again or cancel.
  [[nodiscard]] std::uint32_t tx(std::span<const TxItem> items, base::Instant now) noexcept override;

  // Largest UDP payload of one frame.
  [[nodiscard]] std::uint16_t payload_max(bool v6) const noexcept;
  [[nodiscard]] const UdpPortStats& stats() const noexcept { return stats_; }
  // When rx() should be called although nothing arrives: frames held back by the impairment stage.
  [[nodiscard]] base::Instant next_deadline() const noexcept { return setup_.port->next_deadline(); }

 private:
  struct Answers;
  void handle_frame(rte_mbuf* frame, RxDatagram& out, bool& handed_up, Answers& answers) noexcept;
  void handle_arp(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept;
  void handle_nd(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept;
  void handle_echo(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept;
  void learn(const base::IpAddress& ip, const base::Mac& mac) noexcept;
  void drop(rte_mbuf* frame, NicDrop reason) noexcept;
  void discard(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept;
  void end_heard(rte_mbuf* frame, const Frame& seen, Answers& answers) noexcept;
  void send_answers(Answers& answers, base::Instant now) noexcept;
  void give_to_host(Answers& answers) noexcept;
  void send_for_host(base::Instant now) noexcept;
  void handle_orders(base::Instant now) noexcept;
  void poll_questions(base::Instant now) noexcept;
  void announce(base::Instant now) noexcept;
  void send_own(base::Bytes frame, std::uint64_t& counter, base::Instant now) noexcept;
  bool encapsulate(const TxItem& item, base::Instant now) noexcept;
  void count(NicDrop reason) noexcept { ++stats_.drops[static_cast<std::size_t>(reason)]; }

  const Setup setup_;
  NeighbourAsker asker_;
  std::uint32_t announced_seq_ = 0, announcements_left_ = 0;
  base::Instant tick_due_{};
  UdpPortStats stats_{};
};

}  // namespace weft::nic
