// UDP ports of the datapath chosen at random (options randomPortsEnabled, …RangeStart, …End, randomPortPersistence), for the
// [[port]]s whose weft.toml names none. The datapath needs nothing of the kernel, but where an interface is shared with it
// (exception, af_packet) a program of this machine might use the same number: a number counts as free when it can be bound,
// and stays bound, to no purpose but this, for as long as weft runs. The peer hears it by OFFER.
// Thread: control. Bounds: one socket per port and data core.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bep/net/random_port.hh"
#include "bep/net/remembered_ports.hh"
#include "engine/base/unique_fd.hh"

namespace weft::run {

class UdpReservation {
 public:
  static constexpr const char* kFile = "weft-udp-ports";

  // `file`: where choices outlive the process; empty: nowhere.
  UdpReservation(const net::PortRange& range, std::filesystem::path file, std::uint64_t seed)
      : range_(range), remembered_(std::move(file)), seed_(seed) {}
  // The first of `cores` numbers in a row for the port of this name; nullopt: the range has none that are free.
  [[nodiscard]] std::optional<std::uint16_t> reserve(const std::string& port, std::uint32_t cores);

 private:
  net::PortRange range_;
  net::RememberedPorts remembered_;
  std::uint64_t seed_;
  struct Row {
    std::uint16_t first = 0;
    std::vector<base::UniqueFd> sockets;
  };
  std::map<std::string, Row> held_;    // by the port's name: one that comes back has its own again
};

}  // namespace weft::run
