// Who gets the slots that peers' extents are read into: turns, shares, and what a peer that keeps its slots can do.
#include "engine/run/serve_side.hh"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <vector>

#include "engine/base/prng.hh"

namespace weft::run {
namespace {

constexpr std::uint32_t kSlots = 32;
constexpr std::uint32_t kChunk = base::kChunkBytesMin;
constexpr std::uint32_t kExtent = 2 * kChunk;        // two chunks each
constexpr std::uint64_t kMuch = UINT64_MAX;          // room for any packet
constexpr std::uint64_t kFileBytes = std::uint64_t{1} << 40;

base::SessionId session_of(std::uint32_t number) { return base::SessionId{static_cast<std::uint8_t>(number)}; }

// A serve side with its disk and its peers played by the test.
class Server {
 public:
  explicit Server(std::uint32_t slots = kSlots, const CoreLimits& limits = {})
      : job_slots_(1024), done_slots_(1024), jobs_(job_slots_), dones_(done_slots_), files_(base::kFilesPerCoreMax),
        disk_(jobs_, dones_), serve(files_, disk_, 0, slots, limits) {}

  void join(std::uint32_t number) {
    serve.add_session(session_of(number), kChunk);
    FileEntry& file = files_.at(number);
    if (file.state == FileEntry::State::kFree)
      file = {.state = FileEntry::State::kReady, .serving = true, .session = session_of(number), .number = number,
              .size = kFileBytes};
  }
  // Asks for extents in request slots first … first + count - 1; returns how many were accepted.
  std::uint32_t ask(std::uint32_t number, std::uint32_t first, std::uint32_t count, std::uint16_t generation = 1) {
    std::uint32_t accepted = 0;
    for (std::uint32_t i = first; i < first + count; ++i) {
      std::optional<share::Drop> drop;
      const base::SlotRef ref{static_cast<std::uint16_t>(i), generation};
      const auto refused = serve.handle_request(
          session_of(number), {.handle = number, .request_id = ref.word(), .offset = std::uint64_t{i} << 17,
                               .length = kExtent}, drop);
      EXPECT_FALSE(drop);
      EXPECT_EQ(refused.value_or(wire::RejectReason::kBusy), wire::RejectReason::kBusy);
      accepted += !refused;
    }
    return accepted;
  }
  // The disk is given what there are slots for, and answers all of it.
  std::uint32_t read() {
    std::uint32_t reads = 0;
    for (std::uint32_t before = reads;; before = reads) {
      serve.poll_reads();
      share::DiskJob job;
      while (jobs_.pop_one(job)) {
        EXPECT_TRUE(dones_.push_one({.cookie = job.cookie, .result = static_cast<std::int32_t>(job.length)}));
        ++reads;
      }
      answer();
      if (reads == before) return reads;
    }
  }
  void answer() {
    DiskGate::Cookie cookie;
    std::int32_t result = 0;
    std::optional<ServeSide::Failed> failed;
    while (disk_.next_done(cookie, result))
      serve.handle_disk_done(static_cast<std::uint16_t>(cookie.index), result, failed);
    EXPECT_FALSE(failed);
  }
  // Sends `count` chunks of the session, or what there is.
  void send(std::uint32_t number, std::uint32_t count = UINT32_MAX) {
    for (; count > 0 && serve.unsent_bytes(session_of(number)) > 0; --count) {
      const ServeSide::Chunk chunk = serve.take_chunks(session_of(number), kChunk);
      EXPECT_EQ(chunk.count, 1);
      // Neither what has arrived nor what is on its way is sent again.
      EXPECT_FALSE(delivered.contains({number, chunk.request_id, chunk.index}));
      for (const OnWay& other : on_way)
        EXPECT_FALSE(other.number == number && other.chunk.request_id == chunk.request_id && other.chunk.index == chunk.index);
      on_way.push_back({number, chunk});
    }
  }
  // What is on its way of this session meets its fate; the oldest `count` of it.
  void settle(std::uint32_t number, sched::Fate fate, std::uint32_t count = UINT32_MAX) {
    for (auto at = on_way.begin(); at != on_way.end() && count > 0;) {
      if (at->number != number) { ++at; continue; }
      if (fate == sched::Fate::kAcked) delivered.insert({number, at->chunk.request_id, at->chunk.index});
      serve.handle_fate(at->chunk.ref, at->chunk.index, at->chunk.count, fate);
      at = on_way.erase(at);
      --count;
    }
  }
  [[nodiscard]] std::uint32_t held(std::uint32_t number) const { return serve.slots_of(session_of(number)); }

