#include "engine/run/heap_care.hh"

#include <gtest/gtest.h>

namespace weft::run {
namespace {

constexpr std::uint64_t kMuch = HeapRest::kWorthBytes, kLittle = HeapRest::kRestBytes - 1;

TEST(HeapRest, GivesBackOnceAfterAHeapAtWorkCameToRest) {
  HeapRest rest;
  EXPECT_FALSE(rest.look(10 * kMuch));               // at work
  EXPECT_FALSE(rest.look(3 * kMuch));
  EXPECT_TRUE(rest.look(3 * kMuch + kLittle));
  rest.on_given_back(2 * kMuch);                     // still free to malloc, but the system has their pages
  EXPECT_FALSE(rest.look(2 * kMuch + kLittle));
  EXPECT_FALSE(rest.look(3 * kMuch));                // at work
  EXPECT_TRUE(rest.look(3 * kMuch));
}

TEST(HeapRest, LittleIsNotWorthIt) {
  HeapRest rest;
  rest.on_given_back(kMuch);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(rest.look(2 * kMuch - 1 - static_cast<std::uint64_t>(i)));
}

// What is taken into use again and freed later has its pages again.
TEST(HeapRest, WhatWasUsedMeanwhileCountsAgain) {
  HeapRest rest;
  rest.on_given_back(5 * kMuch);
  EXPECT_FALSE(rest.look(kMuch));
  EXPECT_FALSE(rest.look(5 * kMuch));
  EXPECT_TRUE(rest.look(5 * kMuch));
}

}  // namespace
}  // namespace weft::run
