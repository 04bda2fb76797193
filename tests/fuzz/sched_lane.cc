// A lane that sends, and a peer that acknowledges what it likes: ACK ranges and time from the input, the lane's promises
// (sched/lane.hh, "what happens to a packet") checked against a plain table of the packets.
#include <map>

#include "engine/wire/packet.hh"
#include "sched/lane.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using sched::Fate;
using sched::SentKind;
using sched::SentPacket;

struct Known {
  SentKind kind{};
  std::uint32_t bytes = 0;
  bool in_flight = true, lost = false, evacuated = false, acked = false;
};

class LaneRun {
 public:
  explicit LaneRun(Choices& in)
      : in_(in), ring_(std::size_t{4} << in.below(7)),
        lane_({.path = base::PathId{9}, .max_packet_bytes = 1200u + in.byte()}, ring_) {}

  void step() {
    understood();
    switch (in_.below(10)) {
      case 0: case 1: case 2: send(); break;
      case 3: case 4: case 5: acknowledge(); break;
      case 6: now_ += base::microseconds(std::int64_t{in_.byte()} * in_.byte()); break;
      case 7: {
        const std::uint64_t below = in_.number<std::uint64_t>();
        now_ += base::nanoseconds(static_cast<std::int64_t>(below & ((std::uint64_t{1} << (20 + in_.below(28))) - 1)));
        break;
      }
      case 8: time_out(); break;
      default: disturb(); break;
    }
    check();
  }
  // Whatever came before: what is still in flight is handed back when the lane goes.
  void end() {
    lane_.evacuate(fates());
    check();
    for (const auto& [number, packet] : sent_)
      if (elicits_ack(packet.kind)) CHECK(packet.acked || packet.lost || packet.evacuated);
  }

 private:
  // Lives as long as the call it is an argument of.
  struct Fates {
    LaneRun& run;
    void operator()(const SentPacket& packet, Fate fate) const { run.take_fate(packet, fate); }
  };
  sched::FateHandler fates() { return fates_; }

  void send() {
    if (!lane_.can_send_control()) return;
    const std::uint64_t number = lane_.take_packet_number();
    CHECK(number == numbers_++);
    const std::uint32_t what = in_.byte();
    if (what % 16 == 0) return;                     // the TX queue was full: a hole
    SentPacket packet{.packet_number = number, .bytes = 60 + in_.byte() * 5u, .ref = static_cast<std::uint32_t>(number)};
    packet.kind = static_cast<SentKind>(what % 5);
    sent_[number] = {packet.kind, packet.bytes};
    end_ = number + 1;
    lane_.on_sent(packet, now_);
  }

  void acknowledge() {
    wire::Ack ack{.path = 9, .largest = 0, .delay_us = in_.number<std::uint16_t>()};
    const bool lies = in_.below(8) == 0;
    if (lies) {
      ack.largest = in_.number<std::uint64_t>();
      for (std::uint32_t i = in_.below(6); i > 0; --i)
        CHECK(ack.ranges.try_push({end_ - in_.byte(), end_ - in_.byte()}));
      if (in_.flag() && !ack.ranges.empty()) ack.largest = ack.ranges[0].last;
    } else {
      std::uint64_t last = end_ + 1 - std::min<std::uint64_t>(end_ + 1, in_.byte());
      ack.largest = last;
      for (std::uint32_t i = in_.below(wire::kAckRangesMax); ; --i) {
        const std::uint64_t first = last - std::min<std::uint64_t>(last, in_.below(16));
        CHECK(ack.ranges.try_push({first, last}));
        const std::uint64_t step = 2 + in_.below(8);
        if (i == 0 || first < step) break;
        last = first - step;
      }
    }
    const bool sensible = !ack.ranges.empty() && ack.largest < end_ && ack.ranges[0].last == ack.largest;
    const auto before = lane_.metrics();
    const std::size_t fates_before = fate_count_;
    ack_ = &ack;
    const auto result = lane_.handle_ack(ack, now_, fates());
    ack_ = nullptr;
    CHECK(result.acceptable == sensible);
    if (!sensible) {
      CHECK(fate_count_ == fates_before && result.newly_acked == 0 && result.lost == 0);
      CHECK(lane_.metrics().in_flight_bytes == before.in_flight_bytes && lane_.metrics().cwnd_bytes == before.cwnd_bytes);
      return;
    }
    if (result.newly_acked > 0) CHECK(lane_.answering());
    if (lies) return;
    for (const wire::AckRange& range : ack.ranges)
      for (auto it = sent_.lower_bound(range.first); it != sent_.end() && it->first <= range.last; ++it)
        CHECK(!it->second.in_flight || !elicits_ack(it->second.kind));
  }

