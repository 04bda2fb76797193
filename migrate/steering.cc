#include "migrate/steering.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::migrate {
namespace {

template <typename T, std::size_t N> std::optional<T> take_first(base::FixedVector<T, N>& list) {
  if (list.empty()) return std::nullopt;
  const T first = list[0];
  std::copy(list.begin() + 1, list.end(), list.begin());
  list.pop_back();
  return first;
}

// Windows are parted by the migration under way alone: what one that ended has left, here or at the other end, ends with the
// next decision.
PathPlan made_whole(PathPlan plan) {
  for (PathPlan::Entry& entry : plan.paths) entry.part = share::kWholeWindow;
  return plan;
}

}  // namespace

bool Steering::decide(const PathPlan& plan) noexcept {
  if (plan == plan_) return true;
  if (plan_.number == PathPlan::kNumberMax) return false;
  const std::uint64_t number = plan_.number + 1;
  plan_ = plan;
  plan_.number = number;
  plan_.by_low = chooser_.settings().we_are_low;
  return plan_changed_ = true;
}

void Steering::take_note(const MigrationNews& news, base::Instant now) noexcept {
  (void)news_.try_push(news);
  if (news.state == MigrationState::kMigrating) {
    ++counters_.begun;
    return;
  }
  if (news.state == MigrationState::kCompleted) {
    ++counters_.completed;
    counters_.took += news.took;
    const auto bound = std::ranges::lower_bound(MigrationCounters::kBounds, news.took);
    ++counters_.by_duration[static_cast<std::size_t>(bound - MigrationCounters::kBounds.begin())];
    failures_ = 0;
    not_before_ = {};
    return;
  }
  ++counters_.failed;
  if (news.event == MigrationEvent::kSuperseded) return;
  ++counters_.rolled_back;
  if (news.move.pin) return;
  const std::int64_t doublings = std::int64_t{1} << std::min(failures_++, 10u);
  not_before_ = now + std::min(doublings * chooser_.settings().dwell, kRetryMax);
}

void Steering::supersede(base::Instant now) noexcept {
  if (const auto news = mover_.supersede(now)) take_note(*news, now);
}

void Steering::begin(const Move& move, std::span<const PathView> paths, base::Instant now) noexcept {
  MUST(decide(made_whole(plan_)));
  take_note(mover_.begin(move, plan_, paths, now), now);
  to_ask_ = to_ask_.with(mover_.unproved());
}

PathError Steering::order(Move move, std::span<const PathView> paths, base::Instant now) noexcept {
  move.why = MoveReason::kOperator;
  move.pin = true;
  if (!may_decide()) return PathError::kSuperseded;
  if (mover_.under_way()) {
    if (mover_.move().pin && mover_.move().from == move.from && mover_.move().to == move.to) {
      ++counters_.merged;
      return PathError::kNone;
    }
    supersede(now);
  }
  if (!move.from.empty() || !move.to.empty()) {
    begin(move, paths, now);
    return PathError::kNone;
  }
  PathPlan plan = made_whole(plan_);
  plan.pinned = true;
  return decide(plan) ? PathError::kNone : PathError::kSuperseded;
}

PathError Steering::switch_to(base::PathId path, std::span<const PathView> paths, base::Instant now) noexcept {
  const PathView* const target = find(paths, path);
  if (target == nullptr || is_closed(path)) return PathError::kUnknownPath;
  if (!share::is_in_use(target->state)) return PathError::kNotValidated;
  Move move;
  for (const PathView& other : paths)
    if (other.path != path && other.role == share::PathRole::kPrimary && !is_closed(other.path)) move.from.add(other.path);
  if (target->role != share::PathRole::kPrimary) move.to.add(path);
  return order(move, paths, now);
}

PathError Steering::move(base::PathId from, base::PathId to, std::span<const PathView> paths, base::Instant now) noexcept {
  const PathView* const source = find(paths, from);
  const PathView* const target = find(paths, to);
  if (source == nullptr || target == nullptr || is_closed(from) || is_closed(to)) return PathError::kUnknownPath;
  if (from == to) return PathError::kNothingToDo;
  if (!share::is_in_use(target->state)) return PathError::kNotValidated;
  Move move;
  if (source->role == share::PathRole::kPrimary) move.from.add(from);
  if (target->role != share::PathRole::kPrimary) move.to.add(to);
  if (move.from.empty() && move.to.empty()) return PathError::kNothingToDo;
  return order(move, paths, now);
}

PathError Steering::close(base::PathId path, std::span<const PathView> paths, base::Instant now) noexcept {
  const PathView* const target = find(paths, path);
  if (target == nullptr || is_closed(path)) return PathError::kUnknownPath;
  const PathView* spare = nullptr;     // the best of the others
  bool carries = false;                // one of them is in use
  for (const PathView& other : paths) {
    if (other.path == path || is_closed(other.path) || !share::is_in_use(other.state)) continue;
    carries = carries || other.role == share::PathRole::kPrimary;
    if (spare == nullptr || other.score > spare->score) spare = &other;
  }
  if (spare == nullptr) return PathError::kLastPath;
  supersede(now);
  PathPlan plan = made_whole(plan_);
  if (plan.at(path).life == PathPlan::kLifeMax) return PathError::kSuperseded;
  plan.at(path) = {.use = PathUse::kClosed, .life = static_cast<std::uint16_t>(plan.at(path).life + 1)};
  // Where it was the only one in use another takes its place at once: it stands by, and is proved.
  if (!carries) plan.at(spare->path).use = PathUse::kPrimary;
  return decide(plan) ? PathError::kNone : PathError::kSuperseded;
}

