// What happened in a simulated world, line by line: hashed always, printed on request.
// The hash is the proof of determinism: two runs of one seed have the same one, byte for byte. It covers the virtual
// time, who did what, two numbers, and (by their tags) the bytes of every packet.
// Owner: one world. Cost: a few multiplications per line when nothing is printed.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "engine/base/time.hh"

namespace weft::sim {

// Who a line is about. Printed as "e1.core0", "e2.control", "e0.disk1", "world".
struct Who {
  enum class Kind : std::uint8_t { kWorld, kControl, kCore, kDisk, kPort, kLink };
  Kind kind = Kind::kWorld;
  std::uint8_t engine = 0;
  std::uint8_t index = 0;
  [[nodiscard]] constexpr std::uint64_t word() const {
    return std::uint64_t{static_cast<std::uint8_t>(kind)} << 16 | std::uint64_t{engine} << 8 | index;
  }
};

// What happened: a literal, hashed by the compiler.
struct What {
  const char* text;
  std::uint64_t hash = 0xcbf29ce484222325u;
  consteval What(const char* literal) : text(literal) {  // implicit: What is only ever made of a literal
    for (const char c : std::string_view(literal)) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  }
};

class Trace {
 public:
  // `out` null: only the hash.
  explicit Trace(std::FILE* out) : out_(out) {}

  void note(base::Instant at, Who who, What what, std::uint64_t a = 0, std::uint64_t b = 0) {
    mix(static_cast<std::uint64_t>(at.ns));
    mix(who.word());
    mix(what.hash);
    mix(a);
    mix(b);
    ++lines_;
    if (out_ != nullptr) print(at, who, what, a, b);
  }
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15u;
    hash_ ^= hash_ >> 29;
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  void print(base::Instant at, Who who, What what, std::uint64_t a, std::uint64_t b) {
    static constexpr const char* kNames[] = {"world", "control", "core", "disk", "port", "link"};
    char name[24];
    if (who.kind == Who::Kind::kWorld) std::snprintf(name, sizeof name, "world");
    else if (who.kind == Who::Kind::kControl) std::snprintf(name, sizeof name, "e%u.control", who.engine);
    else std::snprintf(name, sizeof name, "e%u.%s%u", who.engine, kNames[static_cast<int>(who.kind)], who.index);
    std::fprintf(out_, "%" PRId64 ".%06" PRId64 " ms  %-11s %s  %" PRIu64 " %" PRIu64 "\n", at.ns / 1'000'000,
                 at.ns % 1'000'000, name, what.text, a, b);
  }

  std::FILE* out_;
  std::uint64_t hash_ = 0x6a09e667f3bcc908u;
  std::uint64_t lines_ = 0;
};

}  // namespace weft::sim
