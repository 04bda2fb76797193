// By which link a block is asked for (bep/model/link_choice.hh), and how quickly one is taken to answer (link_meter.hh).
#include "bep/model/link_choice.hh"

#include <gtest/gtest.h>

#include <array>
#include <deque>

#include "bep/model/link_meter.hh"

namespace weft::model {
namespace {

using base::milliseconds;

constexpr std::uint32_t kBlock = 131'072;
constexpr base::Instant at(base::Duration since) { return base::Instant{} + base::seconds(1) + since; }

TEST(LinkChoice, NoneIsUsable) {
  for (std::size_t i = 0; i < kLinkStrategyNames.size(); ++i) {
    LinkChoice choice(static_cast<LinkStrategy>(i), 1);
    EXPECT_EQ(choice.pick({}), std::nullopt);
    EXPECT_EQ(choice.pick(std::array<LinkView, 3>{}), std::nullopt);
  }
}

TEST(LinkChoice, OnlyWhatIsUsable) {
  const LinkView worst{.usable = true, .score = 0, .outstanding = 9, .arrival = milliseconds(9)};
  const std::array<LinkView, 3> links{LinkView{}, worst, LinkView{}};
  for (std::size_t i = 0; i < kLinkStrategyNames.size(); ++i) {
    LinkChoice choice(static_cast<LinkStrategy>(i), 1);
    for (int k = 0; k < 10; ++k) EXPECT_EQ(choice.pick(links), 1u) << kLinkStrategyNames[i];
  }
}

std::array<int, 3> picks(LinkStrategy strategy, const std::array<LinkView, 3>& links, int times) {
  LinkChoice choice(strategy, 7);
  std::array<int, 3> counts{};
  for (int i = 0; i < times; ++i) ++counts[choice.pick(links).value_or(0)];
  return counts;
}

TEST(LinkChoice, EachStrategyDoesWhatItsNameSays) {
  const std::array<LinkView, 3> links{LinkView{true, 99, 300, milliseconds(3)}, LinkView{true, 49, 100, milliseconds(2)},
                                      LinkView{true, 0, 200, milliseconds(1)}};
  EXPECT_EQ(picks(LinkStrategy::kRate, links, 5), (std::array{0, 0, 5}));
  EXPECT_EQ(picks(LinkStrategy::kLeastUsed, links, 5), (std::array{0, 5, 0}));
  EXPECT_EQ(picks(LinkStrategy::kRoundRobin, links, 9), (std::array{3, 3, 3}));
  for (const int count : picks(LinkStrategy::kRandom, links, 3000)) EXPECT_NEAR(count, 1000, 150);
  const auto by_score = picks(LinkStrategy::kHealth, links, 1510);
  EXPECT_NEAR(by_score[0], 1000, 100);
  EXPECT_NEAR(by_score[1], 500, 100);
  EXPECT_LT(by_score[2], 40);
}

// A link that serves one block after the other at its rate, as a queue does.
struct Server {
  std::uint64_t rate_Bps;
  base::Instant free{};
  std::deque<base::Instant> done{};
  LinkMeter meter{};
  std::uint64_t blocks = 0;
  void ask(base::Instant now) {
    meter.on_asked(kBlock, now);
    free = std::max(free, now) + base::nanoseconds(static_cast<std::int64_t>(kBlock * 1'000'000'000ull / rate_Bps));
    done.push_back(free);
    ++blocks;
  }
  void run(base::Instant now) {
    for (; !done.empty() && done.front() <= now; done.pop_front()) meter.on_answered(kBlock, kBlock, now);
  }
};

TEST(LinkMeter, MeasuresWhatABusyLinkDoes) {
  Server server{.rate_Bps = 100'000'000};
  for (base::Duration t{}; t < base::seconds(2); t += milliseconds(1)) {
    server.run(at(t));
    while (server.done.size() < 16) server.ask(at(t));
  }
  EXPECT_NEAR(static_cast<double>(server.meter.rate_Bps()), 1e8, 5e6);
  EXPECT_NEAR(static_cast<double>(server.meter.arrival(kBlock, at(base::seconds(2))).us()), 17 * 1311, 1500);
}

TEST(LinkMeter, ARestIsNoSlowness) {
  Server server{.rate_Bps = 100'000'000};
  for (base::Duration t{}; t < base::seconds(2); t += milliseconds(1)) {
    server.run(at(t));
    while (server.done.size() < 16) server.ask(at(t));
  }
  const std::uint64_t busy = server.meter.rate_Bps();
  for (base::Duration t = base::seconds(2); t < base::seconds(60); t += milliseconds(1)) {
    server.run(at(t));
    if (t.ms() % 1000 == 0) server.ask(at(t));   // now and then a block
  }
  EXPECT_NEAR(static_cast<double>(server.meter.rate_Bps()), static_cast<double>(busy), static_cast<double>(busy) / 10);
}

TEST(LinkMeter, RefusalsSayNothingOfTheRate) {
  LinkMeter meter;
  meter.on_asked(kBlock, at({}));
  meter.on_answered(kBlock, 0, at(milliseconds(100)));
  EXPECT_EQ(meter.outstanding(), 0u);
  EXPECT_EQ(meter.rate_Bps(), 0u);
}

TEST(LinkMeter, ALinkThatWasSlowIsTriedAgain) {
  LinkMeter meter;
  meter.on_asked(kBlock, at({}));
  meter.on_answered(kBlock, kBlock, at(base::seconds(100)));   // it hung
  EXPECT_GT(meter.arrival(kBlock, at(base::seconds(101))), base::seconds(50));
  EXPECT_LT(meter.arrival(kBlock, at(base::seconds(111))), base::seconds(1));
}

TEST(LinkMeter, UnequalLinksAreFilledInProportion) {
  std::array<Server, 2> servers{Server{.rate_Bps = 100'000'000}, Server{.rate_Bps = 25'000'000}};
  LinkChoice choice(LinkStrategy::kRate, 1);
  for (base::Duration t{}; t < base::seconds(4); t += milliseconds(1)) {
    for (Server& server : servers) server.run(at(t));
    while (servers[0].done.size() + servers[1].done.size() < 64) {
      std::array<LinkView, 2> views;
      for (std::size_t i = 0; i < 2; ++i)
        views[i] = {.usable = true, .outstanding = servers[i].meter.outstanding(),
                    .arrival = servers[i].meter.arrival(kBlock, at(t))};
      servers[choice.pick(views).value_or(0)].ask(at(t));
    }
  }
  const double all = static_cast<double>((servers[0].blocks + servers[1].blocks) * kBlock) / 4;
  EXPECT_GT(all, 0.97 * 125e6) << "together as quick as both alone";
  EXPECT_NEAR(static_cast<double>(servers[0].blocks) / static_cast<double>(servers[1].blocks), 4, 0.5);
}

}  // namespace
}  // namespace weft::model
