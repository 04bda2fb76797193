// What a puller's core takes for a part of a block, and what not: chunks on the grid, alone or several in one packet, in any
// order and in copies that overlap.
#include "engine/run/fetch_side.hh"

#include <gtest/gtest.h>

#include <vector>

#include "engine/base/prng.hh"
#include "engine/wire/sha256.hh"

namespace weft::run {
namespace {

constexpr std::uint32_t kChunk = 349, kBlock = 10 * kChunk + 100;   // ten chunks and a short one
constexpr std::uint32_t kSlots = 128;
constexpr base::SessionId kSession{0};
constexpr base::Instant kNow{base::seconds(1).ns};

struct FetchChunks : testing::Test {
  FetchChunks()
      : job_slots(64), done_slots(64), jobs(job_slots), dones(done_slots), files(base::kFilesPerCoreMax), disk(jobs, dones),
        memory(std::size_t{kSlots} * base::kSlotBytes), fetch(files, disk, memory, kSlots, {}), content(kBlock) {
    base::Prng dice(3);
    for (auto& byte : content) byte = static_cast<std::byte>(dice.next());
    files.at(1) = {.state = FileEntry::State::kReady, .serving = false, .session = kSession, .number = 1};
    fetch.add_session(kSession, {.chunk_bytes = kChunk, .requests_max = 8});
    fetch.handle_fetch(kSession, {.file = 1, .handle = 9, .token = 5, .size = kBlock, .offset = 0,
                                  .hash = wire::sha256(content)});
    poll();
    request = fetch.take_request(kSession, base::PathId{0}, 1, kNow);
  }
  void poll() {
    (void)fetch.poll(kNow, false, [this](const share::Event& event) { events.push_back(event); });
  }
  std::optional<share::Drop> hear(std::uint32_t offset, std::uint32_t bytes) {
    std::vector<std::byte> data(bytes, std::byte{0xEE});
    for (std::uint32_t i = 0; i < bytes && offset + i < kBlock; ++i) data[i] = content[offset + i];
    return fetch.handle_chunk(kSession, {.request_id = request.request_id, .offset = offset, .data = data}, lane, kNow);
  }
  // The disk writes what it is given; true when the block is there as it should be.
  bool written() {
    for (int i = 0; i < 4; ++i) poll();
    share::DiskJob job;
    if (!jobs.pop_one(job)) return false;
    const base::Bytes slot = base::Bytes(memory).subspan(std::size_t{job.slot} * base::kSlotBytes, job.length);
    const bool same = std::ranges::equal(slot, content);
    MUST(dones.push_one({.cookie = job.cookie, .result = 0}));
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

TEST_F(FetchChunks, TakesChunksInPacketsOfAnySize) {
  EXPECT_EQ(request.length, kBlock);
  EXPECT_FALSE(hear(8 * kChunk, 2 * kChunk + 100));     // the end, and the short one with it
  EXPECT_FALSE(hear(0, kChunk));
  EXPECT_FALSE(hear(kChunk, 4 * kChunk));
  EXPECT_FALSE(hear(5 * kChunk, 3 * kChunk));
  EXPECT_EQ(lane.chunk_bytes_in, kBlock);
  EXPECT_EQ(lane.chunk_bytes_duplicate, 0u);
  EXPECT_TRUE(written());
}

TEST_F(FetchChunks, OfCopiesThatOverlapOnlyWhatWasMissingIsTaken) {
  EXPECT_FALSE(hear(2 * kChunk, kChunk));
  EXPECT_FALSE(hear(5 * kChunk, 2 * kChunk));
  // What is there already must stay as it is: the copy brings other bytes in its place.
  content[2 * kChunk] ^= std::byte{1};
  EXPECT_FALSE(hear(0, 8 * kChunk));
  content[2 * kChunk] ^= std::byte{1};
  EXPECT_EQ(lane.chunk_bytes_in, 8 * kChunk);
  EXPECT_EQ(lane.chunk_bytes_duplicate, 3 * kChunk);
  EXPECT_FALSE(hear(0, 8 * kChunk));
  EXPECT_EQ(lane.chunk_bytes_in, 8 * kChunk);
  EXPECT_FALSE(hear(8 * kChunk, 2 * kChunk + 100));
  EXPECT_TRUE(written());
}

TEST_F(FetchChunks, WhatIsNotOnTheGridIsRefusedWhole) {
  const auto bad = [&](std::uint32_t offset, std::uint32_t bytes) { return hear(offset, bytes) == share::Drop::kBadChunk; };
  EXPECT_TRUE(bad(1, kChunk));
  EXPECT_TRUE(bad(kChunk - 1, kChunk));
  EXPECT_TRUE(bad(0, kChunk - 1));                      // short, and not the last
  EXPECT_TRUE(bad(0, 2 * kChunk + 100));
  EXPECT_TRUE(bad(10 * kChunk, 99));
  EXPECT_TRUE(bad(10 * kChunk, 101));                   // beyond the extent
  EXPECT_TRUE(bad(9 * kChunk, 2 * kChunk));
  EXPECT_TRUE(bad(11 * kChunk, 1));
  EXPECT_TRUE(bad(100 * kChunk, kChunk));
  EXPECT_EQ(lane.chunk_bytes_in, 0u);
  EXPECT_FALSE(hear(0, kBlock));
  EXPECT_TRUE(written());
}

}  // namespace
}  // namespace weft::run
