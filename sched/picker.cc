#include "sched/picker.hh"

#include <algorithm>

#include "sched/arith.hh"

namespace weft::sched {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
// From which ratio of round trips on a lane is a long way round, and what it may be asked by.
constexpr std::int64_t kManyTimes = 4;
constexpr std::uint64_t kFirstPackets = 4;

// (Qa + L) / Ba + srtt_a / 2 < (Qb + L) / Bb + srtt_b / 2, both rates known. Multiplied out by 2 Ba
// Bb: rates and queues of 2^38 bytes and round trips of a minute leave the sums below 2^116.
bool arrives_earlier(const LaneView& a, const LaneView& b, std::uint32_t bytes) {
  const auto side = [bytes](const LaneView& x, const LaneView& other) {
    return Wide{x.queued_bytes + bytes} * other.rate_Bps * (2 * kNsPerSecond) +
           Wide{x.rate_Bps} * other.rate_Bps * static_cast<std::uint64_t>(x.srtt.ns);
  };
  return side(a, b) < side(b, a);
}

// unsent <= sum of rate x srtt: what is left fits into the paths; from here on arrival order counts.
bool is_tail(const LaneSurvey& survey, std::uint64_t unsent_bytes) {
  return Wide{unsent_bytes} * kNsPerSecond <= survey.in_paths;
}

// When all lanes together would be through with what waits, if each got as much as makes all end at once
// ("water-fill"):
//   T = (K + sum(Q + B d)) / sum B, over the lanes that can begin before T: d + Q / B < T; d = srtt / 2.
// As a fraction, in half nanoseconds and bytes: bytes of 2^50 and rates of 2^43 in sum leave all products below 2^124.
struct Level {
  Wide filled = 0;   // 2e9 K + sum(2e9 Q + B srtt)
  Wide rate = 0;     // sum B
  [[nodiscard]] static Wide begin_of(const LaneView& lane, std::uint64_t more) {
    return Wide{lane.queued_bytes + more} * (2 * kNsPerSecond) +
           Wide{lane.rate_Bps} * static_cast<std::uint64_t>(lane.srtt.ns);
  }
  // A chunk of so many bytes, sent now, would be there by T.
  [[nodiscard]] bool reaches(const LaneView& lane, std::uint32_t bytes) const {
    return begin_of(lane, bytes) * rate <= filled * lane.rate_Bps;
  }
};

Level water_level(std::span<const LaneView> lanes, int rank, std::uint64_t unsent_bytes) {
  static_assert(base::kPathsPerSessionMax <= 64);
  std::uint64_t in = 0;   // a bit per lane that takes part
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (in_play(lanes[i], rank) && lanes[i].rate_Bps > 0) in |= std::uint64_t{1} << i;
  for (;;) {
    Level level{.filled = Wide{unsent_bytes} * (2 * kNsPerSecond)};
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if ((in >> i) & 1) {
        level.filled += Level::begin_of(lanes[i], 0);
        level.rate += lanes[i].rate_Bps;
      }
    const std::uint64_t before = in;
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (((in >> i) & 1) && Level::begin_of(lanes[i], 0) * level.rate >= level.filled * lanes[i].rate_Bps)
        in &= ~(std::uint64_t{1} << i);   // too late to help; without it T only falls
    if (in == before || in == 0) return level;
  }
}

std::uint32_t user_weight(const LaneView& lane) noexcept { return std::max<std::uint32_t>(lane.weight, 1); }
std::uint32_t score_weight(const LaneView& lane) noexcept { return std::max<std::uint32_t>(lane.score, 1); }

int first_usable(std::span<const LaneView> lanes, int rank) {
  for (std::size_t i = 0; i < lanes.size(); ++i)
    if (in_play(lanes[i], rank)) return lanes[i].can_send ? static_cast<int>(i) : Picker::kNone;
  return Picker::kNone;
}

// A lane of unknown rate whose round trip is many times that of the quickest lane. What it gets at the start decides
// when a short transfer ends, so it gets
// - nothing while the quickest is not measured either, and has something on its way that will tell;
// - nothing when the quickest alone would be through before a packet of this lane arrived;
// - else a few packets, until it is measured.
bool is_held_back(std::span<const LaneView> lanes, int rank, const LaneView& lane, std::uint64_t unsent_bytes,
                  std::uint32_t packet_bytes) {
  if (lane.rate_Bps != 0) return false;
  const LaneView& quickest = lanes[static_cast<std::size_t>(lowest_srtt(lanes, rank, false))];
  if (lane.srtt < kManyTimes * quickest.srtt) return false;
  if (quickest.rate_Bps == 0) return quickest.can_send || quickest.queued_bytes > 0;
  const auto ns = [](base::Duration time) { return static_cast<std::uint64_t>(time.ns); };
  // (Q + K) / B + srtt / 2 against half the round trip of this lane; B as measured, and as two windows a round trip:
  // while the window doubles, what was measured lies a round trip behind.
  if (Level::begin_of(quickest, unsent_bytes) <= Wide{quickest.rate_Bps} * ns(lane.srtt)) return true;
  if (Wide{quickest.queued_bytes + unsent_bytes} * ns(quickest.srtt) <=
      Wide{quickest.window_bytes} * ns(lane.srtt - quickest.srtt))
    return true;
  return lane.queued_bytes + packet_bytes > kFirstPackets * std::uint64_t{packet_bytes};
}

}  // namespace

