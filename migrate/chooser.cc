#include "migrate/chooser.hh"

#include <algorithm>

namespace weft::migrate {
namespace {

using share::PathRole;
using share::PathState;

// It has answered once, and is not about to go.
bool is_proved(const PathView& path) {
  return share::is_usable(path.state) || (path.state == PathState::kDown && path.srtt.ns > 0);
}

// Smaller is used first.
constexpr std::uint64_t tier_of(const PathView& path) {
  return (std::uint64_t{path.metered} << 33) | (std::uint64_t{path.role_of_ports == PathRole::kBackup} << 32) | path.cost;
}

constexpr Standing dearer(const PathView& path) {
  return path.metered ? Standing::kMetered : path.role_of_ports == PathRole::kBackup ? Standing::kBackup : Standing::kDearer;
}

// By speed and score, and where these are about even by the round trip. Speeds below 2^43 leave the products below 2^63.
bool is_better(const PathView& path, const PathView& than, std::uint32_t permille) {
  const bool speeds = path.speed_Bps > 0 && than.speed_Bps > 0;
  const auto worth = [speeds](const PathView& p) { return (speeds ? p.speed_Bps / 1024 : 1) * p.score; };
  if (worth(path) * 1000 > worth(than) * permille) return true;
  if (worth(path) * permille < worth(than) * 1000 || path.srtt.ns == 0 || than.srtt.ns == 0) return false;
  // Below a millisecond's difference nobody would notice.
  return than.srtt > path.srtt + base::milliseconds(1) && than.srtt.us() * 1000 > path.srtt.us() * permille;
}

// Of equals the one shown first; null: there is none.
const PathView* best_of(std::span<const PathView> paths, PathSet of) {
  const PathView* best = nullptr;
  for (const PathView& path : paths)
    if (of.has(path.path) && (best == nullptr || is_better(path, *best, 1000))) best = &path;
  return best;
}

}  // namespace

const PathView* find(std::span<const PathView> paths, base::PathId path) noexcept {
  const auto found = std::ranges::find(paths, path, &PathView::path);
  return found == paths.end() || found->state == PathState::kAbsent ? nullptr : &*found;
}

const char* sentence_of(Standing standing) noexcept {
  switch (standing) {
    case Standing::kUsed: return "is used";
    case Standing::kAboutToBe: return "stands by, and is about to be used";
    case Standing::kUnproved: return "has not answered yet";
    case Standing::kFallen: return "does not answer; used again when it does";
    case Standing::kUnfit: return "stands by: its score was low for too long";
    case Standing::kDearer: return "stands by: another costs less";
    case Standing::kBackup: return "stands by: a port of it has the role backup";
    case Standing::kMetered: return "stands by: a port of it is metered";
    case Standing::kSpare: return "stands by: one path at a time, and another is no worse";
    case Standing::kNotChosen: return "stands by: the operator has chosen others";
    case Standing::kClosed: return "is closed";
    case Standing::kCount: break;
  }
  return "unknown";
}

base::Duration Chooser::dwell(const Seen& seen, base::Instant now) const noexcept {
  const std::uint32_t doublings = now - seen.swung < kForget ? std::min(seen.swings, kDoublingsMax) : 0;
  return settings_.dwell * (std::int64_t{1} << doublings);
}

void Chooser::observe(std::span<const PathView> paths, base::Instant now) noexcept {
  const std::uint32_t low = settings_.leave_below;
  for (const PathView& path : paths) {
    Seen& seen = seen_[base::to_index(path.path)];
    const bool bad = path.score < low || (path.degrading && path.score < low + kFitAgain);
    const bool well = !path.degrading && path.score >= std::min(low + kFitAgain, 100u);
    const bool turning = share::is_in_use(path.state) && low > 0 && (seen.unfit ? well : bad);
    if (!turning) {
      seen.turning_since = base::kNever;
      continue;
    }
    if (seen.turning_since == base::kNever) seen.turning_since = now;
    // It is left after the dwell time, however often it was; it is taken again after ever longer ones.
    if (now - seen.turning_since < (seen.unfit ? dwell(seen, now) : settings_.dwell)) continue;
    seen.turning_since = base::kNever;
    seen.unfit = !seen.unfit;
    if (!seen.unfit) continue;
    seen.swings = now - seen.swung < kForget ? seen.swings + 1 : 0;
    seen.swung = now;
  }
}

PathSet Chooser::pick_one(std::span<const PathView> paths, PathSet of, PathSet in_use, base::Instant now,
                          Choice& choice) const noexcept {
  const PathSet stays = of.both(in_use);
  const PathView* best = best_of(paths, stays.empty() ? of : stays);
  PathSet one, rivals;
  if (best == nullptr) return one;
  for (const PathView& path : paths)
    if (!stays.empty() && of.has(path.path) && is_better(path, *best, settings_.better_permille)) rivals.add(path.path);
  if (const PathView* const rival = best_of(paths, rivals)) {
    choice.rival = rival->path;
    choice.rival_since = rival_since_ != base::kNever && rival_ == rival->path ? rival_since_ : now;
    if (now - choice.rival_since >= settings_.dwell) best = rival;
  }
  one.add(best->path);
  return one;
}

bool Chooser::may_decide(MoveReason why, base::Instant now) const noexcept {
  if (why == MoveReason::kFailure || why == MoveReason::kDegraded) return true;
  return settings_.we_are_low && (peers_word_ == base::kNever || now - peers_word_ >= kPeersWord);
}

Choice Chooser::choose(std::span<const PathView> paths, const PathPlan& plan, base::Instant now) const noexcept {
  Choice choice;
  PathSet open, fit, working, answering, primary;
  for (const PathView& path : paths) {
    if (plan.at(path.path).use == PathUse::kClosed || !is_proved(path)) continue;
    open.add(path.path);
    if (path.role == PathRole::kPrimary) primary.add(path.path);
    if (share::is_usable(path.state)) working.add(path.path);
    if (share::is_in_use(path.state)) answering.add(path.path);
    if (!is_unfit(path.path)) fit.add(path.path);
  }
  // A suspect path is not taken, but it is not left either.
  const PathSet eligible = answering.with(primary.both(working));
  const PathSet best = eligible.both(fit).empty() ? eligible : eligible.both(fit);
  std::uint64_t tier = UINT64_MAX;
  for (const PathView& path : paths)
    if (best.has(path.path)) tier = std::min(tier, tier_of(path));
  PathSet of_tier, fallen;
  for (const PathView& path : paths) {
    if (best.has(path.path) && tier_of(path) == tier) of_tier.add(path.path);
    if (primary.has(path.path) && !working.has(path.path) && fit.has(path.path) && tier_of(path) <= tier) fallen.add(path.path);
  }
  const bool pinned = plan.pinned && !primary.both(working).empty();
  if (pinned) choice.wanted = primary;
  else if (settings_.multipath) choice.wanted = of_tier.with(fallen);   // what fell is used again when it is back
  else choice.wanted = pick_one(paths, of_tier, primary, now, choice);

  for (const PathView& path : paths) {
    Standing& standing = choice.standing[base::to_index(path.path)];
    if (plan.at(path.path).use == PathUse::kClosed || path.state == PathState::kDraining) standing = Standing::kClosed;
    else if (!open.has(path.path)) standing = Standing::kUnproved;
    else if (!working.has(path.path)) standing = Standing::kFallen;
    else if (choice.wanted.has(path.path))
      standing = path.role == PathRole::kPrimary ? Standing::kUsed : Standing::kAboutToBe;
    else if (pinned) standing = Standing::kNotChosen;
    else if (!fit.has(path.path)) standing = Standing::kUnfit;
    else standing = tier_of(path) > tier ? dearer(path) : Standing::kSpare;
  }

  choice.move = {.from = primary.without(choice.wanted), .to = choice.wanted.without(primary)};
  if (of_tier.empty() || (choice.move.from.empty() && choice.move.to.empty())) {
    choice.move = {};
    return choice;
  }
  const PathSet left = choice.move.from;
  MoveReason why = MoveReason::kPreferred;
  if (primary.both(working).empty()) why = MoveReason::kFailure;
  else if (!left.without(fit).empty()) why = MoveReason::kDegraded;
  else if (choice.rival_since != base::kNever && choice.move.to.has(choice.rival)) why = MoveReason::kBetter;
  else if (left.empty()) why = MoveReason::kRecovered;
  choice.move.why = why;
  // To let go of what is dearer while what is wanted carries is no matter of opinion.
  const bool lets_go = why == MoveReason::kPreferred && choice.move.to.empty();
  if (!lets_go && !may_decide(why, now)) choice.move = {};
  return choice;
}

}  // namespace weft::migrate
