#include "bep/proto/sha256.hh"

#include <openssl/sha.h>

namespace weft::proto {

base::Sha256 sha256(base::Bytes bytes) {
  base::Sha256 hash;
  // A span of nothing may have no address; OpenSSL wants one.
  static constexpr unsigned char kNothing = 0;
  const auto* data = bytes.empty() ? &kNothing
                                   : reinterpret_cast<const unsigned char*>(bytes.data());
  SHA256(data, bytes.size(), reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

}  // namespace weft::proto
