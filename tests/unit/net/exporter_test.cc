// The TLS exporter, on which every packet key stands: what OpenSSL gives for a link is worked out
// here once more, with HMAC alone, from the secret that OpenSSL logs. The hand-made half is first
// held against the trace of RFC 8448.
#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bep/net/tls.hh"
#include "engine/wire/keys.hh"
#include "tests/unit/net/raw_peer.hh"
#include "tests/unit/net/support.hh"

namespace weft::net::test {
namespace {

using Buffer = std::vector<std::byte>;

Buffer bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return Buffer(bytes.begin(), bytes.end());
}
void append(Buffer& to, const Buffer& more) { to.insert(to.end(), more.begin(), more.end()); }

Buffer hmac_sha256(const Buffer& key, const Buffer& message) {
  Buffer out(32);
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(),
       reinterpret_cast<unsigned char*>(out.data()), &length);
  EXPECT_EQ(length, 32u);
  return out;
}
Buffer sha256_of(const Buffer& message) {
  Buffer out(32);
  EXPECT_EQ(EVP_Digest(message.data(), message.size(), reinterpret_cast<unsigned char*>(out.data()),
                       nullptr, EVP_sha256(), nullptr),
            1);
  return out;
}

// RFC 8446 §7.1, for at most one block: HKDF-Expand(secret, length | "tls13 " label | context).
Buffer expand_label(const Buffer& secret, std::string_view label, const Buffer& context) {
  Buffer info{std::byte{0}, std::byte{32}, static_cast<std::byte>(6 + label.size())};
  append(info, bytes_of("tls13 "));
  append(info, bytes_of(label));
  info.push_back(static_cast<std::byte>(context.size()));
  append(info, context);
  info.push_back(std::byte{1});  // the first block of the expansion
  return hmac_sha256(secret, info);
}
// RFC 8446 §7.5.
Buffer exporter(const Buffer& exporter_master, std::string_view label, const Buffer& context) {
  const Buffer derived = expand_label(exporter_master, label, sha256_of({}));
  return expand_label(derived, "exporter", sha256_of(context));
}

// RFC 8448 §3, "derive secret "tls13 exp master"": the master secret, the transcript's hash, the
// result.
TEST(Exporter, TheHandMadeScheduleIsThatOfRfc8448) {
  const Buffer master =
      from_hex("18df06843d13a08bf2a449844c5f8a478001bc4d4c627984d5a41da8d0402919");
  const Buffer transcript =
      from_hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
  EXPECT_EQ(expand_label(master, "exp master", transcript),
            from_hex("fe22f881176eda18eb8f44529e6792c50c9a3f89452f68d8ae311b4309d3cf50"));
}

// EXPORTER_SECRET of each connection, by its object (NSS key log format).
std::map<const SSL*, Buffer>& logged_secrets() {
  static std::map<const SSL*, Buffer> secrets;
  return secrets;
}
void on_key_log(const SSL* ssl, const char* line) {
  const std::string text = line;
  if (text.starts_with("EXPORTER_SECRET "))
    logged_secrets()[ssl] = from_hex(text.substr(text.rfind(' ') + 1));
}

struct Ends {
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  std::unique_ptr<SSL, Free> client, server;
};

// Both ends of one link, over memory, with the contexts that links use.
Ends handshake(TlsContext& client, TlsContext& server) {
  Ends ends;
  ends.client.reset(SSL_new(client.asio().native_handle()));
  ends.server.reset(SSL_new(server.asio().native_handle()));
  BIO* to_client = nullptr;
  BIO* to_server = nullptr;
  EXPECT_EQ(BIO_new_bio_pair(&to_client, 0, &to_server, 0), 1);
  SSL_set_bio(ends.client.get(), to_client, to_client);
  SSL_set_bio(ends.server.get(), to_server, to_server);
  SSL_set_connect_state(ends.client.get());
  SSL_set_accept_state(ends.server.get());
  for (int i = 0; i < 20; ++i) {
    SSL_do_handshake(ends.client.get());
    SSL_do_handshake(ends.server.get());
  }
  return ends;
}

Buffer exported(SSL* ssl, std::string_view label, const Buffer& context = {}) {
  Buffer out(wire::kSessionSecretBytes);
  EXPECT_TRUE(export_secret(ssl, label, context, out));
  return out;
}

class ExporterTest : public testing::Test {
 protected:
  void SetUp() override {
    logged_secrets().clear();
    std::string why;
    for (auto& context : contexts) {
      auto made = TlsContext::make(new_identity(), why);
      ASSERT_TRUE(made) << why;
      context.emplace(std::move(*made));
      SSL_CTX_set_keylog_callback(context->asio().native_handle(), on_key_log);
    }
  }
  Ends link() { return handshake(*contexts[0], *contexts[1]); }
  std::array<std::optional<TlsContext>, 2> contexts;
};

TEST_F(ExporterTest, IsThatOfRfc8446AndTheSameAtBothEnds) {
  const Ends ends = link();
  ASSERT_STREQ(SSL_get_cipher_name(ends.client.get()),
               "TLS_AES_128_GCM_SHA256");  // so its hash is SHA-256
  const Buffer master = logged_secrets().at(ends.client.get());
  EXPECT_EQ(master, logged_secrets().at(ends.server.get()));
  for (const Buffer& context : {Buffer{}, from_hex("00"), bytes_of("a context")}) {
    for (const std::string_view label :
         {wire::kExporterLabel, std::string_view("EXPERIMENTAL weft session id 1")}) {
      const Buffer expected = exporter(master, label, context);
      EXPECT_EQ(exported(ends.client.get(), label, context), expected);
      EXPECT_EQ(exported(ends.server.get(), label, context), expected);
    }
  }
}

TEST_F(ExporterTest, IsAnotherOnEveryLinkOfTheSameTwoDevices) {
  std::set<Buffer> secrets;
  for (int i = 0; i < 10; ++i) secrets.insert(exported(link().client.get(), wire::kExporterLabel));
  EXPECT_EQ(secrets.size(), 10u);
}

// A resumed TLS session would not repeat the exporter either; there is none, so that no ticket
// outlives a link.
TEST_F(ExporterTest, NoLinkResumesAnother) {
  const Ends first = link();
  EXPECT_EQ(SSL_session_reused(first.client.get()), 0);
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(first.client.get())), 0);
}

TEST_F(ExporterTest, NothingIsExportedBeforeTheHandshakeIsDone) {
  std::unique_ptr<SSL, Ends::Free> fresh(SSL_new(contexts[0]->asio().native_handle()));
  Buffer out(32);
  const auto early = export_secret(fresh.get(), wire::kExporterLabel, {}, out);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, base::Errc::kUnavailable);
}

}  // namespace
}  // namespace weft::net::test
