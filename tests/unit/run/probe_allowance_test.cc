// How many challenges of a peer are answered (engine/run/probe_allowance.hh).
#include "engine/run/probe_allowance.hh"

#include <gtest/gtest.h>

namespace weft::run {
namespace {

using base::milliseconds;
const base::Instant kStart = base::Instant{} + base::seconds(3600);

TEST(ProbeAllowance, AnHonestPeerIsAlwaysAnswered) {
  ProbeAllowance allowance;
  base::Instant now = kStart;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(allowance.take(now += milliseconds(10)));     // a lane that begins
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(allowance.take(now += milliseconds(25))); // one that is suspect
}

TEST(ProbeAllowance, WhatWasHeldUpMayComeTogether) {
  ProbeAllowance allowance;
  for (std::uint32_t i = 0; i < ProbeAllowance::kAtOnce; ++i) EXPECT_TRUE(allowance.take(kStart));
  EXPECT_FALSE(allowance.take(kStart));
  EXPECT_FALSE(allowance.take(kStart + milliseconds(9)));
  EXPECT_TRUE(allowance.take(kStart + milliseconds(10)));
  EXPECT_FALSE(allowance.take(kStart + milliseconds(19)));
  EXPECT_TRUE(allowance.take(kStart + milliseconds(20)));
}

TEST(ProbeAllowance, RestingEarnsNoMoreThanOneBurst) {
  ProbeAllowance allowance;
  for (std::uint32_t i = 0; i < ProbeAllowance::kAtOnce; ++i) (void)allowance.take(kStart);
  const base::Instant later = kStart + base::seconds(3600);
  std::uint32_t answered = 0;
  for (int i = 0; i < 1000; ++i) answered += allowance.take(later) ? 1 : 0;
  EXPECT_EQ(answered, ProbeAllowance::kAtOnce);
}

TEST(ProbeAllowance, OverAnyTimeItIsTheBurstAndOnePerInterval) {
  ProbeAllowance allowance;
  std::uint32_t answered = 0;
  for (int us = 0; us < 1'000'000; us += 37) answered += allowance.take(kStart + base::microseconds(us)) ? 1 : 0;
  EXPECT_GE(answered, 100u);
  EXPECT_LE(answered, 100 + ProbeAllowance::kAtOnce);
}

}  // namespace
}  // namespace weft::run
