// Port: one DPDK ethdev of ours with its IP addresses; one queue pair and one UdpPort per data core.
// Threads:   everything here from control, except that udp(core) belongs to that data core.
//            poll() every control tick (10 to 100 times a second).
// Ownership: data cores must have stopped using their UdpPort before the Port is destroyed.
// Bounds:    cores fixed at open(); buffers are a sum of named holders (port.cc).
// Devices:   "net_memif0,role=server,id=0,socket=/run/weft/a.sock" or any other virtual device string,
//            "0000:01:00.0" (the address must also stand in EalConfig::pci_allow), or the name of a device that
//            exists already. README.md has examples.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/result.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "engine/nic/address.hh"
#include "engine/nic/eal.hh"
#include "engine/nic/flow.hh"
#include "engine/nic/host_path.hh"
#include "engine/nic/impairment.hh"
#include "engine/nic/udp_port.hh"
#include "engine/share/table.hh"

namespace weft::nic {

struct PortAddress {
  base::IpAddress ip{};
  std::uint8_t prefix_bits = 0;
  std::optional<base::IpAddress> gateway;   // on-link, same family
};

struct PortConfig {
  std::string name;                         // the operator's, unique
  std::string device;
  std::optional<PortAddress> v4, v6;        // at least one
  std::uint16_t udp_port = 0;               // core i uses udp_port + i; not 0, and the last must be <= 65535
  std::uint16_t mtu = 1500;                 // IP bytes per frame, 1280 … 9216
  base::PortId id{};
  share::PathRole role = share::PathRole::kPrimary;
  std::uint32_t impair_frames_max = 0;      // held back per core and way; 0: impairment not allowed
  std::uint32_t rx_held_max = 512;          // datagrams a core may keep unreleased over turns
  std::uint32_t tx_held_max = 256;          // slots a core may keep unsent over turns
  // UDP checksum over IPv4. Unset: off between memories of one machine (memif, ring), on elsewhere. The AEAD tag
  // covers every payload either way; a zero checksum is RFC 768's "none". IPv6 always carries one.
  std::optional<bool> udp_checksum;
  std::uint64_t seed = 1;                   // of the impairment stage
  std::uint16_t vlan = 0;                   // 1 … 4094: the port is this VLAN of its device; 0: untagged
  // An interface of the host's kernel that gets what is not ours (host_path.hh); empty: none. MAC, MTU and addresses of
  // the port are given to it.
  std::string exception;
};

struct PortReport {
  bool link_up = false;
  std::uint64_t speed_Bps = 0;              // 0 where the device does not know
  UdpPortStats udp{};                       // sum of all cores, at most UdpPort::kReportEvery old
  std::uint64_t missed = 0;                 // frames the device dropped for want of polling
  std::uint64_t no_mbuf = 0;                // frames the device dropped for want of buffers
  std::uint64_t errors_in = 0, errors_out = 0;
  HostPathStats host{};                     // zeros without an exception path
};

class Port {
 public:
  // Opens and starts the device. Errors: kInvalidConfig (address, MTU, device string), kNotFound (no such device),
  // kLimit (fewer queue pairs than cores), kUnavailable (memory, driver refused). `detail` then holds a
  // sentence with names, numbers and the remedy. A memif client whose server is not there yet opens without error:
  // its link is down and poll() keeps trying.
  [[nodiscard]] static base::Result<std::unique_ptr<Port>> open(Eal& eal, const PortConfig& config,
                                                                std::uint32_t cores, std::string& detail);
  // EAL memory that open() will take with this configuration.
  [[nodiscard]] static std::uint64_t memory_bytes(const PortConfig& config, std::uint32_t cores) noexcept;

  ~Port();                                  // stops and closes the device
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] const PortConfig& config() const noexcept;
  [[nodiscard]] const base::Mac& mac() const noexcept;
  [[nodiscard]] std::uint32_t cores() const noexcept;
  [[nodiscard]] UdpPort& udp(base::CoreId core) noexcept;
  // Entries of the card's table when its hash decides which core gets a datagram (rss.hh); 0: it does not, or not known.
  [[nodiscard]] std::uint32_t rss_entries() const noexcept;

  // Next hop: the remote itself when on-link, else the family's gateway. kUnavailable when this port has no address
  // of that family or no gateway for it, kInvalidArgument for a remote no host can have, kLimit when kMax next hops
  // are known already. Cheap; the same arguments give the same flow.
  [[nodiscard]] base::Result<Flow> make_flow(const base::IpAddress& remote, std::uint16_t local_udp,
                                             std::uint16_t remote_udp);

  // Follows the link (announcing our addresses when it comes up), reconnects a memif client, hands orders to cores.
  void poll(base::Instant now);
  // As of the last poll().
  [[nodiscard]] bool link_up() const noexcept;
  [[nodiscard]] std::uint64_t speed_Bps() const noexcept;
  // Replaces the impairment on all cores; reaches each within a turn of it and one poll(). kInvalidConfig when the
  // port was opened with impair_frames_max 0, kInvalidArgument for drop_ppm over a million or a delay over 10 s.
  [[nodiscard]] base::Status set_impairment(const Impairment& impairment);
  [[nodiscard]] const Impairment& impairment() const noexcept;
  [[nodiscard]] PortReport report();

 struct Inside;                            // port_inside.hh; DPDK's types stay out of this header

 private:
  explicit Port(std::unique_ptr<Inside> inside) noexcept;
  std::unique_ptr<Inside> inside_;
};

}  // namespace weft::nic
