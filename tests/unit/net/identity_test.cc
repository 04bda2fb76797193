#include "bep/net/identity.hh"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <fstream>

#include "bep/net/tls.hh"
#include "bep/proto/device_id.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

namespace fs = std::filesystem;

std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void spill(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }

mode_t mode_of(const fs::path& file) {
  struct stat status {};
  EXPECT_EQ(::stat(file.c_str(), &status), 0);
  return status.st_mode & 07777;
}

// A self-signed certificate with any key, written as files; `traditional` chooses PKCS#1/SEC1 over PKCS#8.
void write_home(const fs::path& home, EVP_PKEY* key, bool traditional) {
  const X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key);
  const bool ed25519 = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
  ASSERT_NE(X509_sign(certificate.get(), key, ed25519 ? nullptr : EVP_sha256()), 0);
  FILE* file = std::fopen((home / "cert.pem").c_str(), "w");
  ASSERT_EQ(PEM_write_X509(file, certificate.get()), 1);
  std::fclose(file);
  BIO* bio = BIO_new_file((home / "key.pem").c_str(), "w");
  const int written = traditional
                          ? PEM_write_bio_PrivateKey_traditional(bio, key, nullptr, nullptr, 0, nullptr, nullptr)
                          : PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  ASSERT_EQ(written, 1);
  BIO_free(bio);
  fs::permissions(home / "key.pem", fs::perms::owner_read | fs::perms::owner_write);
}

TEST(Identity, GeneratesWhatSyncthingWould) {
  const TempDir dir;
  const fs::path home = dir.path() / "deep" / "home";
  std::string why;
  const auto identity = Identity::generate(home, why);
  ASSERT_TRUE(identity) << why;
  EXPECT_EQ(mode_of(home), 0700u);
  EXPECT_EQ(mode_of(home / "cert.pem"), 0644u);
  EXPECT_EQ(mode_of(home / "key.pem"), 0600u);
  EXPECT_TRUE(slurp(home / "key.pem").starts_with("-----BEGIN EC PRIVATE KEY-----"));
  EXPECT_EQ(identity->id(), proto::device_id_of_certificate(identity->der()));

  X509* x = identity->certificate();
  char name[256];
  X509_NAME_oneline(X509_get_subject_name(x), name, sizeof name);
  EXPECT_STREQ(name, "/O=Syncthing/OU=Automatically Generated/CN=syncthing");
  EXPECT_EQ(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
  EXPECT_EQ(X509_check_host(x, "syncthing", 9, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr), 1);
  EXPECT_EQ(X509_get_key_usage(x), static_cast<std::uint32_t>(KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT));
  EXPECT_EQ(X509_get_extended_key_usage(x), static_cast<std::uint32_t>(XKU_SSL_SERVER | XKU_SSL_CLIENT));
  EXPECT_EQ(X509_check_ca(x), 0);
  EXPECT_EQ(X509_get_signature_nid(x), NID_ecdsa_with_SHA256);
  int days = 0;
  int seconds = 0;
  ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(x), X509_get0_notAfter(x)), 1);
  EXPECT_EQ(days, 20 * 365);
  EXPECT_LE(X509_cmp_current_time(X509_get0_notBefore(x)), 0);
  EXPECT_EQ(X509_verify(x, identity->key()), 1);

  const auto again = Identity::load(home, why);
  ASSERT_TRUE(again) << why;
  EXPECT_EQ(again->id(), identity->id());
}

TEST(Identity, IsNeverOverwritten) {
  const TempDir dir;
  std::string why;
  ASSERT_TRUE(Identity::generate(dir.path(), why));
  const std::string key = slurp(dir.path() / "key.pem");
  const auto again = Identity::generate(dir.path(), why);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Errc::kExists);
  EXPECT_NE(why.find("cert.pem"), std::string::npos);
  EXPECT_EQ(slurp(dir.path() / "key.pem"), key);
  fs::remove(dir.path() / "cert.pem");
  EXPECT_FALSE(Identity::generate(dir.path(), why)) << "a key alone counts as well";
  EXPECT_EQ(slurp(dir.path() / "key.pem"), key);
  for (const auto& entry : fs::directory_iterator(dir.path()))
    EXPECT_EQ(entry.path().filename(), "key.pem") << "nothing half-written is left behind";
}

