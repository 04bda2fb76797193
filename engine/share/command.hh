// Command: control -> one data core. Event: one data core -> control. Small values over SpscRing.
// kFetch is answered by exactly one kBlock… event with its token; kGrant and kOpenWrite by kFileReady or kFileFailed,
// kCloseFile by kFileGone, each with the file's number; kQuietPort and kForgetPort by kPortDone with the port's. The others
// take effect in order and are not answered.
// Bounds: both rings are sized so that control's outstanding commands fit (engine/run/engine.cc); control keeps
// what a full ring refuses and tries again next tick.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "engine/base/limits.hh"
#include "engine/base/types.hh"
#include "engine/share/datagram_port.hh"
#include "engine/share/policy.hh"

namespace weft::share {

// Raw keys of one direction and epoch: AES-128-GCM.
struct PacketKey {
  std::array<std::byte, 16> key{};
  std::array<std::byte, 12> iv{};
};

struct AddSession {
  std::uint32_t chunk_bytes = 0;          // of this session, same on both ends
  std::uint32_t requests_max = 0;         // extents the peer lets us have outstanding on this core
};
struct AddLane {
  base::PortId port{};
  Flow flow{};
  std::uint16_t packet_bytes = 0;           // UDP payload of a full packet that both ends' ports could carry
  Congestion congestion = Congestion::kCubic;
  std::uint32_t queue_packets_max = 0;      // CUBIC lets no more stand before the port; 0: no such bound
  std::uint32_t lane_epoch = 0;             // comes back in the lane's reports
  std::uint32_t receiver_index_local = 0;   // names the lane in packets to us
  std::uint32_t receiver_index_remote = 0;  // names it in packets to the peer
  PacketKey tx{}, rx{};                     // epoch 0
};
struct SetKey {                             // the key of a direction's next epoch, in advance
  std::uint32_t epoch = 0;
  bool tx = false;
  PacketKey key{};
};
struct Grant {                              // server: a file the peer may request extents of
  std::uint32_t handle = 0;                 // control's number for the file (engine/run/file_table.hh)
  std::int32_t fd = -1;                     // stays control's; must stay open until kFileGone. Or kMemoryFd
  bool direct = false;                      // opened with O_DIRECT
  std::uint64_t size = 0;
};
struct OpenWrite {                          // puller: the temp file that verified blocks are written to
  std::uint32_t file = 0;                   // control's number for the file (engine/run/file_table.hh)
  std::int32_t fd = -1;                     // or kMemoryFd: hashed and not kept, or kNowhereFd: not even that
  bool direct = false;
};
struct Fetch {                              // puller: one block
  std::uint32_t file = 0;                   // from OpenWrite
  std::uint32_t handle = 0;                 // the peer's, from its grant
  std::uint32_t token = 0;                  // control's, echoed
  std::uint32_t size = 0;                   // bytes of the block, 1 … kBlockBytesMax
  std::uint64_t offset = 0;
  base::Sha256 hash{};
};
struct CloseFile {                          // both sides; outstanding blocks of it end as kBlockCancelled first
  std::uint32_t file = 0;                   // handle (server) or file (puller)
};

struct PortOrder {
  base::PortId port{};
  std::uint64_t rate_Bps = 0;               // kAddPort: this core's part of its ceiling, in UDP payload; 0: none
};

struct Command {
  enum class Kind : std::uint8_t {
    kAddSession, kRemoveSession, kAddLane, kRemoveLane, kSetKey, kGrant, kOpenWrite, kFetch, kCloseFile,
    // A port goes in two steps, the second once every core has answered the first, because cores hand datagrams to each
    // other: kQuietPort ends receiving from it and sending by it; after kForgetPort the core holds nothing of it.
    // REQUIRES of kQuietPort: no lane is on the port.
    kAddPort, kQuietPort, kForgetPort,
    // No usable path: the link takes over. Every fetch of the session ends as kBlockCancelled, and what the peer has
    // asked for is dropped, so that its buffers serve others; it asks again when a path is back.
    kDropRequests,
  };
  Kind kind{};
  base::SessionId session{};
  base::PathId path{};
  union Body {
    AddSession add_session;
    AddLane add_lane;
    SetKey set_key;
    Grant grant;
    OpenWrite open_write;
    Fetch fetch;
    CloseFile close_file;
    PortOrder port;
    constexpr Body() : close_file{} {}
  } body{};
};
static_assert(std::is_trivially_copyable_v<Command>);
static_assert(sizeof(Command) <= 160);

struct Event {
  enum class Kind : std::uint8_t {
    kFileReady,         // Grant or OpenWrite registered with the disk agent
    kBlockWritten,      // verified and on its way to the disk's care: write completed without error
    kBlockMismatch,     // SHA-256 differs: nothing was written
    kBlockRejected,     // the peer refused it (reason in `detail`: wire::RejectReason)
    kBlockFailed,       // the disk refused it (errno in `detail`)
    kBlockCancelled,
    kFileGone,          // CloseFile finished: its fd is no longer used
    kFileFailed,        // Grant or OpenWrite could not be registered (errno in `detail`)
    kPortDone,          // kQuietPort or kForgetPort was carried out
  };
  Kind kind{};
  base::SessionId session{};
  std::uint32_t number = 0;   // fetch token, file number, or PortId
  std::int32_t detail = 0;
};
static_assert(std::is_trivially_copyable_v<Event>);

}  // namespace weft::share
