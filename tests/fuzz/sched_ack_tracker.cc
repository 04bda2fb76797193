// The receiving half of a lane against a plain list of ranges: which packets are acknowledged, when an ACK is due, and
// that what goes into the ACK comes out of it on the wire.
#include <map>

#include "engine/wire/packet.hh"
#include "sched/ack_tracker.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using sched::AckTracker;

// First number -> last number, as AckTracker's header describes it.
struct Model {
  std::map<std::uint64_t, std::uint64_t> ranges;
  base::Instant largest_at{}, eliciting_at{};
  std::uint32_t eliciting = 0;
  bool at_once = false;

  [[nodiscard]] std::uint64_t expected() const { return ranges.empty() ? 0 : ranges.rbegin()->second + 1; }

  [[nodiscard]] bool has(std::uint64_t number) const {
    auto after = ranges.upper_bound(number);
    return after != ranges.begin() && std::prev(after)->second >= number;
  }
  void insert(std::uint64_t number) {
    if (has(number)) return;
    std::uint64_t first = number, last = number;
    if (const auto newer = ranges.find(number + 1); newer != ranges.end()) {
      last = newer->second;
      ranges.erase(newer);
    }
    for (auto it = ranges.begin(); it != ranges.end(); ++it)
      if (it->second + 1 == number) {
        first = it->first;
        ranges.erase(it);
        break;
      }
    ranges[first] = last;
    if (ranges.size() > AckTracker::kRangesMax) ranges.erase(ranges.begin());
  }
  void receive(std::uint64_t number, bool elicits, base::Instant now) {
    const bool in_order = number == expected();
    if (number >= expected()) largest_at = now;
    insert(number);
    if (!elicits) return;
    if (eliciting == 0) eliciting_at = now;
    ++eliciting;
    if (!in_order || eliciting >= sched::kAckEvery) at_once = true;
  }
  void forget(std::uint64_t number) {
    if (ranges.empty()) return;
    const std::uint64_t largest = ranges.rbegin()->second;
    while (!ranges.empty() && ranges.begin()->second <= number) ranges.erase(ranges.begin());
    if (ranges.empty()) ranges[largest] = largest;
    const auto [first, last] = *ranges.begin();
    if (first > number || first == last) return;
    ranges.erase(ranges.begin());
    ranges[number + 1] = last;
  }
};

void check_ack(const wire::Ack& ack, const Model& model, base::Instant now) {
  CHECK(ack.largest == model.ranges.rbegin()->second);
  CHECK(ack.delay_us == std::min<std::int64_t>((now - model.largest_at).us(), UINT32_MAX));
  CHECK(ack.ranges.size() == std::min(model.ranges.size(), wire::kAckRangesMax));
  auto it = model.ranges.rbegin();
  for (const wire::AckRange& range : ack.ranges) {
    CHECK(range.first == it->first && range.last == it->second);
    ++it;
  }
  std::byte bytes[wire::kAckBytesMax];
  base::ByteWriter writer(bytes);
  wire::encode(writer, ack);
  wire::FrameReader reader(base::Bytes(bytes).first(writer.used()));
  wire::Frame frame;
  CHECK(reader.next(frame) && frame.type == wire::FrameType::kAck);
  CHECK(frame.ack.largest == ack.largest && frame.ack.delay_us == ack.delay_us);
  CHECK(frame.ack.ranges.size() == wire::encodable_ranges(ack));
  for (std::size_t i = 0; i < frame.ack.ranges.size(); ++i) {
    CHECK(frame.ack.ranges[i].last == ack.ranges[i].last && frame.ack.ranges[i].first >= ack.ranges[i].first);
    const bool whole = ack.ranges[i].last - ack.ranges[i].first <= UINT32_MAX;
    CHECK(!whole || frame.ack.ranges[i].first == ack.ranges[i].first);
  }
}

}  // namespace

void make_seeds(Seeds& out) {
  out.add("in-order", std::string_view("\0\0\0\1\0\0\0\1\0\0\0\1\5\0\0\0\1\7\0", 19));
  out.add("gaps", std::string_view("\0\0\3\1\0\0\5\0\0\1\2\1\0\1\1\1\5\6\4\0\0\7\1\5\6\3\7", 27));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  Choices in(bytes_of(data, size));
  AckTracker tracker;
  Model model;
  base::Instant now{base::seconds(1).ns};
  while (!in.empty()) {
    const std::uint32_t action = in.below(8);
    if (action <= 4) {      // a packet: the next ones, older ones, or any number
      const std::uint64_t step = in.below(4) == 3 ? in.number<std::uint64_t>() : in.byte();
      std::uint64_t number = action <= 2 ? model.expected() + step : model.expected() - std::min(model.expected(), step);
      number = std::min(number, wire::kPacketNumberMax);
      const bool elicits = in.flag();
      tracker.on_received(number, elicits, now);
      model.receive(number, elicits, now);
      understood();
    } else if (action == 5) {
      wire::Ack ack;
      const bool filled = tracker.fill(ack, now);
      CHECK(filled == !model.ranges.empty());
      if (!filled) continue;
      check_ack(ack, model, now);
      model.eliciting = 0;
      model.at_once = false;
    } else if (action == 6) {
      const std::uint64_t back = in.byte();
      const std::uint64_t number = in.flag() ? in.number<std::uint64_t>() : model.expected() - std::min(model.expected(), back);
      tracker.forget_up_to(number);
      model.forget(number);
    } else {
      now += base::microseconds(std::int64_t{in.byte()} * in.byte());
    }
    CHECK(tracker.range_count() == model.ranges.size());
    CHECK(tracker.pending() == (model.eliciting > 0));
    const base::Instant due = model.eliciting == 0 ? base::kNever
                              : model.at_once      ? model.eliciting_at
                                                   : model.eliciting_at + sched::kAckDelayMax;
    CHECK(tracker.next_deadline() == due && tracker.due(now) == (due <= now));
  }
  return 0;
}
