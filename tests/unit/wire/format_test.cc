// The worked example of FORMAT.md, read out of the page itself: page and code cannot drift apart.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/wire/aead.hh"
#include "engine/wire/frame.hh"
#include "engine/wire/keys.hh"
#include "engine/wire/packet.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

constexpr std::string_view kText = "Warp and weft make cloth";

// All ```hex NAME blocks of the page.
std::map<std::string, std::vector<std::byte>> read_blocks() {
  std::map<std::string, std::vector<std::byte>> blocks;
  std::ifstream page(WEFT_FORMAT_MD);
  EXPECT_TRUE(page.is_open()) << WEFT_FORMAT_MD;
  std::string line, name, hex;
  while (std::getline(page, line)) {
    if (line.starts_with("```hex ")) {
      name = line.substr(7);
      hex.clear();
    } else if (line.starts_with("```")) {
      if (!name.empty()) blocks[name] = from_hex(hex);
      name.clear();
    } else if (!name.empty()) {
      hex += line;
    }
  }
  return blocks;
}

class Format : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"secret", "info", "key", "iv", "header", "nonce", "ack", "request",
                             "chunk", "packet"})
      ASSERT_TRUE(blocks_.contains(name)) << "FORMAT.md lost its block " << name;
  }
  [[nodiscard]] std::string hex(const char* name) const { return to_hex(blocks_.at(name)); }
  [[nodiscard]] share::PacketKey key() const {
    return derive_packet_key(blocks_.at("secret"), {.id = base::PathId{9}, .high_generation = 2}, base::CoreId{1},
                             Direction::kLowToHigh, 3)
        .value();
  }
  const std::map<std::string, std::vector<std::byte>> blocks_ = read_blocks();
};

TEST_F(Format, KeyAndIvAreDerivedAsWritten) {
  EXPECT_EQ(to_hex(key().key), hex("key"));
  EXPECT_EQ(to_hex(key().iv), hex("iv"));
  const auto info = blocks_.at("info");
  ASSERT_EQ(info.size(), 26u);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(info.data()), 11), "weft lane 1");
  EXPECT_EQ(to_hex(base::Bytes(info).subspan(11)), "09" "00000000" "00000002" "01" "00" "00000003");
}

TEST_F(Format, NonceIsIvXorPacketNumber) {
  auto nonce = blocks_.at("iv");
  base::store_be(nonce.data() + 4, base::load_be<std::uint64_t>(nonce.data() + 4) ^ 0x1122334455);
  EXPECT_EQ(to_hex(nonce), hex("nonce"));
}

// Writes header and frames of the example with our code.
std::vector<std::byte> plain_packet(std::size_t& head_bytes) {
  std::vector<std::byte> packet(512);
  encode_header(packet.data(), {.key_epoch = 3, .receiver_index = 0xA1B2C3D4,
                                .packet_number = 0x1122334455});
  base::ByteWriter writer(base::MutableBytes(packet).subspan(kHeaderBytes));
  Ack ack{.path = 9, .largest = 1010, .delay_us = 250};
  EXPECT_TRUE(ack.ranges.try_push({1000, 1010}));
  EXPECT_TRUE(ack.ranges.try_push({990, 995}));
  encode(writer, ack);
  encode(writer, Request{.handle = 7, .request_id = 0x00010005, .offset = 1u << 20,
                         .length = 131072});
  encode_chunk_header(writer, 0x00020003, 2048, kText.size());
  head_bytes = writer.used();
  packet.resize(kOverheadBytes + head_bytes + kText.size());
  return packet;
}

TEST_F(Format, HeaderAndFramesAreEncodedAsWritten) {
  std::size_t head_bytes = 0;
  const auto packet = plain_packet(head_bytes);
  EXPECT_EQ(to_hex(base::Bytes(packet).first(kHeaderBytes)), hex("header"));
  EXPECT_EQ(to_hex(base::Bytes(packet).subspan(kHeaderBytes, head_bytes)) +
                to_hex(std::as_bytes(std::span(kText))),
            hex("ack") + hex("request") + hex("chunk"));
}

TEST_F(Format, PacketIsSealedAndOpenedAsWrittenByEachBackEnd) {
  int tried = 0;
  for (const auto kind : {AeadKind::kIpsecMb, AeadKind::kOpenssl}) {
    auto aead = make_aead(kind, 1);
    if (!aead) continue;   // not on this machine; OpenSSL is on every one, see below
    ++tried;
    KeySlot slot;
    (*aead)->prepare(key(), slot);

    std::size_t head_bytes = 0;
    auto packet = plain_packet(head_bytes);
    const SealJob seal{&slot, 0x1122334455, packet.data(), static_cast<std::uint32_t>(head_bytes),
                       std::as_bytes(std::span(kText))};
    (*aead)->seal({&seal, 1});
    EXPECT_EQ(to_hex(packet), hex("packet")) << (*aead)->name();

    auto received = blocks_.at("packet");
    PacketHeader header;
    share::Drop why{};
    ASSERT_TRUE(decode_header(received, header, why));
    EXPECT_EQ(header, (PacketHeader{PacketType::kData, 3, 0xA1B2C3D4, 0x1122334455}));
    OpenJob open{&slot, header.packet_number, received.data(),
                 static_cast<std::uint32_t>(received.size())};
    (*aead)->open({&open, 1});
    ASSERT_TRUE(open.ok);
    EXPECT_EQ(to_hex(open.plaintext()), hex("ack") + hex("request") + hex("chunk"));

    FrameReader reader(open.plaintext());
    Frame frame;
    std::vector<FrameType> types;
    while (reader.next(frame)) types.push_back(frame.type);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(types, (std::vector{FrameType::kAck, FrameType::kRequest, FrameType::kChunk}));
    EXPECT_EQ(frame.ack.ranges[1], (AckRange{990, 995}));
    EXPECT_EQ(frame.request.offset, 1u << 20);
    EXPECT_EQ(to_hex(frame.chunk.data), to_hex(std::as_bytes(std::span(kText))));
    (*aead)->release(slot);
  }
  EXPECT_GE(tried, 1);
}

}  // namespace
}  // namespace weft::wire
