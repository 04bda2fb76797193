#include "bep/net/identity.hh"

#include <openssl/bn.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "bep/net/home_file.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::net {
namespace {

using base::Errc;
using base::fail;
namespace fs = std::filesystem;

struct BioDelete { void operator()(BIO* b) const noexcept { BIO_free(b); } };
using BioPtr = std::unique_ptr<BIO, BioDelete>;

constexpr int kDaysValid = 20 * 365;
constexpr const char* kGenerateHint = "; run `weft init` to make an identity or restore the file from a backup";

std::string openssl_text() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "no further detail";
}

BioPtr memory_bio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The DER bytes of the first CERTIFICATE block. The stock loader takes further blocks as a chain; BEP refuses chains,
// so a file with two is refused here, where the remedy can be named.
base::Result<std::vector<std::byte>> certificate_der(const std::string& pem, const std::string& file, std::string& why) {
  const BioPtr bio = memory_bio(pem);
  std::vector<std::byte> der;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &length) != 1) break;
    const bool is_certificate = std::strcmp(name, "CERTIFICATE") == 0;
    const bool second = is_certificate && !der.empty();
    if (is_certificate && !second) {
      const auto* bytes = reinterpret_cast<const std::byte*>(data);
      der.assign(bytes, bytes + length);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    if (second) {
      why = file + " holds more than one certificate; keep only the device's own";
      return fail(Errc::kInvalidConfig, "more than one certificate in the file");
    }
  }
  ERR_clear_error();  // the end of the file is an entry in OpenSSL's queue
  if (der.empty()) {
    why = file + " holds no PEM certificate" + kGenerateHint;
    return fail(Errc::kInvalidConfig, "no certificate in the file");
  }
  return der;
}

base::Result<X509Ptr> parse_certificate(base::Bytes der, const std::string& file, std::string& why) {
  const auto* cursor = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = cursor + der.size();
  X509Ptr certificate(d2i_X509(nullptr, &cursor, static_cast<long>(der.size())));
  if (certificate == nullptr || cursor != end) {
    why = file + " holds a certificate that does not decode (" + openssl_text() + ")" + kGenerateHint;
    return fail(Errc::kCrypto, "the certificate does not decode");
  }
  // OpenSSL sends its own encoding of what it parsed. Were that different, the peer would see another device ID.
  unsigned char* again = nullptr;
  const int length = i2d_X509(certificate.get(), &again);
  const bool same = length == static_cast<int>(der.size()) && std::memcmp(again, der.data(), der.size()) == 0;
  OPENSSL_free(again);
  if (!same) {
    why = file + " is not in DER's one encoding, so its device ID would not be stable" + kGenerateHint;
    return fail(Errc::kCrypto, "the certificate is not canonical DER");
  }
  return certificate;
}

base::Result<PkeyPtr> parse_key(const std::string& pem, const std::string& file, std::string& why) {
  const BioPtr bio = memory_bio(pem);
  const auto no_password = [](char*, int, int, void*) { return 0; };  // never ask on a terminal
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) {
    why = file + " holds no private key that can be read (" + openssl_text() +
          "); it must be an unencrypted PEM key of type EC, Ed25519 or RSA";
    return fail(Errc::kCrypto, "the private key does not decode");
  }
  const int type = EVP_PKEY_get_base_id(key.get());
  if (type != EVP_PKEY_EC && type != EVP_PKEY_ED25519 && type != EVP_PKEY_RSA) {
    why = file + " holds a key of an unknown kind; it must be EC, Ed25519 or RSA";
    return fail(Errc::kCrypto, "the private key is of an unknown kind");
  }
  return key;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool add_name(X509_NAME* name, const char* field, const char* value) {
  const auto* text = reinterpret_cast<const unsigned char*>(value);
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, text, -1, -1, 0) == 1;
}

