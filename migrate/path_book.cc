#include "migrate/path_book.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::migrate {

using share::PathReason;
using share::PathRole;

std::optional<PathChange> PathBook::add(base::PathId path, PathRole role,
                                        base::Instant now) noexcept {
  MUST(base::to_index(path) < entries_.size());
  share::PathEntry& entry = entries_[base::to_index(path)];
  const auto change = move(path, PathEvent::kAdd, PathReason::kOperator, now);
  if (change.has_value()) entry.role = role;
  return change;
}

std::optional<PathChange> PathBook::remove(base::PathId path, base::Instant now) noexcept {
  return move(path, PathEvent::kRemove, PathReason::kOperator, now);
}

std::optional<PathChange> PathBook::set_role(base::PathId path, PathRole role,
                                             base::Instant now, PathReason why) noexcept {
  MUST(base::to_index(path) < entries_.size());
  share::PathEntry& entry = entries_[base::to_index(path)];
  if (entry.role == role) return std::nullopt;
  entry.role = role;
  const PathEvent event =
      role == PathRole::kBackup ? PathEvent::kMakeBackup : PathEvent::kMakePrimary;
  // In the other states the role waits for the next answer.
  if (!next(entry.state, event).has_value()) return std::nullopt;
  return move(path, event, why, now);
}

std::optional<PathChange> PathBook::follow(base::PathId path, const PathPlan::Entry& plan, PathRole of_ports,
                                           base::Instant now) noexcept {
  MUST(base::to_index(path) < entries_.size());
  MUST(plan.part > 0 && plan.part <= share::kWholeWindow);
  share::PathEntry& entry = entries_[base::to_index(path)];
  if (entry.state == PathState::kAbsent || entry.state == PathState::kDraining) return std::nullopt;
  if (plan.use == PathUse::kClosed) return remove(path, now);
  entry.part = plan.part;
  return set_role(path, role_in(plan.use, of_ports), now, PathReason::kMigration);
}

void PathBook::set_weight(base::PathId path, std::uint8_t weight) noexcept {
  MUST(base::to_index(path) < entries_.size());
  MUST(weight > 0);
  entries_[base::to_index(path)].weight = weight;
}

std::optional<PathChange> PathBook::retry(base::PathId path, base::Instant now) noexcept {
  return move(path, PathEvent::kRetry, PathReason::kOperator, now);
}

std::uint32_t PathBook::ask(base::PathId path) noexcept {
  MUST(base::to_index(path) < entries_.size());
  MUST(entries_[base::to_index(path)].state != PathState::kAbsent);
  return ++entries_[base::to_index(path)].probe_seq;
}

std::optional<PathChange> PathBook::apply(const share::PathVerdict& verdict,
                                          base::Instant now) noexcept {
  MUST(base::to_index(verdict.path) < entries_.size());
  MUST(verdict.score <= 100);
  share::PathEntry& entry = entries_[base::to_index(verdict.path)];
  if (entry.state == PathState::kAbsent) return std::nullopt;  // removed since the report was made
  entry.score = verdict.score;
  if (verdict.probe_due) ++entry.probe_seq;
  if (!verdict.has_event) return std::nullopt;
  const bool backup_answers =
      verdict.event == PathEvent::kAnswered && entry.role == PathRole::kBackup;
  return move(verdict.path, backup_answers ? PathEvent::kAnsweredAsBackup : verdict.event,
              verdict.reason, now);
}

const share::PathEntry& PathBook::entry(base::PathId path) const noexcept {
  MUST(base::to_index(path) < entries_.size());
  return entries_[base::to_index(path)];
}

std::uint32_t PathBook::usable_count() const noexcept {
  std::uint32_t count = 0;
  for (const share::PathEntry& entry : entries_)
    if (share::is_usable(entry.state)) ++count;
  return count;
}

bool PathBook::is_probing() const noexcept {
  return std::ranges::any_of(entries_, [](const share::PathEntry& e) { return e.state == share::PathState::kProbing; });
}

std::optional<PathChange> PathBook::move(base::PathId path, PathEvent event, PathReason why,
                                         base::Instant now) noexcept {
  const std::size_t index = base::to_index(path);
  MUST(index < entries_.size());
  share::PathEntry& entry = entries_[index];
  const std::optional<PathState> to = next(entry.state, event);
  if (!to.has_value()) {
    ++refused_;
    return std::nullopt;
  }
  const PathChange change{.path = path, .from = entry.state, .to = *to, .event = event,
                          .why = why, .stayed = now - since_[index]};
  // A probe number is never used twice: a late answer must not speak for a path added anew.
  if (*to == PathState::kAbsent || entry.state == PathState::kAbsent)
    entry = {.score = 0, .probe_seq = entry.probe_seq};
  entry.state = *to;
  since_[index] = now;
  return change;
}

}  // namespace weft::migrate
