// The seam to HTTP: the laboratory asks, someone else (engine/cli with its client, a test) answers. Blocking.
#pragma once

#include <chrono>
#include <string>

#include <tl/expected.hpp>

namespace weft::lab {

struct RestAsk {
  std::string host, port, api_key;
  std::string method, target, body;
  std::chrono::milliseconds deadline{5'000};
};
struct RestAnswer {
  unsigned status = 0;
  std::string body;
};

class Rest {
 public:
  virtual ~Rest() = default;
  // The error is a sentence: nobody there, no answer in time.
  [[nodiscard]] virtual tl::expected<RestAnswer, std::string> call(const RestAsk& ask) = 0;
};

}  // namespace weft::lab
