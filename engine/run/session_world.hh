// What sessions ask of the world around them, as three small interfaces: the engine's cores and ports, a link, and the
// control loop. The daemon gives them DPDK, TLS and Asio (engine.hh, datapath.hh); the simulator gives them virtual
// ones, and runs the shipped sessions on them.
// Thread: control. Nothing here is called from a data core.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/proto/private_messages.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/time.hh"
#include "engine/share/datagram_port.hh"
#include "engine/run/event_log.hh"
#include "engine/share/table.hh"

namespace weft::run {

class CoreChannel;

// One port of ours, as a session offers it.
struct LocalPort {
  std::string name;                   // the operator's
  base::IpAddress address{};
  std::uint32_t prefix_bits = 0;
  std::uint32_t mtu = 0;              // IP bytes per frame
  std::uint64_t speed_Bps = 0;        // 0: unknown
  std::uint16_t udp_port = 0;         // of core 0; core i uses udp_port + i
  share::PathRole role = share::PathRole::kPrimary;
  std::uint32_t rss_entries = 0;      // of the card's table (nic/rss.hh); 0: any source port will do
  bool shares_rings = false;          // memif: both ends must have the same queues and frame size
  std::vector<std::string> to{};      // the peer's ports it speaks with, by name; empty: all it can reach
  std::uint8_t weight = share::kWeightDefault;   // of its paths under Policy::kWeighted
  share::Congestion congestion = share::Congestion::kCubic;   // of its lanes
  std::uint32_t queue_packets_max = 0;                        // before it, of each lane (nic/device.hh)
  std::uint32_t cost = 0;             // of its paths
  bool metered = false;
  std::uint32_t generation = 0;       // ports that had this number before, in the life of the process
};

// The data side: cores, fixed in number from start to end, and ports, which come and go. Ports have numbers below
// kPortsMax; one that leaves keeps its number until close_port().
class DataSide {
 public:
  virtual ~DataSide() = default;
  [[nodiscard]] virtual std::uint32_t cores() const noexcept = 0;
  [[nodiscard]] virtual CoreChannel& channel(std::uint32_t core) noexcept = 0;
  [[nodiscard]] virtual std::uint32_t fetch_slots() const noexcept = 0;    // per core
  [[nodiscard]] virtual std::uint32_t requests_max() const noexcept = 0;   // that one peer may have outstanding per core
  // nullopt: none has this number, or it leaves.
  [[nodiscard]] virtual std::optional<LocalPort> local_port(std::uint32_t port) const = 0;
  [[nodiscard]] virtual bool leaving(std::uint32_t port) const noexcept = 0;
  virtual void close_port(std::uint32_t port) = 0;                         // no path has it, no core touches it
  virtual void poll_ports(base::Instant now) = 0;                          // every kHealthEvery (sessions.hh)
  // REQUIRES of the following: the port is there, or leaves.
  [[nodiscard]] virtual bool link_up(std::uint32_t port) const noexcept = 0;
  // The next hop is chosen here; an error means that this port cannot reach the address.
  [[nodiscard]] virtual base::Result<share::Flow> make_flow(std::uint32_t port, const base::IpAddress& remote,
                                                            std::uint16_t local_udp, std::uint16_t remote_udp) = 0;
};

// A ready link to a weft peer.
class SessionLink {
 public:
  virtual ~SessionLink() = default;
  [[nodiscard]] virtual std::uint64_t number() const noexcept = 0;        // unique in this process
  virtual void send(const proto::PrivateMessage& message) = 0;            // goes out with the next flush()
  virtual void flush() = 0;
  // Both ends of the link get the same `out` for the same label; no other link ever does.
  [[nodiscard]] virtual base::Status export_secret(std::string_view label, base::MutableBytes out) = 0;
};

// The control loop.
class SessionHost {
 public:
  virtual ~SessionHost() = default;
  virtual void post(std::function<void()> later) = 0;                    // on control, not from inside this call
  virtual void on_paths_changed() = 0;                                   // a session became usable or stopped being so
  virtual void on_event(const char* type, EventData data) = 0;           // for whoever follows the events (event_log.hh)
  [[nodiscard]] virtual model::FileServer& file_server() = 0;
  [[nodiscard]] virtual base::Instant now() = 0;                         // the clock of the data cores
  [[nodiscard]] virtual std::uint32_t random_word() = 0;                 // not to be guessed
};

}  // namespace weft::run