  struct OnWay {
    std::uint32_t number = 0;
    ServeSide::Chunk chunk;
  };
  std::deque<OnWay> on_way;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint16_t>> delivered;   // session, request, chunk

 private:
  std::vector<share::DiskJob> job_slots_;
  std::vector<share::DiskDone> done_slots_;
  share::SpscRing<share::DiskJob> jobs_;
  share::SpscRing<share::DiskDone> dones_;
  FileTable files_;
  DiskGate disk_;

 public:
  ServeSide serve;
};

TEST(ServeSide, ALoneSessionMayHoldEverySlot) {
  Server server;
  server.join(0);
  EXPECT_EQ(server.ask(0, 0, 100), 100u);
  EXPECT_EQ(server.read(), kSlots);
  EXPECT_EQ(server.held(0), kSlots);
}

TEST(ServeSide, WhatWasTakenForLostAndArrivedIsNotSentAgain) {
  Server server;
  server.join(0);
  EXPECT_EQ(server.ask(0, 0, 1), 1u);
  EXPECT_EQ(server.read(), 1u);
  server.send(0);
  ASSERT_EQ(server.on_way.size(), 2u);
  const ServeSide::Chunk first = server.on_way.front().chunk;
  server.settle(0, sched::Fate::kLost);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), kExtent);
  server.serve.handle_fate(first.ref, first.index, first.count, sched::Fate::kAcked);   // its ack was late
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), kExtent - kChunk);
  server.send(0);
  ASSERT_EQ(server.on_way.size(), 1u);
  EXPECT_NE(server.on_way.front().chunk.index, first.index);
  server.settle(0, sched::Fate::kAcked);
  EXPECT_EQ(server.held(0), 0u);
}

TEST(ServeSide, SessionsThatWaitTogetherHoldAlike) {
  Server server;
  for (std::uint32_t n = 0; n < 3; ++n) server.join(n);
  server.ask(0, 0, 400);                      // much, and first
  server.ask(1, 0, 40);
  server.ask(2, 0, 40);
  EXPECT_EQ(server.read(), kSlots);
  for (std::uint32_t n = 0; n < 3; ++n) {
    EXPECT_GE(server.held(n), kSlots / 3);
    EXPECT_LE(server.held(n), kSlots / 3 + 1);
  }
}

TEST(ServeSide, AnIdleSessionsShareIsThereWhenItAsks) {
  Server server;
  server.join(0);
  server.join(1);
  server.ask(0, 0, 400);
  EXPECT_EQ(server.read(), kSlots * 3 / 4);   // half of half is the other's
  EXPECT_EQ(server.ask(1, 0, 4), 4u);
  EXPECT_EQ(server.read(), 4u);
  EXPECT_EQ(server.held(1), 4u);
}

TEST(ServeSide, ASessionThatKeepsItsSlotsDoesNotGatherMore) {
  Server server;
  server.join(0);
  server.join(1);
  server.ask(0, 0, 400);                      // sends, and is never answered
  server.ask(1, 0, 400);
  for (int round = 0; round < 100; ++round) {
    server.read();
    server.send(0);
    server.send(1);
    server.settle(1, sched::Fate::kAcked);
  }
  EXPECT_EQ(server.serve.extents_of(session_of(1)), 0u);   // all of it, through half of the slots
  EXPECT_LE(server.held(0), kSlots * 3 / 4);
}

