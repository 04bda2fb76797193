// An HTTP request from its bytes to its answer: Beast's parser with the limits that Connection gives it, the conversion,
// then gate, routes and handlers over a daemon that only notes its orders. No socket.
#include "engine/api/connection.hh"
#include "tests/fuzz/api_daemon.hh"

namespace weft::fuzz {
namespace {

namespace http = boost::beast::http;

// The whole request, or nothing where the server would refuse it or wait for more.
std::optional<api::Request> parse(base::Bytes bytes) {
  const api::HttpLimits limits;
  http::request_parser<http::string_body> parser;
  parser.header_limit(limits.header_bytes);
  parser.body_limit(limits.body_bytes);
  parser.eager(true);
  boost::beast::error_code error;
  for (std::size_t at = 0; at < bytes.size() && !parser.is_done();) {
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data() + at, bytes.size() - at), error);
    if (error || used == 0) return {};
    at += used;
  }
  if (!parser.is_done()) return {};
  return api::request_of(parser.release());
}

}  // namespace

void make_seeds(Seeds& out) {
  const std::string head = "Host: localhost:8384\r\nX-API-Key: " + std::string(kApiKey) + "\r\n";
  const auto get = [&](const char* target) {
    out.add("get-" + std::to_string(out.all().size()), "GET " + std::string(target) + " HTTP/1.1\r\n" + head + "\r\n");
  };
  for (const char* target : {"/rest/system/status", "/rest/system/connections", "/rest/db/status?folder=docs",
                             "/rest/db/completion?folder=docs&device=", "/rest/folder/errors?folder=docs",
                             "/rest/weft/paths", "/rest/weft/status", "/rest/weft/meter?since=1", "/metrics",
                             "/rest/noauth/health"})
    get(target);
  out.add("scan", "POST /rest/db/scan?folder=docs HTTP/1.1\r\nHost: [::1]:8384\r\nAuthorization: Bearer " +
                      std::string(kApiKey) + "\r\nContent-Length: 0\r\n\r\n");
  out.add("impair", "POST /rest/weft/ports/left/impair HTTP/1.1\r\n" + head + "Content-Length: 20\r\n\r\n{\"drop_rate\": 0.125}");
  out.add("chunked", "POST /rest/weft/ports/left/impair HTTP/1.1\r\n" + head +
                         "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
  out.add("options", "OPTIONS /rest/db/scan HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://x\r\n\r\n");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto request = parse(bytes_of(data, size));
  if (!request) return 0;
  understood();
  weft::api::test::FakeDaemon daemon;
  const weft::api::Response response = answer_of(*request, daemon);
  check_answer(*request, response, daemon.orders());
  return 0;
}
