#include "health/link_health.hh"

#include <algorithm>

namespace weft::health {
namespace {

void connect(LinkMemory& memory, bool connected) {
  if (memory.connected && !connected) memory.unrest.on_fall();
  memory.connected = connected;
  memory.loss_share.begin_at(0, 0);
  memory.rtt.reset();
  memory.loss.begin_at(0, 0);
}

}  // namespace

LinkVerdict judge(const LinkReport& report, LinkMemory& memory, const Settings& settings) noexcept {
  memory.unrest.fade();
  if (report.connected != memory.connected) connect(memory, report.connected);
  if (!report.connected) return {.reason = share::PathReason::kSilence};
  // Another connection may have come between two calls.
  if (memory.loss_share.went_back(report.bytes_sent, report.bytes_again)) memory.loss_share.begin_anew();
  memory.loss_share.on_counts(report.bytes_sent, report.bytes_again);
  memory.loss.on_counts(report.bytes_sent / kLinkPacketBytes, report.bytes_again / kLinkPacketBytes);
  const std::uint32_t loss_permille = memory.loss_share.permille();
  if (report.rtt.ns > 0) memory.rtt.on_sample(log2_256(static_cast<std::uint64_t>((report.rtt + kLinkNoise).us())));
  const Goodness good = goodness({.srtt = report.rtt, .rttvar = report.rttvar, .rtt_min = report.rtt_min,
                                  .loss_permille = loss_permille, .falls = memory.unrest.falls(), .noise = kLinkNoise},
                                 settings.weights);
  return {.score = good.score, .reason = good.reason, .measure = good.measure, .loss_permille = loss_permille,
          .degrading = memory.rtt.is_alarmed() || memory.loss.is_alarmed(),
          .trend_permille = std::max(memory.rtt.level_permille(), memory.loss.level_permille()),
          .keep_alive = std::min(keep_alive_interval(good.score, settings.keep_alive), kLinkSilenceMax)};
}

}  // namespace weft::health