TEST(ServeSide, ANewcomerTakesItsShareBackFromOneThatHoldsAll) {
  Server server;
  server.join(0);
  server.ask(0, 0, 60);
  server.read();
  server.send(0, kSlots);                     // half of the chunks, of which a few arrive
  server.settle(0, sched::Fate::kAcked, 5);
  server.join(1);
  server.ask(1, 0, 20);
  server.read();
  EXPECT_EQ(server.held(1), kSlots / 4);
  EXPECT_EQ(server.held(0), kSlots - kSlots / 4);
  // What was interrupted is read again and comes out whole: each chunk arrives, those that had arrived not again.
  for (int round = 0; round < 40; ++round) {
    for (const std::uint32_t n : {0u, 1u}) {
      server.send(n);
      server.settle(n, sched::Fate::kAcked);
    }
    server.read();
  }
  EXPECT_EQ(server.delivered.size(), 2u * (60 + 20));
  EXPECT_EQ(server.serve.slots_free(), kSlots);
}

TEST(ServeSide, ChunksAcknowledgedWhileTheirExtentWaitsAgainEndIt) {
  Server server;
  server.join(0);
  server.ask(0, 0, kSlots);
  server.read();
  server.send(0);                             // all of it is on its way
  server.join(1);
  server.ask(1, 0, 4);
  server.read();                              // takes slots back from under it
  EXPECT_EQ(server.held(0), kSlots - 4);
  server.settle(0, sched::Fate::kAcked);      // and then it arrives after all
  EXPECT_EQ(server.serve.extents_of(session_of(0)), 0u);
  EXPECT_EQ(server.held(0), 0u);
  EXPECT_EQ(server.read(), 0u);               // nothing is read that nobody waits for
}

// A second copy on purpose: one fate of the two decides only when it is good, or the last.
TEST(ServeSide, AChunkWithACopyIsSentAgainOnlyWhenBothAreLost) {
  Server server;
  server.join(0);
  server.ask(0, 0, 1);
  server.read();
  server.send(0, 1);
  const ServeSide::Chunk chunk = server.on_way.front().chunk;
  ASSERT_TRUE(server.serve.chunks_to_copy(chunk.ref, chunk.index, chunk.count, kMuch));
  EXPECT_EQ(server.serve.chunks_to_copy(chunk.ref, chunk.index, chunk.count, kMuch)->length, chunk.length);
  EXPECT_FALSE(server.serve.chunks_to_copy(chunk.ref, static_cast<std::uint16_t>(chunk.index + 1), 1, kMuch));   // still queued
  server.serve.note_copy(chunk);
  EXPECT_FALSE(server.serve.chunks_to_copy(chunk.ref, chunk.index, chunk.count, kMuch));     // two are enough
  const std::uint64_t queued = server.serve.unsent_bytes(session_of(0));
  server.serve.handle_fate(chunk.ref, chunk.index, chunk.count, sched::Fate::kLost);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), queued);
  EXPECT_TRUE(server.serve.chunks_to_copy(chunk.ref, chunk.index, chunk.count, kMuch));  // one is on its way
  server.serve.handle_fate(chunk.ref, chunk.index, chunk.count, sched::Fate::kEvacuated);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), queued + chunk.length);
  EXPECT_FALSE(server.serve.chunks_to_copy(chunk.ref, chunk.index, chunk.count, kMuch));
}

TEST(ServeSide, ACopyThatArrivesSettlesItsChunk) {
  Server server;
  server.join(0);
  server.ask(0, 0, 1);
  server.read();
  server.send(0);
  const ServeSide::Chunk first = server.on_way[0].chunk, second = server.on_way[1].chunk;
  server.serve.note_copy(first);
  server.serve.handle_fate(first.ref, first.index, first.count, sched::Fate::kAcked);
  server.serve.handle_fate(first.ref, first.index, first.count, sched::Fate::kLost);         // the other one
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), 0u);
  EXPECT_EQ(server.held(0), 1u);
  server.serve.handle_fate(second.ref, second.index, second.count, sched::Fate::kAcked);
  EXPECT_EQ(server.held(0), 0u);
  EXPECT_FALSE(server.serve.chunks_to_copy(second.ref, second.index, second.count, kMuch));
}

