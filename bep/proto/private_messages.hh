// The messages that two wefts add to BEP, types 1001 up. Only for peers whose Hello carried the
// weft field; a stock peer never sees one.
// Bounds: kPrivateEntriesMax entries per message, checked before anything is allocated, and by kind
// below.
// Pure values, any thread. Source: design.md §3; the fields are specified in weft.proto.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bep/proto/messages.hh"
#include "bep/proto/version_vector.hh"
#include "engine/base/bytes.hh"
#include "engine/base/limits.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::proto {

inline constexpr std::size_t kPrivateEntriesMax = 1024;
// 2: a CHUNK frame carries several chunks. 3: ports come and go, and keys are theirs. 4: PATHS.
inline constexpr std::uint32_t kOfferVersion = 4;
inline constexpr std::uint32_t kPortCostMax = 1'000'000;
// 1024 names of 4 KiB and their versions, with room; also FrameLimits::private_bytes_max.
inline constexpr std::size_t kPrivateBytesMax = 8u << 20;

// What this device brings to the datapath of a session; both send one as soon as they know the peer
// is a weft, and another whenever their ports change. Of a later one on the same link only the ports count.
struct Offer {
  struct Port {                          // all zeros: no port has this number
    base::IpAddress address{};
    std::uint32_t prefix_len = 0;        // <= 32 or 128
    std::uint32_t mtu = 0;               // bytes of an IP packet, 1280 … 65535
    std::uint64_t speed_bps = 0;         // bits per second; 0: unknown
    std::uint32_t udp_port_base = 0;     // core k receives on base + k
    std::uint32_t role = 0;              // share::PathRole; the receiver reads unknown as backup
    std::string name;                    // of the port, for people, and for `to` of the other end
    // Entries of the card's table when its hash chooses the core (engine/nic/rss.hh): the receiver then chooses its source
    // ports by it, and does without where it knows no such table. 0: any source port will do.
    std::uint32_t rss_entries = 0;
    std::vector<std::string> to{};       // the receiver's ports it speaks with, by name, at most kPortsMax; none: all
    std::uint32_t cost = 0;              // of its paths, at most kPortCostMax; the cheapest are used
    bool metered = false;                // its paths are the last to be used
    std::uint32_t generation = 0;        // grows when another port takes this number (engine/wire/FORMAT.md §4)
    [[nodiscard]] bool exists() const { return udp_port_base != 0; }
    friend bool operator==(const Port&, const Port&) = default;
  };
  std::array<std::byte, 16> session_id_previous{};   // zeros: none to resume
  std::uint32_t version = kOfferVersion;
  std::vector<Port> ports;                // by number; at most kPortsMax are read
  std::uint32_t cores = 0;                // data cores, 1 … kCoresMax
  std::vector<std::string> aeads;         // best first, such as "aes-128-gcm"
  std::uint32_t receiver_index_base = 0;  // random; names our lanes in packets to us
  std::uint32_t chunk_bytes_max = 0;
  std::uint32_t requests_max = 0;         // extents the peer may have outstanding per core of ours
  bool single_path = false;               // the sender wants one path to be used at a time
  bool never_metered = false;             // … and none that has a metered port
  friend bool operator==(const Offer&, const Offer&) = default;
};

struct Open {
  struct File {
    std::uint32_t open_id = 0;            // the puller's, echoed in the grant
    std::string folder;
    std::string name;                     // passes check_name()
    VersionVector version;
    std::int64_t size = 0;                // >= 0
    std::int32_t block_size = 0;          // > 0, at most 16 MiB
    std::uint32_t core = 0;               // the puller's data core that will ask, < kCoresMax
    friend bool operator==(const File&, const File&) = default;
  };
  std::vector<File> files;
  friend bool operator==(const Open&, const Open&) = default;
};

struct Grant {
  struct File {
    std::uint32_t open_id = 0;
    std::uint32_t handle = 0;             // what REQUEST frames carry; 0 with an error
    std::uint32_t error = 0;              // 0, or base::Errc + 1; unknown ones read as kUnavailable
    friend bool operator==(const File&, const File&) = default;
  };
  std::vector<File> files;
  friend bool operator==(const Grant&, const Grant&) = default;
};

struct Release {
  std::vector<std::uint32_t> handles;     // the puller needs them no more
  friend bool operator==(const Release&, const Release&) = default;
};

// What each path of the session is meant for, as one value with one number; the newest counts (migrate/path_plan.hh).
struct Paths {
  static constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;
  static constexpr std::uint32_t kUseMax = 3, kWholeWindow = 256, kLifeMax = 65535;
  struct Entry {
    std::uint32_t path = 0;               // < kPathsMax
    std::uint32_t use = 0;                // migrate::PathUse, at most kUseMax
    std::uint32_t part = kWholeWindow;    // 1 … kWholeWindow
    std::uint32_t life = 0;               // at most kLifeMax
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::uint64_t number = 0;               // at most kNumberMax
  bool by_low = false;
  bool pinned = false;
  std::vector<Entry> paths;               // at most kPathsMax, none twice; the others are as by default
  friend bool operator==(const Paths&, const Paths&) = default;
};

using PrivateMessage = std::variant<Offer, Open, Grant, Release, Paths>;

[[nodiscard]] MessageType type_of(const PrivateMessage& message) noexcept;
// MUST: at most kPrivateEntriesMax entries. An OPEN of extreme names and versions may come out
// longer than kPrivateBytesMax: Connection::send_private() sends it in parts.
[[nodiscard]] std::vector<std::byte> encode_private(const PrivateMessage& message);
// Errors: kUnsupported for a type that is not one of these, kCorrupt for bytes that do not
// decode or break a bound named above; the text says which.
[[nodiscard]] base::Result<PrivateMessage> decode_private(MessageType type, base::Bytes bytes);

// Errc <-> the number in Grant::File::error.
[[nodiscard]] std::uint32_t grant_error_of(base::Errc code) noexcept;
[[nodiscard]] base::Errc errc_of_grant_error(std::uint32_t error) noexcept;   // error > 0

}  // namespace weft::proto
