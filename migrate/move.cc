#include "migrate/move.hh"

#include <array>
#include <cstddef>

namespace weft::migrate {
namespace {

struct ErrorText {
  const char* word;
  const char* sentence;
};
constexpr std::array kErrors = {
    ErrorText{"ok", "done"},
    ErrorText{"not-enabled", "this weft has no ports: there is no datapath"},
    ErrorText{"not-supported", "there is no datapath with this device: it is no weft, or it is away"},
    ErrorText{"unknown-path", "there is no such path"},
    ErrorText{"path-exists", "this path is open already"},
    ErrorText{"not-validated", "this path does not answer: nothing can be sent over it"},
    ErrorText{"cannot-close-active", "no other path would be left that works"},
    ErrorText{"deadline-exceeded", "the path did not answer in time"},
    ErrorText{"superseded", "the other end, or somebody here, decided otherwise at the same time"},
    ErrorText{"nothing-to-do", "it is so already"},
    ErrorText{"ambiguous", "several paths are called that: name both ports, PORT:REMOTE_PORT, or the device"},
};
static_assert(kErrors.size() == static_cast<std::size_t>(PathError::kCount));

constexpr std::array kReasons = {"none", "operator", "failure", "degraded", "better", "preferred", "recovered", "peer"};
static_assert(kReasons.size() == static_cast<std::size_t>(MoveReason::kCount));

}  // namespace

const char* name_of(MoveReason reason) noexcept {
  return reason < MoveReason::kCount ? kReasons[static_cast<std::size_t>(reason)] : "unknown";
}
const char* name_of(PathError error) noexcept {
  return error < PathError::kCount ? kErrors[static_cast<std::size_t>(error)].word : "unknown";
}
const char* sentence_of(PathError error) noexcept {
  return error < PathError::kCount ? kErrors[static_cast<std::size_t>(error)].sentence : "unknown";
}

}  // namespace weft::migrate
