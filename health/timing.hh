// When silence becomes suspicion, when suspicion becomes death, and when to ask a path how it is.
// Pure, constexpr. The numbers, each with its reason:
#pragma once

#include <cstdint>

#include "engine/base/time.hh"
#include "engine/share/table.hh"

namespace weft::health {

// A path is given up after this long even where 3 PTO is shorter: below it, a machine that was busy
// for a moment would lose its paths, and 100 ms is no stall that anybody sees.
inline constexpr base::Duration kDeadAfterMin = base::milliseconds(100);
// A new path is asked after 100 ms, then at doubled intervals up to 1 s: slow enough to be nothing (one small packet/s).
inline constexpr base::Duration kProbeFirst = base::milliseconds(100);
inline constexpr base::Duration kProbeSlowest = base::seconds(1);
// A suspect path carries no data; the answer that clears it must come from probes.
inline constexpr base::Duration kSuspectProbe = base::milliseconds(25);
// A path that is down is asked each eighth of the time that nothing was heard of it, between the two above: it is back
// within an eighth of its outage, whether that lasted a blink or a night.
inline constexpr std::int64_t kDownProbeShare = 8;
// A path without traffic is asked this often while its session carries data by others: its death is known before it is
// needed. When the whole session is idle the interval grows to an eighth of that time, up to the score's keep-alive.
inline constexpr base::Duration kIdleProbe = base::seconds(5);
inline constexpr std::int64_t kIdleShare = 8;
// Lazy monitoring: how long a session carried nothing. Traffic brings it back to active at once.
inline constexpr base::Duration kActiveFor = base::seconds(10);
inline constexpr base::Duration kDormantAfter = base::seconds(600);
// A path that brings packets but no answers is suspect for this long before it is given up: our question may wait in the
// queue in front of the peer, and its answer behind what the peer sends, for longer than a round trip ever showed. While
// it is suspect none of our data goes that way, so that a path which is broken in our direction alone costs nothing more.
inline constexpr base::Duration kDeafMax = base::seconds(1);
// A path that is to go has given back what it carried: it waits this long at the most for its last answers, whatever the
// peer sends meanwhile.
inline constexpr base::Duration kDrainMax = base::seconds(1);
// A candidate that never answered is down after this long: shown as such, still probed each second.
inline constexpr base::Duration kProbingMax = base::seconds(3);
// A path that carried data for less than this before it fell did not earn its return: the time counts from coming back
// to being given up, so kDeadAfterMin of it was silence, and what was on its way went again elsewhere.
inline constexpr base::Duration kUsefulStay = base::milliseconds(300);
// Such a path must answer for kFlapHold, doubled with each such fall in a row, up to kFlapHoldMax, before it carries data.
inline constexpr base::Duration kFlapHold = base::milliseconds(200);
inline constexpr base::Duration kFlapHoldMax = base::seconds(5);

// Probe timeout as RFC 9002 6.2 makes it of what the reports say. The floor is the data plane's:
// nothing shorter can be told from a data core that was put aside for a slice of the scheduler.
[[nodiscard]] base::Duration pto(base::Duration srtt, base::Duration rttvar) noexcept;
// max(3 srtt, 2 PTO).
[[nodiscard]] base::Duration suspect_after(base::Duration srtt, base::Duration rttvar) noexcept;
// max(3 PTO, kDeadAfterMin, suspect_after): on a LAN that is kDeadAfterMin.
[[nodiscard]] base::Duration dead_after(base::Duration srtt, base::Duration rttvar) noexcept;

// Options adaptiveKeepAliveEnabled, …MinS, …MaxS of config.xml; 1 s <= min <= max.
struct KeepAlive {
  bool adaptive = true;                  // false: `max`, whatever the score
  bool smooth = false;                   // between the steps of the table too
  base::Duration min = base::seconds(5), max = base::seconds(120);
};
// The longest time that an idle path or link of this score is not asked: 80 and more: 120 s, 60: 60 s, 40: 30 s,
// 20: 15 s, 0: 5 s, within the options' bounds.
[[nodiscard]] base::Duration keep_alive_interval(std::uint8_t score, const KeepAlive& options) noexcept;

enum class Activity : std::uint8_t { kActive, kInactive, kDormant };
[[nodiscard]] Activity activity_of(base::Duration idle) noexcept;
[[nodiscard]] const char* name_of(Activity activity) noexcept;

// How often the paths of a session are looked at whose paths are all in use and wait for nothing: there is nothing to find
// out that cannot wait, and a thousand devices at rest must cost next to nothing. Else each control tick.
[[nodiscard]] base::Duration look_every(Activity activity) noexcept;

// What the next probe of a path hangs on.
struct ProbeCase {
  share::PathState state = share::PathState::kAbsent;
  std::uint32_t asked = 0;               // probes since it entered `state`; the first goes at once where answers are wanted
  base::Duration unheard{};              // since anything came by this path
  base::Duration idle{};                 // since the session carried data by any path
  std::uint8_t score = 0;
};
// Time from one probe to the next; kForever: none.
[[nodiscard]] base::Duration probe_interval(const ProbeCase& at, const KeepAlive& options) noexcept;
// How long a path that fell `falls` times in a row, after the first time without a useful stay, must answer before it is
// back.
[[nodiscard]] base::Duration flap_hold(std::uint32_t falls) noexcept;

}  // namespace weft::health
