// Chooses a back end and tests it before anyone may use it. The only heap of this folder is here
// and in the two make_…_aead().
#include "engine/wire/aead.hh"

#include "engine/wire/aead_backends.hh"
#include "engine/wire/sha256.hh"

namespace weft::wire {
namespace {

// Shapes that take each way through a back end: no body, a body that is copied, one that is sealed
// out of place; whole and broken AES blocks; numbers that reach every byte of the nonce's tail.
struct TestShape {
  std::uint32_t head_bytes;
  std::uint32_t body_bytes;
  std::uint64_t packet_number;
};
constexpr TestShape kShapes[] = {{1, 0, 0},
                                 {30, 1, 1},
                                 {16, 1400, 0x0123456789ABCDEF},
                                 {11, 2049, 0x0000000100000000},
                                 {130, 8900, kPacketNumberMax}};
constexpr std::size_t kTestPacketBytesMax = kOverheadBytes + 130 + 8900;

// SHA-256 over the sealed packets of all shapes in order, worked out with another implementation
// (Python's cryptography 48; the recipe is fill() and prepare_test_key()).
constexpr std::array<unsigned char, 32> kSealedHash{
    0x72, 0x10, 0xDD, 0x0C, 0x2F, 0xBF, 0xAA, 0x8E, 0x1A, 0xF2, 0xC8,
    0x88, 0xC5, 0x1E, 0x7A, 0xE8, 0x80, 0x7C, 0x1D, 0xAE, 0x92, 0xED,
    0xC5, 0x86, 0x81, 0x7C, 0x48, 0x1C, 0xC0, 0xE1, 0x27, 0x43};

void fill(std::span<std::byte> bytes, std::size_t salt) noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>((i * 7 + (i >> 8) + salt * 13) & 0xFF);
}

void prepare_test_key(Aead& aead, KeySlot& slot) noexcept {
  share::PacketKey key;
  fill(key.key, 1);
  fill(key.iv, 2);
  aead.prepare(key, slot);
}

}  // namespace

bool self_test(Aead& aead) noexcept {
  KeySlot slot;
  prepare_test_key(aead, slot);
  std::array<std::byte, kTestPacketBytesMax> packet;
  std::array<std::byte, kTestPacketBytesMax> plain;
  Sha256Stream hash;
  bool good = true;
  for (const TestShape& shape : kShapes) {
    const std::size_t text_bytes = shape.head_bytes + shape.body_bytes;
    const std::size_t packet_bytes = text_bytes + kOverheadBytes;
    const auto text = std::span(plain).first(text_bytes);
    fill(text, shape.body_bytes);
    encode_header(packet.data(), {.key_epoch = 7, .receiver_index = 0xA1B2C3D4,
                                  .packet_number = shape.packet_number});
    std::memcpy(packet.data() + kHeaderBytes, text.data(), shape.head_bytes);
    const SealJob seal{&slot, shape.packet_number, packet.data(), shape.head_bytes,
                       text.subspan(shape.head_bytes)};
    aead.seal({&seal, 1});
    hash.update(std::span(packet).first(packet_bytes));

    std::array<std::byte, kTestPacketBytesMax> damaged = packet;
    damaged[packet_bytes - kTagBytes - 1] ^= std::byte{0x40};
    OpenJob jobs[2] = {
        {&slot, shape.packet_number, packet.data(), static_cast<std::uint32_t>(packet_bytes)},
        {&slot, shape.packet_number, damaged.data(), static_cast<std::uint32_t>(packet_bytes)}};
    aead.open(jobs);
    good = good && jobs[0].ok && !jobs[1].ok &&
           std::memcmp(jobs[0].plaintext().data(), text.data(), text_bytes) == 0;
  }
  aead.release(slot);
  const base::Sha256 sealed_hash = hash.finish();
  return good && std::memcmp(sealed_hash.data(), kSealedHash.data(), kSealedHash.size()) == 0;
}

base::Result<std::unique_ptr<Aead>> make_aead(AeadKind kind, std::size_t keys_max) {
  MUST(keys_max > 0 && keys_max <= kAeadKeysMax);
  std::unique_ptr<Aead> aead;
  switch (kind) {
    case AeadKind::kIpsecMb:
#ifdef WEFT_IPSEC_MB
      aead = make_ipsec_mb_aead();
#endif
      break;
    case AeadKind::kOpenssl: aead = make_openssl_aead(keys_max); break;
  }
  if (aead == nullptr)
    return base::fail(base::Errc::kUnsupported, "this AEAD back end does not run here");
  if (!self_test(*aead))
    return base::fail(base::Errc::kCrypto, "the AEAD back end failed its self test");
  return aead;
}

base::Result<std::unique_ptr<Aead>> best_aead(std::size_t keys_max) {
  auto aead = make_aead(AeadKind::kIpsecMb, keys_max);
  return aead ? std::move(aead) : make_aead(AeadKind::kOpenssl, keys_max);
}

}  // namespace weft::wire
