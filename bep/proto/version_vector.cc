#include "bep/proto/version_vector.hh"

#include <algorithm>
#include <utility>

#include "engine/base/must.hh"

namespace weft::proto {
namespace {

bool id_less(const VersionVector::Counter& counter, ShortId id) { return counter.id < id; }

}  // namespace

std::optional<VersionVector> VersionVector::from_counters(std::vector<Counter> counters) {
  if (counters.size() > kCountersMax) return std::nullopt;
  std::sort(counters.begin(), counters.end(),
            [](const Counter& a, const Counter& b) { return a.id < b.id; });
  for (std::size_t i = 1; i < counters.size(); ++i)
    if (counters[i - 1].id == counters[i].id) return std::nullopt;
  std::erase_if(counters, [](const Counter& counter) { return counter.value == 0; });
  VersionVector vector;
  vector.counters_ = std::move(counters);
  return vector;
}

Ordering VersionVector::compare(const VersionVector& other) const noexcept {
  bool greater = false, lesser = false, greater_first = false;
  std::size_t i = 0, j = 0;
  const auto& ours = counters_;
  const auto& theirs = other.counters_;
  while (i < ours.size() || j < theirs.size()) {
    std::uint64_t a = 0, b = 0;   // of the lowest id not looked at yet; absent is 0
    const bool take_ours = j == theirs.size() || (i < ours.size() && ours[i].id <= theirs[j].id);
    const bool take_theirs = i == ours.size() || (j < theirs.size() && theirs[j].id <= ours[i].id);
    if (take_ours) a = ours[i++].value;
    if (take_theirs) b = theirs[j++].value;
    if (a == b) continue;
    if (!greater && !lesser) greater_first = a > b;
    (a > b ? greater : lesser) = true;
  }
  if (greater && lesser)
    return greater_first ? Ordering::kConcurrentGreater : Ordering::kConcurrentLesser;
  if (greater) return Ordering::kGreater;
  return lesser ? Ordering::kLesser : Ordering::kEqual;
}

void VersionVector::update(ShortId id, std::uint64_t now_s) {
  auto at = std::lower_bound(counters_.begin(), counters_.end(), id, id_less);
  if (at == counters_.end() || at->id != id) {
    drop_smallest_down_to(kCountersMax - 1);
    at = std::lower_bound(counters_.begin(), counters_.end(), id, id_less);
    counters_.insert(at, Counter{id, std::max<std::uint64_t>(1, now_s)});
  } else {
    const std::uint64_t next = at->value == UINT64_MAX ? UINT64_MAX : at->value + 1;
    at->value = std::max(next, now_s);
  }
  MUST(counters_.size() <= kCountersMax);
  MUST(value_of(id) > 0);
}

void VersionVector::merge(const VersionVector& other) {
  std::vector<Counter> merged;
  merged.reserve(counters_.size() + other.counters_.size());
  auto ours = counters_.begin();
  auto theirs = other.counters_.begin();
  while (ours != counters_.end() || theirs != other.counters_.end()) {
    if (theirs == other.counters_.end() || (ours != counters_.end() && ours->id < theirs->id))
      merged.push_back(*ours++);
    else if (ours == counters_.end() || theirs->id < ours->id)
      merged.push_back(*theirs++);
    else {
      merged.push_back({ours->id, std::max(ours->value, theirs->value)});
      ++ours;
      ++theirs;
    }
  }
  counters_ = std::move(merged);
  drop_smallest_down_to(kCountersMax);
}

void VersionVector::drop_smallest_down_to(std::size_t count) {
  while (counters_.size() > count)
    counters_.erase(std::min_element(counters_.begin(), counters_.end(),
        [](const Counter& a, const Counter& b) { return a.value < b.value; }));
}

void VersionVector::keep_only(ShortId id) {
  std::erase_if(counters_, [id](const Counter& counter) { return counter.id != id; });
}

std::uint64_t VersionVector::value_of(ShortId id) const noexcept {
  const auto at = std::lower_bound(counters_.begin(), counters_.end(), id, id_less);
  return at == counters_.end() || at->id != id ? 0 : at->value;
}

}  // namespace weft::proto
