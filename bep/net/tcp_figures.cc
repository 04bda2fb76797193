#include "bep/net/tcp_figures.hh"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace weft::net {

base::Result<TcpFigures> tcp_figures(int fd) {
  tcp_info info{};   // an older kernel fills less of it
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
    return base::fail_errno(errno, "the kernel gives no TCP_INFO");
  if (info.tcpi_rtt == 0) return base::fail(base::Errc::kUnavailable, "no round trip was measured yet");
  const bool has_floor = info.tcpi_min_rtt > 0 && info.tcpi_min_rtt != UINT32_MAX;
  return TcpFigures{
      .rtt = base::microseconds(info.tcpi_rtt),
      .rttvar = base::microseconds(info.tcpi_rttvar),
      .rtt_min = base::microseconds(has_floor ? std::min(info.tcpi_min_rtt, info.tcpi_rtt) : info.tcpi_rtt),
      .bytes_sent = info.tcpi_bytes_sent,
      .bytes_again = info.tcpi_bytes_retrans,
      .heard_ago = base::milliseconds(std::min(info.tcpi_last_data_recv, info.tcpi_last_ack_recv)),
      // A peer that does not read answers probes of its window: only unanswered ones say that nothing gets through.
      .unacked = info.tcpi_unacked > 0 || (info.tcpi_notsent_bytes > 0 && info.tcpi_probes >= 2)};
}

}  // namespace weft::net
