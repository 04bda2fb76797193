#include "engine/api/gate.hh"

#include <boost/asio/ip/address.hpp>
#include <cctype>

#include "bep/proto/device_id.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

// Takes the same time wherever the two differ, so that a key cannot be guessed byte by byte.
bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? host : host.substr(1, end - 1);
  }
  const std::size_t colon = host.find(':');
  // More than one colon and no bracket: an IPv6 address without a port.
  if (colon == std::string_view::npos || host.find(':', colon + 1) != std::string_view::npos) return host;
  return host.substr(0, colon);
}

bool needs_key(const Gate& gate, const Target& target) {
  if (target.segments.empty()) return false;
  if (target.segments[0] == "metrics") return !gate.metrics_open;
  if (target.segments[0] != "rest") return false;
  return !(target.segments.size() > 1 && target.segments[1] == "noauth");
}

Response preflight() {
  Response response;
  response.status = 204;
  response.headers = {{"Access-Control-Allow-Origin", "*"},
                      {"Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"},
                      {"Access-Control-Allow-Headers", "Content-Type, X-API-Key, Authorization"},
                      {"Access-Control-Max-Age", "600"}};
  return response;
}

Response answer_bare(const Gate& gate, const Context& context, const Request& request) {
  if (gate.check_host && !names_loopback(request.host)) return text_response(403, "Host check error");
  if (request.method == Method::kOptions) return preflight();
  const std::optional<Target> target = parse_target(request.target);
  if (!target) return text_response(400, "Bad Request: the path is not absolute or holds a broken escape");
  const bool keyed = has_key(gate, request);
  if (needs_key(gate, *target) && !keyed) return text_response(403, "CSRF Error");
  Response response = dispatch(context, request.method, *target, request.body);
  if (keyed) response.headers.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

}  // namespace

bool names_loopback(std::string_view host) {
  std::string name(without_port(host));
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(name, error);
  return !error && ip.is_loopback();
}

bool has_key(const Gate& gate, const Request& request) {
  if (gate.api_key.empty()) return false;
  if (equal_in_constant_time(request.api_key, gate.api_key)) return true;
  constexpr std::string_view kBearer = "Bearer ";
  const std::string_view given = request.authorization;
  return given.starts_with(kBearer) && equal_in_constant_time(given.substr(kBearer.size()), gate.api_key);
}

void add_standard_headers(const Context& context, Response& response) {
  const auto add = [&](const char* name, std::string value) {
    response.headers.emplace_back(name, std::move(value));
  };
  add("X-Syncthing-Version", version());
  add("X-Syncthing-ID", proto::to_text(context.self));
  add("Cache-Control", "max-age=0, no-cache, no-store");
  add("Pragma", "no-cache");
  add("Expires", "0");                                // RFC 9111 §5.3: in the past
  add("X-Content-Type-Options", "nosniff");
  add("X-Frame-Options", "SAMEORIGIN");
  add("X-XSS-Protection", "1; mode=block");
}

Response answer(const Gate& gate, const Context& context, const Request& request) {
  Response response = answer_bare(gate, context, request);
  add_standard_headers(context, response);
  return response;
}

}  // namespace weft::api
