// VersionVector: who changed a file how often, the order of two states of one file.
// Invariant: counters sorted ascending by id, each id once, no value 0. A peer's unsorted vector is
// sorted on the way in (from_counters), because comparing is a merge walk and unsorted input gives
// wrong answers.
// Pure values, any thread. Source: bep_facts §10.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bep/proto/device_id.hh"

namespace weft::proto {

// Devices that ever changed one file; more is nonsense.
inline constexpr std::size_t kCountersMax = 1000;

// The concurrent flavours are decided by the first differing counter: whoever is bigger there. Both
// sides of a comparison thus agree on a winner.
enum class Ordering : std::uint8_t {
  kEqual, kGreater, kLesser, kConcurrentLesser, kConcurrentGreater,
};

class VersionVector {
 public:
  struct Counter {
    ShortId id = 0;
    std::uint64_t value = 0;
    friend bool operator==(const Counter&, const Counter&) = default;
  };

  VersionVector() = default;
  // Sorts and drops zero values. nullopt: an id twice, or more than kCountersMax.
  [[nodiscard]] static std::optional<VersionVector> from_counters(std::vector<Counter> counters);

  [[nodiscard]] Ordering compare(const VersionVector& other) const noexcept;
  // One more change by `id` at Unix time `now_s`: max(value + 1, now_s), saturating. A full
  // vector first loses its smallest value (the change longest ago), so local changes never fail.
  void update(ShortId id, std::uint64_t now_s);
  // Element-wise maximum; the result may exceed kCountersMax by what both sides hold, then the
  // smallest values go.
  void merge(const VersionVector& other);
  // Only the counter of `id` stays: makes the next comparison a conflict on purpose (bep_facts
  // §10).
  void keep_only(ShortId id);

  [[nodiscard]] std::uint64_t value_of(ShortId id) const noexcept;   // 0 when absent
  [[nodiscard]] bool empty() const noexcept { return counters_.empty(); }
  [[nodiscard]] std::span<const Counter> counters() const noexcept { return counters_; }
  friend bool operator==(const VersionVector&, const VersionVector&) = default;

 private:
  void drop_smallest_down_to(std::size_t count);
  std::vector<Counter> counters_;
};

}  // namespace weft::proto
