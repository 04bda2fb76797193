// The simulator's own promises, and the seeds that once found something.
#include <gtest/gtest.h>

#include "engine/base/log.hh"
#include "tests/sim/regressions.hh"
#include "tests/sim/world.hh"

namespace weft::sim {
namespace {

TEST(Sim, ASeedIsTheSameWorldToTheByte) {
  base::configure_log(base::all_at(base::LogLevel::kError), base::LogFormat::kText);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    const Outcome first = run_seed(seed), second = run_seed(seed);
    EXPECT_EQ(first.trace_hash, second.trace_hash) << "seed " << seed;
    EXPECT_EQ(first.packets, second.packets) << "seed " << seed;
    EXPECT_NE(first.trace_hash, run_seed(seed + 1000).trace_hash);
  }
}

TEST(Sim, ATraceDoesNotChangeTheWorld) {
  std::FILE* nowhere = std::fopen("/dev/null", "w");
  ASSERT_NE(nowhere, nullptr);
  EXPECT_EQ(run_seed(5, nowhere).trace_hash, run_seed(5).trace_hash);
  std::fclose(nowhere);
}

class Regressions : public testing::TestWithParam<Regression> {};

TEST_P(Regressions, PassNow) {
  base::configure_log(base::all_at(base::LogLevel::kError), base::LogFormat::kText);
  const Outcome outcome = run_seed(GetParam().seed);
  EXPECT_FALSE(outcome.failed) << outcome.checker << ": " << outcome.text << "\nonce found: " << GetParam().found;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Regressions, testing::ValuesIn(kRegressions),
                         [](const auto& at) { return at.param.name; });

}  // namespace
}  // namespace weft::sim
