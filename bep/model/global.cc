#include "bep/model/global.hh"

#include "engine/base/must.hh"

namespace weft::model {
namespace {

using proto::Ordering;

// Rule 3, for two entries of which neither dominates the other.
bool beats(const Candidate& a, const Candidate& b) noexcept {
  if (a.deleted != b.deleted) return !a.deleted;
  if (a.modified_s != b.modified_s) return a.modified_s > b.modified_s;
  if (a.modified_ns != b.modified_ns) return a.modified_ns > b.modified_ns;
  return a.version->compare(*b.version) == Ordering::kConcurrentGreater;
}

}  // namespace

std::size_t pick_global(std::span<const Candidate> candidates) noexcept {
  MUST(!candidates.empty());
  if (candidates.size() == 1) return 0;
  bool any_valid = false;
  for (const Candidate& candidate : candidates) any_valid |= !candidate.invalid;
  const auto eligible = [&](const Candidate& candidate) {
    return !any_valid || !candidate.invalid;
  };
  const auto dominated = [&](const Candidate& candidate) {
    for (const Candidate& other : candidates)
      if (&other != &candidate && eligible(other) &&
          candidate.version->compare(*other.version) == Ordering::kLesser)
        return true;
    return false;
  };
  std::size_t best = candidates.size();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!eligible(candidates[i]) || dominated(candidates[i])) continue;
    if (best == candidates.size() || beats(candidates[i], candidates[best])) best = i;
  }
  // "Dominates" is a strict partial order, so some eligible entry is not dominated.
  MUST(best < candidates.size());
  return best;
}

bool needs(const Candidate& global, const Candidate* have) noexcept {
  if (global.invalid || global.version->empty()) return false;
  if (have == nullptr) return !global.deleted;
  const Ordering order = have->version->compare(*global.version);
  return order != Ordering::kEqual && order != Ordering::kGreater;
}

}  // namespace weft::model
