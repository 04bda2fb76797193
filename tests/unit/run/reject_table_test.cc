#include "engine/run/reject_table.hh"

#include <gtest/gtest.h>

namespace weft::run {
namespace {

using wire::RejectReason;

constexpr base::SessionId kA{1}, kB{2};

std::uint32_t id(std::uint16_t slot, std::uint16_t generation = 1) { return base::SlotRef{slot, generation}.word(); }

TEST(RejectTable, KeepsOneForEverySlotOfASession) {
  RejectTable table;
  for (std::uint32_t i = 0; i < base::kRequestSlotsMax; ++i)
    table.add(kA, {id(static_cast<std::uint16_t>(i)), RejectReason::kBusy});
  for (std::uint32_t i = 0; i < base::kRequestSlotsMax; ++i) {
    ASSERT_FALSE(table.empty(kA));
    EXPECT_EQ(table.take(kA).request_id, id(static_cast<std::uint16_t>(i)));
  }
  EXPECT_TRUE(table.empty(kA));
}

TEST(RejectTable, TheNewestOfASlotCounts) {
  RejectTable table;
  table.add(kA, {id(7), RejectReason::kBusy});
  table.add(kA, {id(7, 2), RejectReason::kDisk});
  const wire::Reject reject = table.take(kA);
  EXPECT_EQ(reject.request_id, id(7, 2));
  EXPECT_EQ(reject.reason, RejectReason::kDisk);
  EXPECT_TRUE(table.empty(kA));
}

TEST(RejectTable, ALostOneIsOwedAgainUnlessTheSlotWasUsedSince) {
  RejectTable table;
  table.add(kA, {id(7), RejectReason::kDisk});
  const wire::Reject first = table.take(kA);
  table.on_lost(kA, first);
  ASSERT_FALSE(table.empty(kA));
  EXPECT_EQ(table.take(kA).request_id, first.request_id);
  table.add(kA, {id(7, 2), RejectReason::kBusy});
  const wire::Reject second = table.take(kA);
  table.on_lost(kA, first);                   // an old copy
  EXPECT_TRUE(table.empty(kA));
  table.on_lost(kA, second);
  EXPECT_EQ(table.take(kA).request_id, second.request_id);
}

TEST(RejectTable, SessionsDoNotMix) {
  RejectTable table;
  table.add(kA, {id(1), RejectReason::kBusy});
  table.add(kB, {id(1), RejectReason::kDisk});
  table.clear(kA);
  EXPECT_TRUE(table.empty(kA));
  EXPECT_EQ(table.take(kB).reason, RejectReason::kDisk);
}

}  // namespace
}  // namespace weft::run
