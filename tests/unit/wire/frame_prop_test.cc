// Properties of frames over random ones: what is written is read back; what is cut, changed or made
// up is read within bounds and never says something that the format forbids.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

constexpr std::size_t kBufferBytes = 9000;

Ack random_ack(base::Prng& prng) {
  Ack ack{.path = static_cast<std::uint8_t>(prng.below(base::kPathsMax)),
          .largest = prng.next() >> (2 + prng.below(50)),
          .delay_us = static_cast<std::uint32_t>(prng.next())};
  std::uint64_t last = ack.largest;
  const std::size_t count = 1 + prng.below(kAckRangesMax);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t run = std::min<std::uint64_t>(last, prng.below(1u << prng.below(32)));
    EXPECT_TRUE(ack.ranges.try_push({last - run, last}));
    const std::uint64_t step = 2 + prng.below(1u << prng.below(32));
    if (last - run < step) break;
    last -= run + step;
  }
  return ack;
}

// One frame as a value to compare: its type and its fields in the order of the format.
using Fields = std::vector<std::uint64_t>;
Fields fields_of(const Frame& f) {
  Fields out{static_cast<std::uint64_t>(f.type)};
  switch (f.type) {
    case FrameType::kPadding: case FrameType::kPing: break;
    case FrameType::kAck:
      out.insert(out.end(), {f.ack.path, f.ack.largest, f.ack.delay_us});
      for (const AckRange& range : f.ack.ranges) out.insert(out.end(), {range.first, range.last});
      break;
    case FrameType::kRequest:
      out.insert(out.end(), {f.request.handle, f.request.request_id, f.request.offset,
                             f.request.length});
      break;
    case FrameType::kChunk:
      out.insert(out.end(), {f.chunk.request_id, f.chunk.offset, f.chunk.data.size()});
      for (const std::byte b : f.chunk.data) out.push_back(std::to_integer<std::uint64_t>(b));
      break;
    case FrameType::kReject:
      out.insert(out.end(), {f.reject.request_id, static_cast<std::uint64_t>(f.reject.reason)});
      break;
    case FrameType::kPathChallenge: out.push_back(f.path_challenge.data); break;
    case FrameType::kPathResponse: out.push_back(f.path_response.data); break;
    case FrameType::kPathStatus:
      out.insert(out.end(), {f.path_status.path, f.path_status.seq,
                             static_cast<std::uint64_t>(f.path_status.use)});
      break;
    case FrameType::kPathAbandon:
      out.insert(out.end(), {f.path_abandon.path, f.path_abandon.reason});
      break;
    case FrameType::kClose: out.push_back(f.close.code); break;
  }
  return out;
}

// Draws a valid frame. Chunk data comes from `data`.
Frame random_frame(base::Prng& prng, base::Bytes data) {
  Frame f;
  f.type = static_cast<FrameType>(1 + prng.below(10));
  f.ack = random_ack(prng);
  f.request.handle = static_cast<std::uint32_t>(prng.next());
  f.request.request_id = static_cast<std::uint32_t>(prng.next());
  f.request.length = 1 + prng.below(base::kSlotBytes);
  f.request.offset = (prng.next() >> (1 + prng.below(63))) % (kFileBytesMax - f.request.length + 1);
  f.chunk.request_id = static_cast<std::uint32_t>(prng.next());
  f.chunk.data = data.first(1 + prng.below(static_cast<std::uint32_t>(data.size())));
  const auto data_bytes = static_cast<std::uint32_t>(f.chunk.data.size());
  f.chunk.offset = prng.below(base::kSlotBytes - data_bytes + 1);
  f.reject.request_id = static_cast<std::uint32_t>(prng.next());
  f.reject.reason = static_cast<RejectReason>(1 + prng.below(5));
  f.path_challenge.data = prng.next();
  f.path_response.data = prng.next();
  f.path_status.path = static_cast<std::uint8_t>(prng.below(base::kPathsMax));
  f.path_status.seq = static_cast<std::uint32_t>(prng.next());
  f.path_status.use = static_cast<PathUse>(1 + prng.below(2));
  f.path_abandon.path = static_cast<std::uint8_t>(prng.below(base::kPathsMax));
  f.path_abandon.reason = static_cast<std::uint32_t>(prng.next());
  f.close.code = static_cast<std::uint32_t>(prng.next());
  return f;
}