template <typename TakesPart>
int Picker::pick_in_turn(std::span<const LaneView> lanes, std::size_t& turn, TakesPart takes_part) noexcept {
  std::size_t i = turn;
  for (std::size_t left = lanes.size(); left > 0; --left, ++i) {
    if (i >= lanes.size()) i = 0;   // also where there were more lanes the last time
    if (!takes_part(lanes[i])) continue;
    turn = i + 1;
    return static_cast<int>(i);
  }
  return kNone;
}

int Picker::pick(std::span<const LaneView> lanes, const LaneSurvey& survey, std::uint64_t unsent_bytes,
                 std::uint32_t packet_bytes) noexcept {
  const int rank = survey.rank;
  if (rank == kRanks) return kNone;
  switch (policy_) {
    case share::Policy::kRate: return pick_rate(lanes, survey, unsent_bytes, packet_bytes);
    case share::Policy::kMinRtt: return lowest_srtt(lanes, rank, true);
    case share::Policy::kEcf: return ecf_.pick(lanes, rank, unsent_bytes);
    case share::Policy::kRoundRobin:
      return pick_in_turn(lanes, turn_, [&](const LaneView& lane) { return lane.can_send && in_play(lane, rank); });
    case share::Policy::kWeighted: return turns_.take(lanes, rank, user_weight);
    case share::Policy::kHealth: return turns_.take(lanes, rank, score_weight);
    case share::Policy::kRedundant: return lowest_srtt(lanes, rank, true);
    case share::Policy::kActiveBackup: return first_usable(lanes, rank);
  }
  return kNone;
}

int Picker::pick_rate(std::span<const LaneView> lanes, const LaneSurvey& survey, std::uint64_t unsent_bytes,
                      std::uint32_t packet_bytes) noexcept {
  const int rank = survey.rank;
  const auto takes_part = [&](const LaneView& lane) {
    return in_play(lane, rank) && !is_held_back(lanes, rank, lane, unsent_bytes, packet_bytes);
  };
  if (!is_tail(survey, unsent_bytes))
    return pick_in_turn(lanes, turn_, [&](const LaneView& lane) { return lane.can_send && takes_part(lane); });
  if (++tail_picks_ % kExploreOneIn == 0) {
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (takes_part(lanes[i]) && lanes[i].can_send && lanes[i].queued_bytes == 0)
        return static_cast<int>(i);
  }
  int first = kNone;         // to deliver it, of the lanes of known rate, with credit or without
  int first_able = kNone;    // the same of those with credit
  const auto earlier = [&](const LaneView& lane, int than) {
    return than == kNone || arrives_earlier(lane, lanes[static_cast<std::size_t>(than)], packet_bytes);
  };
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const LaneView& lane = lanes[i];
    if (!takes_part(lane)) continue;
    if (lane.rate_Bps == 0) {
      if (lane.can_send) return static_cast<int>(i);
      continue;
    }
    if (earlier(lane, first)) first = static_cast<int>(i);
    if (lane.can_send && earlier(lane, first_able)) first_able = static_cast<int>(i);
  }
  // The lane that delivers first takes it. While it is full, another one may only if all that waits would not be
  // through before that one has delivered.
  if (first_able == kNone || first_able == first) return first_able;
  const Level level = water_level(lanes, rank, unsent_bytes);
  return level.reaches(lanes[static_cast<std::size_t>(first_able)], packet_bytes) ? first_able : kNone;
}

int Picker::pick_twin(std::span<const LaneView> lanes, int first) const noexcept {
  const LaneView& one = lanes[static_cast<std::size_t>(first)];
  int best = kNone;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const LaneView& lane = lanes[i];
    if (!in_play(lane, rank_of(one)) || !lane.can_send || lane.port == one.port) continue;
    if (best == kNone || lane.srtt < lanes[static_cast<std::size_t>(best)].srtt) best = static_cast<int>(i);
  }
  return best;
}

int Picker::pick_control(std::span<const LaneView> lanes) noexcept {
  const int rank = best_rank(lanes);
  if (rank == kRanks) return kNone;
  const base::Duration nearly = kNearlyAsQuick * lanes[static_cast<std::size_t>(lowest_srtt(lanes, rank, false))].srtt;
  return pick_in_turn(lanes, control_turn_, [&](const LaneView& lane) { return in_play(lane, rank) && lane.srtt <= nearly; });
}

}  // namespace weft::sched
