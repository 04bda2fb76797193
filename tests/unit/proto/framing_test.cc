#include "bep/proto/framing.hh"

#include <gtest/gtest.h>

#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::frame;
using test::hex;
using Outcome = FrameDecoder::Outcome;

Reason reason_of(const Buffer& bytes, FrameLimits limits = {}) {
  FrameDecoder decoder(limits);
  decoder.feed(bytes);
  Frame out;
  Outcome outcome = Outcome::kFrame;
  while (outcome == Outcome::kFrame) outcome = decoder.next(out);
  return outcome == Outcome::kRefused ? decoder.reason() : Reason::kNone;
}

TEST(Framing, RefusesByReason) {
  struct Case { const char* bytes; Reason reason; };
  for (const Case& c : std::vector<Case>{
           {"8000", Reason::kHeaderTooLong},
           {"ffff", Reason::kHeaderTooLong},
           {"0002 08ff", Reason::kHeaderBroken},
           {"0001 0b", Reason::kHeaderBroken},                       // a group
           {"0002 1002", Reason::kCompressionUnknown},
           {"0004 0863 1002", Reason::kCompressionUnknown},          // of an unknown type
           {"0002 0806 ffffffff", Reason::kLengthNegative},
           {"0002 0806 80000000", Reason::kLengthNegative},
           {"0002 0863 7fffffff", Reason::kLengthTooLong},           // of an unknown type
           {"0002 0801 1dcd6501", Reason::kLengthTooLong},           // 500 000 001
           {"0002 0806 00200001", Reason::kLengthTooLong},           // a Ping of 2 MiB
           {"0004 0806 1001 00000003 000000", Reason::kLz4TooShort},
           {"0004 0806 1001 00000005 7fffffff00", Reason::kLz4TooLong},
           {"0004 0806 1001 00000005 000fffff00", Reason::kLz4TooLong},   // one byte holds no MiB
           {"0004 0806 1001 00000006 0000000af000", Reason::kLz4Broken},
           {"0004 0806 1001 00000006 000000051061", Reason::kLz4LengthMismatch},
           {"0004 0806 1001 00000007 00000001206162", Reason::kLz4Broken},   // more than declared
           {"0004 0806 1001 00000005 0000000000", Reason::kNone},
           {"0006 0806 980601 06 00000000", Reason::kHeaderBroken},
           {"0005 0806 980601 00000000", Reason::kNone}}) {          // unknown header field
    EXPECT_EQ(std::string(name_of(reason_of(hex(c.bytes)))), name_of(c.reason)) << c.bytes;
  }
}

TEST(Framing, StaysRefused) {
  FrameDecoder decoder;
  Frame out;
  decoder.feed(hex("ffff"));
  EXPECT_EQ(decoder.next(out), Outcome::kRefused);
  decoder.feed(hex("0002080600000000"));
  EXPECT_EQ(decoder.next(out), Outcome::kRefused);
  EXPECT_EQ(decoder.reason(), Reason::kHeaderTooLong);
  EXPECT_EQ(decoder.bytes_held(), 0u);
}

