// TLS as BEP wants it: version 1.3 only, ALPN bep/1.0, exactly one self-signed certificate from each side, identity by
// the hash of that certificate and by nothing else (no chain, host, purpose or expiry check).
// Sources: shared facts of BEP; RFC 8446; exporter RFC 5705 with RFC 8446 §7.5.
// Thread: the control thread. OpenSSL's TLS half is used in tls.cc and identity.cc only; link.cc sees asio's stream.
#pragma once

#include <openssl/types.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/error_code.hpp>
#include <string>
#include <string_view>

#include "bep/net/close_reason.hh"
#include "bep/net/identity.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::net {

// One context for both roles: asio's handshake call chooses client or server.
class TlsContext {
 public:
  [[nodiscard]] static base::Result<TlsContext> make(const Identity& identity, std::string& why);
  [[nodiscard]] boost::asio::ssl::context& asio() noexcept { return context_; }

 private:
  explicit TlsContext(SSL_CTX* owned) : context_(owned) {}
  boost::asio::ssl::context context_;       // OpenSSL's, which the links share; holds the tickets too
};

// Before the handshake of a connection that we dial: it goes on from an earlier one to this device, if there was one.
void resume_session(SSL* ssl, const base::DeviceId& device);
// Our side is the server, and the peer a weft: it may resume (tls_tickets.hh). The ticket goes out with what is written next.
void give_ticket(SSL* ssl);
[[nodiscard]] bool is_resumed(const SSL* ssl);

// After a finished handshake.
[[nodiscard]] base::Result<base::DeviceId> peer_device_id(const SSL* ssl);
// Subject CN equals `name`, or a SAN DNS name matches it. Stock checks this after Hello; "syncthing" by default.
[[nodiscard]] bool peer_certificate_named(const SSL* ssl, const std::string& name);
[[nodiscard]] bool peer_spoke_alpn(const SSL* ssl);
[[nodiscard]] std::string crypto_text(const SSL* ssl);   // "TLS1.3-TLS_AES_128_GCM_SHA256", as REST shows it

// Keying material for the datapath: fills `out`. Both ends get the same bytes for the same label and context, nobody
// else does, and they differ on every link.
[[nodiscard]] base::Status export_secret(SSL* ssl, std::string_view label, base::Bytes context, base::MutableBytes out);

// Which refusal a failed handshake was.
[[nodiscard]] CloseReason reason_of_handshake_error(const boost::system::error_code& error, const SSL* ssl);

}  // namespace weft::net
