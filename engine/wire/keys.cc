// Wraps OpenSSL's HKDF.
#include "engine/wire/keys.hh"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "engine/base/limits.hh"

namespace weft::wire {
namespace {

constexpr std::string_view kLabel = "weft lane 1";
constexpr std::size_t kInfoBytes = kLabel.size() + 3 + 4;   // path, core, direction, epoch

using Info = std::array<std::byte, kInfoBytes>;

// RFC 5869 §2.3 with SHA-256. The secret comes out of a TLS exporter, so it is a uniform key
// already and the extract step is left out (RFC 5869 §3.3).
bool hkdf_expand(base::Bytes secret, const Info& info, std::span<unsigned char> out) noexcept {
  struct FreeKdf { void operator()(EVP_KDF* kdf) const noexcept { EVP_KDF_free(kdf); } };
  struct FreeContext {
    void operator()(EVP_KDF_CTX* context) const noexcept { EVP_KDF_CTX_free(context); }
  };
  const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  if (!kdf) return false;
  const std::unique_ptr<EVP_KDF_CTX, FreeContext> context(EVP_KDF_CTX_new(kdf.get()));
  if (!context) return false;
  // OSSL_PARAM has no const: these are read only (OSSL_PARAM_construct_octet_string(3)).
  char digest[] = "SHA256";
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<std::byte*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<std::byte*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end(),
  };
  return EVP_KDF_derive(context.get(), out.data(), out.size(), params) == 1;
}

}  // namespace

Direction send_direction(const base::DeviceId& ours, const base::DeviceId& peers) noexcept {
  MUST(ours != peers);
  return ours < peers ? Direction::kLowToHigh : Direction::kHighToLow;
}

base::Result<share::PacketKey> derive_packet_key(base::Bytes session_secret, base::PathId path,
                                                 base::CoreId core, Direction direction,
                                                 std::uint32_t epoch) {
  if (session_secret.size() != kSessionSecretBytes)
    return base::fail(base::Errc::kInvalidArgument, "a session secret has 32 bytes");
  MUST(base::to_index(path) < base::kPathsMax);
  MUST(base::to_index(core) < base::kCoresMax);

  Info info;
  base::ByteWriter writer(info);
  writer.put(std::as_bytes(std::span(kLabel)));
  writer.be(static_cast<std::uint8_t>(path));
  writer.be(static_cast<std::uint8_t>(core));
  writer.be(static_cast<std::uint8_t>(direction));
  writer.be(epoch);
  MUST(writer.room() == 0);

  share::PacketKey key;
  std::array<unsigned char, sizeof key.key + sizeof key.iv> material;
  if (!hkdf_expand(session_secret, info, material))
    return base::fail(base::Errc::kCrypto, "OpenSSL refused to derive a packet key");
  const auto bytes = std::as_bytes(std::span(material));
  std::ranges::copy(bytes.first(key.key.size()), key.key.begin());
  std::ranges::copy(bytes.subspan(key.key.size()), key.iv.begin());
  OPENSSL_cleanse(material.data(), material.size());
  return key;
}

}  // namespace weft::wire
