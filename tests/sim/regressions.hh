// Seeds that found a fault in the shipped code, each with what it found. All run in the test suite.
// A seed is a world only together with the draws of swarm.cc: where those change, a seed here goes on being a world, but
// another one. That is why each fault also has a test of its own, named in its line.
#pragma once

#include <array>
#include <cstdint>

namespace weft::sim {

struct Regression {
  std::uint64_t seed;
  const char* name;   // a word for the test's name
  const char* found;  // what was wrong, and the test beside this one
};
inline constexpr std::array<Regression, 3> kRegressions = {{
    {1, "FetchesWaitBeyondTheirFile",
     "blocks that waited at a core's channel were answered after their file was gone (core_channel_test.cc)"},
    {280, "GrantRepeatedWhileClosing",
     "a GRANT said again after a resume met a transfer that was closing; its lost RELEASE was never repeated "
     "(session_loss_test.cc)"},
    {1960, "KeyForAnEarlierLane",
     "a report of an earlier session's lane had the new lane sent a key too early, and never again (weft_session_test.cc)"},
}};

}  // namespace weft::sim
