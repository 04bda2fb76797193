// The checker against the litmus tests of the literature: of each, exactly the outcomes that the
// C++ memory model allows. Names as in Alglave, Maranget, Tautschnig, "Herding Cats" (TOPLAS 2014).
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/unit/share/weak/weak.hh"

namespace weft::weak {
namespace {

using enum std::memory_order;
using Outcome = std::vector<int>;
using Outcomes = std::set<Outcome>;

Outcomes outcomes_of(const std::function<Outcome(Trial&)>& program) {
  Outcomes seen;
  const Result result = explore([&](Trial& trial) { seen.insert(program(trial)); });
  EXPECT_EQ(result.fault, "");
  return seen;
}

// Each thread writes one word and reads the other.
Outcomes store_buffering(std::memory_order store, std::memory_order load) {
  return outcomes_of([=](Trial& trial) {
    Atomic<int> x{0}, y{0};
    int a = -1, b = -1;
    trial.threads({[&] { x.store(1, store); a = y.load(load); },
                   [&] { y.store(1, store); b = x.load(load); }});
    return Outcome{a, b};
  });
}

TEST(Litmus, StoreBufferingIsForbiddenBySeqCstAlone) {
  const Outcomes all{{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  EXPECT_EQ(store_buffering(relaxed, relaxed), all);
  EXPECT_EQ(store_buffering(release, acquire), all);
  EXPECT_EQ(store_buffering(seq_cst, acquire), all);
  EXPECT_EQ(store_buffering(release, seq_cst), all);
  EXPECT_EQ(store_buffering(seq_cst, seq_cst), (Outcomes{{0, 1}, {1, 0}, {1, 1}}));
}

// A value, then a flag; the other reads the flag, then the value.
Outcomes message_passing(std::memory_order store, std::memory_order load) {
  return outcomes_of([=](Trial& trial) {
    Atomic<int> value{0}, flag{0};
    int a = -1, b = -1;
    trial.threads({[&] { value.store(1, relaxed); flag.store(1, store); },
                   [&] { a = flag.load(load); b = value.load(relaxed); }});
    return Outcome{a, b};
  });
}

TEST(Litmus, MessagePassingNeedsBothHalves) {
  const Outcomes all{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, in_order{{0, 0}, {0, 1}, {1, 1}};
  EXPECT_EQ(message_passing(relaxed, relaxed), all);
  EXPECT_EQ(message_passing(release, relaxed), all);
  EXPECT_EQ(message_passing(relaxed, acquire), all);
  EXPECT_EQ(message_passing(release, acquire), in_order);
  EXPECT_EQ(message_passing(seq_cst, seq_cst), in_order);
}

TEST(Litmus, AWordIsCoherentEvenWhenRelaxed) {
  const Outcomes seen = outcomes_of([](Trial& trial) {
    Atomic<int> x{0};
    int a = -1, b = -1;
    trial.threads({[&] { x.store(1, relaxed); x.store(2, relaxed); },
                   [&] { a = x.load(relaxed); b = x.load(relaxed); }});
    return Outcome{a, b};
  });
  EXPECT_EQ(seen, (Outcomes{{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}}));
}

// Two readers of two independent writers disagree about which came first.
bool readers_disagree(std::memory_order store, std::memory_order load) {
  const Outcomes seen = outcomes_of([=](Trial& trial) {
    Atomic<int> x{0}, y{0};
    int a = -1, b = -1, c = -1, d = -1;
    trial.threads({[&] { x.store(1, store); }, [&] { y.store(1, store); },
                   [&] { a = x.load(load); b = y.load(load); },
                   [&] { c = y.load(load); d = x.load(load); }});
    return Outcome{a, b, c, d};
  });
  return seen.contains({1, 0, 1, 0});
}

TEST(Litmus, IndependentReadsOfIndependentWrites) {
  EXPECT_TRUE(readers_disagree(release, acquire));
  EXPECT_FALSE(readers_disagree(seq_cst, seq_cst));
}

// Writers of two words in opposite order: may both words end with the value written first?
bool both_firsts_last(std::memory_order order) {
  const Outcomes seen = outcomes_of([=](Trial& trial) {
    Atomic<int> x{0}, y{0};
    trial.threads({[&] { x.store(1, order); y.store(2, order); },
                   [&] { y.store(1, order); x.store(2, order); }});
    return Outcome{x.load(relaxed), y.load(relaxed)};
  });
  EXPECT_TRUE(seen.contains({2, 2}));
  return seen.contains({1, 1});
}

TEST(Litmus, TwoPlusTwoWrites) {
  EXPECT_TRUE(both_firsts_last(relaxed));
  EXPECT_TRUE(both_firsts_last(release));
  EXPECT_FALSE(both_firsts_last(seq_cst));
}

// What one thread saw reaches a third by way of the second.
bool lost_on_the_way(std::memory_order store, std::memory_order load) {
  const Outcomes seen = outcomes_of([=](Trial& trial) {
    Atomic<int> x{0}, y{0};
    int a = -1, b = -1, c = -1;
    trial.threads({[&] { x.store(1, relaxed); },
                   [&] { a = x.load(relaxed); y.store(1, store); },
                   [&] { b = y.load(load); c = x.load(relaxed); }});
    return Outcome{a, b, c};
  });
  return seen.contains({1, 1, 0});
}

TEST(Litmus, WhatWasSeenIsPassedOn) {
  EXPECT_TRUE(lost_on_the_way(relaxed, acquire));
  EXPECT_FALSE(lost_on_the_way(release, acquire));
}

TEST(Litmus, ReadModifyWritesLoseNothing) {
  const Outcomes seen = outcomes_of([](Trial& trial) {
    Atomic<int> x{0};
    int a = -1, b = -1;
    trial.threads({[&] { a = x.fetch_add(1, relaxed); }, [&] { b = x.fetch_add(1, relaxed); }});
    return Outcome{a, b, x.load(relaxed)};
  });
  EXPECT_EQ(seen, (Outcomes{{0, 1, 2}, {1, 0, 2}}));
}

// A release store, a relaxed increment by another thread, an acquire load of the sum.
TEST(Litmus, AReleaseSequenceGoesThroughReadModifyWrites) {
  const Outcomes seen = outcomes_of([](Trial& trial) {
    Atomic<int> value{0}, flag{0};
    int a = -1, b = -1;
    trial.threads({[&] { value.store(1, relaxed); flag.store(2, release); },
                   [&] { flag.fetch_add(1, relaxed); },
                   [&] { a = flag.load(acquire); b = value.load(relaxed); }});
    return Outcome{a, b};
  });
  EXPECT_TRUE(seen.contains({1, 0}));     // the increment came before the store
  EXPECT_TRUE(seen.contains({3, 1}));
  EXPECT_FALSE(seen.contains({3, 0}));
  EXPECT_FALSE(seen.contains({2, 0}));
}

std::string fault_of(std::memory_order store, std::memory_order load) {
  return explore([=](Trial& trial) {
    Atomic<int> flag{0};
    Cell<int> value;
    trial.threads({[&] { value = 1; flag.store(1, store); },
                   [&] { if (flag.load(load) == 1) trial.check(value == 1, "it is there"); }});
  }).fault;
}

TEST(Litmus, ARaceOnPlainMemoryIsFoundAndTold) {
  EXPECT_EQ(fault_of(release, acquire), "");
  EXPECT_NE(fault_of(relaxed, acquire).find("data race"), std::string::npos);
  const std::string fault = fault_of(release, relaxed);
  EXPECT_NE(fault.find("thread 0: release store of word 0 := 1"), std::string::npos) << fault;
  EXPECT_NE(fault.find("thread 1: relaxed load of word 0 == 1"), std::string::npos) << fault;
}

TEST(Litmus, AReaderThatIsOverwrittenIsARaceToo) {
  const Result result = explore([](Trial& trial) {
    Cell<int> value;
    trial.threads({[&] { trial.check(value == 0, "nothing but zero"); }, [&] { value = 0; }});
  });
  EXPECT_NE(result.fault.find("data race"), std::string::npos);
}

TEST(Litmus, AFailedCheckIsAFaultWhereverItStands) {
  const auto fault = [](bool inside) {
    return explore([=](Trial& trial) {
      Atomic<int> x{0};
      trial.threads({[&] { trial.check(!inside, "inside"); x.store(1, relaxed); }});
      trial.check(inside, "after");
    }).fault;
  };
  EXPECT_EQ(fault(true).substr(0, 6), "inside");
  EXPECT_EQ(fault(false).substr(0, 5), "after");
}

// Two threads of three seq_cst stores each to words of their own: 6! / (3! 3!) orders, and no
// choice besides.
TEST(Litmus, EveryInterleavingIsRunOnce) {
  const Result result = explore([](Trial& trial) {
    Atomic<int> x{0}, y{0};
    const auto three = [](Atomic<int>& word) {
      for (int i = 0; i < 3; ++i) word.store(i, seq_cst);
    };
    trial.threads({[&] { three(x); }, [&] { three(y); }});
  });
  EXPECT_EQ(result.fault, "");
  EXPECT_EQ(result.executions, 20u);
}

}  // namespace
}  // namespace weft::weak
