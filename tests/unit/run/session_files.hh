// Two sessions with paths that carry, where `a` opens files of `b`; at the end of a test no core may be left with any.
#pragma once

#include "tests/unit/run/two_sessions.hh"

namespace weft::run::test {

inline base::Errc code_of(const End::Opened& opened) {
  EXPECT_TRUE(opened.called);
  EXPECT_FALSE(opened.result.has_value());
  return opened.result.has_value() ? base::Errc{} : opened.result.error().code;
}
inline base::Errc code_of(const End::Ended& ended) {
  EXPECT_EQ(ended.count, 1);
  EXPECT_FALSE(ended.status.has_value());
  return ended.status.has_value() ? base::Errc{} : ended.status.error().code;
}

class SessionFiles : public ::testing::Test {
 protected:
  SessionFiles() { world.connect(); }
  ~SessionFiles() override {
    // Whatever happened: nothing stays open at a core that nobody can close any more.
    for (const std::uint32_t transfer : open_) close(transfer);
    world.settle();
    EXPECT_TRUE(a().core().files.empty());
    EXPECT_TRUE(b().core().files.empty());
    EXPECT_TRUE(a().core().fetching.empty());
  }
  void open(std::uint32_t transfer) {
    world.open(transfer);
    open_.push_back(transfer);
  }
  void close(std::uint32_t transfer) {
    bool gone = false;
    a().session.close(transfer, [&] { gone = true; });
    world.settle();
    EXPECT_TRUE(gone);
  }
  void close_last() {
    const std::uint32_t transfer = open_.back();
    open_.pop_back();
    close(transfer);
  }
  End& a() { return world.a; }
  End& b() { return world.b; }
  World world;

 private:
  std::vector<std::uint32_t> open_;
};

}  // namespace weft::run::test