// The certificate that Syncthing 1.19 makes: the same names, dates and extensions, so that every check of stock passes.
X509Ptr self_signed(EVP_PKEY* key) {
  X509Ptr certificate(X509_new());
  if (certificate == nullptr) return nullptr;
  X509* x = certificate.get();
  std::uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return nullptr;
  serial >>= 1;  // a positive 64-bit INTEGER
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  const std::time_t from = std::chrono::system_clock::to_time_t(today);
  X509_NAME* name = X509_get_subject_name(x);
  const bool filled =
      X509_set_version(x, X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
      ASN1_TIME_adj(X509_getm_notBefore(x), from, 0, 0) != nullptr &&
      ASN1_TIME_adj(X509_getm_notAfter(x), from, kDaysValid, 0) != nullptr &&
      add_name(name, "O", "Syncthing") && add_name(name, "OU", "Automatically Generated") &&
      add_name(name, "CN", "syncthing") && X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
      add_extension(x, NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
      add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") &&
      add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(x, NID_subject_alt_name, "DNS:syncthing");
  if (!filled || X509_sign(x, key, EVP_sha256()) == 0) return nullptr;
  return certificate;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<std::size_t>(length));
}

// "EC PRIVATE KEY", SEC1: the form that Syncthing 1.x writes and every version reads.
std::string key_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  OSSL_ENCODER_CTX* encoder =
      OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "PEM", "type-specific", nullptr);
  const bool done = encoder != nullptr && OSSL_ENCODER_to_bio(encoder, bio.get()) == 1;
  OSSL_ENCODER_CTX_free(encoder);
  return done ? text_of(bio.get()) : std::string();
}

void warn_if_readable_by_others(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & 077) == 0) return;
  base::log(base::Subsystem::kLinks, base::LogLevel::kWarn, "private key is open to other users; run chmod 600 on it",
            {{"file", file.string()}});
}

}  // namespace

void X509Delete::operator()(X509* x) const noexcept { X509_free(x); }
void PkeyDelete::operator()(EVP_PKEY* k) const noexcept { EVP_PKEY_free(k); }

base::DeviceId device_id_of(base::Bytes der) {
  base::DeviceId id{};
  unsigned length = 0;
  const int done = EVP_Digest(der.data(), der.size(), reinterpret_cast<unsigned char*>(id.data()), &length,
                              EVP_sha256(), nullptr);
  MUST(done == 1);
  MUST(length == id.size());
  return id;
}

Identity::Identity(std::vector<std::byte> der, X509Ptr certificate, PkeyPtr key)
    : der_(std::move(der)), id_(device_id_of(der_)), certificate_(std::move(certificate)), key_(std::move(key)) {
  MUST(certificate_ != nullptr);
  MUST(key_ != nullptr);
}

base::Result<Identity> Identity::load(const fs::path& home, std::string& why) {
  const fs::path certificate_file = home / kCertificateFile;
  const fs::path key_file = home / kKeyFile;
  const std::string certificate_pem = TRY(read_home_file(certificate_file, why));
  std::string private_pem = TRY(read_home_file(key_file, why));
  std::vector<std::byte> der = TRY(certificate_der(certificate_pem, certificate_file.string(), why));
  X509Ptr certificate = TRY(parse_certificate(der, certificate_file.string(), why));
  auto key = parse_key(private_pem, key_file.string(), why);
  OPENSSL_cleanse(private_pem.data(), private_pem.size());
  if (!key) return tl::unexpected<base::Error>(key.error());
  if (X509_check_private_key(certificate.get(), key->get()) != 1) {
    ERR_clear_error();
    why = key_file.string() + " does not belong to " + certificate_file.string() +
          "; restore both files from the same backup";
    return fail(Errc::kCrypto, "key and certificate do not belong together");
  }
  warn_if_readable_by_others(key_file);
  return Identity(std::move(der), std::move(certificate), std::move(*key));
}

base::Result<Identity> Identity::generate(const fs::path& home, std::string& why) {
  TRY(make_home(home, why));
  for (const char* name : {kCertificateFile, kKeyFile}) {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(home / name, ignored))) continue;
    why = (home / name).string() + " is there already; an identity is never overwritten, choose another --home";
    return fail(Errc::kExists, "the home has an identity already");
  }
  PkeyPtr key(EVP_EC_gen("P-384"));
  const X509Ptr certificate = key != nullptr ? self_signed(key.get()) : nullptr;
  if (certificate == nullptr) {
    why = "cannot make a P-384 certificate (" + openssl_text() + ")";
    return fail(Errc::kCrypto, "cannot make a certificate");
  }
  std::string private_pem = key_pem(key.get());
  const BioPtr certificate_bio(BIO_new(BIO_s_mem()));
  if (private_pem.empty() || PEM_write_bio_X509(certificate_bio.get(), certificate.get()) != 1) {
    why = "cannot encode the new certificate (" + openssl_text() + ")";
    return fail(Errc::kCrypto, "cannot encode the new certificate");
  }
  // The key first: a certificate without its key would name a device that nobody can be.
  const base::Status key_written = write_new_home_file(home / kKeyFile, private_pem, 0600, why);
  OPENSSL_cleanse(private_pem.data(), private_pem.size());
  TRY(key_written);
  TRY(write_new_home_file(home / kCertificateFile, text_of(certificate_bio.get()), 0644, why));
  return load(home, why);
}

}  // namespace weft::net
