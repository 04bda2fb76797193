// What a Port holds. Private to port*.cc; apart so that DPDK's types stay out of port.hh.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/nic/device.hh"
#include "engine/nic/device_thread.hh"
#include "engine/nic/ethdev_queue.hh"
#include "engine/nic/impair.hh"
#include "engine/nic/port.hh"
#include "engine/nic/vlan_stage.hh"

namespace weft::nic {

// Everything of one data core on this port. Made once, before the core hears of the port; addresses never change.
struct PortSide {
  share::Gate gate;                              // used on memif only
  rte_mempool* pool = nullptr;
  std::optional<EthdevQueue> queue;
  std::unique_ptr<ImpairStage> stage;            // null: impairment not allowed
  std::optional<VlanStage> vlan;                 // of a port with a VLAN
  share::Snapshot<PortOrders> orders;
  share::Snapshot<UdpPortStats> report;
  std::optional<UdpPort> udp;
  bool orders_pending = true;                    // control's
};

struct Port::Inside {
  Inside(DeviceThread& thread, const PortConfig& port_config) : device_thread(thread), config(port_config) {}
  ~Inside();                                     // undoes what open() had done so far, in reverse

  DeviceThread& device_thread;
  const PortConfig config;
  Device device{};
  bool probed = false, gated = false, started = false;
  base::Mac mac{};
  share::Neighbours neighbours;
  std::vector<std::unique_ptr<PortSide>> sides;  // by core
  std::unique_ptr<HostPath> host;                // null: no exception path
  PortOrders orders{};
  std::optional<base::Instant> knock_at;         // memif client without link: when to try again
  std::uint64_t speed_Bps = 0;
  std::uint32_t rss_entries = 0;                 // as steer() found

  // Starts or restarts the device. With gates (memif) on DPDK's interrupt thread and with all cores kept out; the
  // gates stay closed while the device does not run. False when it did not start.
  [[nodiscard]] bool start();
  // Stops and closes it: with gates as above, and on that thread for memif. Once.
  void end_device();
  void knock(base::Instant now);
  void follow_link() noexcept;
  void publish_orders() noexcept;
};

}  // namespace weft::nic
