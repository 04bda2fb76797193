// The rare events that a sweep must have seen: the simulator proves that it tests what it claims. A probe that never
// fired in a whole sweep fails the sweep by its name.
// Probes are fired by the simulator from what it sees itself (packets, jobs, links, the reports and answers that the
// shipped code gives to everyone): production code has no field or branch for them.
#pragma once

#include <array>
#include <cstdint>

namespace weft::sim {

// One line per probe: its name, and when it fires.
#define WEFT_SIM_PROBES(X)                                                                 \
  X(command_ring_full, "control found a core's command ring full")                         \
  X(job_ring_full, "a core's disk job ring stood full")                                    \
  X(done_ring_full, "the disk found the ring of answers full")                             \
  X(hand_over_full, "a datagram for another core was dropped, its ring was full")          \
  X(handed_over, "a datagram came to the wrong core and was handed over")                  \
  X(rx_ring_full, "a datagram was dropped because nobody polled the port in time")         \
  X(tx_refused, "a port took fewer packets than it was given")                             \
  X(tx_pool_dry, "a port had fewer packet buffers than were asked for")                    \
  X(way_lost, "the network lost a packet")                                                 \
  X(way_burst, "the network entered a burst of losses")                                    \
  X(way_queue_full, "the queue of a rate limit was full")                                  \
  X(way_mtu, "a packet was too large for its path")                                        \
  X(way_cut, "a packet went into a cut path")                                              \
  X(way_doubled, "the network delivered a packet twice")                                   \
  X(way_damaged, "the network changed a packet")                                           \
  X(way_overtaken, "a packet was held back and overtaken")                                 \
  X(way_replayed, "somebody sent an old packet again")                                     \
  X(way_forged, "somebody made a packet up")                                               \
  X(path_one_way, "a path was broken in one direction only")                               \
  X(path_black_hole, "a path was broken in both directions, its ports being up")           \
  X(port_down, "a port lost its carrier")                                                  \
  X(port_removed, "a port was closed while its engine ran")                                  \
  X(port_added, "a port came back to a running engine")                                     \
  X(drop_short, "a core dropped a packet: kShort")                                         \
  X(drop_type, "a core dropped a packet: kType")                                           \
  X(drop_receiver_index, "a core dropped a packet: kReceiverIndex")                        \
  X(drop_epoch, "a core dropped a packet: kEpoch")                                         \
  X(drop_tag, "a core dropped a packet: kTag")                                             \
  X(drop_replay, "a core dropped a packet: kReplay")                                       \
  X(drop_stale_extent, "a core dropped a frame: kStaleExtent")                             \
  X(drop_unknown_handle, "a core refused a request: kUnknownHandle")                       \
  X(lane_lost, "a lane declared a packet lost")                                            \
  X(lane_spurious, "an ack came for a packet that was declared lost")                      \
  X(lane_pto, "a lane's probe timeout fired")                                              \
  X(lane_pto_again, "a probe timeout fired after another without an answer between")       \
  X(evacuated_in_flight, "a probe timeout took back chunks that were in flight")           \
  X(ack_after_evacuation, "an ack came for a chunk that a probe timeout had taken back")   \
  X(ack_of_resent, "an ack came for the first copy of a chunk that was sent again")        \
  X(chunk_duplicate, "a chunk arrived a second time")                                      \
  X(key_update_out, "a lane moved its sending key on")                                     \
  X(key_update_in, "a lane saw its peer's key move on")                                    \
  X(key_update_both, "a lane's keys moved on in both directions")                          \
  X(lane_anew, "a lane was made anew for a new session")                                   \
  X(reject_busy, "a request was rejected: busy")                                           \
  X(reject_unknown_handle, "a request was rejected: unknown handle")                       \
  X(reject_disk, "a request was rejected: disk")                                           \
  X(path_suspect, "a path became suspect")                                                 \
  X(path_down, "a path went down")                                                         \
  X(path_standby, "a backup path stood by")                                                \
  X(path_draining, "a path was left by a port of one of its ends")                           \
  X(path_back, "a path that was down carried data again")                                  \
  X(paths_all_down, "a session lost its last usable path")                                 \
  X(table_late, "a core had not adopted the last path table")                              \
  X(wish_taken, "an operator's wish about paths was taken")                                \
  X(wish_refused, "an operator's wish about paths was refused")                            \
  X(path_probed, "a path that an operator asked answered in time")                         \
  X(path_probed_in_vain, "a path that an operator asked did not answer in time")           \
  X(migration_completed, "a migration was completed")                                      \
  X(migration_failed, "a migration failed")                                                \
  X(link_lost, "a link was lost")                                                          \
  X(session_begun, "a session began on a new link")                                        \
  X(session_resumed, "both ends offered to resume a session")                              \
  X(session_parked_out, "a session without link or path ended by itself")                  \
  X(offer_twice, "a link carried a second OFFER")                                          \
  X(open_failed, "an open ended without a transfer")                                       \
  X(open_refused, "the peer refused an open")                                              \
  X(block_mismatch, "a block's bytes did not match its hash")                              \
  X(block_unavailable, "a block was cancelled")                                            \
  X(block_not_found, "a peer could not read a block any more")                             \
  X(block_no_space, "a block found the disk full")                                         \
  X(block_io, "a block's write failed")                                                    \
  X(closed_with_blocks, "a transfer was closed with blocks outstanding")                   \
  X(read_failed, "a disk read failed")                                                     \
  X(read_short, "a disk read was short")                                                   \
  X(read_rotten, "a disk read brought other bytes than were written")                      \
  X(disk_out_of_order, "the disk answered jobs in another order")                          \
  X(crash, "an engine died")                                                               \
  X(crash_during_write, "an engine died with a write under way")                           \
  X(crash_torn_write, "a write under way was done in part")                                \
  X(crash_during_read, "an engine died with a read under way")                             \
  X(restart_found_blocks, "a restarted puller found blocks that it already had")           \
  X(clock_step, "an engine's clock stepped")                                               \
  X(core_stalled, "a core was put aside for milliseconds")                                 \
  X(control_stalled, "control was put aside for tens of milliseconds")

enum class Probe : std::uint8_t {
#define WEFT_SIM_NAME(name, text) name,
  WEFT_SIM_PROBES(WEFT_SIM_NAME)
#undef WEFT_SIM_NAME
  kCount
};
inline constexpr std::size_t kProbes = static_cast<std::size_t>(Probe::kCount);

struct ProbeText { const char* name; const char* when; };
inline constexpr std::array<ProbeText, kProbes> kProbeTexts = {{
#define WEFT_SIM_TEXT(name, text) {#name, text},
    WEFT_SIM_PROBES(WEFT_SIM_TEXT)
#undef WEFT_SIM_TEXT
}};

class Probes {
 public:
  void fire(Probe probe, std::uint64_t times = 1) { counts_[static_cast<std::size_t>(probe)] += times; }
  void fire_if(bool condition, Probe probe) { if (condition) fire(probe); }
  void add(const Probes& other) {
    for (std::size_t i = 0; i < kProbes; ++i) counts_[i] += other.counts_[i];
  }
  [[nodiscard]] std::uint64_t count(std::size_t probe) const { return counts_[probe]; }

 private:
  std::array<std::uint64_t, kProbes> counts_{};
};

}  // namespace weft::sim
