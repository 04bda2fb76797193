// Who we are: a certificate and its private key, kept in a Syncthing home as cert.pem and key.pem.
// The device ID is the SHA-256 of the certificate's DER bytes exactly as they stand in the PEM (BEP): a certificate
// that is encoded again is another device, so load() never re-encodes.
// Keys: EC (SEC1 or PKCS#8, as Syncthing 1.x makes them: P-384), Ed25519 (PKCS#8, Syncthing 2.x), RSA (PKCS#1 or #8).
// Thread: any one at a time; after construction read-only. Ownership: move-only, owns the OpenSSL objects; a
// TlsContext takes its own references.
// Errors: Result carries the code, `why` one sentence that names the file and the remedy.
// Not here: TLS (tls.hh), the text form of a device ID (bep/proto/device_id.hh).
#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::net {

struct X509Delete { void operator()(X509* x) const noexcept; };
struct PkeyDelete { void operator()(EVP_PKEY* k) const noexcept; };
using X509Ptr = std::unique_ptr<X509, X509Delete>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, PkeyDelete>;

inline constexpr const char* kCertificateFile = "cert.pem";
inline constexpr const char* kKeyFile = "key.pem";

class Identity {
 public:
  // Both files of a home directory. Fails when one is missing, unreadable, not of the expected kind, larger than
  // 64 KiB, or when key and certificate do not belong together.
  [[nodiscard]] static base::Result<Identity> load(const std::filesystem::path& home, std::string& why);

  // Makes a new identity in `home` (created with mode 0700 when absent) and loads it: ECDSA P-384, self-signed, the
  // names and extensions that Syncthing 1.19 writes, valid 20 years. cert.pem gets mode 0644, key.pem 0600; each file
  // appears whole or not at all. kExists when either file is already there: nothing is ever overwritten.
  [[nodiscard]] static base::Result<Identity> generate(const std::filesystem::path& home, std::string& why);

  [[nodiscard]] const base::DeviceId& id() const noexcept { return id_; }
  [[nodiscard]] base::Bytes der() const noexcept { return der_; }
  [[nodiscard]] X509* certificate() const noexcept { return certificate_.get(); }
  [[nodiscard]] EVP_PKEY* key() const noexcept { return key_.get(); }

 private:
  Identity(std::vector<std::byte> der, X509Ptr certificate, PkeyPtr key);

  std::vector<std::byte> der_;
  base::DeviceId id_;
  X509Ptr certificate_;
  PkeyPtr key_;
};

// SHA-256 of a certificate's DER bytes.
[[nodiscard]] base::DeviceId device_id_of(base::Bytes der);

}  // namespace weft::net