TEST(Identity, LoadsTheThreeKindsOfKey) {
  struct Case {
    const char* name;
    PkeyPtr key;
    bool traditional;
    const char* begin;
  };
  Case cases[] = {{"P-384, SEC1", PkeyPtr(EVP_EC_gen("P-384")), true, "-----BEGIN EC PRIVATE KEY"},
                  {"P-384, PKCS#8", PkeyPtr(EVP_EC_gen("P-384")), false, "-----BEGIN PRIVATE KEY"},
                  {"Ed25519", PkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), false, "-----BEGIN PRIVATE KEY"},
                  {"RSA, PKCS#1", PkeyPtr(EVP_RSA_gen(2048)), true, "-----BEGIN RSA PRIVATE KEY"},
                  {"RSA, PKCS#8", PkeyPtr(EVP_RSA_gen(2048)), false, "-----BEGIN PRIVATE KEY"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const TempDir dir;
    ASSERT_NO_FATAL_FAILURE(write_home(dir.path(), c.key.get(), c.traditional));
    ASSERT_TRUE(slurp(dir.path() / "key.pem").starts_with(c.begin));
    std::string why;
    const auto identity = Identity::load(dir.path(), why);
    ASSERT_TRUE(identity) << why;
    EXPECT_TRUE(TlsContext::make(*identity, why)) << why;
  }
}

TEST(Identity, EveryFailureNamesItsFile) {
  struct Case {
    const char* name;
    const char* file;   // the one that is spoilt
    std::string content;
  };
  const TempDir donor;
  std::string why;
  ASSERT_TRUE(Identity::generate(donor.path(), why));
  const std::string other_key = slurp(donor.path() / "key.pem");
  const std::string other_cert = slurp(donor.path() / "cert.pem");
  const Case cases[] = {{"no certificate", "cert.pem", "hello"},
                        {"empty", "cert.pem", ""},
                        {"key in its place", "cert.pem", other_key},
                        {"two certificates", "cert.pem", other_cert + other_cert},
                        {"broken DER", "cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
                        {"too large", "cert.pem", std::string(100'000, 'x')},
                        {"no key", "key.pem", "hello"},
                        {"certificate in its place", "key.pem", other_cert},
                        {"another device's key", "key.pem", other_key}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const TempDir dir;
    ASSERT_TRUE(Identity::generate(dir.path(), why));
    spill(dir.path() / c.file, c.content);
    why.clear();
    EXPECT_FALSE(Identity::load(dir.path(), why));
    EXPECT_NE(why.find((dir.path() / c.file).string()), std::string::npos) << why;
  }
  const TempDir empty;
  const auto missing = Identity::load(empty.path(), why);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, base::Errc::kNotFound);
  EXPECT_NE(why.find("weft init"), std::string::npos) << why;
}

TEST(Identity, AnEncryptedKeyIsRefusedWithoutAskingForAPassword) {
  const TempDir dir;
  std::string why;
  const auto identity = Identity::generate(dir.path(), why);
  ASSERT_TRUE(identity);
  BIO* bio = BIO_new_file((dir.path() / "key.pem").c_str(), "w");
  unsigned char password[] = "secret";
  ASSERT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, identity->key(), EVP_aes_128_cbc(), reinterpret_cast<char*>(password), 6,
                                          nullptr, nullptr),
            1);
  BIO_free(bio);
  EXPECT_FALSE(Identity::load(dir.path(), why));
  EXPECT_NE(why.find("unencrypted"), std::string::npos) << why;
}

}  // namespace
}  // namespace weft::net::test
