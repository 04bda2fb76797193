// A daemon behind the API, and what must hold of every answer it gives.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/api/gate.hh"
#include "tests/fuzz/fuzz.hh"
#include "tests/unit/api/fake_daemon.hh"

namespace weft::fuzz {

inline constexpr const char* kApiKey = "fuzz-key";

// What `daemon` answers; the orders that it led to are the daemon's.
inline api::Response answer_of(const api::Request& request, api::test::FakeDaemon& daemon) {
  const api::Context context{daemon, daemon, api::test::kSelf, "127.0.0.1:8384"};
  api::Response response = api::answer({.api_key = kApiKey}, context, request);
  if (response.after_sent) response.after_sent();
  return response;
}

inline void check_answer(const api::Request& request, const api::Response& response,
                         const std::vector<std::string>& orders) {
  static constexpr unsigned kStatuses[] = {200, 204, 400, 403, 404, 405, 409, 500, 503};
  CHECK(std::ranges::find(kStatuses, response.status) != std::end(kStatuses));
  const auto one_line = [](const std::string& text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  };
  CHECK(one_line(response.content_type));
  for (const auto& [name, value] : response.headers) CHECK(one_line(name) && one_line(value));
  if (response.content_type.starts_with("application/json")) CHECK(nlohmann::json::accept(response.body));
  // An order was given: by POST, PUT or DELETE, to a host that is ours, with the key.
  if (orders.empty()) return;
  const bool keyed = request.api_key == kApiKey || request.authorization == std::string("Bearer ") + kApiKey;
  const bool orders_something = request.method == api::Method::kPost || request.method == api::Method::kPut ||
                                request.method == api::Method::kDelete;
  CHECK(response.status == 200 && orders_something && keyed && api::names_loopback(request.host));
}

// The answer to an order with this body, by somebody who has the key; it has been checked.
inline api::Response order(api::Method method, const char* target, base::Bytes body, api::test::FakeDaemon& daemon) {
  const api::Request request{.method = method, .target = target, .host = "localhost", .api_key = kApiKey,
                             .authorization = "", .body = std::string(text_of(body))};
  api::Response response = answer_of(request, daemon);
  check_answer(request, response, daemon.orders());
  return response;
}

}  // namespace weft::fuzz
