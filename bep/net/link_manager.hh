// All links of this device: listens, dials, and keeps one ready link per configured device, or several where both ends
// speak of several (Hello.num_connections, Syncthing 1.25 and later; duplicate.hh).
//
// Accepting never waits for a handshake: up to `handshakes_max` connections are on their way at one time, so that a
// silent peer costs one place and delays nobody (stock Syncthing handshakes inside its accept loop).
// Dialling: a device without a link is tried at all its addresses, best first and several at a time (dialer.hh), then again
// after 0, 1, 4, 16, 60 s (with jitter); the wait starts from 0 again once a link was stable. Only the expected device is
// accepted.
// Of several, the side that dialled the first dials the others (the lower ID where both did), by other addresses and sources
// where there are some.
// Duplicates: a device that has as many links as it may, and dials again, has lost one: duplicate.hh says which link stays.
// Two wefts that dial each other at the same moment keep the link dialled by the lower device ID, so that both ends keep
// the same one. A link of a better network ends those of worse ones.
// Unknown devices get a Hello without our name, are closed and remembered (`pending`, at most kPendingMax).
//
// Thread: the control thread. Owner: engine/run. Outlives: io_context's handlers, because stop() closes everything
// and the destructor posts nothing; the observer must outlive the manager.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bep/net/dial_order.hh"
#include "bep/net/dialer_times.hh"
#include "bep/net/duplicate.hh"
#include "bep/net/identity.hh"
#include "bep/net/link.hh"
#include "bep/net/passed_sockets.hh"
#include "bep/net/random_port.hh"
#include "bep/proto/connection.hh"
#include "bep/proto/hello.hh"

namespace weft::net {

struct LinkDevice {
  base::DeviceId id{};
  std::string name;
  std::vector<std::string> addresses;       // as in config.xml; "dynamic" is skipped
  std::string cert_name;                    // empty: "syncthing"
  proto::Compression compression = proto::Compression::kMetadata;
  bool paused = false;
  std::int32_t connections = 1;             // that we would have, 1 … kLinksPerDeviceMax
};

struct LinkManagerConfig {
  const Identity* identity = nullptr;       // must outlive the manager
  std::vector<LinkDevice> devices;          // without ourselves
  std::vector<std::string> listen;          // "tcp://0.0.0.0:22000", "default", …
  proto::Hello hello;                       // ours; device_name is withheld from unknown devices
  LinkTimes times{};
  LinkLimits limits{};                      // of each link's output
  DialTimes dial_times{};
  std::vector<std::string> dial_from;       // dial_source.hh; at most kSourcesMax, empty: the kernel's choice
  std::vector<base::Duration> redial = {base::seconds(0), base::seconds(1), base::seconds(4), base::seconds(16),
                                        base::seconds(60)};        // last one repeats; each ± a quarter
  base::Duration stable_after = base::seconds(30);                 // a link this old resets the back-off
  ReplaceRule replace{};
  std::int32_t priority_lan = 10, priority_wan = 30;               // of addresses to dial; smaller first
  std::size_t dials_max = 64;               // sockets that are being connected at one time, of all devices
  DialHistory* history = nullptr;           // must outlive the manager; null: none
  std::size_t handshakes_max = 64;
  std::size_t handshakes_per_ip_max = 16;   // room for several devices behind one NAT
  std::uint64_t seed = 0;                   // of the jitter and of random ports; 0: from the system
  // Each listener has a port of this range instead of its own, the one of last time if it is free.
  std::optional<PortRange> random_ports;
  std::filesystem::path ports_file;         // where they are remembered; empty: nowhere
  PassedSockets* passed = nullptr;          // an earlier weft's listeners, for make(); null: none
};

struct ListenerStatus {
  std::string configured;                   // as in the configuration
  std::string actual;                       // "tcp://127.0.0.1:40123", empty when not listening
  std::uint16_t port = 0;
  std::string error;                        // empty when listening
};

struct DialStatus {
  base::DeviceId device{};
  std::string address;
  std::int64_t when_unix_ms = 0;
  bool ok = false;
  std::string error;                        // empty when ok
};

struct PendingDevice {
  base::DeviceId id{};
  std::string name;                         // of its Hello, cut at 256 bytes
  std::string address;
  std::int64_t when_unix_ms = 0;
};

// Of addresses that were dialled, since start: those that became a link, and those that did not.
struct DialCounters { std::uint64_t ready = 0, failed = 0; };

// TLS handshakes of links that became ready, since start: those that went on from an earlier session, and the others.
struct HandshakeCounters {
  struct Kind {
    std::uint64_t count = 0;
    base::Duration took{};
  };
  Kind full, resumed;
};

struct LinkTotals { std::uint64_t bytes_in = 0, bytes_out = 0; };

class LinkManager {
 public:
  static constexpr std::size_t kPendingMax = 64;
  static constexpr std::size_t kAddressesPerDeviceMax = 16;
  static constexpr std::size_t kDevicesMax = 1024;

  // `why` names the listener or setting that is wrong. A listener whose port is taken is no error here: it stands in
  // listeners() and is tried again every 10 s.
  [[nodiscard]] static base::Result<std::unique_ptr<LinkManager>> make(
      boost::asio::io_context& io, LinkManagerConfig config, LinkObserver& observer, std::string& why);
  ~LinkManager();
  LinkManager(const LinkManager&) = delete;
  LinkManager& operator=(const LinkManager&) = delete;

  void start();                             // listens and dials
  // Before stop(): the listeners' sockets, for the weft that comes next.
  void pass_listeners(PassedSockets& next);
  // Closes every link politely and all else at once; the io_context runs out of our work within LinkTimes::closing.
  // Idempotent. `done` (may be empty) is called when the last link is gone.
  void stop(std::function<void()> done = {});

  // The ready links to a device, the oldest first. Each is valid until its on_link_closed.
  [[nodiscard]] std::vector<Link*> links_of(const base::DeviceId& device);
  [[nodiscard]] Link* link_of(const base::DeviceId& device);      // the oldest, or null
  [[nodiscard]] std::vector<Link*> links();                       // all ready ones, by device ID
  void close_device(const base::DeviceId& device, std::string_view text);
  void dial_now(const base::DeviceId& device);                    // forgets the back-off
  // By how many addresses, each from how many places of ours, it may be dialled; 0: the device dials us.
  [[nodiscard]] std::size_t ways_to(const base::DeviceId& device) const;
  void set_devices(std::vector<LinkDevice> devices);              // closes links of devices that left or were paused

  [[nodiscard]] std::vector<ListenerStatus> listeners() const;
  [[nodiscard]] std::vector<DialStatus> dial_status() const;      // last one per address
  [[nodiscard]] const DialCounters& dials() const;
  [[nodiscard]] const HandshakeCounters& handshakes() const;
  [[nodiscard]] std::uint64_t times_connected(const base::DeviceId& device) const;   // from no link to one, since start
  [[nodiscard]] const std::vector<PendingDevice>& pending() const;
  [[nodiscard]] const CloseCounters& counters() const;            // by reason, since start
  [[nodiscard]] const proto::ReasonCounters& protocol_counters() const;  // of links that are closed
  [[nodiscard]] LinkTotals totals() const;                        // bytes of all links since start, open and closed
  [[nodiscard]] std::size_t handshaking() const;                  // connections that are not ready yet

 private:
  class Impl;
  explicit LinkManager(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;              // keeps asio's acceptors, resolvers and maps out of this contract
};

}  // namespace weft::net
