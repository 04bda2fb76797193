// Ports chosen at random (options randomPortsEnabled, randomPortRangeStart, …End): the order in which they are tried.
// Nothing is asked beforehand: a port is free when it can be bound, and only then.
// Pure; owner: one listener.
#pragma once

#include <cstdint>
#include <optional>

namespace weft::net {

struct PortRange {
  std::uint16_t first = 1024, last = 65535;   // 1 <= first <= last
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept { return port >= first && port <= last; }
  [[nodiscard]] std::uint32_t size() const noexcept { return std::uint32_t{last} - first + 1; }
};

class PortChoice {
 public:
  // `remembered`: used last time, tried first if it still is in the range; 0: none.
  PortChoice(const PortRange& range, std::uint16_t remembered, std::uint64_t seed) noexcept;

  // Every port of the range once, in an order of this choice's own; then nullopt, and from the beginning.
  [[nodiscard]] std::optional<std::uint16_t> next() noexcept;

 private:
  PortRange range_;
  std::uint16_t remembered_;
  std::uint32_t offset_, stride_;      // stride and size have no common divisor
  std::uint32_t tried_ = 0;
  bool remembered_tried_ = false;
};

}  // namespace weft::net
