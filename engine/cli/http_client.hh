// One HTTP request to a daemon on this machine, for daemon_client.hh. Blocking, with one deadline for all of it.
// Errors: a sentence for people. Bounds: an answer of at most kAnswerBytesMax.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace weft::cli {

inline constexpr std::size_t kAnswerBytesMax = 64u << 20;

struct HttpAsk {
  std::string host, port;                      // of the daemon: "127.0.0.1", "8384"
  std::string method = "GET", target;
  std::vector<std::pair<std::string, std::string>> headers;   // besides Host; a Host here replaces ours
  std::string body;
  std::chrono::milliseconds deadline{10'000};
};
struct HttpReply {
  unsigned status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  [[nodiscard]] std::string header(const std::string& name) const;   // "" when absent; any case
};
[[nodiscard]] tl::expected<HttpReply, std::string> http_request(const HttpAsk& ask);

}  // namespace weft::cli
