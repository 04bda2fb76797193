// Includes Beast. The operations are asynchronous only because blocking ones of asio know no deadline.
#include "engine/cli/http_client.hh"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <strings.h>

namespace weft::cli {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using ErrorCode = beast::error_code;

namespace {

class Exchange {
 public:
  explicit Exchange(const HttpAsk& ask) : ask_(ask) {
    request_.version(11);
    request_.method_string(ask.method);
    request_.target(ask.target);
    const bool v6 = ask.host.find(':') != std::string::npos;
    request_.set(http::field::host, (v6 ? "[" + ask.host + "]" : ask.host) + ":" + ask.port);
    for (const auto& [name, value] : ask.headers) request_.set(name, value);
    request_.body() = ask.body;
    request_.prepare_payload();
    request_.keep_alive(false);
    parser_.body_limit(kAnswerBytesMax);
  }

  ErrorCode run() {
    ErrorCode error;
    asio::ip::tcp::resolver resolver(io_);
    const auto found = resolver.resolve(ask_.host, ask_.port, error);
    if (error) return error;
    stream_.expires_after(ask_.deadline);
    stream_.async_connect(found, [this](const ErrorCode& failed, const asio::ip::tcp::endpoint&) {
      if (!stop_on(failed)) send();
    });
    io_.run();
    return error_;
  }
  [[nodiscard]] http::response<http::string_body> answer() { return parser_.release(); }

 private:
  bool stop_on(const ErrorCode& failed) {
    if (failed) error_ = failed;
    return static_cast<bool>(failed);
  }
  void send() {
    // A server that refuses a long body may answer before it has read all of it: the answer counts, not the write.
    http::async_write(stream_, request_, [this](const ErrorCode&, std::size_t) { receive(); });
  }
  void receive() {
    http::async_read(stream_, input_, parser_, [this](const ErrorCode& failed, std::size_t) { (void)stop_on(failed); });
  }

  const HttpAsk& ask_;
  asio::io_context io_;
  beast::tcp_stream stream_{io_};
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer input_;
  ErrorCode error_;
};

}  // namespace

std::string HttpReply::header(const std::string& name) const {
  for (const auto& [key, value] : headers)
    if (::strcasecmp(key.c_str(), name.c_str()) == 0) return value;
  return "";
}

tl::expected<HttpReply, std::string> http_request(const HttpAsk& ask) {
  Exchange exchange(ask);
  if (const ErrorCode error = exchange.run()) {
    const std::string where = ask.host + ":" + ask.port;
    if (error == asio::error::connection_refused) return tl::unexpected("nothing listens at " + where);
    if (error == beast::error::timeout) return tl::unexpected("no answer from " + where + " in time");
    return tl::unexpected("no answer from " + where + ": " + error.message());
  }
  const auto message = exchange.answer();
  HttpReply reply;
  reply.status = message.result_int();
  reply.body = message.body();
  for (const auto& field : message)
    reply.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return reply;
}

}  // namespace weft::cli
