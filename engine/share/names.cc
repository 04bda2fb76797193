#include "engine/share/report.hh"

namespace weft::share {

const char* name_of(Drop reason) noexcept {
  switch (reason) {
    case Drop::kShort: return "short";
    case Drop::kType: return "type";
    case Drop::kReceiverIndex: return "receiver_index";
    case Drop::kEpoch: return "epoch";
    case Drop::kTag: return "tag";
    case Drop::kReplay: return "replay";
    case Drop::kFrame: return "frame";
    case Drop::kStaleExtent: return "stale_extent";
    case Drop::kBadChunk: return "bad_chunk";
    case Drop::kBadRequest: return "bad_request";
    case Drop::kUnknownHandle: return "unknown_handle";
    case Drop::kWrongCore: return "wrong_core";
    case Drop::kUnacceptableAck: return "unacceptable_ack";
    case Drop::kCount: break;
  }
  return "unknown";
}

}  // namespace weft::share
