#include "bep/net/close_reason.hh"

namespace weft::net {

const char* name_of(CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::kLocal: return "local";
    case CloseReason::kPeerClosed: return "peer-closed";
    case CloseReason::kPeerGone: return "peer-gone";
    case CloseReason::kReplaced: return "replaced";
    case CloseReason::kDuplicate: return "duplicate";
    case CloseReason::kPaused: return "paused";
    case CloseReason::kHandshakeTimeout: return "handshake-timeout";
    case CloseReason::kHelloTimeout: return "hello-timeout";
    case CloseReason::kReadTimeout: return "read-timeout";
    case CloseReason::kTooManyHandshakes: return "too-many-handshakes";
    case CloseReason::kTooManyFromAddress: return "too-many-from-address";
    case CloseReason::kTlsVersion: return "tls-version";
    case CloseReason::kAlpn: return "alpn";
    case CloseReason::kNoCertificate: return "no-certificate";
    case CloseReason::kManyCertificates: return "many-certificates";
    case CloseReason::kRefusedByPeer: return "refused-by-peer";
    case CloseReason::kNotTls: return "not-tls";
    case CloseReason::kOwnDevice: return "own-device";
    case CloseReason::kUnknownDevice: return "unknown-device";
    case CloseReason::kWrongDevice: return "wrong-device";
    case CloseReason::kCertificateName: return "certificate-name";
    case CloseReason::kBadHello: return "bad-hello";
    case CloseReason::kProtocol: return "protocol";
    case CloseReason::kOutputOverflow: return "output-overflow";
    case CloseReason::kCount: break;
  }
  return "unknown";
}

}  // namespace weft::net
