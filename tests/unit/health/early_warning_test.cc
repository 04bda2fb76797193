// Early warning over simulated paths, in virtual time, seeded: slow deaths are told before they happen, and healthy paths,
// however jittery, are left alone. Prints the table of README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/base/prng.hh"
#include "health/monitor.hh"

namespace weft::health {
namespace {

using base::Instant;
using base::milliseconds;
using base::seconds;
using share::PathState;

enum class Ill : std::uint8_t { kNot, kLatency, kLoss, kJitter, kAll };

// What one path is like at one time.
struct Nature {
  double rtt_us = 1000, jitter = 0.1, loss = 0;
};

// One path as control sees it, by steps of a second: at rest it shows what its probes found, under load what a few hundred
// packets did.
class SimPath {
 public:
  explicit SimPath(std::uint64_t seed) : dice_(seed) {
    healthy_.rtt_us = 100 * std::exp(unit() * 6);          // 0.1 to 40 ms
    healthy_.jitter = 0.02 + 0.4 * unit();                 // of its logarithm
    healthy_.loss = unit() < 0.5 ? 0 : 0.02 * unit();
    spikes_ = 0.02 * unit();
    bursts_ = unit() / 2000;
    report_.state = PathState::kActive;
    report_.validated = true;
    report_.rtt_min = base::microseconds(static_cast<std::int64_t>(healthy_.rtt_us));
  }

  // One second, `worse` from 0 (healthy) to 1 (about to fail).
  share::PathVerdict step(Ill ill, double worse, bool loaded) {
    now_ += seconds(1);
    const Nature nature = at(ill, worse);
    if (loaded) carry(nature);
    else if (asked_) answer(nature);
    report_.cwnd_bytes = 1'000'000;
    report_.in_flight_bytes = loaded ? 900'000 : 0;
    const share::PathVerdict verdict = judge(report_, memory_, {}, {}, now_);
    asked_ = verdict.probe_due;
    return verdict;
  }

 private:
  double unit() { return static_cast<double>(dice_.next() >> 11) * 0x1p-53; }
  double bell() { return unit() + unit() + unit() + unit() + unit() + unit() - 3 + 0.7 * (unit() - 0.5); }   // deviation 0.75

  Nature at(Ill ill, double worse) {
    Nature nature = healthy_;
    if (ill == Ill::kLatency || ill == Ill::kAll) nature.rtt_us *= std::pow(6, worse);
    if (ill == Ill::kLoss || ill == Ill::kAll) nature.loss += 0.9 * worse * worse;
    if (ill == Ill::kJitter || ill == Ill::kAll) nature.jitter += 1.5 * worse;
    if (burst_left_ == 0 && unit() < bursts_) burst_left_ = 2 + dice_.below(5);
    if (burst_left_ > 0) {
      --burst_left_;
      nature.rtt_us *= 3;
    }
    return nature;
  }
  void sample(const Nature& nature, double load_us) {
    double rtt = nature.rtt_us * std::exp(nature.jitter * std::fabs(bell())) + load_us;
    if (unit() < spikes_) rtt *= 10;
    srtt_us_ = srtt_us_ <= 0 ? rtt : srtt_us_ + (rtt - srtt_us_) / 8;
    report_.srtt = base::microseconds(static_cast<std::int64_t>(srtt_us_));
    report_.rtt_latest = base::microseconds(static_cast<std::int64_t>(rtt));
    report_.last_received = now_ - milliseconds(1);
  }
  void answer(const Nature& nature) {
    ++report_.packets_out;
    if (unit() < nature.loss) ++report_.packets_lost;
    else sample(nature, 0);
  }
  void carry(const Nature& nature) {
    for (int i = 0; i < 16; ++i) sample(nature, 2000);
    report_.packets_out += 1000;
    report_.packets_lost += static_cast<std::uint64_t>(1000 * nature.loss * (0.8 + 0.4 * unit()));
  }

  base::Prng dice_;
  Nature healthy_;
  double spikes_ = 0, bursts_ = 0, srtt_us_ = 0;
  std::uint32_t burst_left_ = 0;
  bool asked_ = true;
  Instant now_ = Instant{} + seconds(1000);
  PathReport report_;
  PathMemory memory_;
};

constexpr std::array kIlls{Ill::kLatency, Ill::kLoss, Ill::kJitter, Ill::kAll};
constexpr std::array kNames{"latency to six times", "loss to 90 %", "jitter to fourfold", "all three"};

// Paths that die over two to ten minutes after half an hour of health; the part that was told a keep-alive interval before.
double told_in_time(Ill ill, bool loaded, double& lead_s) {
  constexpr int kPaths = 200;
  int told = 0;
  lead_s = 0;
  for (std::uint64_t seed = 1; seed <= kPaths; ++seed) {
    SimPath path(seed);
    base::Prng dice(seed ^ 77);
    const int healthy_s = 1800 + static_cast<int>(dice.below(1800)), dying_s = 120 + static_cast<int>(dice.below(480));
    for (int s = 0; s < healthy_s; ++s) path.step(ill, 0, loaded);
    int warned = dying_s;
    for (int s = 0; s < dying_s; ++s)
      if (path.step(ill, static_cast<double>(s) / dying_s, loaded).degrading) warned = std::min(warned, s);
    if (dying_s - warned >= kIdleProbe.ms() / 1000) ++told;
    lead_s += static_cast<double>(dying_s - warned) / kPaths;
  }
  return 100.0 * told / kPaths;
}

TEST(EarlyWarning, SlowDeathsAreToldAKeepAliveIntervalBefore) {
  double sum = 0;
  for (const bool loaded : {false, true})
    for (std::size_t i = 0; i < kIlls.size(); ++i) {
      double lead_s = 0;
      const double told = told_in_time(kIlls[i], loaded, lead_s);
      sum += told;
      std::printf("| %-20s | %-10s | %5.1f %% | %4.0f s |\n", kNames[i], loaded ? "under load" : "at rest", told, lead_s);
      EXPECT_GE(told, 75) << kNames[i] << loaded;   // a load's queue hides what is smaller than itself
    }
  EXPECT_GE(sum / (2 * kIlls.size()), 90);
}

TEST(EarlyWarning, HealthyJitteryPathsAreLeftAlone) {
  constexpr int kDays = 40, kDay = 86'400;
  for (const bool loaded : {false, true}) {
    int alarms = 0;
    for (std::uint64_t seed = 1; seed <= kDays; ++seed) {
      SimPath path(seed);
      bool alarmed = false;
      for (int s = 0; s < kDay; ++s) {
        // Loads come and go in either case.
        const bool busy = loaded != (s / 600 % 3 == 0);
        const bool now = path.step(Ill::kNot, 0, busy).degrading;
        if (now && !alarmed) ++alarms;
        alarmed = now;
      }
    }
    std::printf("| %d false alarms in %d days, %s\n", alarms, kDays, loaded ? "mostly under load" : "mostly at rest");
    EXPECT_LE(alarms, kDays);
  }
}

}  // namespace
}  // namespace weft::health
