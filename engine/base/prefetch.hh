// Lines asked for ahead of their use, so that what waits for memory is the memory and not the core. A hint alone: any address
// may be given, nothing is read or written.
#pragma once

#include <cstddef>

#include "engine/base/bytes.hh"

namespace weft::base {

inline constexpr std::size_t kLineBytes = 64;

// Both are written as instructions (an asm without outputs stays), because GCC drops calls of functions that do nothing but
// __builtin_prefetch.

// Soon read.
inline void prefetch_for_read(Bytes bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += kLineBytes) asm("prefetcht0 %0" : : "m"(bytes[at]));
}
// Soon written over, by this core.
inline void prefetch_for_write(MutableBytes bytes) noexcept {
  for (std::size_t at = 0; at < bytes.size(); at += kLineBytes) asm("prefetchw %0" : : "m"(bytes[at]));
}

}  // namespace weft::base