void encode_frame(base::ByteWriter& out, const Frame& f) {
  switch (f.type) {
    case FrameType::kPadding: encode_padding(out, 1); break;
    case FrameType::kPing: encode_ping(out); break;
    case FrameType::kAck: encode(out, f.ack); break;
    case FrameType::kRequest: encode(out, f.request); break;
    case FrameType::kChunk: encode(out, f.chunk); break;
    case FrameType::kReject: encode(out, f.reject); break;
    case FrameType::kPathChallenge: encode(out, f.path_challenge); break;
    case FrameType::kPathResponse: encode(out, f.path_response); break;
    case FrameType::kPathStatus: encode(out, f.path_status); break;
    case FrameType::kPathAbandon: encode(out, f.path_abandon); break;
    case FrameType::kClose: encode(out, f.close); break;
  }
}

std::size_t expected_size(const Frame& f) {
  switch (f.type) {
    case FrameType::kPadding: case FrameType::kPing: return kPingBytes;
    case FrameType::kAck: return encoded_size(f.ack);
    case FrameType::kRequest: return kRequestBytes;
    case FrameType::kChunk: return encoded_size(f.chunk);
    case FrameType::kReject: return kRejectBytes;
    case FrameType::kPathChallenge: return kPathChallengeBytes;
    case FrameType::kPathResponse: return kPathResponseBytes;
    case FrameType::kPathStatus: return kPathStatusBytes;
    case FrameType::kPathAbandon: return kPathAbandonBytes;
    case FrameType::kClose: return kCloseBytes;
  }
  return 0;
}

struct Written {
  std::vector<std::byte> bytes;
  std::vector<Fields> frames;
  std::vector<std::size_t> ends;   // where each frame ends
};

Written random_packet(base::Prng& prng) {
  std::array<std::byte, 256> data;
  for (std::byte& b : data) b = static_cast<std::byte>(prng.next());
  Written written;
  written.bytes.resize(kBufferBytes);
  base::ByteWriter writer(written.bytes);
  const std::uint32_t count = prng.below(8);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (prng.chance(3)) encode_padding(writer, prng.below(5));
    const Frame frame = random_frame(prng, data);
    const std::size_t before = writer.used();
    encode_frame(writer, frame);
    EXPECT_EQ(writer.used() - before, expected_size(frame));
    written.frames.push_back(fields_of(frame));
    written.ends.push_back(writer.used());
  }
  written.bytes.resize(writer.used());
  return written;
}

