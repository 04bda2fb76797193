// In which order the addresses of a device are dialled: LAN before WAN (options connectionPriorityTcpLan, …Wan), then those
// with fewer links already, then what worked, then what was quicker, then as configured.
// Pure: the machine's own networks and the history of each address are given.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bep/net/address.hh"
#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

// What became of one address so far. Kept over restarts (LinkManagerConfig::history).
struct DialRecord {
  std::int64_t ok_unix_ms = 0;              // the last time that a link became ready by it; 0: never
  std::uint32_t failures = 0;               // in a row, since then
  base::Duration took{};                    // from the first packet to TCP's being up, smoothed; 0: never was
  friend bool operator==(const DialRecord&, const DialRecord&) = default;
};
// Where records outlive the process. Called on the control thread; quick.
class DialHistory {
 public:
  virtual ~DialHistory() = default;
  [[nodiscard]] virtual DialRecord of(const base::DeviceId& device, const std::string& address) = 0;   // empty: none
  virtual void save(const base::DeviceId& device, const std::string& address, const DialRecord& record) = 0;
};
// From here on more failures change nothing of the order, and need not be written down one by one.
inline constexpr std::uint32_t kFailuresTold = 3;
void note_success(DialRecord& record, base::Duration took, std::int64_t unix_ms) noexcept;
void note_failure(DialRecord& record) noexcept;
// "OK_MS FAILURES TOOK_US", and back; an empty record of what cannot be read.
[[nodiscard]] std::string to_text(const DialRecord& record);
[[nodiscard]] DialRecord parse_dial_record(std::string_view text);

struct Network {
  boost::asio::ip::address address;
  std::uint8_t prefix_bits = 0;
};
// Of this machine's interfaces, now.
[[nodiscard]] std::vector<Network> own_networks();
// Loopback, link-local, or of a network that one of our interfaces is in. A name is none: what it means is known too late.
[[nodiscard]] bool is_lan(const Address& address, std::span<const Network> own);
[[nodiscard]] bool is_lan(const boost::asio::ip::address& address, std::span<const Network> own);

struct DialCandidate {
  std::size_t target = 0;                   // whose order is asked for
  std::int32_t priority = 0;                // smaller is better
  DialRecord record;
  std::uint32_t links = 0;                  // that there are by it
};
// The targets, best first. Failures count from kFailuresTold on: a machine that was away for a moment is no worse an address.
[[nodiscard]] std::vector<std::size_t> dial_order(std::vector<DialCandidate> candidates);

}  // namespace weft::net
