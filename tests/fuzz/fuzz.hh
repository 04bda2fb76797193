// What all fuzzers share. A fuzzer is one file that defines LLVMFuzzerTestOneInput() and make_seeds(); libFuzzer's main
// (clang) or replay_main.cc (any compiler) is linked to it.
// The input is the peer's, the user's or chance's word: nothing of it may end the process. What must hold whatever the
// input says is a CHECK; a CHECK, a MUST of the shipped code, or a sanitizer's report is a finding.
// Threads: one. Values only; no state is kept from one input to the next but caches that cannot change an answer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hh"

// Returns 0; libFuzzer wants nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace weft::fuzz {

using Buffer = std::vector<std::byte>;

inline base::Bytes bytes_of(const std::uint8_t* data, std::size_t size) { return std::as_bytes(std::span(data, size)); }
inline base::Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view text_of(base::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[noreturn]] inline void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) does not hold\n", file, line, condition);
  std::abort();
}

// Inputs that got past the first refusal, so that replay_main.cc can tell a seed that is no longer understood.
inline std::uint64_t understood_count = 0;
inline void understood() { ++understood_count; }

// Inputs to begin with, made by the shipped encoders: each must be understood.
class Seeds {
 public:
  struct Seed {
    std::string name;
    Buffer bytes;
  };
  void add(std::string name, base::Bytes bytes) {
    seeds_.push_back({std::move(name), Buffer(bytes.begin(), bytes.end())});
  }
  void add(std::string name, std::string_view text) { add(std::move(name), bytes_of(text)); }
  [[nodiscard]] const std::vector<Seed>& all() const { return seeds_; }

 private:
  std::vector<Seed> seeds_;
};
void make_seeds(Seeds& out);

// Small decisions taken from the front of the input; zeros once it is used up, so that every prefix is an input too.
class Choices {
 public:
  explicit Choices(base::Bytes bytes) : rest_(bytes) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  template <typename T> T number() {
    std::byte raw[sizeof(T)] = {};
    const std::size_t count = std::min(sizeof(T), rest_.size());
    std::copy_n(rest_.begin(), count, raw);
    rest_ = rest_.subspan(count);
    return base::load_be<T>(raw);
  }
  std::uint8_t byte() { return number<std::uint8_t>(); }
  bool flag() { return (byte() & 1) != 0; }
  // Below `bound` (1 … 2^16): one byte where that is enough.
  std::uint32_t below(std::uint32_t bound) {
    return bound <= 256 ? byte() % bound : number<std::uint16_t>() % bound;
  }
  // At most `count` bytes.
  base::Bytes bytes(std::size_t count) {
    const base::Bytes out = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(out.size());
    return out;
  }
  base::Bytes rest() { return bytes(rest_.size()); }

 private:
  base::Bytes rest_;
};

// An input that is a walk: `Run` takes one decision after the other until there are no more, and settles at the end. Longer
// inputs than `bytes_max` only repeat. Returns 0.
template <typename Run> int drive(std::span<const std::uint8_t> input, std::size_t bytes_max) {
  if (input.size() > bytes_max) return 0;
  Choices in(bytes_of(input.data(), input.size()));
  Run run(in);
  while (!in.empty()) run.step();
  run.end();
  return 0;
}

}  // namespace weft::fuzz

#define CHECK(condition)                                                 \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::weft::fuzz::check_failed(#condition, __FILE__, __LINE__);        \
  } while (false)
