// Why a connection ended or was refused. Every way out has its own value and its own counter; there is no "other".
// The sentence that goes with it is made where it happens and travels beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace weft::net {

enum class CloseReason : std::uint8_t {
  // Ordinary ends.
  kLocal,              // we closed it: stop, configuration change, the model's decision
  kPeerClosed,         // the peer sent Close; the text is its reason
  kPeerGone,           // end of file or reset without Close
  kReplaced,           // a newer link to the same device took its place
  kDuplicate,          // a link to that device exists and stays
  kPaused,             // the device is paused in our configuration
  // Time.
  kHandshakeTimeout,   // TLS did not finish in time
  kHelloTimeout,       // no Hello in time
  kReadTimeout,        // nothing received for longer than BEP allows
  // Refused on the way to TLS.
  kTooManyHandshakes,  // bound on connections that are not ready yet
  kTooManyFromAddress, // the same, for one IP address
  kTlsVersion,         // peer offers nothing newer than TLS 1.2
  kAlpn,               // peer offers ALPN without bep/1.0
  kNoCertificate,
  kManyCertificates,   // a chain: BEP wants exactly one
  kRefusedByPeer,      // the peer ended TLS with an alert
  kNotTls,             // the bytes are not a TLS record, or the handshake fails in another way
  // Refused after TLS.
  kOwnDevice,          // connected to ourselves
  kUnknownDevice,
  kWrongDevice,        // dialled one device, reached another
  kCertificateName,    // neither CN nor SAN is the name configured for the device
  // The peer broke the protocol.
  kBadHello,           // unknown or old magic, too long, does not decode
  kProtocol,           // framing, compression, order of messages, limits
  // Ours.
  kOutputOverflow,     // more output pending than LinkLimits allows: the peer does not read
  kCount,
};

[[nodiscard]] const char* name_of(CloseReason reason) noexcept;   // "peer-closed", for logs, REST and metrics

using CloseCounters = std::array<std::uint64_t, static_cast<std::size_t>(CloseReason::kCount)>;

}  // namespace weft::net