TEST(Framing, AnyCutGivesTheSameMessages) {
  base::Prng prng(3);
  Buffer stream;
  std::vector<Buffer> sent;
  for (int i = 0; i < 60; ++i) {
    Buffer payload(prng.below(5) == 0 ? prng.below(70'000) : prng.below(300));
    const bool compressible = prng.chance(2);
    for (std::byte& byte : payload)
      byte = static_cast<std::byte>(prng.below(compressible ? 2 : 256));
    append(stream, frame(MessageType::kIndex, payload, Compression::kMetadata));
    sent.push_back(payload);
    // An unknown message in between, which nobody gets to see.
    append(stream, frame(static_cast<MessageType>(99), payload));
  }
  for (const std::uint32_t step_max : {1u, 7u, 1000u, 100'000u}) {
    FrameDecoder decoder;
    std::size_t at = 0, got = 0;
    while (at < stream.size()) {
      const std::size_t step = std::min<std::size_t>(1 + prng.below(step_max), stream.size() - at);
      decoder.feed(base::Bytes(stream).subspan(at, step));
      at += step;
      Frame out;
      while (decoder.next(out) == Outcome::kFrame) {
        ASSERT_LT(got, sent.size());
        EXPECT_EQ(out.payload, sent[got++]);
      }
    }
    EXPECT_EQ(got, sent.size());
    EXPECT_EQ(decoder.unknown_skipped(), sent.size());
  }
}

// Of a message that has not come whole.
void feed_part(FrameDecoder& decoder, std::size_t bytes) {
  Frame out;
  decoder.feed(Buffer(bytes));
  EXPECT_EQ(decoder.next(out), Outcome::kNeedMore);
}

TEST(Framing, MemoryFollowsTheBytesNotThePromise) {
  FrameDecoder decoder;
  decoder.feed(hex("0002 0801 03000000"));   // an Index of 48 MiB
  feed_part(decoder, 1000);
  EXPECT_LT(decoder.bytes_held(), 300u << 10);
  feed_part(decoder, 4 << 20);
  EXPECT_LT(decoder.bytes_held(), 10u << 20);
}

TEST(Framing, AResponseHasRoomAtOnceAndNoMoreThanABlocks) {
  FrameDecoder decoder;
  decoder.feed(hex("0002 0804 01000000"));   // a Response of 16 MiB
  feed_part(decoder, 1000);
  EXPECT_GE(decoder.bytes_held(), 16u << 20);
  for (int i = 0; i < 15; ++i) feed_part(decoder, 1 << 20);
  EXPECT_LT(decoder.bytes_held(), 18u << 20);

  FrameDecoder refuses;
  Frame out;
  refuses.feed(hex("0002 0804 02000000"));   // of 32 MiB
  EXPECT_EQ(refuses.next(out), Outcome::kRefused);
  EXPECT_LT(refuses.bytes_held(), 1u << 10);
}

TEST(Framing, SkipsUnknownTypesWithoutHoldingThem) {
  FrameDecoder decoder;
  decoder.feed(hex("0002 0863 1dcd6500"));   // 500 000 000 bytes of type 99
  for (int i = 0; i < 20; ++i) feed_part(decoder, 1 << 20);
  EXPECT_LT(decoder.bytes_held(), 3u << 20);
}

TEST(Framing, PrivateTypesAreUnknownUntilWanted) {
  const Buffer bytes = frame(MessageType::kRelease, hex("0a0101"));
  FrameDecoder decoder;
  Frame out;
  decoder.feed(bytes);
  EXPECT_EQ(decoder.next(out), Outcome::kNeedMore);
  EXPECT_EQ(decoder.unknown_skipped(), 1u);
  decoder.want_private(true);
  decoder.feed(bytes);
  ASSERT_EQ(decoder.next(out), Outcome::kFrame);
  EXPECT_EQ(out.type, MessageType::kRelease);
  decoder.feed(frame(MessageType{1006}, hex("0a0101")));
  EXPECT_EQ(decoder.next(out), Outcome::kNeedMore) << "not spoken yet";
  EXPECT_EQ(decoder.unknown_skipped(), 2u);
}

TEST(Framing, LimitsHoldForPackedAndPlain) {
  FrameLimits limits;
  limits.index_bytes_max = 10'000;
  const Buffer fits(10'000), exceeds(10'001);
  EXPECT_EQ(reason_of(frame(MessageType::kIndex, fits), limits), Reason::kNone);
  EXPECT_EQ(reason_of(frame(MessageType::kIndex, exceeds), limits), Reason::kLengthTooLong);
  const auto packed = [](const Buffer& bytes) {
    return frame(MessageType::kIndex, bytes, Compression::kMetadata);
  };
  EXPECT_EQ(reason_of(packed(fits), limits), Reason::kNone);
  EXPECT_EQ(reason_of(packed(exceeds), limits), Reason::kLz4TooLong);
}

TEST(Framing, PacksOnlyWhatThePolicyAsksAndWhatGainsByIt) {
  const Buffer zeros(1000), small(127), enough(128);
  base::Prng prng(5);
  Buffer noise(1000);
  for (std::byte& byte : noise) byte = static_cast<std::byte>(prng.below(256));
  const auto is_packed = [](MessageType type, const Buffer& bytes, Compression policy) {
    return frame(type, bytes, policy).size() < bytes.size();
  };
  using enum Compression;
  EXPECT_TRUE(is_packed(MessageType::kIndex, zeros, kMetadata));
  EXPECT_TRUE(is_packed(MessageType::kIndex, zeros, kAlways));
  EXPECT_FALSE(is_packed(MessageType::kIndex, zeros, kNever));
  EXPECT_FALSE(is_packed(MessageType::kResponse, zeros, kMetadata));
  EXPECT_TRUE(is_packed(MessageType::kResponse, zeros, kAlways));
  EXPECT_FALSE(is_packed(MessageType::kIndex, small, kAlways));
  EXPECT_TRUE(is_packed(MessageType::kIndex, enough, kAlways));
  EXPECT_FALSE(is_packed(MessageType::kIndex, noise, kAlways));
}

}  // namespace
}  // namespace weft::proto
