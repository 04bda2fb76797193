#include "bep/net/address.hh"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace weft::net {
namespace {

using base::Errc;
using base::fail;

struct Scheme {
  std::string_view name;
  IpFamily family;
  const char* refusal;  // null: ours
};
constexpr const char* kQuic = "weft does not speak QUIC; use a tcp:// address";
constexpr const char* kRelay = "weft does not use relays; use a tcp:// address";
constexpr std::array kSchemes = {
    Scheme{"tcp", IpFamily::kAny, nullptr},          Scheme{"tcp4", IpFamily::kV4, nullptr},
    Scheme{"tcp6", IpFamily::kV6, nullptr},          Scheme{"quic", IpFamily::kAny, kQuic},
    Scheme{"quic4", IpFamily::kV4, kQuic},           Scheme{"quic6", IpFamily::kV6, kQuic},
    Scheme{"relay", IpFamily::kAny, kRelay},         Scheme{"dynamic+https", IpFamily::kAny, kRelay},
    Scheme{"dynamic+http", IpFamily::kAny, kRelay}};

// A host name or IPv4 address, or what stands between the brackets of an IPv6 one. Names are checked for shape only.
bool host_is_sane(std::string_view host, bool bracketed) {
  if (host.size() > 255) return false;
  return std::all_of(host.begin(), host.end(), [bracketed](char c) {
    const bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return letter_or_digit || c == '.' || c == '-' || c == '_' || (bracketed && (c == ':' || c == '%'));
  });
}

bool parse_port(std::string_view digits, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc{} && end == digits.data() + digits.size() && !digits.empty();
}

base::Status parse_host_port(std::string_view rest, Address& address) {
  std::string_view port;
  const bool bracketed = rest.starts_with('[');
  if (bracketed) {
    const std::size_t end = rest.find(']');
    if (end == rest.npos) return fail(Errc::kInvalidArgument, "the IPv6 address lacks its closing bracket");
    std::string_view inside = rest.substr(1, end - 1);
    const std::size_t zone = inside.find('%');
    address.host = inside.substr(0, zone);
    if (zone != inside.npos) {
      inside.remove_prefix(zone + 1);
      if (inside.starts_with("25")) inside.remove_prefix(2);
      if (inside.empty()) return fail(Errc::kInvalidArgument, "the IPv6 zone is empty");
      address.host += '%';
      address.host += inside;
    }
    if (address.host.empty()) return fail(Errc::kInvalidArgument, "the brackets hold no address");
    if (address.host.find(':') == std::string::npos)
      return fail(Errc::kInvalidArgument, "brackets are for IPv6 addresses");
    rest.remove_prefix(end + 1);
    if (!rest.empty() && !rest.starts_with(':'))
      return fail(Errc::kInvalidArgument, "after the bracket only :port may follow");
    if (!rest.empty()) port = rest.substr(1);
    if (rest == ":") return fail(Errc::kInvalidArgument, "the port is missing after the colon");
  } else {
    const std::size_t colon = rest.find(':');
    if (colon != rest.npos && rest.find(':', colon + 1) != rest.npos)
      return fail(Errc::kInvalidArgument, "an IPv6 address must stand in brackets");
    address.host = rest.substr(0, colon);
    if (colon != rest.npos) {
      port = rest.substr(colon + 1);
      if (port.empty()) return fail(Errc::kInvalidArgument, "the port is missing after the colon");
    }
  }
  if (!host_is_sane(address.host, bracketed))
    return fail(Errc::kInvalidArgument, "the host contains characters that no host has");
  if (bracketed && address.family == IpFamily::kV4)
    return fail(Errc::kInvalidArgument, "tcp4:// with an IPv6 address");
  if (!port.empty() && !parse_port(port, address.port))
    return fail(Errc::kInvalidArgument, "the port is no number from 0 to 65535");
  return {};
}

bool is_ip(std::string_view text) noexcept {
  const std::string host(text.substr(0, text.find('%')));
  std::array<std::byte, 16> ignored;
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

}  // namespace

base::Result<Address> parse_address(std::string_view text, AddressUse use) {
  Address address;
  if (text == "dynamic" && use == AddressUse::kDial) {
    address.kind = Address::Kind::kDynamic;
    return address;
  }
  if (text == "default" && use == AddressUse::kListen) {
    address.kind = Address::Kind::kDefault;
    return address;
  }
  const std::size_t colon = text.find("://");
  if (colon == text.npos) return fail(Errc::kInvalidArgument, "the scheme is missing; write tcp://host:port");
  const auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                                   [&](const Scheme& s) { return s.name == text.substr(0, colon); });
  if (scheme == kSchemes.end()) return fail(Errc::kInvalidArgument, "unknown scheme; write tcp://host:port");
  if (scheme->refusal != nullptr) return fail(Errc::kUnsupported, scheme->refusal);
  address.family = scheme->family;
  std::string_view rest = text.substr(colon + 3);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@") != rest.npos)
    return fail(Errc::kInvalidArgument, "nothing may follow the port");
  TRY(parse_host_port(rest, address));
  if (use == AddressUse::kDial) {
    if (address.host.empty()) return fail(Errc::kInvalidArgument, "the host is missing");
    if (address.port == 0) return fail(Errc::kInvalidArgument, "port 0 cannot be dialled");
  }
  return address;
}

bool is_numeric(const Address& address) noexcept { return address.host == "localhost" || is_ip(address.host); }

bool is_dial_source(std::string_view text) noexcept {
  if (is_ip(text)) return true;
  return !text.empty() && text.size() < IFNAMSIZ && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 0x7F && letter != '/' && letter != ':'; });
}

std::string to_text(const Address& address) {
  if (address.kind == Address::Kind::kDynamic) return "dynamic";
  if (address.kind == Address::Kind::kDefault) return "default";
  std::string text = address.family == IpFamily::kV4 ? "tcp4://" : address.family == IpFamily::kV6 ? "tcp6://" : "tcp://";
  const std::size_t zone = address.host.find('%');
  if (address.host.find(':') == std::string::npos) {
    text += address.host;
  } else {
    text += '[';
    text += address.host.substr(0, zone);
    if (zone != std::string::npos) text += "%25" + address.host.substr(zone + 1);
    text += ']';
  }
  return text + ':' + std::to_string(address.port);
}

}  // namespace weft::net
