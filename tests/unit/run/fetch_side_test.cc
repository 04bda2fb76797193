// What a peer that has the keys and no manners can say of an extent: every chunk that is not exactly a piece of it is refused,
// and the extent is as before.
#include "engine/run/fetch_side.hh"

#include <gtest/gtest.h>

#include <vector>

#include "engine/wire/sha256.hh"

namespace weft::run {
namespace {

constexpr std::uint32_t kSlots = 4;
constexpr std::uint32_t kChunk = base::kChunkBytesMin;
constexpr std::uint32_t kLast = kChunk / 3;                 // of the last chunk
constexpr std::uint32_t kSize = 2 * kChunk + kLast;         // of the block, one extent
constexpr base::SessionId kSession{2};
constexpr base::Instant kNow{1'000'000};

// A fetch side with one block ordered and asked for.
class Puller : public testing::Test {
 protected:
  Puller()
      : job_slots_(64), done_slots_(64), jobs_(job_slots_), dones_(done_slots_), files_(base::kFilesPerCoreMax),
        disk_(jobs_, dones_), memory_(std::size_t{kSlots} * base::kSlotBytes),
        fetch_(files_, disk_, memory_, kSlots, CoreLimits{.block_bytes = base::kSlotBytes}), content_(kSize) {
    for (std::size_t i = 0; i < content_.size(); ++i) content_[i] = static_cast<std::byte>(i * 7 + 1);
    const std::uint32_t number = FileNumber::of(0, {0, 1});
    files_.at(0) = {.state = FileEntry::State::kReady, .serving = false, .session = kSession, .number = number, .size = 0};
    fetch_.add_session(kSession, {.chunk_bytes = kChunk, .requests_max = 8});
    fetch_.handle_fetch(kSession, {.file = number, .handle = 9, .token = 1, .size = kSize, .offset = 0,
                                   .hash = wire::sha256(content_)});
    poll();
    request_ = fetch_.take_request(kSession, base::PathId{0}, 1, kNow);
  }
  void poll() {
    fetch_.poll(kNow, false, [this](const share::Event& event) { events_.push_back(event); });
  }
  std::optional<share::Drop> chunk(std::uint32_t offset, std::size_t bytes) {
    std::vector<std::byte> data(bytes, std::byte{0xee});
    const std::size_t right = offset < kSize ? std::min<std::size_t>(bytes, kSize - offset) : 0;
    std::copy_n(content_.begin() + std::min(offset, kSize), right, data.begin());
    return fetch_.handle_chunk(kSession, {.request_id = request_.request_id, .offset = offset, .data = data}, lane_, kNow);
  }
  // The block is written, and its bytes are the file's.
  void expect_written() {
    share::DiskJob job;
    for (int turn = 0; turn < 8; ++turn) {
      poll();
      while (jobs_.pop_one(job)) {
        ASSERT_EQ(job.length, kSize);
        const auto slot = base::Bytes(memory_).subspan(std::size_t{job.slot} * base::kSlotBytes, kSize);
        EXPECT_TRUE(std::equal(slot.begin(), slot.end(), content_.begin()));
        EXPECT_TRUE(dones_.push_one({.cookie = job.cookie, .result = static_cast<std::int32_t>(job.length)}));
      }
      DiskGate::Cookie cookie;
      std::int32_t result = 0;
      while (disk_.next_done(cookie, result))
        fetch_.handle_disk_done(cookie.index, result, [this](const share::Event& e) { events_.push_back(e); });
    }
    ASSERT_EQ(events_.size(), 1u);
    EXPECT_EQ(events_[0].kind, share::Event::Kind::kBlockWritten);
  }

  std::vector<share::DiskJob> job_slots_;
  std::vector<share::DiskDone> done_slots_;
  share::SpscRing<share::DiskJob> jobs_;
  share::SpscRing<share::DiskDone> dones_;
  FileTable files_;
  DiskGate disk_;
  std::vector<std::byte> memory_;
  FetchSide fetch_;
  std::vector<std::byte> content_;
  std::vector<share::Event> events_;
  share::LaneReport lane_;
  wire::Request request_;
};

TEST_F(Puller, RefusesChunksThatAreNoPieceOfTheExtent) {
  const struct {
    std::uint32_t offset;
    std::size_t bytes;
    const char* what;
  } bad[] = {
      {0, kChunk - 1, "one byte short"},          {0, 1, "one byte"},
      {0, kSize + 1, "more than all"},            {0, kChunk + 1, "one byte long"},
      {0, 2 * kChunk + 1, "two and a byte"},       {1, kChunk, "beside its place"},
      {kChunk, kLast, "the last one's length"},   {2 * kChunk, kChunk, "beyond the end"},
      {2 * kChunk, kLast - 1, "the last, short"}, {3 * kChunk, kLast, "after the last"},
      {UINT32_MAX - UINT32_MAX % kChunk, kChunk, "far away"},
  };
  for (const auto& one : bad) EXPECT_EQ(chunk(one.offset, one.bytes), share::Drop::kBadChunk) << one.what;
  EXPECT_EQ(lane_.chunk_bytes_in, 0u);
  EXPECT_FALSE(chunk(2 * kChunk, kLast));
  EXPECT_FALSE(chunk(0, kChunk));
  poll();
  EXPECT_TRUE(events_.empty());               // one is still missing
  EXPECT_FALSE(chunk(kChunk, kChunk));
  expect_written();
}

TEST_F(Puller, TakesSeveralChunksAtOnceAndOfThemWhatIsMissing) {
  EXPECT_FALSE(chunk(kChunk, kChunk));
  EXPECT_FALSE(chunk(0, kSize));
  EXPECT_EQ(lane_.chunk_bytes_in, kSize);
  EXPECT_EQ(lane_.chunk_bytes_duplicate, kChunk);
  expect_written();
}

TEST_F(Puller, CountsASecondCopyAndKeepsTheFirst) {
  EXPECT_FALSE(chunk(0, kChunk));
  content_[5] ^= std::byte{1};
  EXPECT_FALSE(chunk(0, kChunk));              // another text for what is there
  content_[5] ^= std::byte{1};
  EXPECT_EQ(lane_.chunk_bytes_in, kChunk);
  EXPECT_EQ(lane_.chunk_bytes_duplicate, kChunk);
  EXPECT_FALSE(chunk(kChunk, kChunk));
  EXPECT_FALSE(chunk(2 * kChunk, kLast));
  expect_written();
}

TEST_F(Puller, AsksAgainForWhatALostPacketAskedFor) {
  EXPECT_FALSE(fetch_.has_request(kSession));
  fetch_.handle_requests_lost(kSession, base::PathId{1}, 1);   // that number of another path: not ours
  fetch_.handle_requests_lost(kSession, base::PathId{0}, 2);
  EXPECT_FALSE(fetch_.has_request(kSession));
  fetch_.handle_requests_lost(kSession, base::PathId{0}, 1);
  ASSERT_TRUE(fetch_.has_request(kSession));
  const wire::Request again = fetch_.take_request(kSession, base::PathId{1}, 7, kNow);
  EXPECT_EQ(again.request_id, request_.request_id);
  EXPECT_EQ(again.offset, request_.offset);
  EXPECT_EQ(again.length, request_.length);
}

}  // namespace
}  // namespace weft::run