TEST(ServeSide, OfAPacketOfSeveralChunksWhatIsStillOnItsWayIsCopied) {
  Server server;
  server.join(0);
  server.ask(0, 0, 1);
  server.read();
  const ServeSide::Chunk both = server.serve.take_chunks(session_of(0), kExtent);
  ASSERT_EQ(both.count, 2);
  const auto narrow = server.serve.chunks_to_copy(both.ref, both.index, both.count, kChunk + 5);
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->count, 1);
  server.serve.note_copy(*narrow);
  const auto rest = server.serve.chunks_to_copy(both.ref, both.index, both.count, kMuch);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->index, 1);
  EXPECT_EQ(rest->offset, kChunk);
  EXPECT_EQ(rest->length, kExtent - kChunk);
  EXPECT_FALSE(server.serve.chunks_to_copy(both.ref, both.index, both.count, kChunk - 1));
  server.serve.handle_fate(both.ref, both.index, both.count, sched::Fate::kLost);   // the first has its copy
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), rest->length);
}

TEST(ServeSide, CopiesAreEarnedAtTwoPercentOfWhatIsSentFirst) {
  Server server;
  server.join(0);
  EXPECT_EQ(server.serve.copy_budget(session_of(0)), 0u);
  server.ask(0, 0, 25);
  server.read();
  server.send(0);                                                  // 50 chunks
  EXPECT_EQ(server.serve.copy_budget(session_of(0)), kChunk);
  server.settle(0, sched::Fate::kLost);
  server.send(0);                                                  // sending again earns nothing
  EXPECT_EQ(server.serve.copy_budget(session_of(0)), kChunk);
  server.serve.spend_copy_budget(session_of(0), kChunk);
  EXPECT_EQ(server.serve.copy_budget(session_of(0)), 0u);
}

TEST(ServeSide, EverySessionMayHaveItsRequestsAccepted) {
  Server server;
  for (std::uint32_t n = 0; n < base::kSessionsMax; ++n) server.join(n);
  for (std::uint32_t n = 0; n < base::kSessionsMax; ++n) {
    EXPECT_EQ(server.ask(n, 0, kRequestsMax), kRequestsMax);
    EXPECT_EQ(server.ask(n, kRequestsMax, 1), 0u);           // one more is told to come again
  }
  server.read();
  for (std::uint32_t n = 0; n < base::kSessionsMax; ++n) EXPECT_EQ(server.held(n), kSlots / base::kSessionsMax);
}

TEST(ServeSide, FewerSlotsThanSessionsStillServeAll) {
  Server server(3);
  for (std::uint32_t n = 0; n < 8; ++n) {
    server.join(n);
    server.ask(n, 0, 5);
  }
  for (int round = 0; round < 100; ++round) {
    server.read();
    for (std::uint32_t n = 0; n < 8; ++n) {
      server.send(n);
      server.settle(n, sched::Fate::kAcked);
    }
  }
  EXPECT_EQ(server.delivered.size(), 8u * 5 * 2);
  EXPECT_EQ(server.serve.slots_free(), 3u);
}

TEST(ServeSide, ADroppedSessionGivesAllBackAndMayComeAgain) {
  Server server;
  server.join(0);
  server.join(1);
  server.ask(0, 0, 100);
  server.serve.poll_reads();                  // the disk has not answered
  server.serve.remove_session(session_of(0));
  EXPECT_GT(server.held(0), 0u);              // the disk still writes there
  server.ask(1, 0, 100);
  server.join(0);
  server.ask(0, 0, 100, 2);
  server.read();
  EXPECT_EQ(server.held(0) + server.held(1), kSlots);
  EXPECT_EQ(server.held(0), kSlots / 2);
}

