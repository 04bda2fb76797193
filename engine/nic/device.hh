// Device: from the operator's device string to a DPDK ethdev id, and what we must know of its driver.
// Control only. Not here: queues and buffers (port.cc).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::nic {

struct PortConfig;

// Bytes of one receive buffer for this MTU, without headroom: a whole frame, and never less than DPDK's usual 2048.
[[nodiscard]] std::uint16_t buffer_bytes(std::uint16_t mtu) noexcept;
// The same for a device: af_packet's driver wants room for all that its ring's frames could hold.
[[nodiscard]] std::uint16_t buffer_bytes(const std::string& device, std::uint16_t mtu) noexcept;

// The device string with the arguments that our MTU and cores need and the operator did not give:
// memif: bsize (its ring buffers hold 2048 bytes otherwise); af_packet: qpairs, framecnt, or framesz and blocksz.
[[nodiscard]] std::string complete_device(const std::string& device, std::uint16_t mtu, std::uint32_t cores);
// How many packets are to stand before the device at the most, 0: as many as congestion control likes. af_packet neither
// drops nor refuses what does not leave: what the qdisc drops goes back to the ring, and once that is full every burst costs
// its core a poll() for each packet, in which its other ports rest too.
[[nodiscard]] std::uint32_t queue_packets_max(const std::string& device) noexcept;
// The value of `key` in "name,key=value,…"; empty when it is not there.
[[nodiscard]] std::string device_argument(const std::string& device, const std::string& key);

struct Device {
  std::uint16_t id = 0;               // DPDK's
  bool is_virtual = false;            // no PCI behind it
  bool memif = false, memif_client = false;
  std::string arguments;              // memif: as given
  std::string kernel_interface;       // af_packet: the interface underneath
  std::string tap_interface;          // net_tap: the kernel's end
};

// Why DPDK has no device at this PCI address, with the remedy: no such card, or the kernel's driver (or none) holds it.
// `devices`: sysfs's directory of PCI devices. Empty when `address` is no PCI address.
[[nodiscard]] std::string pci_trouble(const std::filesystem::path& devices, const std::string& address);

// Finds the device, probing it when it does not exist yet: a virtual one, or a card that was bound to vfio-pci since the
// start. `detail`: the sentence on error. REQUIRES of a memif: called on DPDK's interrupt thread.
[[nodiscard]] base::Result<Device> find_device(const PortConfig& config, std::uint32_t cores, std::string& detail);

// Closes the device, and removes it from DPDK, so that its name, socket or card can be used again. A memif socket that it
// served stays open for the life of the process: DPDK's driver frees what its listener works on when the last device of the
// socket goes, and goes on listening. REQUIRES of a memif: called on DPDK's interrupt thread (device_thread.hh).
void close_device(const Device& device) noexcept;

// net_tap gives the kernel's end of its wire our MAC, and a bridge or the host's stack would take frames to us for its own.
// Gives that end another one, with the lowest bit turned. False when it may not. Does nothing for other devices.
[[nodiscard]] bool tell_tap_ends_apart(const Device& device, const base::Mac& ours) noexcept;

// Whether frames can flow now. af_packet's driver does not know, so its interface is asked.
[[nodiscard]] bool device_link_up(const Device& device) noexcept;
// Bytes per second, 0 where the device does not say.
[[nodiscard]] std::uint64_t device_speed_Bps(const Device& device) noexcept;
// The MTU of the interface under an af_packet device, 0 when it cannot be read.
[[nodiscard]] std::uint32_t kernel_mtu(const std::string& interface) noexcept;

}  // namespace weft::nic
