#include <algorithm>

#include "engine/base/must.hh"
#include "engine/share/path_event.hh"
#include "engine/share/policy.hh"
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
    case Drop::kExcessProbe: return "excess_probe";
    case Drop::kCount: break;
  }
  return "unknown";
}

const char* name_of(PathEvent event) noexcept {
  switch (event) {
    case PathEvent::kAdd: return "add";
    case PathEvent::kAnswered: return "answered";
    case PathEvent::kAnsweredAsBackup: return "answered_as_backup";
    case PathEvent::kSilent: return "silent";
    case PathEvent::kDead: return "dead";
    case PathEvent::kDrained: return "drained";
    case PathEvent::kRetry: return "retry";
    case PathEvent::kMakePrimary: return "make_primary";
    case PathEvent::kMakeBackup: return "make_backup";
    case PathEvent::kRemove: return "remove";
    case PathEvent::kCount: break;
  }
  return "unknown";
}

const char* name_of(PathReason reason) noexcept {
  switch (reason) {
    case PathReason::kNone: return "none";
    case PathReason::kUnmeasured: return "unmeasured";
    case PathReason::kLatency: return "latency";
    case PathReason::kJitter: return "jitter";
    case PathReason::kGoodput: return "goodput";
    case PathReason::kUnrest: return "unrest";
    case PathReason::kLoss: return "loss";
    case PathReason::kSilence: return "silence";
    case PathReason::kPortDown: return "port_down";
    case PathReason::kAnswer: return "answer";
    case PathReason::kOperator: return "operator";
    case PathReason::kMigration: return "migration";
    case PathReason::kCount: break;
  }
  return "unknown";
}

const char* name_of(Policy policy) noexcept {
  MUST(static_cast<std::size_t>(policy) < kPolicyNames.size());
  return kPolicyNames[static_cast<std::size_t>(policy)];
}

const char* name_of(Congestion congestion) noexcept {
  MUST(static_cast<std::size_t>(congestion) < kCongestionNames.size());
  return kCongestionNames[static_cast<std::size_t>(congestion)];
}

std::optional<Policy> policy_of(std::string_view name) noexcept {
  const auto found = std::find(kPolicyNames.begin(), kPolicyNames.end(), name);
  if (found == kPolicyNames.end()) return std::nullopt;
  return static_cast<Policy>(found - kPolicyNames.begin());
}

}  // namespace weft::share