PathError Steering::open(base::PathId path, std::span<const PathView> paths) noexcept {
  if (find(paths, path) != nullptr && !is_closed(path)) return PathError::kPathExists;
  PathPlan plan = made_whole(plan_);
  plan.at(path).use = PathUse::kDefault;
  return decide(plan) ? PathError::kNone : PathError::kSuperseded;
}

PathError Steering::unpin(base::Instant now) noexcept {
  // An automatic one goes on: ended each time that somebody says this, it would never be through.
  if (!plan_.pinned && !mover_.may_pin()) return PathError::kNothingToDo;
  if (mover_.under_way()) supersede(now);
  PathPlan plan = made_whole(plan_);
  plan.pinned = false;
  chooser_.forget_peers_plan();
  return decide(plan) ? PathError::kNone : PathError::kSuperseded;
}

PathError Steering::probe(base::PathId path, base::Duration deadline, std::span<const PathView> paths,
                          base::Instant now) noexcept {
  const PathView* const target = find(paths, path);
  if (target == nullptr) return PathError::kUnknownPath;
  Probe& probe = probes_[base::to_index(path)];
  if (probe.wanted) {
    probe.until = std::max(probe.until, now + deadline);
    return PathError::kNone;
  }
  probe = {.wanted = true, .until = now + deadline};
  to_ask_.add(path);
  return PathError::kNone;
}

void Steering::look_for_answers(std::span<const PathView> paths, base::Instant now) noexcept {
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    Probe& probe = probes_[i];
    if (!probe.wanted) continue;
    const base::PathId path{static_cast<std::uint8_t>(i)};
    const PathView* const view = find(paths, path);
    const bool answered = view != nullptr && probe.asked && view->probe_answered >= probe.number;
    if (view != nullptr && !answered && now < probe.until) continue;
    probe = {};
    const ProbeResult result{.path = path,
                             .error = view == nullptr ? PathError::kUnknownPath
                                      : answered      ? PathError::kNone
                                                      : PathError::kDeadlineExceeded,
                             .rtt = answered ? view->rtt_latest : base::Duration{}};
    (void)probed_.try_push(result);
  }
}

void Steering::on_asked(base::PathId path, std::uint32_t number) noexcept {
  Probe& probe = probes_[base::to_index(path)];
  if (probe.wanted && !probe.asked) {
    probe.asked = true;
    probe.number = number;
  }
  mover_.on_asked(path, number);
}

bool Steering::renew(base::PathId path, std::uint16_t least) noexcept {
  PathPlan plan = plan_;
  plan.at(path).life = std::max(plan.at(path).life, least);
  return decide(plan);
}

bool Steering::on_peers_plan(const PathPlan& theirs, base::Instant now) noexcept {
  MUST(theirs.number <= PathPlan::kNumberMax);
  if (!is_newer(theirs, plan_)) return false;
  if (const auto news = mover_.on_peers_plan(theirs, now)) {
    if (news->event == MigrationEvent::kSettled) ++counters_.merged;
    take_note(*news, now);
  }
  // Its operator lets go: whoever decides such things may.
  if (plan_.pinned && !theirs.pinned) chooser_.forget_peers_plan();
  else chooser_.on_peers_plan(now);
  plan_ = theirs;
  plan_changed_ = false;
  peer_moves_until_ = theirs == made_whole(theirs) ? base::Instant{} : now + Mover::kLongest;
  return true;
}

void Steering::on_path_gone(base::PathId path, bool our_port_went) noexcept {
  chooser_.forget(path);
  to_ask_.remove(path);
  if (!our_port_went || is_closed(path)) return;
  PathPlan plan = plan_;
  plan.at(path) = {.use = PathUse::kDefault, .life = plan.at(path).life};
  (void)decide(plan);
}

void Steering::tick(std::span<const PathView> paths, base::Instant now) noexcept {
  chooser_.observe(paths, now);
  look_for_answers(paths, now);
  PathPlan plan = plan_;
  const auto news = mover_.tick(plan, paths, now);
  if (news) take_note(*news, now);
  // What was shown is what was before: the next look shows what it led to.
  if (!decide(plan) || mover_.under_way() || news) return;
  const Choice choice = chooser_.choose(paths, plan_, now);
  chooser_.remember(choice);
  if (choice.move.why == MoveReason::kNone || !may_decide()) return;
  if (now < not_before_ || now < peer_moves_until_) return;
  begin(choice.move, paths, now);
}

bool Steering::is_busy() const noexcept {
  return mover_.under_way() || plan_changed_ || !to_ask_.empty() || !news_.empty() || !probed_.empty() ||
         std::ranges::any_of(probes_, &Probe::wanted);
}

std::optional<MigrationNews> Steering::take_news() noexcept { return take_first(news_); }
std::optional<ProbeResult> Steering::take_probe() noexcept { return take_first(probed_); }

}  // namespace weft::migrate
