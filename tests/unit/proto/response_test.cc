#include "bep/proto/response.hh"

#include <gtest/gtest.h>

#include "bep/proto/pb.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::hex;

TEST(Response, HeadAndDataAreWhatProtobufWouldRead) {
  base::Prng prng(1);
  for (const std::int32_t id : {0, 1, 127, 128, 70'000, INT32_MAX, -1}) {
    for (const std::size_t size : {0u, 1u, 127u, 128u, 131'072u}) {
      for (const ErrorCode code : {ErrorCode::kNone, ErrorCode::kInvalidFile}) {
        Buffer data(size);
        for (std::byte& byte : data) byte = static_cast<std::byte>(prng.below(256));
        const ResponseHead head = encode_response_head(id, code, data.size());
        Buffer bytes(head.bytes().begin(), head.bytes().end());
        append(bytes, data);

        FrameDecoder decoder;
        decoder.feed(bytes);
        Frame frame;
        ASSERT_EQ(decoder.next(frame), FrameDecoder::Outcome::kFrame);
        EXPECT_EQ(frame.type, MessageType::kResponse);
        bep::Response message;
        ASSERT_TRUE(message.ParseFromString(string_of(frame.payload)));
        EXPECT_EQ(message.id(), id);
        EXPECT_EQ(message.code(), static_cast<std::int32_t>(code));
        EXPECT_EQ(message.data(), text_of_bytes(data));

        ResponseView view;
        ASSERT_EQ(decode_response(frame.payload, view), Reason::kNone);
        EXPECT_EQ(view.id, id);
        EXPECT_EQ(view.code, code);
        EXPECT_TRUE(std::equal(view.data.begin(), view.data.end(), data.begin(), data.end()));
      }
    }
  }
}

TEST(Response, ReadsAnyOrderAndSkipsUnknownFields) {
  ResponseView view;
  // code 2, field 200 as text, data "ab", fixed fields 9 and 10, id 5.
  const Buffer bytes = hex("1802 c20c0178 12026162 490102030405060708 5501020304 0805");
  ASSERT_EQ(decode_response(bytes, view), Reason::kNone);
  EXPECT_EQ(view.id, 5);
  EXPECT_EQ(view.code, ErrorCode::kNoSuchFile);
  EXPECT_EQ(text_of_bytes(view.data), "ab");
}

TEST(Response, UnknownCodesAreGeneric) {
  ResponseView view;
  ASSERT_EQ(decode_response(hex("1863"), view), Reason::kNone);
  EXPECT_EQ(view.code, ErrorCode::kGeneric);
}

TEST(Response, NumbersAreTheLowHalfOfTheirVarint) {
  // As protobuf reads an int32: id 5 and code 2 with bits above, then code 0 with bits above.
  ResponseView view;
  ASSERT_EQ(decode_response(hex("0885808080f001 1882808080f001"), view), Reason::kNone);
  EXPECT_EQ(view.id, 5);
  EXPECT_EQ(view.code, ErrorCode::kNoSuchFile);
  ASSERT_EQ(decode_response(hex("1880808080f001"), view), Reason::kNone);
  EXPECT_EQ(view.code, ErrorCode::kNone);
}

TEST(Response, RefusesBrokenBytes) {
  ResponseView view;
  for (const char* bytes : {"08", "12", "1205616263", "12ffffffffffffffffff01", "0b", "00", "0a01",
                            "0880808080808080808080", "5501", "1500000000", "f8ffffffff0f"})
    EXPECT_EQ(decode_response(hex(bytes), view), Reason::kMessageBroken) << bytes;
}

}  // namespace
}  // namespace weft::proto
