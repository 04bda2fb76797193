// The addresses of config.xml: tcp://host:port and its relatives.
// Accepted: tcp, tcp4, tcp6 with a name, an IPv4 address, or an IPv6 address in brackets (zone after %25); the port
// defaults to 22000; for listeners the host may be empty (all addresses) and the port may be 0 (any free one).
// "dynamic" means "ask discovery" and "default" stands for Syncthing's set of listeners.
// quic, relay and dynamic+https are recognised and refused with a sentence: weft speaks BEP over TCP links.
// Pure; no name is resolved here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.hh"

namespace weft::net {

inline constexpr std::uint16_t kDefaultPort = 22000;

enum class IpFamily : std::uint8_t { kAny, kV4, kV6 };

struct Address {
  enum class Kind : std::uint8_t { kTcp, kDynamic, kDefault };
  Kind kind = Kind::kTcp;
  IpFamily family = IpFamily::kAny;
  std::string host;                  // without brackets, zone as %zone; empty only for a listener
  std::uint16_t port = kDefaultPort;
  friend bool operator==(const Address&, const Address&) = default;
};

enum class AddressUse : std::uint8_t { kDial, kListen };

// kUnsupported for schemes we know and do not speak, kInvalidArgument for all else; `text` says what is wrong.
[[nodiscard]] base::Result<Address> parse_address(std::string_view text, AddressUse use);

[[nodiscard]] bool is_numeric(const Address& address) noexcept;   // no name that would have to be looked up

// Where a connection that we dial may come from (dial_source.hh): an IP address, or a name that an interface may have.
inline constexpr std::size_t kSourcesMax = 8;
[[nodiscard]] bool is_dial_source(std::string_view text) noexcept;

// Canonical text: scheme, brackets, port always shown.
[[nodiscard]] std::string to_text(const Address& address);

}  // namespace weft::net
