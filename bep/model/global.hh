// Which device's entry of a name is the global one, and who needs it: the rule on which two devices
// must agree without speaking, or their folders never settle. It is stock 1.19's, so that mixed
// clusters agree.
//
// 1. Entries marked invalid take no part while any valid entry exists.
// 2. An entry whose version is dominated by another's takes no part.
// 3. The rest are equal or concurrent: not deleted beats deleted, then newer modification time,
// then the version
//    that is larger at the lowest differing counter. These three are one lexicographic order, so
//    the answer does not depend on the order in which entries arrived.
// Pure, no allocation. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "bep/proto/version_vector.hh"

namespace weft::model {

struct Candidate {
  const proto::VersionVector* version = nullptr;  // outlives the call
  bool deleted = false;
  bool invalid = false;  // marked so by its device, or by our local flags
  std::int64_t modified_s = 0;
  std::int32_t modified_ns = 0;
};

// Index of the winner; among entries that are the same in all of this the first, so callers put
// their own in front. `candidates` is not empty.
[[nodiscard]] std::size_t pick_global(std::span<const Candidate> candidates) noexcept;

// Whether a device that has `have` (nullptr: no entry at all) must fetch `global`: the global is
// valid with a version, ours is not as new, and a deletion is needed only by who has an entry.
[[nodiscard]] bool needs(const Candidate& global, const Candidate* have) noexcept;

}  // namespace weft::model
