// By which of a device's links the next block is asked for. Pure.
//   rate         the one whose answer would be there first (link_meter.hh): all are busy, in proportion to what they can do
//   round-robin  in turn
//   health       by chance, in proportion to their scores
//   random       by chance, as Syncthing 2 does
//   least-used   the one with the fewest bytes outstanding
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/prng.hh"
#include "engine/base/time.hh"

namespace weft::model {

enum class LinkStrategy : std::uint8_t { kRate, kRoundRobin, kHealth, kRandom, kLeastUsed };
inline constexpr std::array<const char*, 5> kLinkStrategyNames = {"rate", "round-robin", "health", "random", "least-used"};

struct LinkView {
  bool usable = false;                 // ready, and its output has room
  std::uint8_t score = 100;
  std::uint64_t outstanding = 0;       // bytes
  base::Duration arrival{};            // of the block if it were asked for by this link
};

class LinkChoice {
 public:
  LinkChoice(LinkStrategy strategy, std::uint64_t seed) noexcept : strategy_(strategy), prng_(seed) {}
  // Index into `links`, or none when none is usable.
  [[nodiscard]] std::optional<std::size_t> pick(std::span<const LinkView> links) noexcept;

 private:
  LinkStrategy strategy_;
  base::Prng prng_;
  std::uint64_t turn_ = 0;             // picks so far
};

}  // namespace weft::model
