// The checker's face: instrumented words and cells for the templates of engine/share, and the
// search through all executions of a small program (machine.hh says which there are).
//
//   const auto result = weak::explore([](weak::Trial& trial) {
//     weak::Atomic<int> flag{0};
//     weak::Cell<int> value;
//     trial.threads({[&] { value = 1; flag.store(1, std::memory_order_release); },
//                    [&] { if (flag.load(std::memory_order_acquire) == 1)
//                            trial.check(value == 1, "the value is there"); }});
//   });
//   EXPECT_EQ(result.fault, "");
//
// The program must do the same again when it is given the same answers, and it must end: no waiting
// loops. Bodies may be left for ever when a fault is found, so they own nothing that must be
// destroyed.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <set>
#include <source_location>
#include <string>
#include <type_traits>

#include "tests/unit/share/weak/machine.hh"

namespace weft::weak {

template <typename T> class Atomic {
  static_assert(std::is_integral_v<T>);
  using Place = std::source_location;

 public:
  Atomic(T value = {}) : initial_(value) {}  // implicit, as std::atomic's
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order, const Place& place = Place::current()) const {
    return static_cast<T>(machine().load(word(), order, place));
  }
  void store(T value, std::memory_order order, const Place& place = Place::current()) {
    machine().store(word(), static_cast<std::uint64_t>(value), order, place);
  }
  T fetch_add(T value, std::memory_order order, const Place& place = Place::current()) {
    return change([value](T old) { return static_cast<T>(old + value); }, order, place);
  }
  T fetch_sub(T value, std::memory_order order, const Place& place = Place::current()) {
    return change([value](T old) { return static_cast<T>(old - value); }, order, place);
  }

 private:
  static Machine& machine() { return Machine::current(); }
  T change(const std::function<T(T)>& change, std::memory_order order, const Place& place) {
    const auto on_bits = [&change](std::uint64_t old) {
      return static_cast<std::uint64_t>(change(static_cast<T>(old)));
    };
    return static_cast<T>(machine().modify(word(), on_bits, order, place));
  }
  // Known to the machine from its first use on: structures have many words that a small program
  // never touches.
  std::size_t word() const {
    if (!word_) word_ = machine().new_word(static_cast<std::uint64_t>(initial_));
    return *word_;
  }
  T initial_;
  mutable std::optional<std::size_t> word_;
};

// Plain memory.
template <typename T> class Cell {
 public:
  Cell() = default;
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;
  Cell& operator=(const T& value) {
    Machine::current().write_cell(cell());
    value_ = value;
    return *this;
  }
  operator const T&() const {  // implicit: a cell stands where a T stood
    Machine::current().read_cell(cell());
    return value_;
  }
  friend bool operator==(const Cell& cell, const T& value) {
    return static_cast<const T&>(cell) == value;
  }

 private:
  std::size_t cell() const {
    if (!cell_) cell_ = Machine::current().new_cell();
    return *cell_;
  }
  T value_{};
  mutable std::optional<std::size_t> cell_;
};

// For the Mem parameter of engine/share's templates.
struct Memory {
  template <typename T> using Atomic = weak::Atomic<T>;
  template <typename T> using Cell = weak::Cell<T>;
};

class Trial {
 public:
  explicit Trial(Machine& machine) : machine_(machine) {}
  // Runs the bodies interleaved, to their ends. What the program does after it comes after all of
  // them. Does not return when they are at fault.
  void threads(std::initializer_list<std::function<void()>> bodies);
  // A fault unless `good`.
  void check(bool good, const char* what);

 private:
  Machine& machine_;
};

using Program = std::function<void(Trial&)>;

struct Result {
  std::uint64_t executions = 0;
  std::string fault;  // of the first execution that went wrong, with its steps; empty: none did
  std::set<Site> sites;  // every atomic operation met
};

// A program in which one operation has a weaker order than its source says.
struct Weakened {
  Site site;
  std::memory_order order;
};

// Goes through all executions, up to the first fault. More than `executions_max` are a fault too.
[[nodiscard]] Result explore(const Program& program,
                             const std::optional<Weakened>& weakened = std::nullopt,
                             std::uint64_t executions_max = 5'000'000);

// The orders that are one step weaker than this one; none for relaxed.
[[nodiscard]] std::vector<std::memory_order> weaker(Kind kind, std::memory_order order);

// Every weakening by one step, of each of these operations, that none of the programs notices: what
// is left is an order stronger than its code needs, or programs too small to need it.
[[nodiscard]] std::vector<std::string> unnoticed_weakenings(const std::vector<Program>& programs,
                                                            const std::set<Site>& sites);

}  // namespace weft::weak
