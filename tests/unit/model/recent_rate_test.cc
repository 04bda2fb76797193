#include "bep/model/recent_rate.hh"

#include <gtest/gtest.h>

namespace weft::model {
namespace {

TEST(RecentRate, IsThatOfTheLastSecondAndFadesWhenNothingComes) {
  const base::Instant began{};
  const auto at = [&](std::int64_t ms) { return began + base::milliseconds(ms); };
  RecentRate rate(began);
  EXPECT_EQ(rate.at(began), 0u);
  rate.add(5000, at(500));
  EXPECT_EQ(rate.at(at(500)), 10'000u);        // of what there is yet
  for (int i = 1; i <= 20; ++i) rate.add(1000, at(500 + 100 * i));
  EXPECT_EQ(rate.at(at(2500)), 10'000u);
  EXPECT_EQ(rate.at(at(4900)), 10'000u);
  EXPECT_LT(rate.at(at(7000)), 2'000u);
  EXPECT_LE(rate.at(at(3'600'000)), 1u);
}

}  // namespace
}  // namespace weft::model
