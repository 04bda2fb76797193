#include "bep/net/tls.hh"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <memory>

#include "bep/net/tls_tickets.hh"
#include "engine/base/must.hh"

namespace weft::net {
namespace {

using base::Errc;
using base::fail;

constexpr unsigned char kContextName[] = {'w', 'e', 'f', 't'};   // of sessions that may be resumed here
constexpr long kTicketLifeS = 3600;
constexpr unsigned char kAlpn[] = {7, 'b', 'e', 'p', '/', '1', '.', '0'};  // length byte, then the name

// Called when the client offers ALPN at all. A client that offers none gets here never and is accepted.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                unsigned offered_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, kAlpn, sizeof kAlpn, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

// In place of OpenSSL's chain verification. The certificate is self-signed and its hash is the identity; that the peer
// holds its key is proved by the handshake's signature. All that is left to check here is that it is exactly one.
int verify_one_certificate(X509_STORE_CTX* store, void*) {
  const STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  if (sent != nullptr && sk_X509_num(sent) == 1) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_CHAIN_TOO_LONG);
  return 0;
}

bool common_name_is(X509* certificate, const std::string& wanted) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return false;
  unsigned char* text = nullptr;
  const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (length < 0) return false;
  // By length, not up to the first NUL: a name with a NUL inside equals nothing.
  const std::string_view name(reinterpret_cast<const char*>(text), static_cast<std::size_t>(length));
  const bool same = name == wanted;
  OPENSSL_free(text);
  return same;
}

// The place in a context where its tickets stand, for as long as it lives. Asio takes the application data for its own.
int tickets_index() {
  const auto free = [](void*, void* tickets, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TlsTickets*>(tickets); };
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free);
  return index;
}
TlsTickets& tickets_of(const SSL* ssl) {
  return *static_cast<TlsTickets*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index()));
}

// A ticket came. The answer 1 says that we keep the session.
int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  const base::Result<base::DeviceId> device = peer_device_id(ssl);
  if (!device || SSL_is_server(ssl) == 1) return 0;
  tickets_of(ssl).put(*device, SessionPtr(session));
  return 1;
}

}  // namespace

void resume_session(SSL* ssl, const base::DeviceId& device) {
  const SessionPtr session = tickets_of(ssl).take(device);
  if (session != nullptr) (void)SSL_set_session(ssl, session.get());   // refused: as the first time
}

void give_ticket(SSL* ssl) { (void)SSL_new_session_ticket(ssl); }

bool is_resumed(const SSL* ssl) { return SSL_session_reused(ssl) == 1; }

base::Result<TlsContext> TlsContext::make(const Identity& identity, std::string& why) {
  struct ContextDelete { void operator()(SSL_CTX* c) const noexcept { SSL_CTX_free(c); } };
  std::unique_ptr<SSL_CTX, ContextDelete> context(SSL_CTX_new(TLS_method()));
  if (context == nullptr) return fail(Errc::kCrypto, "OpenSSL gives no TLS context");
  SSL_CTX* c = context.get();
  // AES first: a Go server takes ChaCha20 ahead of AES as "this client has no AES hardware".
  const bool set =
      SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) == 1 && SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) == 1 &&
      SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1 &&
      SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384:P-521") == 1 &&
      SSL_CTX_set_alpn_protos(c, kAlpn, sizeof kAlpn) == 0 && SSL_CTX_set_num_tickets(c, 0) == 1 &&   // but see give_ticket()
      SSL_CTX_set_session_id_context(c, kContextName, sizeof kContextName) == 1 && SSL_CTX_set_max_early_data(c, 0) == 1;
  if (!set) {
    why = "this machine's OpenSSL configuration forbids the TLS 1.3 ciphers or curves that BEP peers use";
    ERR_clear_error();
    return fail(Errc::kCrypto, "OpenSSL refuses the TLS settings");
  }
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Tickets are sealed with a key of this process and hold all there is; nothing is kept for who was given one.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c, keep_ticket);
  MUST(SSL_CTX_set_ex_data(c, tickets_index(), new TlsTickets) == 1);
  SSL_CTX_set_timeout(c, kTicketLifeS);
  SSL_CTX_set_max_cert_list(c, 16 << 10);  // one RSA-4096 certificate has 2 KiB
  SSL_CTX_set_alpn_select_cb(c, select_alpn, nullptr);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verify_one_certificate, nullptr);
  if (SSL_CTX_use_certificate(c, identity.certificate()) != 1 || SSL_CTX_use_PrivateKey(c, identity.key()) != 1) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    why = std::string("OpenSSL refuses the certificate in cert.pem: ") + (reason != nullptr ? reason : "no detail");
    ERR_clear_error();
    return fail(Errc::kCrypto, "OpenSSL refuses the certificate");
  }
  return TlsContext(context.release());
}

base::Result<base::DeviceId> peer_device_id(const SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return fail(Errc::kProtocol, "the peer has no certificate");
  unsigned char* der = nullptr;
  const int length = i2d_X509(certificate, &der);
  if (length <= 0) return fail(Errc::kCrypto, "the peer's certificate does not encode");
  const base::DeviceId id =
      device_id_of(base::Bytes(reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(length)));
  OPENSSL_free(der);
  return id;
}

bool peer_certificate_named(const SSL* ssl, const std::string& name) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || name.empty()) return false;
  if (common_name_is(certificate, name)) return true;
  return X509_check_host(certificate, name.data(), name.size(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

bool peer_spoke_alpn(const SSL* ssl) {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl, &name, &length);
  return length > 0;
}

std::string crypto_text(const SSL* ssl) {
  const char* cipher = SSL_get_cipher_name(ssl);
  return std::string("TLS1.3-") + (cipher != nullptr ? cipher : "unknown");
}

base::Status export_secret(SSL* ssl, std::string_view label, base::Bytes context, base::MutableBytes out) {
  MUST(!label.empty());
  MUST(!out.empty());
  if (SSL_is_init_finished(ssl) != 1) return fail(Errc::kUnavailable, "the TLS handshake is not finished");
  const int done = SSL_export_keying_material(
      ssl, reinterpret_cast<unsigned char*>(out.data()), out.size(), label.data(), label.size(),
      reinterpret_cast<const unsigned char*>(context.data()), context.size(), 1);
  if (done != 1) {
    ERR_clear_error();
    return fail(Errc::kCrypto, "TLS exports no keying material");
  }
  return {};
}

CloseReason reason_of_handshake_error(const boost::system::error_code& error, const SSL* ssl) {
  namespace asio = boost::asio;
  if (error == asio::error::eof || error == asio::error::connection_reset || error == asio::error::broken_pipe ||
      error == asio::ssl::error::stream_truncated)
    return CloseReason::kPeerGone;
  if (error.category() != asio::error::get_ssl_category()) return CloseReason::kPeerGone;
  const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION: return CloseReason::kTlsVersion;
    case SSL_R_NO_APPLICATION_PROTOCOL: return CloseReason::kAlpn;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return CloseReason::kNoCertificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: break;
    default:
      // OpenSSL numbers received alerts from 1000.
      return reason > 1000 ? CloseReason::kRefusedByPeer : CloseReason::kNotTls;
  }
  return SSL_get_verify_result(ssl) == X509_V_ERR_CERT_CHAIN_TOO_LONG ? CloseReason::kManyCertificates
                                                                      : CloseReason::kNotTls;
}

}  // namespace weft::net
