// One HTTP/1.1 connection: reads a request, asks its owner for the answer, writes it, and again until either side
// ends it. Includes Beast, which compiles slowly: for connection.cc and server.cc only.
// Threads: control. Bounds: HttpLimits; one request at a time, the next is read after the answer is written.
// Owner:   Server::Impl. It is a shared_ptr because a Beast operation in flight must keep the buffers it was given
//          alive: every handler holds one reference, and the owner one until on_gone().
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "engine/api/http.hh"

namespace weft::api {

class Connection;

// What handlers see of a request that Beast has parsed.
[[nodiscard]] Request request_of(boost::beast::http::request<boost::beast::http::string_body> message);

class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  [[nodiscard]] virtual Response handle(const Request& request) = 0;
  // The server's own answer to what is no request.
  [[nodiscard]] virtual Response refuse(unsigned status, const char* sentence) = 0;
  virtual void on_gone(Connection& connection) = 0;     // last call
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(boost::asio::ip::tcp::socket socket, ConnectionOwner& owner, const HttpLimits& limits);

  void start();
  // Closes the socket at once and calls nobody any more.
  void abandon();
  // Waiting for a request, for the rest of one, or for something to happen since then; nullopt while answering.
  [[nodiscard]] std::optional<Clock::time_point> waiting_since() const { return waiting_since_; }

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using Message = boost::beast::http::response<boost::beast::http::string_body>;
  using ErrorCode = boost::beast::error_code;

  void read_more();
  void handle_read(const ErrorCode& error);
  void wait_for(Response response, unsigned http_version, bool keep_alive);
  void ask_again(unsigned http_version, bool keep_alive);
  void answer(Response response, unsigned http_version, bool keep_alive);
  void handle_written(const ErrorCode& error);
  void drain();
  void handle_drained(const ErrorCode& error, std::size_t bytes);
  void finish();

  boost::beast::tcp_stream stream_;
  ConnectionOwner* owner_;                      // null after abandon() or finish()
  HttpLimits limits_;
  boost::beast::flat_buffer input_;             // bounded by the parser's limits and read size
  std::optional<Parser> parser_;                // one per request
  Message message_;                             // being written
  std::function<void()> after_sent_;
  Response later_;                              // being waited for
  Clock::time_point later_until_{};
  boost::asio::steady_timer later_timer_;
  std::optional<Clock::time_point> waiting_since_;
  std::size_t drained_bytes_ = 0;
  bool keep_alive_ = false;
};

}  // namespace weft::api
