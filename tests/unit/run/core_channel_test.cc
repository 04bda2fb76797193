// Control's end of a core, with the core played by hand: what it promises when rings and limits are small.
#include <gtest/gtest.h>

#include "engine/run/core_channel.hh"

namespace weft::run {
namespace {

struct PlayedCore {
  explicit PlayedCore(const CoreLimits& limits) : channel(0, wiring(), limits) {}
  CoreWiring wiring() {
    CoreWiring w;
    w.commands = &commands;
    w.events = &events;
    w.table = &table;
    w.report = &report;
    return w;
  }
  // The number of a file that the core has taken.
  std::uint32_t open() {
    share::Command c;
    c.kind = share::Command::Kind::kOpenWrite;
    const auto number = channel.open_file(c, [](base::Status) {});
    EXPECT_TRUE(number && commands.pop_one(c));
    EXPECT_TRUE(events.push_one({.kind = share::Event::Kind::kFileReady, .session = {}, .number = *number, .detail = 0}));
    channel.poll();
    return *number;
  }
  std::vector<share::Command> command_slots{2};
  std::vector<share::Event> event_slots{16};
  share::SpscRing<share::Command> commands{command_slots};
  share::SpscRing<share::Event> events{event_slots};
  share::Snapshot<share::PathTable> table;
  share::Snapshot<share::CoreReport> report;
  CoreChannel channel;
};

TEST(CoreChannel, AnswersWaitingFetchesBeforeTheirFileIsGone) {
  PlayedCore core({.fetches = 1, .files = 2});
  const std::uint32_t file = core.open();
  int answered = 0;
  bool gone = false;
  for (int i = 0; i < 4; ++i)
    core.channel.fetch({}, {.file = file, .handle = 0, .token = 0, .size = 1, .offset = 0, .hash = {}}, [&](base::Status s) {
      EXPECT_FALSE(gone);
      EXPECT_EQ(s.error().code, base::Errc::kUnavailable);
      ++answered;
    });
  core.channel.poll();                    // one goes to the core, three wait for its end
  core.channel.close_file({}, file, [&] { gone = true; });
  // The core was quick: block and file in one poll of ours.
  share::Command fetch, close;
  ASSERT_TRUE(core.commands.pop_one(fetch) && core.commands.pop_one(close));
  ASSERT_EQ(close.kind, share::Command::Kind::kCloseFile);
  ASSERT_TRUE(core.events.push_one(
      {.kind = share::Event::Kind::kBlockCancelled, .session = {}, .number = fetch.body.fetch.token, .detail = 0}));
  ASSERT_TRUE(core.events.push_one({.kind = share::Event::Kind::kFileGone, .session = {}, .number = file, .detail = 0}));
  core.channel.poll();
  EXPECT_TRUE(gone);
  EXPECT_EQ(answered, 4);
  EXPECT_FALSE(core.channel.busy());
}

TEST(CoreChannel, AnswersAFetchThatComesAfterTheClose) {
  PlayedCore core({.fetches = 1, .files = 2});
  const std::uint32_t file = core.open();
  bool answered = false;
  core.channel.close_file({}, file, [&] { EXPECT_TRUE(answered); });
  core.channel.fetch({}, {.file = file, .handle = 0, .token = 0, .size = 1, .offset = 0, .hash = {}},
                     [&](base::Status s) { answered = !s; });
  ASSERT_TRUE(core.events.push_one({.kind = share::Event::Kind::kFileGone, .session = {}, .number = file, .detail = 0}));
  core.channel.poll();
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace weft::run
