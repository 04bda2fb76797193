// What a puller's core takes for a part of a block, and what not: chunks on the grid, alone or several in one packet, in any
// order and in copies that overlap. What a peer that has the keys and no manners says otherwise of an extent is refused, and the
// extent is as before.
#include "engine/run/fetch_side.hh"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/prng.hh"
#include "engine/wire/sha256.hh"

namespace weft::run {
namespace {

constexpr std::uint32_t kSlots = 128;
constexpr base::SessionId kSession{2};
constexpr base::Instant kNow{base::seconds(1).ns};

// One block of one extent, `bytes` long, ordered and asked for; chunks of `chunk_bytes`. Core and peer are the test.
class OneBlock : public testing::Test {
 protected:
  OneBlock(std::uint32_t chunk_bytes, std::uint32_t bytes)
      : job_slots(64), done_slots(64), jobs(job_slots), dones(done_slots), files(base::kFilesPerCoreMax), disk(jobs, dones),
        memory(std::size_t{kSlots} * base::kSlotBytes), fetch(files, disk, memory, kSlots, {}), content(bytes) {
    base::Prng dice(3);
    for (auto& byte : content) byte = static_cast<std::byte>(dice.next());
    files.at(1) = {.state = FileEntry::State::kReady, .serving = false, .session = kSession, .number = 1};
    fetch.add_session(kSession, {.chunk_bytes = chunk_bytes, .requests_max = 8});
    fetch.handle_fetch(kSession, {.file = 1, .handle = 9, .token = 5, .size = bytes, .offset = 0,
                                  .hash = wire::sha256(content)});
    poll();
    request = fetch.take_request(kSession, base::PathId{0}, 1, kNow);
  }
  void poll() {
    (void)fetch.poll(kNow, false, [this](const share::Event& event) { events.push_back(event); });
  }
  std::optional<share::Drop> hear(std::uint32_t offset, std::uint32_t bytes, base::Instant now = kNow) {
    std::vector<std::byte> data(bytes, std::byte{0xEE});
    for (std::uint32_t i = 0; i < bytes && offset + i < content.size(); ++i) data[i] = content[offset + i];
    return fetch.handle_chunk(kSession, {.request_id = request.request_id, .offset = offset, .data = data}, lane, now);
  }
  // The disk writes what it is given; true when the block is there as it should be.
  share::SessionReport report() {
    share::SessionReport out;
    fetch.fill(kSession, out);
    return out;
  }
  bool written() {
    for (int i = 0; i < 4; ++i) poll();
    share::DiskJob job, another;
    if (!jobs.pop_one(job)) return false;
    EXPECT_FALSE(jobs.pop_one(another)) << "written twice";
    const base::Bytes slot = base::Bytes(memory).subspan(std::size_t{job.slot} * base::kSlotBytes, job.length);
    const bool same = std::ranges::equal(slot, content);
    EXPECT_EQ(job.length, content.size());
    MUST(dones.push_one({.cookie = job.cookie, .result = static_cast<std::int32_t>(job.length)}));
    DiskGate::Cookie cookie;
    for (std::int32_t result = 0; disk.next_done(cookie, result);)
      fetch.handle_disk_done(cookie.index, result, [this](const share::Event& event) { events.push_back(event); });
    return same && events.size() == 1 && events[0].kind == share::Event::Kind::kBlockWritten;
  }