// Anything in any order: slots add up, nobody who waits is kept below a share that others exceed, all is delivered.
TEST(ServeSide, SharesHoldWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    constexpr std::uint32_t kSessions = 4;
    Server server;
    std::array<std::uint32_t, kSessions> asked{};
    std::uint32_t joined = 0;
    for (int step = 0; step < 2000; ++step) {
      const std::uint32_t n = prng.below(kSessions);
      if (n >= joined) {
        if (n == joined && prng.below(50) == 0) server.join(joined++);
        continue;
      }
      switch (prng.below(4)) {
        case 0: asked[n] += server.ask(n, asked[n], std::min(1 + prng.below(30), 600 - asked[n])); break;
        case 1: server.read(); break;
        case 2: server.send(n, prng.below(20)); break;
        case 3: server.settle(n, prng.below(4) == 0 ? sched::Fate::kLost : sched::Fate::kAcked, prng.below(20)); break;
      }
      std::uint32_t held = server.serve.slots_free();
      for (std::uint32_t i = 0; i < kSessions; ++i) held += server.held(i);
      ASSERT_EQ(held, kSlots);
    }
    for (int round = 0; round < 2000; ++round) {
      server.read();
      for (std::uint32_t i = 0; i < joined; ++i) {
        const std::uint32_t wanted = server.serve.extents_of(session_of(i));
        ASSERT_GE(server.held(i), std::min(wanted, kSlots / 2 / joined));
        server.send(i, 3);
        server.settle(i, sched::Fate::kAcked, 3);
      }
    }
    std::size_t expected = 0;
    for (const std::uint32_t count : asked) expected += 2 * std::size_t{count};
    EXPECT_EQ(server.delivered.size(), expected);
    EXPECT_EQ(server.serve.slots_free(), kSlots);
  }
}

TEST(ServeSide, PacketsOfEverySizeTakeWhatIsLeftInRuns) {
  Server server(1);
  server.join(0);
  std::optional<share::Drop> drop;
  const base::SlotRef ref{0, 1};
  constexpr std::uint32_t kLength = 10 * kChunk + 7;               // ten chunks and a short one
  ASSERT_FALSE(server.serve.handle_request(session_of(0), {.handle = 0, .request_id = ref.word(), .offset = 0,
                                                           .length = kLength}, drop));
  ASSERT_EQ(server.read(), 1u);
  const auto take = [&](std::uint32_t bytes_max) { return server.serve.take_chunks(session_of(0), bytes_max); };
  const ServeSide::Chunk narrow = take(2 * kChunk - 1), wide = take(4 * kChunk), rest = take(UINT32_MAX);
  EXPECT_EQ(std::tuple(narrow.index, narrow.count, narrow.length), std::tuple(0, 1, kChunk));
  EXPECT_EQ(std::tuple(wide.index, wide.count, wide.length), std::tuple(1, 4, 4 * kChunk));
  EXPECT_EQ(std::tuple(rest.index, rest.count, rest.length), std::tuple(5, 6, 5 * kChunk + 7));
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), 0u);
  // The wide one is lost and goes again by a narrower path, in parts; then its first copy arrives after all.
  server.serve.handle_fate(wide.ref, wide.index, wide.count, sched::Fate::kLost);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), 4 * kChunk);
  const ServeSide::Chunk again = take(3 * kChunk);
  EXPECT_EQ(std::tuple(again.index, again.count, again.again_bytes), std::tuple(1, 3, 3 * kChunk));
  server.serve.handle_fate(wide.ref, wide.index, wide.count, sched::Fate::kAcked);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), 0u);        // what was not sent again need not be
  server.serve.handle_fate(again.ref, again.index, again.count, sched::Fate::kLost);
  EXPECT_EQ(server.serve.unsent_bytes(session_of(0)), 0u);
  server.serve.handle_fate(narrow.ref, narrow.index, narrow.count, sched::Fate::kAcked);
  EXPECT_EQ(server.serve.extents_of(session_of(0)), 1u);
  server.serve.handle_fate(rest.ref, rest.index, rest.count, sched::Fate::kAcked);
  EXPECT_EQ(server.serve.extents_of(session_of(0)), 0u);
}

}  // namespace
}  // namespace weft::run
