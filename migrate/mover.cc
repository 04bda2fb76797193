#include "migrate/mover.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::migrate {
namespace {

PathSet working(std::span<const PathView> paths, PathSet of) {
  PathSet out;
  for (const PathView& path : paths)
    if (of.has(path.path) && share::is_in_use(path.state)) out.add(path.path);
  return out;
}

}  // namespace

MigrationNews Mover::begin(const Move& move, const PathPlan& plan, std::span<const PathView> paths,
                           base::Instant now) noexcept {
  MUST(!under_way());
  MUST(!move.from.empty() || !move.to.empty());
  move_ = move;
  before_ = plan;
  began_ = now;
  step_ = 0;
  phase_ = Phase::kProve;
  // A path is left because it fell: what takes over carries already.
  unproved_ = move.why == MoveReason::kFailure ? PathSet{} : move.to;
  for (const PathView& path : paths)
    paths_before_[base::to_index(path.path)] = {.rate_Bps = path.rate_Bps, .score = path.score};
  const auto news = enter(MigrationEvent::kBegin, now);
  MUST(news.has_value());
  return *news;
}

std::optional<MigrationNews> Mover::enter(MigrationEvent event, base::Instant now) noexcept {
  const auto to = next(state_, event);
  if (!to) return std::nullopt;
  state_ = *to;
  since_ = now;
  return MigrationNews{.state = state_, .event = event, .move = move_, .took = now - began_};
}

std::optional<MigrationNews> Mover::supersede(base::Instant now) noexcept {
  return enter(phase_ == Phase::kTrial ? MigrationEvent::kSettled : MigrationEvent::kSuperseded, now);
}

std::optional<MigrationNews> Mover::on_peers_plan(const PathPlan& theirs, base::Instant now) noexcept {
  bool same = true;
  move_.to.each([&](base::PathId path) { same = same && theirs.at(path).use == PathUse::kPrimary; });
  move_.from.each([&](base::PathId path) {
    const PathPlan::Entry& entry = theirs.at(path);
    same = same && (entry.use == PathUse::kBackup || entry.use == PathUse::kClosed || entry.part < share::kWholeWindow);
  });
  return same ? enter(MigrationEvent::kSettled, now) : supersede(now);
}

void Mover::on_asked(base::PathId path, std::uint32_t number) noexcept {
  Before& before = paths_before_[base::to_index(path)];
  if (!under_way() || before.asked) return;
  before.asked = true;
  before.probe_number = number;
}

MigrationNews Mover::roll_back(PathPlan& plan, MigrationEvent why, base::Instant now) noexcept {
  const auto restore = [&](base::PathId path) {
    plan.at(path).use = before_.at(path).use;
    plan.at(path).part = share::kWholeWindow;
  };
  move_.from.each(restore);
  move_.to.each(restore);
  plan.pinned = before_.pinned;
  const auto news = enter(why, now);
  MUST(news.has_value());
  return *news;
}

std::optional<MigrationNews> Mover::tick(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept {
  if (!under_way()) {
    if (state_ != MigrationState::kStable && now - since_ >= kShown) (void)enter(MigrationEvent::kRest, now);
    return std::nullopt;
  }
  if (!move_.to.empty() && working(paths, move_.to).empty()) return roll_back(plan, MigrationEvent::kTargetLost, now);
  switch (phase_) {
    case Phase::kProve: {
      const bool all = std::ranges::all_of(paths, [&](const PathView& path) {
        const Before& before = paths_before_[base::to_index(path.path)];
        return !unproved_.has(path.path) || (before.asked && path.probe_answered >= before.probe_number);
      });
      if (all) take_into_use(plan, paths, now);
      else if (now - began_ >= kProveWithin) return roll_back(plan, MigrationEvent::kTimedOut, now);
      break;
    }
    case Phase::kShift: shift(plan, paths, now); break;
    case Phase::kTrial:
      if (now < step_at_) break;
      if (is_worse(paths)) return roll_back(plan, MigrationEvent::kTrialFailed, now);
      return enter(MigrationEvent::kSettled, now);
  }
  return std::nullopt;
}

void Mover::take_into_use(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept {
  move_.to.each([&](base::PathId path) { plan.at(path).use = PathUse::kPrimary; });
  plan.pinned = move_.pin;
  phase_ = Phase::kShift;
  step_at_ = now;
  shift(plan, paths, now);
}

void Mover::shift(PathPlan& plan, std::span<const PathView> paths, base::Instant now) noexcept {
  const bool any_left = !working(paths, move_.from).empty();
  if (any_left && now < step_at_) return;
  if (any_left && step_ < kParts.size() && move_.why != MoveReason::kFailure) {
    move_.from.each([&](base::PathId path) { plan.at(path).part = kParts[step_]; });
    base::Duration round_trip{};
    for (const PathView& path : paths)
      if (move_.to.has(path.path)) round_trip = std::max(round_trip, path.srtt);
    ++step_;
    step_at_ = now + std::clamp(2 * round_trip, kStepMin, kStepMax);
    return;
  }
  move_.from.each([&](base::PathId path) {
    plan.at(path).use = PathUse::kBackup;
    plan.at(path).part = share::kWholeWindow;
  });
  phase_ = Phase::kTrial;
  step_at_ = now + kTrial;
}

bool Mover::is_worse(std::span<const PathView> paths) const noexcept {
  if (move_.from.empty() || move_.to.empty()) return false;
  if (move_.why != MoveReason::kBetter && move_.why != MoveReason::kDegraded) return false;
  std::uint64_t before = 0, after = 0;
  std::uint8_t score_before = 0, score_after = 0;
  move_.from.each([&](base::PathId path) {
    before += paths_before_[base::to_index(path)].rate_Bps;
    score_before = std::max(score_before, paths_before_[base::to_index(path)].score);
  });
  move_.to.each([&](base::PathId path) {
    const PathView* const view = find(paths, path);
    if (view == nullptr) return;
    after += view->rate_Bps;
    score_after = std::max(score_after, view->score);
  });
  if (move_.why == MoveReason::kDegraded) return score_after < score_before;
  return before > 0 && after > 0 && after * 1000 < before * kWorsePermille;
}

}  // namespace weft::migrate
