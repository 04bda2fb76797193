// Instant and Duration: the engine's time, signed nanoseconds of one monotonic clock.
// Why not std::chrono: protocol code may not be able to read a clock even by accident, and the two types
// must be trivially copyable plain numbers in rings and snapshots.
// Bounds: 292 years; arithmetic on configuration-sized values does not overflow.
// Not here: wall-clock time (file mtimes, version counters): bep/model reads that.
#pragma once

#include <compare>
#include <cstdint>

namespace weft::base {

struct Duration {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(Duration, Duration) = default;
  constexpr Duration operator-() const { return {-ns}; }
  constexpr Duration& operator+=(Duration o) { ns += o.ns; return *this; }
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
  friend constexpr Duration operator*(Duration a, std::int64_t k) { return {a.ns * k}; }
  friend constexpr Duration operator*(std::int64_t k, Duration a) { return {a.ns * k}; }
  friend constexpr Duration operator/(Duration a, std::int64_t k) { return {a.ns / k}; }
  [[nodiscard]] constexpr std::int64_t us() const { return ns / 1000; }
  [[nodiscard]] constexpr std::int64_t ms() const { return ns / 1'000'000; }
};

constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
constexpr Duration microseconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }
inline constexpr Duration kForever{INT64_MAX / 4};  // safe to add to any Instant of this process

struct Instant {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(Instant, Instant) = default;
  constexpr Instant& operator+=(Duration d) { ns += d.ns; return *this; }
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.ns}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.ns}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
};
inline constexpr Instant kNever{INT64_MAX / 2};  // "no deadline"

// The seam to the world: an agent reads it once per turn and hands `now` down.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() noexcept = 0;
};

}  // namespace weft::base
