// Hello: the first bytes each way on a link, before any message. Pure.
//   u32 magic 0x2EA7D90B | u16 length (<= 32767) | protobuf
// A private, versioned field (number 1000) says "weft"; stock ignores it. Source: bep_facts §4, §7.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bep/proto/reason.hh"
#include "engine/base/bytes.hh"

namespace weft::proto {

inline constexpr std::uint32_t kHelloMagic = 0x2EA7D90B;
inline constexpr std::size_t kHelloBytesMax = 32767;    // of the protobuf
inline constexpr std::uint32_t kWeftVersion = 1;        // of the private messages

struct Hello {
  std::string device_name;
  std::string client_name = "weft";
  std::string client_version;
  std::int32_t num_connections = 0;    // 0: not spoken
  std::int64_t timestamp_ns = 0;       // Unix; 0: not given
  std::uint32_t weft_version = 0;      // 0: the peer is not a weft
  friend bool operator==(const Hello&, const Hello&) = default;
};

// Names are cut (at a character) so that the result always fits.
[[nodiscard]] std::vector<std::byte> encode_hello(const Hello& hello);

struct HelloDecoded {
  enum class Outcome : std::uint8_t { kNeedMore, kDone, kRefused } outcome = Outcome::kNeedMore;
  Reason reason = Reason::kNone;   // for kRefused
  std::size_t used = 0;            // bytes of the input taken, for kDone
  Hello hello;                     // for kDone
};
// `input` is everything received so far. Refuses as early as the bytes allow, without waiting for a
// length that no Hello has. Strings that are not UTF-8 are refused (stock 2.x does the same).
[[nodiscard]] HelloDecoded decode_hello(base::Bytes input);

}  // namespace weft::proto
