#include "engine/run/udp_reservation.hh"

#include <netinet/in.h>
#include <sys/socket.h>

namespace weft::run {
namespace {

// An invalid descriptor when another program has it. What reaches it is nobody's: a buffer as small as the kernel allows.
base::UniqueFd bind_udp(std::uint16_t port) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  const int least = 0;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return base::UniqueFd();
  return fd;
}

}  // namespace

std::optional<std::uint16_t> UdpReservation::reserve(const std::string& port, std::uint32_t cores) {
  if (const auto held = held_.find(port); held != held_.end() && held->second.sockets.size() == cores) return held->second.first;
  net::PortChoice choice(range_, remembered_.of(port), ++seed_);
  while (const auto first = choice.next()) {
    if (*first + cores - 1 > range_.last) continue;
    std::vector<base::UniqueFd> row;
    for (std::uint32_t core = 0; core < cores; ++core) {
      row.push_back(bind_udp(static_cast<std::uint16_t>(*first + core)));
      if (!row.back()) break;
    }
    if (!row.back()) continue;
    held_[port] = {*first, std::move(row)};
    remembered_.remember(port, *first);
    return first;
  }
  return std::nullopt;
}

}  // namespace weft::run
