// Each frame against bytes written by hand from FORMAT.md §5, and each value that must be refused.
#include "engine/wire/frame.hh"

#include <gtest/gtest.h>

#include <array>

#include "engine/wire/packet.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

template <typename F> std::string encoded(const F& frame) {
  std::array<std::byte, 512> buffer;
  base::ByteWriter writer(buffer);
  encode(writer, frame);
  return to_hex(std::span(buffer).first(writer.used()));
}

// The only frame in `hex`; fails the test if there is not exactly one good frame.
Frame only_frame(const std::vector<std::byte>& bytes) {
  FrameReader reader(bytes);
  Frame frame, none;
  EXPECT_TRUE(reader.next(frame));
  EXPECT_FALSE(reader.next(none));
  EXPECT_TRUE(reader.ok());
  return frame;
}

bool is_refused(std::string_view hex) {
  const auto bytes = from_hex(hex);
  FrameReader reader(bytes);
  Frame frame;
  const bool any = reader.next(frame);
  return !any && !reader.ok() && !reader.next(frame);
}

TEST(Frame, Ack) {
  Ack ack{.path = 63, .largest = 1010, .delay_us = 250};
  ASSERT_TRUE(ack.ranges.try_push({1000, 1010}));
  ASSERT_TRUE(ack.ranges.try_push({990, 995}));
  ASSERT_TRUE(ack.ranges.try_push({0, 988}));
  EXPECT_EQ(encoded(ack),
            "023f000000fa00000000000003f2020000000a" "0000000300000005" "00000000000003dc");
  EXPECT_EQ(encoded_size(ack), 19u + 16u);

  const Frame frame = only_frame(from_hex(encoded(ack)));
  ASSERT_EQ(frame.type, FrameType::kAck);
  EXPECT_EQ(frame.ack.path, 63);
  EXPECT_EQ(frame.ack.largest, 1010u);
  EXPECT_EQ(frame.ack.delay_us, 250u);
  ASSERT_EQ(frame.ack.ranges.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(frame.ack.ranges[i], ack.ranges[i]) << i;
}

TEST(Frame, AckOfMoreThan32BitsCanSaySaysLess) {
  const std::uint64_t far = std::uint64_t{1} << 40;
  Ack long_range{.largest = far};
  ASSERT_TRUE(long_range.ranges.try_push({10, far}));
  ASSERT_TRUE(long_range.ranges.try_push({0, 5}));
  EXPECT_EQ(encodable_ranges(long_range), 1u);
  Frame frame = only_frame(from_hex(encoded(long_range)));
  ASSERT_EQ(frame.ack.ranges.size(), 1u);
  EXPECT_EQ(frame.ack.ranges[0], (AckRange{far - UINT32_MAX, far}));

  Ack long_gap{.largest = far};
  ASSERT_TRUE(long_gap.ranges.try_push({far, far}));
  ASSERT_TRUE(long_gap.ranges.try_push({0, 5}));
  EXPECT_EQ(encodable_ranges(long_gap), 1u);
  EXPECT_EQ(encoded_size(long_gap), kAckBytesMin);

  // The longest gap that can be said: 2^32 packets missing.
  Ack just{.largest = far};
  ASSERT_TRUE(just.ranges.try_push({far, far}));
  ASSERT_TRUE(just.ranges.try_push({0, far - (std::uint64_t{1} << 32) - 1}));
  EXPECT_EQ(encodable_ranges(just), 2u);
  frame = only_frame(from_hex(encoded(just)));
  EXPECT_EQ(frame.ack.ranges[1].last, just.ranges[1].last);
}

TEST(Frame, AckRefusals) {
  // path 64; largest above 2^62 - 1; run below 0; gap below 0 (four); 32 further ranges.
  EXPECT_TRUE(is_refused("0240 00000000 0000000000000009 00 00000000"));
  EXPECT_TRUE(is_refused("0200 00000000 4000000000000000 00 00000000"));
  EXPECT_TRUE(is_refused("0200 00000000 0000000000000009 00 0000000a"));
  EXPECT_TRUE(is_refused("0200 00000000 0000000000000009 01 00000009 00000000 00000000"));
  EXPECT_TRUE(is_refused("0200 00000000 0000000000000009 01 00000008 00000000 00000000"));
  EXPECT_TRUE(is_refused("0200 00000000 0000000000000009 01 00000000 ffffffff 00000000"));
  EXPECT_TRUE(is_refused("0200 00000000 0000000000000009 01 00000005 00000000 00000003"));
  std::string many = "0200 00000000 0000000000010000 20 00000000";
  for (int i = 0; i < 32; ++i) many += " 00000000 00000000";
  EXPECT_TRUE(is_refused(many));
  // The largest valid neighbours of these.
  const auto is_good = [](std::string_view hex) {
    return only_frame(from_hex(hex)).type == FrameType::kAck;
  };
  EXPECT_TRUE(is_good("023f 00000000 3fffffffffffffff 00 00000000"));
  EXPECT_TRUE(is_good("0200 00000000 0000000000000009 00 00000009"));
  EXPECT_TRUE(is_good("0200 00000000 0000000000000009 01 00000007 00000000 00000000"));
}

TEST(Frame, Request) {
  const Request request{.handle = 7, .request_id = 0x00010005, .offset = 1u << 20,
                        .length = 131072};
  EXPECT_EQ(encoded(request), "03" "00000007" "00010005" "0000000000100000" "00020000");
  EXPECT_EQ(encoded(request).size() / 2, kRequestBytes);
  const Frame frame = only_frame(from_hex(encoded(request)));
  ASSERT_EQ(frame.type, FrameType::kRequest);
  EXPECT_EQ(frame.request.handle, 7u);
  EXPECT_EQ(frame.request.request_id, 0x00010005u);
  EXPECT_EQ(frame.request.offset, 1u << 20);
  EXPECT_EQ(frame.request.length, 131072u);

  EXPECT_TRUE(is_refused("03 00000007 00010005 0000000000100000 00000000"));   // no byte
  EXPECT_TRUE(is_refused("03 00000007 00010005 0000000000100000 00020001"));   // over a slot
  EXPECT_TRUE(is_refused("03 00000007 00010005 7fffffffffffffff 00000001"));   // over off_t
  EXPECT_TRUE(is_refused("03 00000007 00010005 ffffffffffffffff 00000001"));
  EXPECT_EQ(only_frame(from_hex("03 00000007 00010005 7ffffffffffffffe 00000001")).type,
            FrameType::kRequest);
}

TEST(Frame, Chunk) {
  const auto data = from_hex("c0ffee");
  const Chunk chunk{.request_id = 0x00020003, .offset = 2048, .data = data};
  EXPECT_EQ(encoded(chunk), "04" "00020003" "00000800" "0003" "c0ffee");
  EXPECT_EQ(encoded_size(chunk), 14u);
  const auto bytes = from_hex(encoded(chunk));
  const Frame frame = only_frame(bytes);
  ASSERT_EQ(frame.type, FrameType::kChunk);
  EXPECT_EQ(frame.chunk.request_id, 0x00020003u);
  EXPECT_EQ(frame.chunk.offset, 2048u);
  EXPECT_EQ(to_hex(frame.chunk.data), "c0ffee");
  EXPECT_EQ(frame.chunk.data.data(), bytes.data() + kChunkHeaderBytes);   // a view, no copy

  std::array<std::byte, kChunkHeaderBytes> head;
  base::ByteWriter writer(head);
  encode_chunk_header(writer, 0x00020003, 2048, 3);
  EXPECT_EQ(to_hex(head) + "c0ffee", encoded(chunk));

  EXPECT_TRUE(is_refused("04 00020003 00000800 0000"));
  EXPECT_TRUE(is_refused("04 00020003 00000800 0004 c0ffee"));
  EXPECT_TRUE(is_refused("04 00020003 0001fffe 0003 c0ffee"));
  EXPECT_TRUE(is_refused("04 00020003 ffffffff 0003 c0ffee"));
  EXPECT_EQ(only_frame(from_hex("04 00020003 0001fffd 0003 c0ffee")).type, FrameType::kChunk);
}

TEST(Frame, Reject) {
  for (const auto reason : {RejectReason::kBusy, RejectReason::kUnknownHandle, RejectReason::kRange,
                            RejectReason::kDisk, RejectReason::kClosed}) {
    const auto bytes = from_hex(encoded(Reject{.request_id = 0xAABBCCDD, .reason = reason}));
    EXPECT_EQ(bytes.size(), kRejectBytes);
    const Frame frame = only_frame(bytes);
    ASSERT_EQ(frame.type, FrameType::kReject);
    EXPECT_EQ(frame.reject.request_id, 0xAABBCCDDu);
    EXPECT_EQ(frame.reject.reason, reason);
    EXPECT_STRNE(name_of(reason), "?");
  }
  EXPECT_EQ(encoded(Reject{.request_id = 1, .reason = RejectReason::kDisk}), "050000000104");
  EXPECT_TRUE(is_refused("05 00000001 00"));
  EXPECT_TRUE(is_refused("05 00000001 06"));
}

TEST(Frame, PathFrames) {
  const std::uint64_t data = 0x0102030405060708;
  EXPECT_EQ(encoded(PathChallenge{.data = data}), "060102030405060708");
  EXPECT_EQ(encoded(PathResponse{.data = data}), "070102030405060708");
  EXPECT_EQ(only_frame(from_hex("06 0102030405060708")).path_challenge.data, data);
  EXPECT_EQ(only_frame(from_hex("07 0102030405060708")).path_response.data, data);

  const PathStatus status{.path = 5, .seq = 0x11223344, .use = PathUse::kBackup};
  EXPECT_EQ(encoded(status), "08051122334402");
  const Frame frame = only_frame(from_hex(encoded(status)));
  ASSERT_EQ(frame.type, FrameType::kPathStatus);
  EXPECT_EQ(frame.path_status.path, 5);
  EXPECT_EQ(frame.path_status.seq, 0x11223344u);
  EXPECT_EQ(frame.path_status.use, PathUse::kBackup);
  EXPECT_TRUE(is_refused("08 40 11223344 01"));
  EXPECT_TRUE(is_refused("08 05 11223344 00"));
  EXPECT_TRUE(is_refused("08 05 11223344 03"));

  EXPECT_EQ(encoded(PathAbandon{.path = 5, .reason = 0x11223344}), "090511223344");
  const Frame abandon = only_frame(from_hex("09 05 11223344"));
  ASSERT_EQ(abandon.type, FrameType::kPathAbandon);
  EXPECT_EQ(abandon.path_abandon.path, 5);
  EXPECT_EQ(abandon.path_abandon.reason, 0x11223344u);
  EXPECT_TRUE(is_refused("09 40 11223344"));
}

TEST(Frame, PingPaddingCloseAndUnknown) {
  std::array<std::byte, 16> buffer;
  base::ByteWriter writer(buffer);
  encode_padding(writer, 3);
  encode_ping(writer);
  encode_padding(writer, 1);
  encode(writer, Close{.code = 0x11223344});
  encode_padding(writer, 2);
  EXPECT_EQ(to_hex(std::span(buffer).first(writer.used())), "00000001000a112233440000");

  FrameReader reader(base::Bytes(buffer).first(writer.used()));
  Frame frame;
  ASSERT_TRUE(reader.next(frame));
  EXPECT_EQ(frame.type, FrameType::kPing);
  ASSERT_TRUE(reader.next(frame));
  EXPECT_EQ(frame.type, FrameType::kClose);
  EXPECT_EQ(frame.close.code, 0x11223344u);
  EXPECT_FALSE(reader.next(frame));
  EXPECT_TRUE(reader.ok());

  for (unsigned type = 0x0B; type < 256; ++type) {
    std::array<std::byte, 40> unknown{static_cast<std::byte>(type)};
    FrameReader unknown_reader(unknown);
    EXPECT_FALSE(unknown_reader.next(frame)) << type;
    EXPECT_FALSE(unknown_reader.ok()) << type;
  }
}

TEST(Frame, AnErrorEndsThePacketAfterTheGoodFrames) {
  const auto bytes = from_hex("01 0b 01");
  FrameReader reader(bytes);
  Frame frame;
  EXPECT_TRUE(reader.next(frame));
  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.next(frame));
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.next(frame));
}

TEST(Frame, AckElicitingIsAllButPaddingAndAck) {
  for (unsigned type = 0; type <= 0x0A; ++type)
    EXPECT_EQ(is_ack_eliciting(static_cast<FrameType>(type)), type != 0 && type != 2) << type;
}

// The table in FORMAT.md §5.
static_assert(kAckBytesMin == 19);
static_assert(kAckBytesMax == 267);

}  // namespace
}  // namespace weft::wire
