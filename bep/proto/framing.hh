// Framing: from a byte stream to messages and back.
//   u16 header length | Header{type, compression} | u32 message length | message
// where the message is protobuf, or a u32 length and one LZ4 block that unpacks to it.
// Memory: a message's buffer grows with the bytes that arrive, not by the announced length; but what is announced as a Response
// has room at once, so that a block is not copied again and again: a peer can make us hold response_bytes_max for nothing, once
// per link. LZ4 is unpacked only into what its bytes could possibly hold. Messages of unknown type are passed over without
// being stored.
// Pure; one owner. Source: bep_facts §5, §7.
#pragma once

#include <cstdint>
#include <vector>

#include "bep/proto/messages.hh"
#include "bep/proto/reason.hh"
#include "engine/base/bytes.hh"

namespace weft::proto {

inline constexpr std::size_t kHeaderBytesMax = 0x7FFF;
// Announced lengths above are fatal for stock too.
inline constexpr std::size_t kMessageBytesStockMax = 500'000'000;
// Smaller ones are sent as they are.
inline constexpr std::size_t kCompressBytesMin = 128;

struct FrameLimits {
  // Index and IndexUpdate, packed and unpacked; stock sends ~250 KiB.
  std::size_t index_bytes_max = 64u << 20;
  std::size_t cluster_config_bytes_max = 16u << 20;
  std::size_t response_bytes_max = (16u << 20) + 1024;   // the largest block and its head
  std::size_t private_bytes_max = 8u << 20;
  std::size_t other_bytes_max = 1u << 20;      // Request, DownloadProgress, Ping, Close
};

struct Frame {
  MessageType type{};
  std::vector<std::byte> payload;   // unpacked protobuf bytes
};

class FrameDecoder {
 public:
  explicit FrameDecoder(FrameLimits limits = {}) : limits_(limits) {}

  // Whether private messages are read; otherwise they are skipped like every unknown type.
  void want_private(bool wanted) noexcept { private_wanted_ = wanted; }

  // Keeps `bytes` until next() has used them. Bound: what the caller feeds between two kNeedMore.
  void feed(base::Bytes bytes);

  enum class Outcome : std::uint8_t { kNeedMore, kFrame, kRefused };
  // One message at a time into `out`; call until kNeedMore. After kRefused the stream is dead and
  // it stays kRefused.
  [[nodiscard]] Outcome next(Frame& out);
  [[nodiscard]] Reason reason() const noexcept { return reason_; }        // for kRefused

  [[nodiscard]] std::uint64_t unknown_skipped() const noexcept { return unknown_skipped_; }
  // Memory in use, for bounds and tests.
  [[nodiscard]] std::size_t bytes_held() const noexcept;

 private:
  enum class Stage : std::uint8_t { kHeaderLength, kHeader, kMessageLength, kBody, kSkip, kDead };
  Outcome refuse(Reason reason);
  [[nodiscard]] base::Bytes pending() const noexcept { return base::Bytes(input_).subspan(used_); }
  [[nodiscard]] std::size_t limit_of(MessageType type) const noexcept;
  Reason take_header();
  Reason take_length();
  std::size_t take_body(base::Bytes bytes);
  Reason unpack(std::vector<std::byte>& payload) const;

  FrameLimits limits_;
  std::vector<std::byte> input_;      // bytes fed and not yet used, from used_
  std::size_t used_ = 0;
  Stage stage_ = Stage::kHeaderLength;
  std::size_t header_bytes_ = 0;
  MessageType type_{};
  bool lz4_ = false;
  bool private_wanted_ = false;
  std::size_t body_bytes_ = 0;        // announced and not yet taken
  std::vector<std::byte> body_;
  Reason reason_ = Reason::kNone;
  std::uint64_t unknown_skipped_ = 0;
};

// Appends a whole message to `out`. Packs it when the policy asks (kMetadata: everything but
// Response; kAlways: all), it has at least kCompressBytesMin bytes and packing saves at least 1/32.
void encode_message(MessageType type, base::Bytes protobuf, Compression policy,
                    std::vector<std::byte>& out);

}  // namespace weft::proto
