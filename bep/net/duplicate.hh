// A new link to a device that has as many as it may: does it take the place of one of them? Pure.
// Of several, the one asked about is the one that was heard of longest ago. In this order:
//
//   the existing link                                             stays
//   is older than connectionReplacementAgeThreshold               no: the other side would not dial again if it still had it
//   is of a worse network (LAN before WAN) than the new one, by   no
//     connectionReplacementPriorityThreshold
//   … of a better one                                             yes
//   has a score below connectionStabilityMinScore                 no
//   both ends weft, dialled by different sides                    if the lower ID dialled it: the two were dialled at the same
//                                                                 moment, and both ends must choose alike
//   else                                                          yes
//
// Against stock both ends may still choose differently, lose both, and dial again after a random wait.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/time.hh"
#include "engine/base/types.hh"

namespace weft::net {

// The options of the same names (shared list of options, defaults as there).
struct ReplaceRule {
  base::Duration age = base::seconds(30);
  std::int32_t priority = 10;
  std::uint8_t score_min = 70;
};

struct DuplicateCase {
  ReplaceRule rule{};
  base::Duration existing_age{};
  std::int32_t existing_priority = 0, new_priority = 0;   // smaller is better
  std::uint8_t existing_score = 100;
  bool existing_dialled_by_us = false;
  bool new_dialled_by_us = false;
  bool both_weft = false;
  bool our_id_is_lower = false;
};

// By how much a network must be better to count.
[[nodiscard]] constexpr bool is_better(std::int32_t priority, std::int32_t than, const ReplaceRule& rule) {
  return priority <= than - rule.priority;
}

[[nodiscard]] constexpr bool new_link_wins(const DuplicateCase& c) {
  if (c.existing_age >= c.rule.age) return true;
  if (is_better(c.new_priority, c.existing_priority, c.rule)) return true;
  if (is_better(c.existing_priority, c.new_priority, c.rule)) return false;
  if (c.existing_score < c.rule.score_min) return true;
  if (!c.both_weft || c.existing_dialled_by_us == c.new_dialled_by_us) return false;
  return c.new_dialled_by_us == c.our_id_is_lower;
}

// How many links a device may have: as many as the side wants that wants more, if both speak of more than one
// (Syncthing 1.25 and later; Hello.num_connections, where 0 is not spoken). But more than kLinksUnasked only if we want them:
// each costs buffers.
inline constexpr std::int32_t kLinksPerDeviceMax = 128, kLinksUnasked = 8;
[[nodiscard]] constexpr std::uint32_t links_allowed(std::int32_t ours, std::int32_t theirs) {
  if (ours <= 1 || theirs <= 1) return 1;
  const std::int32_t most = std::min(std::max(ours, kLinksUnasked), kLinksPerDeviceMax);
  return static_cast<std::uint32_t>(std::min(std::max(ours, theirs), most));
}

}  // namespace weft::net
