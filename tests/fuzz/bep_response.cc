// Response, read and written by hand because block bytes do not pass through protobuf: protobuf reads the same.
#include "bep/proto/framing.hh"
#include "bep/proto/pb.hh"
#include "bep/proto/response.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {
namespace {

using namespace proto;

Buffer whole(std::int32_t id, ErrorCode code, base::Bytes data) {
  const ResponseHead head = encode_response_head(id, code, data.size());
  Buffer out(head.bytes().begin(), head.bytes().end());
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

}  // namespace

void make_seeds(Seeds& out) {
  const auto add = [&](const char* name, std::int32_t id, ErrorCode code, base::Bytes data) {
    const std::size_t head = encode_response_head(id, code, data.size()).fields_at;
    out.add(name, base::Bytes(whole(id, code, data)).subspan(head));
  };
  add("data", 7, ErrorCode::kNone, noise(300, 1));
  add("refusal", -1, ErrorCode::kNoSuchFile, {});
  add("id-0", 0, ErrorCode::kNone, noise(1, 2));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes input = bytes_of(data, size);
  ResponseView view;
  const Reason reason = decode_response(input, view);
  CHECK(reason == Reason::kNone || reason == Reason::kMessageBroken);
  if (reason != Reason::kNone) return 0;
  understood();
  CHECK(view.data.empty() || (view.data.data() >= input.data() &&
                              view.data.data() + view.data.size() <= input.data() + input.size()));
  weft::bep::Response slow;
  // Ours skips unknown fields without looking into them; what both read is the same.
  if (slow.ParseFromArray(data, static_cast<int>(size))) {
    CHECK(slow.id() == view.id && slow.data() == text_of(view.data));
    const bool known = slow.code() >= 0 && slow.code() <= 3;
    CHECK(static_cast<int>(view.code) == (known ? slow.code() : 1));
  }
  // As a frame of our own it is read again.
  FrameDecoder decoder;
  decoder.feed(whole(view.id, view.code, view.data));
  Frame frame;
  CHECK(decoder.next(frame) == FrameDecoder::Outcome::kFrame && frame.type == MessageType::kResponse);
  ResponseView again;
  CHECK(decode_response(frame.payload, again) == Reason::kNone);
  CHECK(again.id == view.id && again.code == view.code && std::ranges::equal(again.data, view.data));
  CHECK(decoder.next(frame) == FrameDecoder::Outcome::kNeedMore);
  return 0;
}
