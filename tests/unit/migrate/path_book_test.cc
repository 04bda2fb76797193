#include "migrate/path_book.hh"

#include <gtest/gtest.h>

#include "engine/base/prng.hh"

namespace weft::migrate {
namespace {

using base::Instant;
using base::milliseconds;
using base::PathId;
using share::PathReason;
using share::PathRole;
using share::PathVerdict;

Instant at_ms(std::int64_t ms) { return Instant{} + milliseconds(ms); }
PathVerdict verdict(PathId path, PathEvent event) {
  return {
      .path = path, .has_event = true, .event = event, .reason = PathReason::kSilence, .score = 42};
}

TEST(PathBook, AddedAnsweredSilentDeadAnswered) {
  PathBook book;
  const PathId path{7};
  auto change = book.add(path, PathRole::kPrimary, at_ms(0));
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->from, PathState::kAbsent);
  EXPECT_EQ(change->to, PathState::kProbing);
  EXPECT_EQ(book.entry(path).score, 0);
  EXPECT_EQ(book.usable_count(), 0u);

  change = book.apply(verdict(path, PathEvent::kAnswered), at_ms(30));
  ASSERT_TRUE(change.has_value());
  EXPECT_EQ(change->to, PathState::kActive);
  EXPECT_EQ(change->stayed, milliseconds(30));
  EXPECT_EQ(change->why, PathReason::kSilence);
  EXPECT_EQ(book.usable_count(), 1u);
  EXPECT_EQ(book.entries()[7].state, PathState::kActive);

  EXPECT_EQ(book.apply(verdict(path, PathEvent::kSilent), at_ms(40))->to, PathState::kSuspect);
  EXPECT_EQ(book.usable_count(), 1u);
  EXPECT_EQ(book.apply(verdict(path, PathEvent::kDead), at_ms(140))->to, PathState::kDown);
  EXPECT_EQ(book.usable_count(), 0u);
  EXPECT_EQ(book.apply(verdict(path, PathEvent::kAnswered), at_ms(900))->to, PathState::kActive);
  EXPECT_EQ(book.refused_count(), 0u);
}

TEST(PathBook, AllValidatedPathsAreActiveAndBackupsStandBy) {
  PathBook book;
  for (std::uint8_t i = 0; i < 4; ++i) {
    book.add(PathId{i}, i == 3 ? PathRole::kBackup : PathRole::kPrimary, at_ms(0));
    book.apply(verdict(PathId{i}, PathEvent::kAnswered), at_ms(1));
  }
  for (std::uint8_t i = 0; i < 3; ++i) EXPECT_EQ(book.entry(PathId{i}).state, PathState::kActive);
  EXPECT_EQ(book.entry(PathId{3}).state, PathState::kStandby);
  EXPECT_EQ(book.usable_count(), 4u);
}

TEST(PathBook, ScoreAndProbeAreTakenWithoutAnEvent) {
  PathBook book;
  const PathId path{0};
  book.add(path, PathRole::kPrimary, at_ms(0));
  EXPECT_FALSE(book.apply({.path = path, .score = 77, .probe_due = true}, at_ms(1)).has_value());
  EXPECT_EQ(book.entry(path).score, 77);
  EXPECT_EQ(book.entry(path).probe_seq, 1u);
  book.apply({.path = path, .score = 77}, at_ms(2));
  EXPECT_EQ(book.entry(path).probe_seq, 1u);
}

TEST(PathBook, RolesMoveUsablePathsAtOnceAndOthersWithTheirNextAnswer) {
  PathBook book;
  const PathId path{2};
  book.add(path, PathRole::kPrimary, at_ms(0));
  EXPECT_FALSE(book.set_role(path, PathRole::kBackup, at_ms(1)).has_value());
  EXPECT_EQ(book.apply(verdict(path, PathEvent::kAnswered), at_ms(2))->to, PathState::kStandby);
  EXPECT_EQ(book.set_role(path, PathRole::kPrimary, at_ms(3))->to, PathState::kActive);
  EXPECT_FALSE(book.set_role(path, PathRole::kPrimary, at_ms(4)).has_value());
  EXPECT_EQ(book.set_role(path, PathRole::kBackup, at_ms(5))->to, PathState::kStandby);
  EXPECT_EQ(book.refused_count(), 0u);
}

TEST(PathBook, RemovalDrainsWhatCarriesDataAndKeepsTheProbeNumber) {
  PathBook book;
  const PathId path{2};
  book.add(path, PathRole::kBackup, at_ms(0));
  book.apply({.path = path, .probe_due = true}, at_ms(1));
  book.apply(verdict(path, PathEvent::kAnswered), at_ms(2));
  EXPECT_EQ(book.remove(path, at_ms(3))->to, PathState::kDraining);
  EXPECT_EQ(book.usable_count(), 0u);
  EXPECT_EQ(book.apply(verdict(path, PathEvent::kDrained), at_ms(4))->to, PathState::kAbsent);
  EXPECT_EQ(book.entry(path).role, PathRole::kPrimary);
  EXPECT_EQ(book.entry(path).probe_seq, 1u);
  // A verdict made before the removal says nothing any more.
  EXPECT_FALSE(book.apply(verdict(path, PathEvent::kAnswered), at_ms(5)).has_value());
  EXPECT_EQ(book.entry(path).score, 0);
  EXPECT_EQ(book.refused_count(), 0u);
  book.add(path, PathRole::kPrimary, at_ms(6));
  EXPECT_EQ(book.remove(path, at_ms(7))->to,
            PathState::kAbsent);  // a candidate has nothing to drain
}

TEST(PathBook, WhatTheTableDoesNotSayIsRefusedAndCounted) {
  PathBook book;
  const PathId path{5};
  EXPECT_FALSE(book.remove(path, at_ms(0)).has_value());
  book.add(path, PathRole::kPrimary, at_ms(0));
  EXPECT_FALSE(book.add(path, PathRole::kBackup, at_ms(1)).has_value());
  EXPECT_EQ(book.entry(path).role, PathRole::kPrimary);
  EXPECT_FALSE(book.retry(path, at_ms(2)).has_value());
  EXPECT_EQ(book.refused_count(), 3u);
  book.apply(verdict(path, PathEvent::kDead), at_ms(3));
  EXPECT_EQ(book.retry(path, at_ms(4))->to, PathState::kProbing);
}

// Random verdicts: the book never leaves the table.
TEST(PathBookProp, EveryChangeIsATransition) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    PathBook book;
    for (int step = 0; step < 2'000; ++step) {
      const PathId path{static_cast<std::uint8_t>(prng.below(4))};
      const PathState before = book.entry(path).state;
      const PathRole role = prng.chance(2) ? PathRole::kPrimary : PathRole::kBackup;
      const auto event = static_cast<PathEvent>(prng.below(static_cast<std::uint32_t>(kEvents)));
      std::optional<PathChange> change;
      switch (prng.below(8)) {
        case 0: change = book.add(path, role, at_ms(step)); break;
        case 1: change = book.remove(path, at_ms(step)); break;
        case 2: change = book.set_role(path, role, at_ms(step)); break;
        case 3: change = book.retry(path, at_ms(step)); break;
        default: change = book.apply(verdict(path, event), at_ms(step)); break;
      }
      if (!change.has_value()) {
        ASSERT_EQ(book.entry(path).state, before);
        continue;
      }
      ASSERT_EQ(change->from, before);
      ASSERT_EQ(next(change->from, change->event), change->to);
      ASSERT_EQ(book.entry(path).state, change->to);
    }
  }
}

}  // namespace
}  // namespace weft::migrate
