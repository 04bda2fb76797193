#include "tests/unit/net/raw_peer.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "bep/proto/hello.hh"

namespace weft::net::test {

RawPeer::RawPeer(std::uint16_t port, const RawOptions& options) {
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) throw std::runtime_error("connect failed");
  context_ = SSL_CTX_new(TLS_client_method());
  const int version = options.version == 0 ? TLS1_3_VERSION : options.version;
  SSL_CTX_set_min_proto_version(context_, version);
  SSL_CTX_set_max_proto_version(context_, version);
  if (!options.alpn.empty()) {
    std::vector<unsigned char> wire{static_cast<unsigned char>(options.alpn.size())};
    wire.insert(wire.end(), options.alpn.begin(), options.alpn.end());
    SSL_CTX_set_alpn_protos(context_, wire.data(), static_cast<unsigned>(wire.size()));
  }
  if (options.identity != nullptr) {
    SSL_CTX_use_certificate(context_, options.identity->certificate());
    SSL_CTX_use_PrivateKey(context_, options.identity->key());
  }
  if (options.second != nullptr) SSL_CTX_add1_chain_cert(context_, options.second->certificate());
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_);
}

RawPeer::~RawPeer() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
  if (fd_ >= 0) ::close(fd_);
}

bool RawPeer::handshake() { return SSL_connect(ssl_) == 1; }

bool RawPeer::write(base::Bytes bytes) {
  return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
}

bool RawPeer::write_plain(base::Bytes bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

std::vector<std::byte> RawPeer::read_all(std::size_t limit) {
  std::vector<std::byte> all;
  std::byte buffer[16 << 10];
  while (all.size() < limit) {
    const int got = SSL_read(ssl_, buffer, static_cast<int>(std::min(sizeof buffer, limit - all.size())));
    if (got <= 0) break;
    all.insert(all.end(), buffer, buffer + got);
  }
  return all;
}

std::vector<std::byte> RawPeer::read_exactly(std::size_t count) { return read_all(count); }

void RawPeer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd_);
  fd_ = -1;
}

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::vector<std::byte> stock_hello(const std::string& name) {
  return proto::encode_hello({.device_name = name, .client_name = "syncthing", .client_version = "v1.19.2"});
}

std::string as_text(base::Bytes bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace weft::net::test
