#include "health/link_health.hh"

#include <algorithm>

namespace weft::health {
namespace {

constexpr std::uint32_t kForgetUnrest = 173;   // 120 calls, ten minutes, halve it
constexpr std::uint32_t kUnrestMax = 100 * kOneFall;

void connect(LinkMemory& memory, bool connected) {
  if (memory.connected && !connected) memory.unrest = std::min(memory.unrest + kOneFall, kUnrestMax);
  memory.connected = connected;
  memory.bytes_sent = memory.bytes_again = 0;
  memory.window_sent = memory.window_again = 0;
  memory.rtt.reset();
}

std::uint32_t note_loss(LinkMemory& memory, const LinkReport& report) {
  if (report.bytes_sent < memory.bytes_sent || report.bytes_again < memory.bytes_again)
    memory.bytes_sent = memory.bytes_again = 0;   // another connection, that came between two calls
  memory.window_sent += report.bytes_sent - memory.bytes_sent;
  memory.window_again += report.bytes_again - memory.bytes_again;
  memory.bytes_sent = report.bytes_sent;
  memory.bytes_again = report.bytes_again;
  while (memory.window_sent > kLinkLossWindow) {
    memory.window_sent /= 2;
    memory.window_again /= 2;
  }
  const std::uint64_t again = std::min(memory.window_again, memory.window_sent);
  return static_cast<std::uint32_t>(again * 1000 / std::max(memory.window_sent, kLinkLossWindow / 16));
}

}  // namespace

LinkVerdict judge(const LinkReport& report, LinkMemory& memory, const Settings& settings) noexcept {
  memory.unrest -= (memory.unrest + kForgetUnrest - 1) / kForgetUnrest;
  if (report.connected != memory.connected) connect(memory, report.connected);
  if (!report.connected) return {.reason = share::PathReason::kSilence};
  const std::uint32_t loss_permille = note_loss(memory, report);
  if (report.rtt.ns > 0) memory.rtt.on_sample(log2_256(static_cast<std::uint64_t>((report.rtt + kLinkNoise).us())));
  const Goodness good = goodness({.srtt = report.rtt, .rttvar = report.rttvar, .rtt_min = report.rtt_min,
                                  .loss_permille = loss_permille, .falls = memory.unrest, .noise = kLinkNoise},
                                 settings.weights);
  return {.score = good.score, .reason = good.reason, .measure = good.measure, .loss_permille = loss_permille,
          .degrading = memory.rtt.is_alarmed(),
          .keep_alive = std::min(keep_alive_interval(good.score, settings.keep_alive), kLinkSilenceMax)};
}

}  // namespace weft::health
