// MUST: an invariant of our own code. On in every build; a violation is a bug and aborts with its place.
// MUST_SLOW: the same for checks too costly for production; on with -Dchecked=true (debug, simulator, fuzzers).
// Never for anything a peer, a disk or a user can cause: those are counted, or returned as base::Error.
#pragma once

namespace weft::base {

[[noreturn]] void must_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace weft::base

#define MUST(condition)                                                          \
  do {                                                                           \
    if (!(condition)) [[unlikely]]                                               \
      ::weft::base::must_failed(#condition, __FILE__, __LINE__);                 \
  } while (false)

#ifdef WEFT_CHECKED
#define MUST_SLOW(condition) MUST(condition)
#else
#define MUST_SLOW(condition) do { } while (false)
#endif
