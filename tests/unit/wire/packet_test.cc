#include "engine/wire/packet.hh"

#include <gtest/gtest.h>

#include <array>

#include "engine/base/prng.hh"

namespace weft::wire {
namespace {

using Packet = std::array<std::byte, kPacketBytesMin>;

TEST(Header, HasTheBytesOfTheFormat) {
  Packet packet{};
  encode_header(packet.data(), {.key_epoch = 0x7F, .receiver_index = 0x01020304,
                                .packet_number = 0x1122334455667788});
  const unsigned char expected[] = {0x01, 0x7F, 0, 0, 1, 2, 3, 4,
                                    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  for (std::size_t i = 0; i < sizeof expected; ++i)
    EXPECT_EQ(std::to_integer<unsigned>(packet[i]), expected[i]) << i;
}

TEST(Header, RoundTrips) {
  base::Prng prng(1);
  for (int i = 0; i < 10'000; ++i) {
    const PacketHeader sent{PacketType::kData, static_cast<std::uint8_t>(prng.next()),
                            static_cast<std::uint32_t>(prng.next()),
                            prng.next() >> (2 + prng.below(62))};
    Packet packet{};
    encode_header(packet.data(), sent);
    PacketHeader got;
    share::Drop why{};
    ASSERT_TRUE(decode_header(packet, got, why));
    ASSERT_EQ(got, sent);
  }
}

// Returns why the packet was refused; kCount if it was not.
share::Drop refusal(base::Bytes packet) {
  PacketHeader header{PacketType::kData, 9, 9, 9};
  const PacketHeader before = header;
  share::Drop why = share::Drop::kCount;
  if (!decode_header(packet, header, why)) {
    EXPECT_EQ(header, before);
  }
  return why;
}

TEST(Header, RefusesWhatTheFormatDoesNotKnow) {
  Packet good{};
  encode_header(good.data(), {.packet_number = kPacketNumberMax});
  EXPECT_EQ(refusal(good), share::Drop::kCount);
  for (std::size_t bytes = 0; bytes < kPacketBytesMin; ++bytes)
    EXPECT_EQ(refusal(std::span(good).first(bytes)), share::Drop::kShort) << bytes;
  for (unsigned type = 0; type < 256; ++type) {
    Packet packet = good;
    packet[0] = static_cast<std::byte>(type);
    EXPECT_EQ(refusal(packet), type == 1 ? share::Drop::kCount : share::Drop::kType) << type;
  }
  for (unsigned bit = 0; bit < 16; ++bit) {
    Packet packet = good;
    packet[2 + bit / 8] |= static_cast<std::byte>(1u << (bit % 8));
    EXPECT_EQ(refusal(packet), share::Drop::kType) << bit;
  }
  for (const unsigned top : {0x40u, 0x80u}) {
    Packet packet = good;
    packet[8] |= static_cast<std::byte>(top);
    EXPECT_EQ(refusal(packet), share::Drop::kReplay) << top;
  }
}

}  // namespace
}  // namespace weft::wire
