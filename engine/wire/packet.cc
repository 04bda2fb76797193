#include "engine/wire/packet.hh"

namespace weft::wire {

void encode_header(std::byte* at, const PacketHeader& header) noexcept {
  MUST(header.packet_number <= kPacketNumberMax);
  at[0] = static_cast<std::byte>(header.type);
  at[1] = std::byte{header.key_epoch};
  base::store_be(at + 2, std::uint16_t{0});
  base::store_be(at + 4, header.receiver_index);
  base::store_be(at + 8, header.packet_number);
}

bool decode_header(base::Bytes packet, PacketHeader& out, share::Drop& why) noexcept {
  if (packet.size() < kPacketBytesMin) {
    why = share::Drop::kShort;
    return false;
  }
  const std::byte* const at = packet.data();
  // One compare for type and reserved bytes: the epoch is masked out.
  const std::uint32_t word = base::load_be<std::uint32_t>(at);
  if ((word & 0xFF00FFFFu) != std::uint32_t{static_cast<std::uint8_t>(PacketType::kData)} << 24) {
    why = share::Drop::kType;
    return false;
  }
  const auto packet_number = base::load_be<std::uint64_t>(at + 8);
  if (packet_number > kPacketNumberMax) {
    why = share::Drop::kReplay;
    return false;
  }
  out.type = PacketType::kData;
  out.key_epoch = static_cast<std::uint8_t>(word >> 16);
  out.receiver_index = base::load_be<std::uint32_t>(at + 4);
  out.packet_number = packet_number;
  return true;
}

}  // namespace weft::wire
