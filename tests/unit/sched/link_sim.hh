// A deterministic pair of machines for the tests of sched: N links of given rate, delay, queue and
// loss, the shipped Lane and Picker on both ends, virtual time in turns of 50 us. The sender has
// `chunks_total` chunks; a chunk is sent again when its fate is kLost or kEvacuated. Acks go back
// on the link the packets came by.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/prng.hh"
#include "sched/lane.hh"
#include "sched/picker.hh"
#include "sched/tail_resend.hh"

namespace weft::sched::test {

inline constexpr std::uint32_t kLinkPacket = 1400;

struct LinkSpec {
  std::uint64_t rate_Bps = 12'500'000;
  base::Duration delay = base::milliseconds(5);     // one way
  std::uint64_t queue_bytes = 128 << 10;            // drop-tail, before the link
  std::uint32_t loss_one_in = 0;                    // 0: none
  share::Congestion congestion = share::Congestion::kCubic;
  std::uint32_t packet_bytes = kLinkPacket;
  int bottleneck_of = -1;                           // shares rate and queue of that link, which comes before it
};

class LinkSim {
 public:
  static constexpr std::uint32_t kPacket = kLinkPacket;
  static constexpr std::uint32_t kExtentChunks = 94;   // 128 KiB

  LinkSim(std::span<const LinkSpec> specs, share::Policy policy, std::uint64_t chunks_total,
          std::uint64_t seed);

  // Runs until `time` has passed or all chunks are acknowledged.
  void run(base::Duration time);

  // How often both machines come round their poll loops; 50 us at first.
  void set_turn(base::Duration turn) { turn_ = turn; }
  // Chunks come to the sender at this rate (in packet bytes) from now on, instead of all at once.
  void set_source(std::uint64_t rate_Bps) {
    source_Bps_ = rate_Bps;
    source_since_ = now_;
    source_base_ = next_new_;
  }
  // The receiver has room for so many extents: the sender is asked for one more when one is whole.
  void set_receive_memory(std::uint64_t extents) { extents_max_ = extents; }
  // Without second copies at the end: what they gain is the difference.
  void set_resend(bool on) { resends_ = on; }
  void set_policy(share::Policy policy) { picker_.set_policy(policy); }
  void blackhole(std::size_t link, bool on) { links_[link].blackhole = on; }
  void set_entry(std::size_t link, share::PathEntry entry) { links_[link].entry = entry; }

  [[nodiscard]] base::Instant now() const { return now_; }
  [[nodiscard]] bool done() const { return acked_count_ == chunks_total_; }
  [[nodiscard]] bool all_received() const { return received_count_ == chunks_total_; }
  [[nodiscard]] std::uint64_t received() const { return received_count_; }     // distinct chunks
  [[nodiscard]] std::uint64_t copies() const { return copies_; }               // sent on purpose
  [[nodiscard]] std::uint64_t sent_again() const { return sent_again_; }       // as lost or handed back
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }
  [[nodiscard]] std::uint64_t sent_on(std::size_t link) const { return links_[link].sent_chunks; }
  [[nodiscard]] std::uint64_t evacuated_on(std::size_t link) const {
    return links_[link].evacuated;
  }
  [[nodiscard]] base::Instant first_evacuation() const { return first_evacuation_; }
  [[nodiscard]] base::Instant last_new() const { return last_new_; }           // when the last new chunk arrived
  [[nodiscard]] base::Duration longest_gap() const { return longest_gap_; }    // between new chunks
  [[nodiscard]] std::uint64_t received_on(std::size_t link) const { return links_[link].received; }
  [[nodiscard]] const Lane& lane(std::size_t link) const { return *links_[link].sender; }

 private:
  struct Flying {
    base::Instant arrives{};
    std::uint64_t number = 0;
    std::uint32_t chunk = 0;
    bool is_chunk = false;
  };
  struct FlyingAck {
    base::Instant arrives{};
    wire::Ack ack{};
  };
  struct Link {
    LinkSpec spec;
    std::vector<SentPacket> sender_ring, receiver_ring;
    std::unique_ptr<Lane> sender, receiver;
    share::PathEntry entry{.state = share::PathState::kActive};
    bool blackhole = false;
    base::Instant busy_until{};
    std::deque<Flying> forth;
    std::deque<FlyingAck> back;
    std::uint64_t sent_chunks = 0, evacuated = 0, received = 0;
  };
  void turn();
  void receive(Link& link);
  void handle_acks(Link& link);
  void send();
  void send_copies();
  void send_chunk(Link& link, std::uint32_t chunk);
  [[nodiscard]] std::vector<LaneView> views() const;
  [[nodiscard]] bool on_its_way_once(std::uint32_t chunk) const {
    return !acked_[chunk] && !waiting_[chunk] && !doubled_[chunk];
  }
  void transmit(Link& link, SentPacket packet);
  [[nodiscard]] Link& bottleneck_of(Link& link);
  [[nodiscard]] std::uint64_t chunks_there() const;   // that the source has made so far
  void settle(Link& link, const SentPacket& packet, Fate fate);

  std::vector<Link> links_;
  Picker picker_;
  base::Prng prng_;
  base::Instant now_ = base::Instant{} + base::seconds(1);
  base::Duration turn_ = base::microseconds(50);
  std::uint64_t chunks_total_, next_new_ = 0, acked_count_ = 0, received_count_ = 0,
                               duplicates_ = 0;
  std::deque<std::uint32_t> again_;
  std::vector<bool> acked_, received_, waiting_, doubled_;   // by chunk; waiting: in again_
  TailResend resend_;
  bool resends_ = true;
  std::uint64_t copies_ = 0, sent_again_ = 0;
  base::Instant first_evacuation_ = base::kNever;
  base::Instant last_new_ = now_;
  base::Duration longest_gap_{};
  std::uint64_t source_Bps_ = 0, source_base_ = 0;   // 0: everything is there from the start
  base::Instant source_since_{};
  std::uint64_t extents_max_ = UINT32_MAX, extents_whole_ = 0;
  std::vector<std::uint8_t> extent_received_;          // chunks, by extent
};

}  // namespace weft::sched::test
