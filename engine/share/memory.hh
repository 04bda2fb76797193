// What the structures of this folder are made of: words that two threads touch at one time
// (Atomic), and values that one thread at a time touches because such a word says whose turn it is
// (Cell).
// Why a parameter: tests/unit/share/weak runs the same source with instrumented ones, through every
// interleaving and every value that the C++ memory model lets a load return. Production never names
// the parameter.
// The project's only std::atomic, beside those that scripts/tidy.py lists with their reason.
//
// The orders, as used everywhere in this folder; a declaration says which its operations have:
//   relaxed  the thread's own word (nobody else writes it), or a word that publishes nothing but
//            itself
//   release  "what I did before is ready": a store after the values that it gives away were
//            written or read
//   acquire  "show me": a load before the values that it was given are touched; pairs with that
//            release
//   seq_cst  only in Gate, where two threads each store and then look at the other's word
#pragma once

#include <atomic>

namespace weft::share {

struct Memory {
  template <typename T> using Atomic = std::atomic<T>;
  template <typename T> using Cell = T;
};

}  // namespace weft::share
