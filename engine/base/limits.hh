// Every bound of the engine that two folders must agree on, with its reason.
// Bounds of one folder alone stand in that folder.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::base {

inline constexpr std::size_t kCoresMax = 16;       // 4 bits of the receiver index
inline constexpr std::size_t kPortsMax = 8;        // per device; a path id is 2 x 3 bits
inline constexpr std::size_t kPathsMax = kPortsMax * kPortsMax;
inline constexpr std::uint32_t kRequestSlotsMax = 4096;  // slots one core may ask a peer to fill; bounds its table of us
inline constexpr std::uint32_t kFilesPerCoreMax = 4096;  // open files of one core's disk agent
inline constexpr std::size_t kSessionsMax = 16;    // weft peers with a datapath at one time, 4 bits of the receiver index
// Of the pairs of ports: four ports at both ends have a path each, and eight by eight would cut a rate into 64 trickles.
inline constexpr std::size_t kPathsPerSessionMax = 16;
// Addresses that a peer may ever offer on a link; each is a next hop for the life of a port, and none takes another's room.
inline constexpr std::size_t kRemotesPerSessionMax = 16;
// Room for all: no peer is left without paths because others have many. A lane costs ~0.3 MiB of packet memory, when used.
inline constexpr std::size_t kLanesPerCoreMax = kSessionsMax * kPathsPerSessionMax;

inline constexpr std::uint32_t kBlockBytesMin = 128u << 10;   // BEP's range of block sizes
inline constexpr std::uint32_t kBlockBytesMax = 16u << 20;

// A slot is the unit of receive memory, of disk I/O and of a request: one extent fills at most one slot.
// 128 KiB is BEP's smallest block and where io_uring writes reach the disk's rate at depth 16 (README, engine/disk).
inline constexpr std::uint32_t kSlotBytes = 128u << 10;
inline constexpr std::uint32_t kExtentsPerBlockMax = kBlockBytesMax / kSlotBytes;
inline constexpr std::uint32_t kDirectAlignment = 4096;       // of slots, offsets and lengths under O_DIRECT

// Chunks are equal parts of an extent (the last may be shorter). A packet carries as many as its path takes, so they are a
// fraction of what the session's smallest port could: a path that turns out narrower loses a quarter of its packets' room
// at most, a wider one carries more of them.
inline constexpr std::uint32_t kChunkBytesMin = 256;
inline constexpr std::uint32_t kChunkBytesWanted = 352;       // four fill a packet of Ethernet's usual MTU
inline constexpr std::uint32_t kChunksPerExtentMax = kSlotBytes / kChunkBytesMin;

inline constexpr std::size_t kFalseSharingBytes = 128;        // two lines: the adjacent-line prefetcher pairs them

}  // namespace weft::base
