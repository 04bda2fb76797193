#include "bep/net/dial_attempt.hh"

#include <algorithm>
#include <utility>

#include "bep/net/dial_source.hh"
#include "bep/net/steady.hh"

namespace weft::net {

DialAttempt::DialAttempt(boost::asio::io_context& io, Address address, std::string source, base::Duration timeout, Done done)
    : address_(std::move(address)), source_(std::move(source)), timeout_(timeout), done_(std::move(done)), resolver_(io),
      socket_(io), timer_(io) {}

void DialAttempt::start() {
  timer_.expires_at(to_chrono(steady_now() + timeout_));
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->finish(nullptr, "no answer in time");
  });
  const auto resolved = [self = shared_from_this()](const ErrorCode& error, const tcp::resolver::results_type& results) {
    if (self->done_) self->handle_resolved(error, results);
  };
  const auto flags = tcp::resolver::numeric_service;
  const std::string port = std::to_string(address_.port);
  if (address_.family == IpFamily::kV4) resolver_.async_resolve(tcp::v4(), address_.host, port, flags, resolved);
  else if (address_.family == IpFamily::kV6) resolver_.async_resolve(tcp::v6(), address_.host, port, flags, resolved);
  else resolver_.async_resolve(address_.host, port, flags, resolved);
}

void DialAttempt::cancel() {
  done_ = nullptr;
  timer_.cancel();
  resolver_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
}

void DialAttempt::handle_resolved(const ErrorCode& error, const tcp::resolver::results_type& results) {
  if (error) return finish(nullptr, "cannot resolve the host: " + error.message());
  for (const auto& entry : results) endpoints_.push_back(entry.endpoint());
  std::reverse(endpoints_.begin(), endpoints_.end());
  try_endpoint();
}

void DialAttempt::try_endpoint() {
  if (endpoints_.empty()) return finish(nullptr, error_);
  const tcp::endpoint endpoint = endpoints_.back();
  endpoints_.pop_back();
  ErrorCode ignored;
  socket_.close(ignored);
  socket_.open(endpoint.protocol(), ignored);
  if (const base::Status bound = bind_source(socket_, endpoint.protocol(), source_); !bound) {
    error_ = bound.error().text;
    return try_endpoint();
  }
  socket_.async_connect(endpoint, [self = shared_from_this()](const ErrorCode& error) {
    if (!self->done_) return;
    if (!error) return self->finish(&self->socket_, {});
    self->error_ = error.message();
    self->try_endpoint();
  });
}

void DialAttempt::finish(tcp::socket* connected, const std::string& why) {
  if (!done_) return;
  timer_.cancel();
  const Done done = std::exchange(done_, nullptr);
  if (connected != nullptr) return done(connected, why);
  cancel();
  done(nullptr, why);
}

}  // namespace weft::net
