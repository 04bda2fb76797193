#include "engine/disk/slot_buffers.hh"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "engine/disk/index_queue.hh"

namespace weft::disk {
namespace {

TEST(SlotBuffers, SlotsAreAlignedAdjacentAndZero) {
  for (const auto prefault : {SlotBuffers::Prefault::kNo, SlotBuffers::Prefault::kYes}) {
    const auto buffers = SlotBuffers::allocate(17, prefault);
    ASSERT_TRUE(buffers);
    EXPECT_EQ(buffers->count(), 17u);
    EXPECT_EQ(buffers->all().size(), 17u * base::kSlotBytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffers->all().data()) % (2u << 20), 0u);
    for (std::uint16_t i = 0; i < 17; ++i) {
      const base::MutableBytes slot = buffers->slot(i);
      ASSERT_EQ(slot.size(), base::kSlotBytes);
      EXPECT_EQ(slot.data(), buffers->all().data() + i * base::kSlotBytes);
      EXPECT_EQ(slot.front(), std::byte{0});
      EXPECT_EQ(slot.back(), std::byte{0});
      slot.front() = slot.back() = std::byte{1};  // writable to the last byte
    }
  }
}

TEST(SlotBuffers, RefusesCountsThatNoPoolCanNumber) {
  for (const std::uint32_t count : {0u, kSlotsMax + 1}) {
    const auto buffers = SlotBuffers::allocate(count);
    ASSERT_FALSE(buffers);
    EXPECT_EQ(buffers.error().code, base::Errc::kInvalidArgument);
  }
}

TEST(SlotBuffers, MovingLeavesNothingBehind) {
  auto first = SlotBuffers::allocate(2, SlotBuffers::Prefault::kNo);
  ASSERT_TRUE(first);
  std::byte* const start = first->all().data();
  SlotBuffers second = std::move(*first);
  EXPECT_EQ(second.all().data(), start);
  EXPECT_EQ(first->count(), 0u);
}

TEST(SlotBuffersDeathTest, ASlotBeyondTheCountIsOurBug) {
  const auto buffers = SlotBuffers::allocate(2, SlotBuffers::Prefault::kNo);
  ASSERT_TRUE(buffers);
  EXPECT_DEATH((void)buffers->slot(2), "MUST");
}

TEST(IndexQueue, KeepsTheOrderAcrossItsWrap) {
  IndexQueue queue(3);
  std::uint32_t in = 0, out = 0;
  for (int round = 0; round < 10; ++round) {
    while (queue.size() < 3) queue.push(in++);
    EXPECT_EQ(queue.front(), out);
    EXPECT_EQ(queue.pop(), out++);
    EXPECT_EQ(queue.pop(), out++);
  }
  EXPECT_EQ(queue.pop(), out);
  EXPECT_TRUE(queue.empty());
}

TEST(IndexQueueDeathTest, MoreThanItsRoomIsOurBug) {
  IndexQueue queue(1);
  queue.push(0);
  EXPECT_DEATH(queue.push(1), "MUST");
  EXPECT_EQ(queue.pop(), 0u);
  EXPECT_DEATH(queue.pop(), "MUST");
}

}  // namespace
}  // namespace weft::disk
