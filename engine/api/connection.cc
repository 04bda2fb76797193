#include "engine/api/connection.hh"

#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <string>

#include "engine/base/must.hh"

namespace weft::api {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

// After a refusal the rest of the request is read and thrown away, up to here and for this long: closing a socket with
// unread bytes resets it, and the client might never see why.
constexpr std::size_t kDrainBytesMax = 4u << 20;
constexpr std::chrono::seconds kDrainTime{2};
constexpr std::size_t kReadBytes = 16u << 10;

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::post: return Method::kPost;
    case http::verb::put: return Method::kPut;
    case http::verb::delete_: return Method::kDelete;
    case http::verb::options: return Method::kOptions;
    default: return Method::kOther;
  }
}

struct Refusal {
  unsigned status;
  const char* sentence;
};

Refusal refusal_of(const beast::error_code& error) {
  if (error == http::error::body_limit) return {413, "Request Entity Too Large"};
  if (error == http::error::header_limit) return {431, "Request Header Fields Too Large"};
  return {400, "Bad Request"};
}

// The parser's own errors deserve an answer; those of the socket have nobody to read one.
bool is_about_the_request(const beast::error_code& error) {
  return error.category() == make_error_code(http::error::body_limit).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

Request request_of(http::request<http::string_body> message) {
  const auto header = [&](beast::string_view name) {
    const beast::string_view value = message[name];
    return std::string(value.data(), value.size());
  };
  Request request;
  request.method = method_of(message.method());
  request.target = std::string(message.target().data(), message.target().size());
  request.host = header("Host");
  request.api_key = header("X-API-Key");
  request.authorization = header("Authorization");
  request.body = std::move(message.body());
  return request;
}

Connection::Connection(boost::asio::ip::tcp::socket socket, ConnectionOwner& owner, const HttpLimits& limits)
    : stream_(std::move(socket)), owner_(&owner), limits_(limits), later_timer_(stream_.get_executor()) {}

void Connection::start() { read_more(); }

void Connection::abandon() {
  owner_ = nullptr;
  later_timer_.cancel();
  stream_.close();
}

void Connection::read_more() {
  parser_.emplace();
  parser_->header_limit(limits_.header_bytes);
  parser_->body_limit(limits_.body_bytes);
  waiting_since_ = Clock::now();
  stream_.expires_after(limits_.idle);
  http::async_read(stream_, input_, *parser_,
                   [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->handle_read(error); });
}

void Connection::handle_read(const ErrorCode& error) {
  if (owner_ == nullptr) return;
  waiting_since_.reset();
  if (error) {
    if (!is_about_the_request(error)) return finish();
    const Refusal refusal = refusal_of(error);
    return answer(owner_->refuse(refusal.status, refusal.sentence), 11, false);
  }
  const bool keep_alive = parser_->get().keep_alive();
  const unsigned version = parser_->get().version();
  Response response = owner_->handle(request_of(parser_->release()));
  if (response.later) wait_for(std::move(response), version, keep_alive);
  else answer(std::move(response), version, keep_alive);
}

void Connection::wait_for(Response response, unsigned http_version, bool keep_alive) {
  waiting_since_ = Clock::now();
  later_until_ = Clock::now() + response.later_within;
  later_ = std::move(response);
  ask_again(http_version, keep_alive);
}

void Connection::ask_again(unsigned http_version, bool keep_alive) {
  const bool last = Clock::now() >= later_until_;
  if (auto response = later_.later(last)) {
    waiting_since_.reset();
    const Response waited = std::exchange(later_, {});
    response->headers.insert(response->headers.end(), waited.headers.begin(), waited.headers.end());   // that all answers have
    return answer(*std::move(response), http_version, keep_alive);
  }
  MUST(!last);
  later_timer_.expires_after(kLaterEvery);
  later_timer_.async_wait([self = shared_from_this(), http_version, keep_alive](const ErrorCode& error) {
    if (!error && self->owner_ != nullptr) self->ask_again(http_version, keep_alive);
  });
}

void Connection::answer(Response response, unsigned http_version, bool keep_alive) {
  message_ = Message(static_cast<http::status>(response.status), http_version);
  for (const auto& [name, value] : response.headers) message_.insert(name, value);
  if (response.status != 204) {
    message_.set(http::field::content_type, response.content_type);
    message_.body() = std::move(response.body);
    message_.prepare_payload();
  }
  message_.keep_alive(keep_alive);
  keep_alive_ = keep_alive;
  after_sent_ = std::move(response.after_sent);
  stream_.expires_after(limits_.idle);
  http::async_write(stream_, message_,
                    [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->handle_written(error); });
}

void Connection::handle_written(const ErrorCode& error) {
  if (owner_ == nullptr) return;
  if (const auto call = std::exchange(after_sent_, nullptr)) call();
  if (owner_ == nullptr) return;                 // the call ended the server
  if (error) return finish();
  if (keep_alive_) return read_more();
  ErrorCode ignored;
  stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  stream_.expires_after(kDrainTime);
  drain();
}

void Connection::drain() {
  input_.clear();
  stream_.async_read_some(input_.prepare(kReadBytes),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t bytes) {
                            self->handle_drained(error, bytes);
                          });
}

void Connection::handle_drained(const ErrorCode& error, std::size_t bytes) {
  if (owner_ == nullptr) return;
  drained_bytes_ += bytes;
  if (error || drained_bytes_ > kDrainBytesMax) return finish();
  drain();
}

void Connection::finish() {
  ConnectionOwner* const owner = std::exchange(owner_, nullptr);
  stream_.close();
  owner->on_gone(*this);
}

}  // namespace weft::api