  void time_out() {
    lane_.handle_timeout(now_, fates());
    wire::Ack ack;
    if (lane_.ack_due(now_)) CHECK(lane_.fill_ack(ack, now_));
    CHECK(lane_.next_deadline() > now_);            // or the agent would spin on it
  }

  void disturb() {
    switch (in_.below(5)) {
      case 0: lane_.evacuate(fates()); break;
      case 1: lane_.set_path_validated(base::microseconds(in_.number<std::uint16_t>()), now_); break;
      case 2: lane_.reset_congestion(now_); break;
      case 3: lane_.on_app_limited(); break;
      default: lane_.on_packet_received(in_.number<std::uint16_t>(), in_.flag(), now_); break;
    }
  }

  void take_fate(const SentPacket& packet, Fate fate) {
    ++fate_count_;
    const auto found = sent_.find(packet.packet_number);
    CHECK(found != sent_.end() && packet.ref == static_cast<std::uint32_t>(packet.packet_number));
    Known& known = found->second;
    CHECK(packet.kind == known.kind && packet.bytes == known.bytes);
    CHECK(!known.acked);                            // nothing follows kAcked
    switch (fate) {
      case Fate::kAcked:
        CHECK(ack_ != nullptr && std::ranges::any_of(ack_->ranges, [&](const wire::AckRange& range) {
          return range.first <= packet.packet_number && packet.packet_number <= range.last;
        }));
        known.acked = true;
        break;
      case Fate::kLost:
        CHECK(known.in_flight && elicits_ack(known.kind));
        known.lost = true;
        break;
      case Fate::kEvacuated:
        CHECK(known.in_flight && elicits_ack(known.kind));
        known.evacuated = true;
        break;
    }
    known.in_flight = false;
  }

  void check() {
    std::uint64_t bytes = 0;
    for (const auto& [number, packet] : sent_)
      if (packet.in_flight && elicits_ack(packet.kind)) bytes += packet.bytes;
    const auto metrics = lane_.metrics();
    CHECK(metrics.in_flight_bytes == bytes && lane_.in_flight_bytes() == bytes);
    CHECK(metrics.cwnd_bytes > 0 && metrics.srtt.ns >= 0 && metrics.rttvar.ns >= 0);
    CHECK(lane_.answering() == (metrics.pto_count == 0));
    if (!lane_.answering()) CHECK(!lane_.can_send(1, now_));
    if (lane_.can_send(1000, now_)) CHECK(lane_.can_send_control() && bytes + 1000 <= metrics.cwnd_bytes);
    if (bytes > 0) CHECK(lane_.next_deadline() < base::kNever);
  }

  Choices& in_;
  std::vector<SentPacket> ring_;
  sched::Lane lane_;
  Fates fates_{*this};
  base::Instant now_{base::seconds(100).ns};
  std::map<std::uint64_t, Known> sent_;
  std::uint64_t numbers_ = 0, end_ = 0;
  std::size_t fate_count_ = 0;
  const wire::Ack* ack_ = nullptr;
};

}  // namespace

void make_seeds(Seeds& out) {
  std::string calm("\4\1", 2), lossy("\2\1", 2), silent("\1\1", 2);
  for (int i = 0; i < 12; ++i) {
    calm += std::string("\0\5\377\0\5\377\6\377\3\3\0\100\1\1\0\4\0", 17);
    lossy += std::string("\1\5\377\1\6\200\1\5\1\1\5\1\1\5\1\1\5\1\6\10\377\4\0\20\1\2\1\2\1\1\10", 31);
    silent += std::string("\2\5\377\2\11\377\6\377\377\10\6\377\377\10\7\0\0\0\0\377\377\377\377\10", 24);
  }
  out.add("calm", calm);
  out.add("lossy", lossy);
  out.add("silent", silent);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return weft::fuzz::drive<weft::fuzz::LaneRun>({data, size}, 2000);   // every step looks at all packets
}
