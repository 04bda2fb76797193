#include "sched/in_flight.hh"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "engine/base/prng.hh"

namespace weft::sched {
namespace {

SentPacket packet(std::uint64_t number, SentKind kind = SentKind::kChunk) {
  SentPacket p;
  p.packet_number = number;
  p.bytes = 1000 + static_cast<std::uint32_t>(number % 7);
  p.kind = kind;
  p.sent = base::Instant{static_cast<std::int64_t>(number)};
  return p;
}

TEST(InFlight, AFullRingIsBackpressureUntilTheOldestIsSettled) {
  std::vector<SentPacket> ring(4);
  InFlight in_flight(ring);
  for (std::uint64_t n = 0; n < 4; ++n) {
    ASSERT_TRUE(in_flight.has_room(n));
    in_flight.push(packet(n));
  }
  EXPECT_FALSE(in_flight.has_room(4));
  in_flight.settle(*in_flight.find(1), SentState::kAcked);
  EXPECT_FALSE(in_flight.has_room(4));
  in_flight.settle(*in_flight.find(0), SentState::kAcked);
  EXPECT_TRUE(in_flight.has_room(5));
  EXPECT_FALSE(in_flight.has_room(6));
  EXPECT_EQ(in_flight.oldest_unsettled()->packet_number, 2u);
}

TEST(InFlight, LostPacketsAreRememberedUntilTheirPlaceIsNeeded) {
  std::vector<SentPacket> ring(4);
  InFlight in_flight(ring);
  for (std::uint64_t n = 0; n < 4; ++n) in_flight.push(packet(n));
  in_flight.settle(*in_flight.find(0), SentState::kLost);
  in_flight.settle(*in_flight.find(1), SentState::kLost);
  EXPECT_EQ(in_flight.lost_count(), 2u);
  EXPECT_EQ(in_flight.bytes(), packet(2).bytes + packet(3).bytes);
  in_flight.push(packet(4));  // takes the place of 0
  EXPECT_EQ(in_flight.lost_count(), 1u);
  EXPECT_EQ(in_flight.lost_at(0)->packet_number, 1u);
  EXPECT_EQ(in_flight.find(0), nullptr);
  in_flight.settle(*in_flight.lost_at(0), SentState::kAcked);  // it came after all
  in_flight.forget_lost(base::Instant{});
  EXPECT_EQ(in_flight.lost_count(), 0u);
}

TEST(InFlight, ForgetsLostPacketsByAge) {
  std::vector<SentPacket> ring(8);
  InFlight in_flight(ring);
  for (std::uint64_t n = 0; n < 6; ++n) in_flight.push(packet(n));
  for (std::uint64_t n = 0; n < 4; ++n) in_flight.settle(*in_flight.find(n), SentState::kLost);
  in_flight.forget_lost(base::Instant{2});
  ASSERT_EQ(in_flight.lost_count(), 2u);
  EXPECT_EQ(in_flight.lost_at(0)->packet_number, 2u);
}

TEST(InFlight, AnyNumberOfHolesWhileNothingWaits) {
  std::vector<SentPacket> ring(4);
  InFlight in_flight(ring);
  EXPECT_TRUE(in_flight.has_room(1'000));
  in_flight.push(packet(1'000));
  EXPECT_EQ(in_flight.find(999), nullptr);
  EXPECT_EQ(in_flight.unsettled_begin(), 1'000u);
  in_flight.push(packet(1'003));
  EXPECT_FALSE(in_flight.has_room(1'004));
  in_flight.settle(*in_flight.find(1'000), SentState::kAcked);
  EXPECT_EQ(in_flight.unsettled_begin(), 1'003u);  // over the holes
}

TEST(InFlight, AckOnlyPacketsTakeNoRoomAndNoBytes) {
  std::vector<SentPacket> ring(4);
  InFlight in_flight(ring);
  for (std::uint64_t n = 0; n < 100; ++n) {
    ASSERT_TRUE(in_flight.has_room(n));
    in_flight.push(packet(n, SentKind::kAckOnly));
  }
  EXPECT_EQ(in_flight.packets(), 0u);
  EXPECT_EQ(in_flight.bytes(), 0u);
  EXPECT_EQ(in_flight.oldest_unsettled(), nullptr);
}

TEST(InFlight, ShedsEvacuatedPacketsDownToHalfTheRing) {
  std::vector<SentPacket> ring(8);
  InFlight in_flight(ring);
  for (std::uint64_t n = 0; n < 8; ++n) in_flight.push(packet(n));
  for (std::uint64_t n = 0; n < 8; ++n) in_flight.settle(*in_flight.find(n), SentState::kEvacuated);
  EXPECT_EQ(in_flight.packets(), 0u);
  in_flight.shed_evacuated();
  EXPECT_EQ(in_flight.oldest_unsettled()->packet_number, 4u);
  EXPECT_TRUE(in_flight.has_room(8));
  EXPECT_EQ(in_flight.lost_count(), 4u);
}

// Random operations against a map of number -> state.
TEST(InFlightProp, SumsAndOldestMatchAMap) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    std::vector<SentPacket> ring(std::size_t{1} << (2 + prng.below(6)));
    InFlight in_flight(ring);
    std::map<std::uint64_t, SentPacket> model;  // unsettled, eliciting
    std::uint64_t next = 0;
    for (int step = 0; step < 2'000; ++step) {
      if (prng.chance(8)) ++next;  // a hole
      const bool room = model.empty() || next - model.begin()->first < ring.size();
      ASSERT_EQ(in_flight.has_room(next), room);
      if (room && prng.below(3) != 0) {
        const SentKind kind = prng.chance(5) ? SentKind::kAckOnly : SentKind::kChunk;
        in_flight.push(packet(next, kind));
        if (kind == SentKind::kChunk) model[next] = packet(next);
        ++next;
      } else if (!model.empty()) {
        auto chosen = model.begin();
        std::advance(chosen, prng.below(static_cast<std::uint32_t>(model.size())));
        SentPacket* entry = in_flight.find(chosen->first);
        ASSERT_NE(entry, nullptr);
        ASSERT_EQ(entry->packet_number, chosen->first);
        // Losses are always the oldest; anything may be acknowledged.
        if (prng.chance(3)) {
          chosen = model.begin();
          in_flight.settle(*in_flight.find(chosen->first), SentState::kLost);
        } else {
          in_flight.settle(*entry, SentState::kAcked);
        }
        model.erase(chosen);
      }
      std::uint64_t bytes = 0;
      for (const auto& [number, p] : model) bytes += p.bytes;
      ASSERT_EQ(in_flight.bytes(), bytes);
      ASSERT_EQ(in_flight.packets(), model.size());
      const SentPacket* oldest = in_flight.oldest_unsettled();
      ASSERT_EQ(oldest == nullptr, model.empty());
      if (oldest != nullptr) {
        ASSERT_EQ(oldest->packet_number, model.begin()->first);
      }
    }
  }
}

}  // namespace
}  // namespace weft::sched
