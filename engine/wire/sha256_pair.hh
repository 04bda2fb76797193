// Two SHA-256 streams at once. The rounds of one stream wait for each other (each SHA-NI round instruction needs the
// result of the one before), so a CPU that is given a second, independent stream does both in little more than the time
// of one: measured 1.85 times the bytes per second of two streams one after the other (bench/wire_bench).
// No library of Debian 12 offers this for streams that go on: ipsec-mb hashes whole messages only.
// Owner: one thread per object. Cost: no heap. Where the CPU lacks SHA-NI: one after the other.
#pragma once

#include "engine/base/bytes.hh"
#include "engine/wire/sha256.hh"

namespace weft::wire {

class Sha256Pair {
 public:
  Sha256Pair() noexcept;   // asks the CPU: microseconds in a virtual machine, so keep the object
  // The same as a.update(of_a) and b.update(of_b); quickest where both are long and multiples of 64 bytes.
  // REQUIRES: a and b are two objects.
  void update(Sha256Stream& a, base::Bytes of_a, Sha256Stream& b, base::Bytes of_b) const noexcept;

 private:
  bool sha_ni_;
};

}  // namespace weft::wire
