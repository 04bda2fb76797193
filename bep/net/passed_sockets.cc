#include "bep/net/passed_sockets.hh"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace weft::net {
namespace {

int option_of(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : 0;
}

bool is_listening_tcp(int fd) {
  return option_of(fd, SO_ACCEPTCONN) == 1 && option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_PROTOCOL) == IPPROTO_TCP;
}

}  // namespace

PassedSockets PassedSockets::from_environment() {
  PassedSockets passed;
  const char* const value = std::getenv(kVariable);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(kVariable);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    int number = -1;
    const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const auto used = static_cast<std::size_t>(stop - line.data());
    // Standard input, output and error are nobody's to pass, and what is open for something else is not ours to close.
    if (error != std::errc{} || number <= STDERR_FILENO || used >= line.size() || line[used] != '=' || !is_listening_tcp(number))
      continue;
    (void)::fcntl(number, F_SETFD, FD_CLOEXEC);
    passed.sockets_.push_back({std::string(line.substr(used + 1)), base::UniqueFd(number)});
  }
  return passed;
}

void PassedSockets::add(std::string name, boost::asio::ip::tcp::acceptor& acceptor) {
  if (!acceptor.is_open()) return;
  boost::system::error_code error;
  base::UniqueFd fd(acceptor.release(error));
  if (error || !fd) return;
  (void)::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  sockets_.push_back({std::move(name), std::move(fd)});
}

bool PassedSockets::take(std::string_view name, boost::asio::ip::tcp::acceptor& acceptor) {
  const auto found = std::ranges::find(sockets_, name, &Socket::name);
  if (found == sockets_.end()) return false;
  const bool v6 = option_of(found->fd.get(), SO_DOMAIN) == AF_INET6;
  boost::system::error_code error;
  acceptor.assign(v6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), found->fd.get(), error);
  if (!error) (void)found->fd.release();
  sockets_.erase(found);
  return !error;
}

void PassedSockets::to_environment() const {
  std::string text;
  for (const Socket& socket : sockets_)
    if (::fcntl(socket.fd.get(), F_SETFD, 0) == 0) text += std::to_string(socket.fd.get()) + "=" + socket.name + "\n";
  if (!text.empty()) ::setenv(kVariable, text.c_str(), 1);
}

}  // namespace weft::net
