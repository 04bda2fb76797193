// TLS session tickets (RFC 8446 4.6.1) of the devices that we dial, so that one which comes back needs no certificates and
// signatures: a resumed handshake costs a key exchange and no more. Only wefts give them (link.cc); stock does not.
// The identity of a resumed session is the certificate that the first one proved; who may connect is checked as ever.
// Each ticket is used once (RFC 8446 C.4) and forgotten when kTicketsMax newer ones of the device are there.
// Thread: control. Bounds: kTicketsMax per device, kDevicesMax devices, the one unused longest goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "engine/base/types.hh"

struct ssl_session_st;   // OpenSSL's SSL_SESSION

namespace weft::net {

struct SessionFree { void operator()(ssl_session_st* session) const noexcept; };
using SessionPtr = std::unique_ptr<ssl_session_st, SessionFree>;

class TlsTickets {
 public:
  static constexpr std::size_t kTicketsMax = 4;      // as many links as come back at one time
  static constexpr std::size_t kDevicesMax = 1024;

  void put(const base::DeviceId& device, SessionPtr session);
  [[nodiscard]] SessionPtr take(const base::DeviceId& device);   // the newest; null: none
  void forget(const base::DeviceId& device) { tickets_.erase(device); }
  [[nodiscard]] std::size_t devices() const noexcept { return tickets_.size(); }

 private:
  struct Held {
    std::deque<SessionPtr> sessions;
    std::uint64_t used = 0;      // serial of the last put or take
  };
  std::map<base::DeviceId, Held> tickets_;
  std::uint64_t serial_ = 0;
};

}  // namespace weft::net
