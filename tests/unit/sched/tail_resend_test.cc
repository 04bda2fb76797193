#include "sched/tail_resend.hh"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "sched/lane.hh"

namespace weft::sched {
namespace {

using base::Instant;
using base::milliseconds;

constexpr std::uint32_t kPacket = 1000;

// A quick lane that is idle and a slow one with chunks on their way, sent one each millisecond up to `now`.
class Two {
 public:
  explicit Two(std::uint32_t chunks) {
    slow.set_path_validated(milliseconds(100), now);
    quick.set_path_validated(milliseconds(10), now);
    for (std::uint32_t i = 0; i < chunks; ++i) {
      now += milliseconds(1);
      SentPacket packet;
      packet.packet_number = slow.take_packet_number();
      packet.bytes = kPacket;
      packet.kind = SentKind::kChunk;
      packet.ref = i;
      slow.on_sent(packet, now);
    }
  }
  std::optional<TailResend::Copy> next() {
    std::vector<LaneView> views;
    for (const Lane* lane : {&slow, &quick}) views.push_back(view_of(*lane, entry, true, kPacket, now));
    views[1].can_send = quick_has_credit;
    for (LaneView& view : views) view.rttvar = milliseconds(5);
    const std::array lanes{static_cast<const Lane*>(&slow), static_cast<const Lane*>(&quick)};
    return resend.next(views, lanes, now, [&](const SentPacket& packet) {
      return packet.ref != forbidden && std::find(copied.begin(), copied.end(), packet.ref) == copied.end();
    });
  }
  // All that are worth it now, in order.
  std::vector<std::uint32_t> all() {
    while (const auto copy = next()) {
      EXPECT_EQ(copy->to, 1);
      copied.push_back(copy->packet->ref);
    }
    return copied;
  }
  std::vector<SentPacket> ring_a{256}, ring_b{256};
  Lane slow{{.max_packet_bytes = kPacket}, ring_a}, quick{{.max_packet_bytes = kPacket}, ring_b};
  share::PathEntry entry{.state = share::PathState::kActive};
  Instant now{1'000'000'000};
  TailResend resend;
  bool quick_has_credit = true;
  std::uint32_t forbidden = UINT32_MAX;
  std::vector<std::uint32_t> copied;
};

TEST(TailResend, NamesTheNewestFirst) {
  Two two(5);
  EXPECT_EQ(two.all(), (std::vector<std::uint32_t>{4, 3, 2, 1, 0}));
}

// Sent s ms ago, a chunk is acknowledged in 100 - s ms; its copy in 10 ms. With 5 + 1 ms of doubt: s < 84.
TEST(TailResend, LeavesOutWhatIsThereBeforeItsCopyWouldBe) {
  Two two(20);
  two.now += milliseconds(70);     // the oldest left 89 ms ago, the newest 70
  const auto copied = two.all();
  EXPECT_EQ(copied.size(), 14u);   // 70 … 83 ms ago
  EXPECT_EQ(copied.front(), 19u);
  EXPECT_EQ(copied.back(), 6u);
}

TEST(TailResend, TakesTheOldestWhenItIsOverdue) {
  Two two(1);
  two.now += milliseconds(95);
  EXPECT_FALSE(two.next());
  two.now += milliseconds(12);     // 106 ms and more
  const auto copy = two.next();
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->packet->ref, 0u);
}

TEST(TailResend, NeedsALaneWithCredit) {
  Two two(5);
  two.quick_has_credit = false;
  EXPECT_FALSE(two.next());
}

TEST(TailResend, AsksForEachAndSkipsWhatMayNot) {
  Two two(5);
  two.forbidden = 3;
  EXPECT_EQ(two.all(), (std::vector<std::uint32_t>{4, 2, 1, 0}));
}

TEST(TailResend, ALongFlightIsWalkedInSteps) {
  Two two(100);
  two.forbidden = UINT32_MAX;
  std::uint32_t asked = 0;
  const auto count = [&] {
    std::vector<LaneView> views;
    for (const Lane* lane : {&two.slow, &two.quick}) views.push_back(view_of(*lane, two.entry, true, kPacket, two.now));
    const std::array lanes{static_cast<const Lane*>(&two.slow), static_cast<const Lane*>(&two.quick)};
    asked = 0;
    (void)two.resend.next(views, lanes, two.now, [&](const SentPacket&) { return ++asked, false; });
    return asked;
  };
  EXPECT_LE(count(), TailResend::kWalkMax + 1);
  EXPECT_GT(asked, 0u);
  count();
  EXPECT_LE(count(), 1u);          // all were asked for once; nothing new was sent
}

}  // namespace
}  // namespace weft::sched
