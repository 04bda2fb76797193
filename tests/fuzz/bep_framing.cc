// BEP's framing with LZ4: the same messages come out of a stream however it is cut, memory follows the bytes that came,
// and what comes out goes in again.
// Input: one byte of switches, one that cuts, then the stream.
#include "bep/proto/framing.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace proto;

constexpr FrameLimits kSmallLimits{.index_bytes_max = 100'000, .cluster_config_bytes_max = 50'000,
                                   .response_bytes_max = 20'000, .private_bytes_max = 10'000, .other_bytes_max = 5'000};

std::size_t limit_of(MessageType type) {
  switch (type) {
    case MessageType::kIndex: case MessageType::kIndexUpdate: return kSmallLimits.index_bytes_max;
    case MessageType::kClusterConfig: return kSmallLimits.cluster_config_bytes_max;
    case MessageType::kResponse: return kSmallLimits.response_bytes_max;
    default: return is_private(type) ? kSmallLimits.private_bytes_max : kSmallLimits.other_bytes_max;
  }
}

struct Result {
  std::vector<Frame> frames;
  Reason reason = Reason::kNone;      // that ended it, or kNone: more is wanted
  std::uint64_t skipped = 0;
};

Result read(base::Bytes stream, bool want_private, std::size_t step) {
  Result result;
  FrameDecoder decoder(kSmallLimits);
  decoder.want_private(want_private);
  std::size_t fed = 0;
  do {
    const base::Bytes piece = stream.subspan(fed, std::min(step, stream.size() - fed));
    decoder.feed(piece);
    fed += piece.size();
    // Frames not yet asked for, and room taken on the word of one announced length.
    CHECK(decoder.bytes_held() <= 4 * fed + (512u << 10));
    for (Frame frame;;) {
      const auto outcome = decoder.next(frame);
      if (outcome == FrameDecoder::Outcome::kNeedMore) break;
      if (outcome == FrameDecoder::Outcome::kRefused) {
        CHECK(decoder.reason() != Reason::kNone && closes_link(decoder.reason()) && !sends_close(decoder.reason()));
        CHECK(decoder.next(frame) == FrameDecoder::Outcome::kRefused && decoder.bytes_held() == 0);
        result.reason = decoder.reason();
        result.skipped = decoder.unknown_skipped();
        return result;
      }
      CHECK(frame.payload.size() <= limit_of(frame.type));
      CHECK(want_private || !is_private(frame.type));
      result.frames.push_back(std::move(frame));
    }
  } while (fed < stream.size());
  result.skipped = decoder.unknown_skipped();
  return result;
}

bool same(const Result& a, const Result& b) {
  return a.reason == b.reason && a.skipped == b.skipped &&
         std::ranges::equal(a.frames, b.frames, [](const Frame& x, const Frame& y) {
           return x.type == y.type && x.payload == y.payload;
         });
}

// Our encoder's stream of the same messages, in each of its ways.
void check_round_trip(const std::vector<Frame>& frames) {
  for (const Compression policy : {Compression::kNever, Compression::kMetadata, Compression::kAlways}) {
    Buffer stream;
    for (const Frame& frame : frames) encode_message(frame.type, frame.payload, policy, stream);
    const Result again = read(stream, true, stream.size() + 1);
    CHECK(again.reason == Reason::kNone && again.skipped == 0 && again.frames.size() == frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i)
      CHECK(again.frames[i].type == frames[i].type && again.frames[i].payload == frames[i].payload);
  }
}

}  // namespace

void make_seeds(Seeds& out) {
  Buffer text;
  for (int i = 0; i < 60; ++i) text.push_back(static_cast<std::byte>("compressible "[i % 13]));
  for (int i = 0; i < 200; ++i) text.push_back(std::byte{'a'});
  for (const Compression policy : {Compression::kNever, Compression::kAlways}) {
    Buffer input{std::byte{1}, std::byte{7}};
    for (const int type : {0, 1, 2, 3, 4, 5, 6, 7, 9, 1001, 1004, 1005})
      encode_message(MessageType{type}, type == 6 ? base::Bytes{} : base::Bytes(text), policy, input);
    out.add(policy == Compression::kNever ? "plain" : "packed", input);
  }
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  if (size < 2) return 0;
  const bool want_private = (data[0] & 1) != 0;
  const weft::base::Bytes stream = bytes_of(data + 2, size - 2);
  const Result whole = read(stream, want_private, stream.size() + 1);
  CHECK(same(whole, read(stream, want_private, 1 + data[1])));
  if (size < 600) CHECK(same(whole, read(stream, want_private, 1)));
  if (!whole.frames.empty()) understood();
  check_round_trip(whole.frames);
  return 0;
}
