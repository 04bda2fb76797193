// What the kernel knows of a TCP connection (TCP_INFO, Linux 4.19 on): the figures of a link.
// Apart from socket.hh, because <linux/tcp.h> has fields that the C library's header lacks, and the two exclude each other.
#pragma once

#include <cstdint>

#include "engine/base/result.hh"
#include "engine/base/time.hh"

namespace weft::net {

struct TcpFigures {
  base::Duration rtt{}, rttvar{};        // smoothed (RFC 6298)
  base::Duration rtt_min{};              // of the last five minutes
  std::uint64_t bytes_sent = 0;          // payload, with what was sent again
  std::uint64_t bytes_again = 0;
  base::Duration heard_ago{};            // since the newest segment of any kind
  bool unacked = false;                  // something waits for its acknowledgement, or to be sent at all
};
// kUnavailable: nothing was measured yet. Else as errno says.
[[nodiscard]] base::Result<TcpFigures> tcp_figures(int fd);

}  // namespace weft::net
