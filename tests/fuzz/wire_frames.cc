// The frames of an opened packet: whatever the reader lets through is allowed by FORMAT.md §5, and written again it is
// the same bytes, because every number on the wire has a fixed width.
#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace wire;

void check_ack(const Ack& ack) {
  CHECK(ack.path < base::kPathsMax && ack.largest <= kPacketNumberMax);
  CHECK(!ack.ranges.empty() && ack.ranges[0].last == ack.largest);
  for (std::size_t i = 0; i < ack.ranges.size(); ++i) {
    CHECK(ack.ranges[i].first <= ack.ranges[i].last);
    if (i > 0) CHECK(ack.ranges[i].last + 1 < ack.ranges[i - 1].first);
  }
  CHECK(encodable_ranges(ack) == ack.ranges.size());
}

// Writes `frame` behind what is there, after a look at what the format forbids. `packet`: where views must point to.
void write_again(base::ByteWriter& out, const Frame& frame, base::Bytes packet) {
  const std::size_t before = out.used();
  std::size_t size = 0;
  switch (frame.type) {
    case FrameType::kPadding: CHECK(false && "padding is never given out"); return;
    case FrameType::kPing: encode_ping(out); size = kPingBytes; break;
    case FrameType::kAck: check_ack(frame.ack); encode(out, frame.ack); size = encoded_size(frame.ack); break;
    case FrameType::kRequest:
      CHECK(frame.request.length >= 1 && frame.request.length <= base::kSlotBytes);
      CHECK(frame.request.offset <= kFileBytesMax - frame.request.length);
      encode(out, frame.request);
      size = kRequestBytes;
      break;
    case FrameType::kChunk:
      CHECK(!frame.chunk.data.empty() && frame.chunk.offset + frame.chunk.data.size() <= base::kSlotBytes);
      CHECK(frame.chunk.data.data() >= packet.data());
      CHECK(frame.chunk.data.data() + frame.chunk.data.size() <= packet.data() + packet.size());
      encode(out, frame.chunk);
      size = encoded_size(frame.chunk);
      break;
    case FrameType::kReject:
      CHECK(std::string_view(name_of(frame.reject.reason)) != "?");
      encode(out, frame.reject);
      size = kRejectBytes;
      break;
    case FrameType::kPathChallenge: encode(out, frame.path_challenge); size = kPathChallengeBytes; break;
    case FrameType::kPathResponse: encode(out, frame.path_response); size = kPathResponseBytes; break;
    case FrameType::kPathStatus: encode(out, frame.path_status); size = kPathStatusBytes; break;
    case FrameType::kPathAbandon: encode(out, frame.path_abandon); size = kPathAbandonBytes; break;
    case FrameType::kClose: encode(out, frame.close); size = kCloseBytes; break;
  }
  CHECK(out.used() - before == size);
}

}  // namespace

void make_seeds(Seeds& out) {
  Buffer all(600), one(300);
  base::ByteWriter everything(all);
  const std::byte data[40] = {std::byte{7}};
  Ack ack{.path = 9, .largest = 1'000'000, .delay_us = 250};
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(ack.ranges.try_push({1'000'000 - 10 * i - i % 3, 1'000'000 - 10 * i}));
  const auto add = [&](const char* name, const auto& write) {
    base::ByteWriter writer(one);
    write(writer);
    out.add(name, base::Bytes(one).first(writer.used()));
    everything.put(base::Bytes(one).first(writer.used()));
  };
  add("ping", [](auto& w) { encode_ping(w); });
  add("ack", [&](auto& w) { encode(w, ack); });
  add("request", [](auto& w) { encode(w, Request{.handle = 5, .request_id = 0x10007, .offset = 1u << 20, .length = 9}); });
  add("chunk", [&](auto& w) { encode(w, Chunk{.request_id = 0x10007, .offset = 1395, .data = data}); });
  add("reject", [](auto& w) { encode(w, Reject{.request_id = 3, .reason = RejectReason::kDisk}); });
  add("challenge", [](auto& w) { encode(w, PathChallenge{0x1122334455667788}); });
  add("response", [](auto& w) { encode(w, PathResponse{0x1122334455667788}); });
  add("status", [](auto& w) { encode(w, PathStatus{.path = 9, .seq = 4, .use = PathUse::kBackup}); });
  add("abandon", [](auto& w) { encode(w, PathAbandon{.path = 9, .reason = 1}); });
  add("close", [](auto& w) { encode(w, Close{.code = 2}); });
  add("padded", [](auto& w) { encode_padding(w, 9); encode_ping(w); encode_padding(w, 3); });
  out.add("everything", base::Bytes(all).first(everything.used()));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes packet = bytes_of(data, size);
  FrameReader reader(packet);
  Frame frame;
  std::size_t at = 0;
  Buffer again(size);
  Chunk seen;
  const bool looks_like_chunk = begins_with_chunk(packet, seen);
  while (reader.next(frame)) {
    understood();
    if (at == 0 && looks_like_chunk)
      CHECK(frame.type == FrameType::kChunk && frame.chunk.request_id == seen.request_id &&
            frame.chunk.offset == seen.offset && frame.chunk.data.data() == seen.data.data() &&
            frame.chunk.data.size() == seen.data.size());
    weft::base::ByteWriter writer(again);
    write_again(writer, frame, packet);
    while (packet[at] == std::byte{0}) ++at;     // padding, which the reader passes over
    CHECK(std::ranges::equal(weft::base::Bytes(again).first(writer.used()), packet.subspan(at, writer.used())));
    at += writer.used();
  }
  CHECK(!reader.next(frame));
  if (!reader.ok()) return 0;
  while (at < size && packet[at] == std::byte{0}) ++at;
  CHECK(at == size);
  return 0;
}
