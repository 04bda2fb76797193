// The bytes of tests/golden/bep_wire.txt, both ways.
#include <gtest/gtest.h>

#include "bep/proto/connection.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::frame;
using test::golden;

TEST(Golden, Hello) {
  Hello hello;
  hello.device_name = "test device";
  hello.client_name = "syncthing";
  hello.client_version = "v0.14.5";
  EXPECT_EQ(encode_hello(hello), golden("hello_test_device"));
  const HelloDecoded stock = decode_hello(golden("hello_stock_1_19_2"));
  ASSERT_EQ(stock.outcome, HelloDecoded::Outcome::kDone);
  EXPECT_EQ(stock.hello.device_name, "vm");
  EXPECT_EQ(stock.hello.client_version, "v1.19.2-ds1");
  const HelloDecoded empty = decode_hello(golden("hello_empty"));
  ASSERT_EQ(empty.outcome, HelloDecoded::Outcome::kDone);
  EXPECT_EQ(empty.hello.device_name, "");
  for (const char* old : {"hello_magic_oldest", "hello_magic_older", "hello_magic_old"})
    EXPECT_EQ(decode_hello(golden(old)).reason, Reason::kHelloMagicOld) << old;
}

TEST(Golden, FrameOfEachType) {
  struct Case { const char* name; MessageType type; };
  for (const Case& c : std::vector<Case>{{"cluster_config_empty", MessageType::kClusterConfig},
                                         {"index_empty", MessageType::kIndex},
                                         {"index_update_empty", MessageType::kIndexUpdate},
                                         {"request_empty", MessageType::kRequest},
                                         {"response_empty", MessageType::kResponse},
                                         {"progress_empty", MessageType::kDownloadProgress},
                                         {"ping", MessageType::kPing}}) {
    const Buffer bytes = golden(c.name);
    ASSERT_FALSE(bytes.empty()) << c.name;
    EXPECT_EQ(frame(c.type, {}), bytes) << c.name;
    FrameDecoder decoder;
    decoder.feed(bytes);
    Frame out;
    ASSERT_EQ(decoder.next(out), FrameDecoder::Outcome::kFrame) << c.name;
    EXPECT_EQ(out.type, c.type);
    EXPECT_TRUE(out.payload.empty());
  }
}

TEST(Golden, Close) {
  EXPECT_EQ(frame(MessageType::kClose, encode_close("bye")), golden("close_bye"));
}

TEST(Golden, Lz4LiteralsOnly) {
  const Buffer packed = golden("lz4_sentence");
  // INDEX, LZ4: header 0004 0801 1001.
  Buffer bytes = test::hex("0004 0801 1001 00000039");
  ASSERT_EQ(packed.size(), 0x39u);
  append(bytes, packed);
  FrameDecoder decoder;
  decoder.feed(bytes);
  Frame out;
  ASSERT_EQ(decoder.next(out), FrameDecoder::Outcome::kFrame);
  EXPECT_EQ(text_of_bytes(out.payload), "this is some arbitrary yet fairly compressible data");
}

TEST(Golden, HeaderOfPackedMessages) {
  const Buffer text(1000, std::byte{'a'});
  const Buffer config = frame(MessageType::kClusterConfig, text, Compression::kMetadata);
  EXPECT_TRUE(std::equal(config.begin(), config.begin() + 4, test::hex("00021001").begin()));
  const Buffer index = frame(MessageType::kIndex, text, Compression::kMetadata);
  EXPECT_TRUE(std::equal(index.begin(), index.begin() + 6, test::hex("000408011001").begin()));
}

}  // namespace
}  // namespace weft::proto
