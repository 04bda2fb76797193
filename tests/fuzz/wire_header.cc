// The clear header of a packet: accepted exactly where FORMAT.md §2 says so, and written again byte for byte.
#include "engine/wire/keys.hh"
#include "engine/wire/packet.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using share::Drop;

// nullopt: a header to go on with.
std::optional<Drop> slow_verdict(base::Bytes packet) {
  if (packet.size() < 33) return Drop::kShort;
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(packet[i]); };
  if (at(0) != 1 || at(2) != 0 || at(3) != 0) return Drop::kType;
  if (at(8) >= 0x40) return Drop::kReplay;   // 2^62 and above
  return {};
}

}  // namespace

void make_seeds(Seeds& out) {
  for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{0x0102030405060708}, wire::kPacketNumberMax}) {
    Buffer packet(64, std::byte{0xA5});
    wire::encode_header(packet.data(), {.key_epoch = 3, .receiver_index = 0xDEADBEEF, .packet_number = number});
    out.add("number-" + std::to_string(number), packet);
  }
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  const base::Bytes packet = bytes_of(data, size);
  const wire::PacketHeader untouched{.key_epoch = 77, .receiver_index = 78, .packet_number = 79};
  wire::PacketHeader header = untouched;
  Drop why = Drop::kCount;
  const bool accepted = wire::decode_header(packet, header, why);
  const auto slow = slow_verdict(packet);
  CHECK(accepted == !slow);
  if (!accepted) {
    CHECK(why == *slow && header == untouched);
    return 0;
  }
  understood();
  std::byte again[wire::kHeaderBytes];
  wire::encode_header(again, header);
  CHECK(std::ranges::equal(again, packet.first(wire::kHeaderBytes)));
  // The epoch that the eight bits stand for, wherever the lane is: none, or one that ends in them and is near.
  for (const std::uint32_t newest : {0u, 1u, 200u, 255u, 256u, 100'000u, UINT32_MAX}) {
    const auto epoch = wire::expand_epoch(newest, header.key_epoch);
    if (!epoch) continue;
    CHECK((*epoch & 0xFF) == header.key_epoch);
    CHECK(*epoch + std::uint64_t{1} >= newest && *epoch <= newest + std::uint64_t{1});
  }
  return 0;
}