// A copy that ends with the allocation, so that a checker of memory sees any read beyond it.
struct Exact {
  explicit Exact(base::Bytes bytes) : size(bytes.size()), at(new std::byte[bytes.size()]) {
    std::ranges::copy(bytes, at.get());
  }
  [[nodiscard]] base::Bytes span() const { return {at.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::byte[]> at;
};

// What the format forbids, asked of a frame that the reader let through.
void expect_valid(const Frame& f, base::Bytes packet) {
  ASSERT_NE(f.type, FrameType::kPadding);
  ASSERT_LE(f.type, FrameType::kClose);
  if (f.type == FrameType::kAck) {
    ASSERT_LT(f.ack.path, base::kPathsMax);
    ASSERT_LE(f.ack.largest, kPacketNumberMax);
    ASSERT_GE(f.ack.ranges.size(), 1u);
    ASSERT_EQ(f.ack.ranges[0].last, f.ack.largest);
    for (std::size_t i = 0; i < f.ack.ranges.size(); ++i) {
      ASSERT_LE(f.ack.ranges[i].first, f.ack.ranges[i].last);
      if (i > 0) {
        ASSERT_LT(f.ack.ranges[i].last + 1, f.ack.ranges[i - 1].first);
      }
    }
  }
  if (f.type == FrameType::kRequest) {
    ASSERT_GE(f.request.length, 1u);
    ASSERT_LE(f.request.length, base::kSlotBytes);
    ASSERT_LE(f.request.offset, kFileBytesMax - f.request.length);
  }
  if (f.type == FrameType::kChunk) {
    ASSERT_GE(f.chunk.data.size(), 1u);
    ASSERT_LE(f.chunk.offset + f.chunk.data.size(), base::kSlotBytes);
    ASSERT_GE(f.chunk.data.data(), packet.data());
    ASSERT_LE(f.chunk.data.data() + f.chunk.data.size(), packet.data() + packet.size());
  }
  if (f.type == FrameType::kPathStatus) {
    ASSERT_LT(f.path_status.path, base::kPathsMax);
  }
  if (f.type == FrameType::kPathAbandon) {
    ASSERT_LT(f.path_abandon.path, base::kPathsMax);
  }
}

class FrameProperties : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FrameProperties, WhatIsWrittenIsReadBack) {
  base::Prng prng(GetParam());
  for (int round = 0; round < 500; ++round) {
    const Written written = random_packet(prng);
    FrameReader reader(written.bytes);
    Frame frame;
    std::vector<Fields> got;
    while (reader.next(frame)) got.push_back(fields_of(frame));
    ASSERT_TRUE(reader.ok());
    ASSERT_EQ(got, written.frames);
  }
}

TEST_P(FrameProperties, ACutPacketGivesTheWholeFramesAndNoMore) {
  base::Prng prng(GetParam());
  for (int round = 0; round < 20; ++round) {
    const Written written = random_packet(prng);
    for (std::size_t cut = 0; cut < written.bytes.size(); ++cut) {
      const Exact packet(std::span(written.bytes).first(cut));
      FrameReader reader(packet.span());
      Frame frame;
      std::size_t count = 0;
      while (reader.next(frame)) ASSERT_EQ(fields_of(frame), written.frames[count++]);
      const auto whole = static_cast<std::size_t>(
          std::ranges::count_if(written.ends, [&](std::size_t end) { return end <= cut; }));
      ASSERT_EQ(count, whole) << "cut at " << cut;
    }
  }
}

TEST_P(FrameProperties, RandomBytesAreReadWithinBounds) {
  base::Prng prng(GetParam());
  for (int round = 0; round < 5'000; ++round) {
    std::vector<std::byte> bytes(prng.below(120));
    for (std::byte& b : bytes) b = static_cast<std::byte>(prng.next());
    // A known type first, and small numbers often: otherwise nearly everything fails at once.
    if (!bytes.empty()) bytes[0] = static_cast<std::byte>(prng.below(12));
    for (std::byte& b : bytes)
      if (prng.chance(2)) b &= std::byte{1};
    const Exact packet(bytes);
    FrameReader reader(packet.span());
    Frame frame;
    std::size_t count = 0;
    Chunk seen;
    const bool looks_like_chunk = begins_with_chunk(packet.span(), seen);
    while (reader.next(frame)) {
      expect_valid(frame, packet.span());
      ASSERT_LE(++count, bytes.size());
      if (count == 1 && bytes[0] != std::byte{0}) {
        ASSERT_EQ(looks_like_chunk, frame.type == FrameType::kChunk);
      }
      if (count == 1 && looks_like_chunk) {
        ASSERT_EQ(fields_of(Frame{.type = FrameType::kChunk, .chunk = seen}), fields_of(frame));
      }
    }
    ASSERT_TRUE(count > 0 || !looks_like_chunk);
  }
}

TEST_P(FrameProperties, AChangedByteIsReadWithinBoundsAndWhatIsReadCanBeWrittenAgain) {
  base::Prng prng(GetParam());
  for (int round = 0; round < 2'000; ++round) {
    const Written written = random_packet(prng);
    if (written.bytes.empty()) continue;
    const Exact packet(written.bytes);
    packet.at[prng.below(static_cast<std::uint32_t>(packet.size))] =
        static_cast<std::byte>(prng.next());
    FrameReader reader(packet.span());
    Frame frame, again;
    while (reader.next(frame)) {
      expect_valid(frame, packet.span());
      std::vector<std::byte> buffer(kChunkHeaderBytes + kBufferBytes);
      base::ByteWriter writer(buffer);
      encode_frame(writer, frame);
      buffer.resize(writer.used());
      FrameReader second(buffer);
      ASSERT_TRUE(second.next(again));
      ASSERT_EQ(fields_of(again), fields_of(frame));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FrameProperties, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace weft::wire
