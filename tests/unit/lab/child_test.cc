// Children that end by themselves, that must be ended, and what the signals that end us become.
#include "engine/lab/child.hh"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "engine/lab/stop_signal.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::lab {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
constexpr milliseconds kLong{20'000}, kShort{50};

class Children : public ::testing::Test {
 protected:
  Child start(const std::string& script) const {
    auto child = Child::start("/bin/sh", {"sh", "-c", script}, root / "log");
    EXPECT_TRUE(child) << child.error();
    return std::move(*child);
  }
  const model::TempHome home;
  const fs::path root = home.path();
};

TEST_F(Children, TellTheirFateAndTheirLog) {
  Child child = start("echo one; echo two >&2; exit 7");
  child.end(kLong);
  EXPECT_FALSE(child.running());
  EXPECT_EQ(child.fate(), "ended with exit code 7");
  EXPECT_EQ(end_of_log(root / "log", 1), "two\n");
}

TEST_F(Children, AreAskedFirst) {
  Child child = start("trap 'exit 3' TERM; while :; do sleep 0.01; done");
  EXPECT_TRUE(child.running());
  child.end(milliseconds(500));
  EXPECT_EQ(child.fate(), "ended with exit code 3");
}

TEST_F(Children, AreKilledWhenTheyDoNotListen) {
  Child child = start("trap '' TERM; while :; do sleep 0.01; done");
  child.end(milliseconds(200));
  EXPECT_EQ(child.fate(), "was killed by signal 9");
}

TEST_F(Children, GoWithTheirObject) {
  {
    const Child child = start("echo $$; exec sleep 100");
    for (int i = 0; i < 2000 && end_of_log(root / "log", 1).empty(); ++i) ::usleep(5000);
  }
  const pid_t pid = ::atoi(end_of_log(root / "log", 1).c_str());
  ASSERT_GT(pid, 0);
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST_F(Children, WhatDoesNotExistSaysSo) {
  auto child = Child::start("/nonexistent/weft", {"weft"}, root / "log");
  ASSERT_TRUE(child);
  child->end(kLong);
  EXPECT_EQ(child->fate(), "ended with exit code 127");
  EXPECT_FALSE(Child::start("/bin/true", {"true"}, root / "no" / "log"));
}

TEST_F(Children, HearSignalsThatWeHold) {
  StopSignal stop;
  Child child = start("exec sleep 100");
  EXPECT_FALSE(stop.wait(kShort));
  child.end(milliseconds(100));                  // by SIGTERM, which is blocked in us
  EXPECT_EQ(child.fate(), "was killed by signal 15");
}

TEST(StopSignals, AreSeenAndEndNothing) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    StopSignal stop;
    EXPECT_FALSE(stop.came());
    ::kill(::getpid(), signal);
    EXPECT_TRUE(stop.wait(std::chrono::seconds(20)));
    EXPECT_TRUE(stop.came());                    // and stays so
  }
}

}  // namespace
}  // namespace weft::lab
