// A peer made of a blocking socket and bare OpenSSL, which may break every rule that our own link keeps.
// Runs in a thread beside the event loop (run_beside). Reads give up after 10 s, so that a failure ends.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bep/net/identity.hh"
#include "engine/base/bytes.hh"

namespace weft::net::test {

struct RawOptions {
  const Identity* identity = nullptr;    // null: no certificate
  const Identity* second = nullptr;      // sent after the first, as a chain
  int version = 0;                       // 0: TLS 1.3
  std::string alpn = "bep/1.0";          // empty: none
};

class RawPeer {
 public:
  RawPeer(std::uint16_t port, const RawOptions& options);   // TCP connect to 127.0.0.1
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool handshake();
  bool write(base::Bytes bytes);
  bool write_plain(base::Bytes bytes);   // past TLS
  // Reads until the peer ends the connection or time is up; at most `limit` bytes.
  std::vector<std::byte> read_all(std::size_t limit = SIZE_MAX);
  std::vector<std::byte> read_exactly(std::size_t count);   // shorter at the end
  void reset();                          // closes with RST

 private:
  int fd_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

[[nodiscard]] std::vector<std::byte> from_hex(std::string_view hex);
// A whole Hello of a stock-like peer called `name`.
[[nodiscard]] std::vector<std::byte> stock_hello(const std::string& name);
[[nodiscard]] std::string as_text(base::Bytes bytes);

}  // namespace weft::net::test
