#include "bep/net/tls_tickets.hh"

#include <openssl/ssl.h>

#include <algorithm>

namespace weft::net {

void SessionFree::operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }

void TlsTickets::put(const base::DeviceId& device, SessionPtr session) {
  Held& held = tickets_[device];
  held.used = ++serial_;
  held.sessions.push_back(std::move(session));
  if (held.sessions.size() > kTicketsMax) held.sessions.pop_front();
  if (tickets_.size() <= kDevicesMax) return;
  tickets_.erase(std::ranges::min_element(tickets_, {}, [](const auto& entry) { return entry.second.used; }));
}

SessionPtr TlsTickets::take(const base::DeviceId& device) {
  const auto found = tickets_.find(device);
  if (found == tickets_.end() || found->second.sessions.empty()) return nullptr;
  found->second.used = ++serial_;
  SessionPtr newest = std::move(found->second.sessions.back());
  found->second.sessions.pop_back();
  return newest;
}

}  // namespace weft::net
