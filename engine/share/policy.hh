// What the operator chooses about sending: which lane takes the next chunk (Policy), and what governs a lane's window
// (Congestion). The names are those of weft.toml, REST and the command line; they stand here once.
// Owner: values. Who decides by them: sched/picker.hh and sched/controller.hh.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::share {

enum class Policy : std::uint8_t { kRate, kMinRtt, kEcf, kRoundRobin, kWeighted, kHealth, kRedundant, kActiveBackup };
// In the order of the enum.
inline constexpr std::array kPolicyNames = {"rate", "min-rtt", "ecf", "round-robin", "weighted", "health",
                                            "redundant", "active-backup"};
static_assert(static_cast<std::size_t>(Policy::kActiveBackup) + 1 == kPolicyNames.size());

[[nodiscard]] const char* name_of(Policy policy) noexcept;
[[nodiscard]] std::optional<Policy> policy_of(std::string_view name) noexcept;

enum class Congestion : std::uint8_t { kCubic, kBbr };
inline constexpr std::array kCongestionNames = {"cubic", "bbr"};
static_assert(static_cast<std::size_t>(Congestion::kBbr) + 1 == kCongestionNames.size());
[[nodiscard]] const char* name_of(Congestion congestion) noexcept;

// Of PathEntry::weight; the default lies low, so that others can be made lighter and heavier.
inline constexpr std::uint32_t kWeightMin = 1, kWeightMax = 100, kWeightDefault = 10;

}  // namespace weft::share