  std::vector<share::DiskJob> job_slots;
  std::vector<share::DiskDone> done_slots;
  share::SpscRing<share::DiskJob> jobs;
  share::SpscRing<share::DiskDone> dones;
  FileTable files;
  DiskGate disk;
  std::vector<std::byte> memory;
  FetchSide fetch;
  std::vector<std::byte> content;
  wire::Request request;
  share::LaneReport lane;
  std::vector<share::Event> events;
};

// ---- ten chunks and a short one, in packets of any size

constexpr std::uint32_t kWide = 349, kBlock = 10 * kWide + 100;

struct FetchChunks : OneBlock {
  FetchChunks() : OneBlock(kWide, kBlock) {}
};

TEST_F(FetchChunks, TakesChunksInPacketsOfAnySize) {
  EXPECT_EQ(request.length, kBlock);
  EXPECT_FALSE(hear(8 * kWide, 2 * kWide + 100));     // the end, and the short one with it
  EXPECT_FALSE(hear(0, kWide));
  EXPECT_FALSE(hear(kWide, 4 * kWide));
  EXPECT_FALSE(hear(5 * kWide, 3 * kWide));
  EXPECT_EQ(lane.chunk_bytes_in, kBlock);
  EXPECT_EQ(lane.chunk_bytes_duplicate, 0u);
  EXPECT_TRUE(written());
}

TEST_F(FetchChunks, WhatGoesNowhereIsNotHashed) {
  content[5] ^= std::byte{1};                          // not what the block's hash says
  files.at(1).unhashed = true;
  EXPECT_FALSE(hear(0, kBlock));
  EXPECT_TRUE(written()) << "handed to the disk agent, which keeps nothing";
  EXPECT_EQ(report().bytes_verified, 0u);
}

TEST_F(FetchChunks, OfCopiesThatOverlapOnlyWhatWasMissingIsTaken) {
  EXPECT_FALSE(hear(2 * kWide, kWide));
  EXPECT_FALSE(hear(5 * kWide, 2 * kWide));
  // What is there already must stay as it is: the copy brings other bytes in its place.
  content[2 * kWide] ^= std::byte{1};
  EXPECT_FALSE(hear(0, 8 * kWide));
  content[2 * kWide] ^= std::byte{1};
  EXPECT_EQ(lane.chunk_bytes_in, 8 * kWide);
  EXPECT_EQ(lane.chunk_bytes_duplicate, 3 * kWide);
  EXPECT_FALSE(hear(0, 8 * kWide));
  EXPECT_EQ(lane.chunk_bytes_in, 8 * kWide);
  EXPECT_FALSE(hear(8 * kWide, 2 * kWide + 100));
  EXPECT_TRUE(written());
}

TEST_F(FetchChunks, WhatIsNotOnTheGridIsRefusedWhole) {
  const auto bad = [&](std::uint32_t offset, std::uint32_t bytes) { return hear(offset, bytes) == share::Drop::kBadChunk; };
  EXPECT_TRUE(bad(1, kWide));
  EXPECT_TRUE(bad(kWide - 1, kWide));
  EXPECT_TRUE(bad(0, kWide - 1));                      // short, and not the last
  EXPECT_TRUE(bad(0, 2 * kWide + 100));
  EXPECT_TRUE(bad(10 * kWide, 99));
  EXPECT_TRUE(bad(10 * kWide, 101));                   // beyond the extent
  EXPECT_TRUE(bad(9 * kWide, 2 * kWide));
  EXPECT_TRUE(bad(11 * kWide, 1));
  EXPECT_TRUE(bad(100 * kWide, kWide));
  EXPECT_EQ(lane.chunk_bytes_in, 0u);
  EXPECT_FALSE(hear(0, kBlock));
  EXPECT_TRUE(written());
}

// ---- two chunks and a short one

constexpr std::uint32_t kChunk = base::kChunkBytesMin;
constexpr std::uint32_t kLast = kChunk / 3;                 // of the last chunk
constexpr std::uint32_t kSize = 2 * kChunk + kLast;

struct FetchPieces : OneBlock {
  FetchPieces() : OneBlock(kChunk, kSize) {}
};

TEST_F(FetchPieces, RefusesChunksThatAreNoPieceOfTheExtent) {
  const struct {
    std::uint32_t offset;
    std::uint32_t bytes;
    const char* what;
  } bad[] = {
      {0, kChunk - 1, "one byte short"},          {0, 1, "one byte"},
      {0, kSize + 1, "more than all"},            {0, kChunk + 1, "one byte long"},
      {0, 2 * kChunk + 1, "two and a byte"},       {1, kChunk, "beside its place"},
      {kChunk, kLast, "the last one's length"},   {2 * kChunk, kChunk, "beyond the end"},
      {2 * kChunk, kLast - 1, "the last, short"}, {3 * kChunk, kLast, "after the last"},
      {UINT32_MAX - UINT32_MAX % kChunk, kChunk, "far away"},
  };
  for (const auto& one : bad) EXPECT_EQ(hear(one.offset, one.bytes), share::Drop::kBadChunk) << one.what;
  EXPECT_EQ(lane.chunk_bytes_in, 0u);
  EXPECT_FALSE(hear(2 * kChunk, kLast));
  EXPECT_FALSE(hear(0, kChunk));
  poll();
  EXPECT_TRUE(events.empty());               // one is still missing
  EXPECT_FALSE(hear(kChunk, kChunk));
  EXPECT_TRUE(written());
}

TEST_F(FetchPieces, TakesSeveralChunksAtOnceAndOfThemWhatIsMissing) {
  EXPECT_FALSE(hear(kChunk, kChunk));
  EXPECT_FALSE(hear(0, kSize));
  EXPECT_EQ(lane.chunk_bytes_in, kSize);
  EXPECT_EQ(lane.chunk_bytes_duplicate, kChunk);
  EXPECT_TRUE(written());
}

TEST_F(FetchPieces, CountsASecondCopyAndKeepsTheFirst) {
  EXPECT_FALSE(hear(0, kChunk));
  content[5] ^= std::byte{1};
  EXPECT_FALSE(hear(0, kChunk));              // another text for what is there
  content[5] ^= std::byte{1};
  EXPECT_EQ(lane.chunk_bytes_in, kChunk);
  EXPECT_EQ(lane.chunk_bytes_duplicate, kChunk);
  EXPECT_FALSE(hear(kChunk, kChunk));
  EXPECT_FALSE(hear(2 * kChunk, kLast));
  EXPECT_TRUE(written());
}

TEST_F(FetchPieces, NotesHowLongNothingNewCameAndHowMuchOfThatTheMachineTook) {
  using base::microseconds;
  fetch.note_turn(base::seconds(3));            // before anything was asked for: nobody's gap
  EXPECT_FALSE(hear(0, kChunk, kNow + microseconds(1900)));
  EXPECT_EQ(report().gaps, 0u);
  EXPECT_EQ(report().gap_longest, microseconds(1900));
  fetch.note_turn(FetchSide::kRestMax);         // it rested
  fetch.note_turn(FetchSide::kRestMax + microseconds(100));
  EXPECT_FALSE(hear(0, kChunk, kNow + microseconds(7900)));       // nothing new
  fetch.note_turn(microseconds(4000));
  EXPECT_FALSE(hear(kChunk, kChunk, kNow + microseconds(12000)));
  EXPECT_EQ(report().gaps, 1u);
  EXPECT_EQ(report().gap_last.began, kNow + microseconds(1900));
  EXPECT_EQ(report().gap_last.lasted, microseconds(10100));
  EXPECT_EQ(report().gap_last.away, FetchSide::kRestMax + microseconds(4100));
  EXPECT_FALSE(hear(2 * kChunk, kLast, kNow + microseconds(14000)));
  EXPECT_EQ(report().gaps, 2u);
  EXPECT_EQ(report().gap_last.away, base::Duration{});
  EXPECT_EQ(report().gap_longest, microseconds(10100));
}

TEST_F(FetchPieces, AsksAgainForWhatALostPacketAskedFor) {
  EXPECT_FALSE(fetch.has_request(kSession));
  fetch.handle_requests_lost(kSession, base::PathId{1}, 1);   // that number of another path: not ours
  fetch.handle_requests_lost(kSession, base::PathId{0}, 2);
  EXPECT_FALSE(fetch.has_request(kSession));
  fetch.handle_requests_lost(kSession, base::PathId{0}, 1);
  ASSERT_TRUE(fetch.has_request(kSession));
  const wire::Request again = fetch.take_request(kSession, base::PathId{1}, 7, kNow);
  EXPECT_EQ(again.request_id, request.request_id);
  EXPECT_EQ(again.offset, request.offset);
  EXPECT_EQ(again.length, request.length);
}

}  // namespace
}  // namespace weft::run
