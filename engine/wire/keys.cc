#include "engine/wire/keys.hh"

#include <openssl/crypto.h>

#include <algorithm>
#include <string_view>

#include "engine/base/limits.hh"
#include "engine/wire/hkdf.hh"

namespace weft::wire {
namespace {

constexpr std::string_view kLabel = "weft lane 1";
constexpr std::size_t kInfoBytes = kLabel.size() + 3 + 12;   // path, core, direction; generations, epoch

}  // namespace

Direction send_direction(const base::DeviceId& ours, const base::DeviceId& peers) noexcept {
  MUST(ours != peers);
  return ours < peers ? Direction::kLowToHigh : Direction::kHighToLow;
}

base::Result<share::PacketKey> derive_packet_key(base::Bytes session_secret, const KeyedPath& path,
                                                 base::CoreId core, Direction direction,
                                                 std::uint32_t epoch) {
  if (session_secret.size() != kSessionSecretBytes)
    return base::fail(base::Errc::kInvalidArgument, "a session secret has 32 bytes");
  MUST(base::to_index(path.id) < base::kPathsMax);
  MUST(base::to_index(core) < base::kCoresMax);

  std::array<std::byte, kInfoBytes> info;
  base::ByteWriter writer(info);
  writer.put(std::as_bytes(std::span(kLabel)));
  writer.be(static_cast<std::uint8_t>(path.id));
  writer.be(path.low_generation);
  writer.be(path.high_generation);
  writer.be(static_cast<std::uint8_t>(core));
  writer.be(static_cast<std::uint8_t>(direction));
  writer.be(epoch);
  MUST(writer.room() == 0);

  share::PacketKey key;
  std::array<std::byte, sizeof key.key + sizeof key.iv> material;
  if (!hkdf_expand(session_secret, info, material))
    return base::fail(base::Errc::kCrypto, "OpenSSL refused to derive a packet key");
  const auto bytes = std::span(material);
  std::ranges::copy(bytes.first(key.key.size()), key.key.begin());
  std::ranges::copy(bytes.subspan(key.key.size()), key.iv.begin());
  OPENSSL_cleanse(material.data(), material.size());
  return key;
}

}  // namespace weft::wire
