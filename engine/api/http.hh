// A request and its answer as plain values: what handlers see, so that only the server includes Beast.
// Threads: control; values. Bounds: HttpLimits, kept by the server before a Request exists.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weft::api {

enum class Method : std::uint8_t { kGet, kPost, kPut, kDelete, kOptions, kOther };

struct Request {
  Method method = Method::kOther;
  std::string target;                       // as in the request line
  std::string host, api_key, authorization; // headers; empty when absent
  std::string body;
};

inline constexpr std::chrono::milliseconds kLaterEvery{50};

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::function<void()> after_sent;         // called once the client has the answer, or is gone
  // The answer is not there yet: it is asked for again every kLaterEvery until it is, and with `last` after `later_within` at the
  // latest, when it must be. Of what else stands here only the headers count then.
  std::function<std::optional<Response>(bool last)> later;
  std::chrono::milliseconds later_within{};
};

[[nodiscard]] Response text_response(unsigned status, std::string sentence);   // a newline is added
[[nodiscard]] Response json_response(std::string json);                        // 200

struct HttpLimits {
  std::uint32_t header_bytes = 16u << 10;
  std::uint64_t body_bytes = 1u << 20;
  std::size_t connections = 64;
  // For a whole request to arrive, from the end of the last; and for an answer to be taken.
  std::chrono::milliseconds idle{30'000};
};

}  // namespace weft::api
