// One execution of a small concurrent program under the C++ memory model: what each thread has
// seen, what each word has ever held, and a choice wherever the model leaves one.
//
// A word's history is its modification order: a list of messages, each with the value and, if
// stored with release, with the view of the thread that stored it. A thread's view says of each
// word how far it has come, and of each thread how much of it has happened before. A load may
// return any message not older than the thread's view of that word; an acquire load that returns a
// release message joins the message's view. A store goes anywhere after the thread's view of the
// word; a read-modify-write directly after the message it read, and nothing comes between. seq_cst
// operations happen one at a time in the order of the execution, and each also keeps behind what
// earlier seq_cst operations saw or made of its word. Cells are plain memory: two accesses, one of
// them a write, of which neither happened before the other are a data race, whatever the values
// were.
//
// Which thread goes next is chosen before each load, read-modify-write and seq_cst operation. Not
// before a plain store and not at cells: a store that is made early can still be passed over by
// every load, and whether two accesses race depends on what happened before them, not on which of
// them ran first.
//
// Left out, because nothing here has them: fences, compare-exchange, consume. Not modelled: load
// buffering (a store made before an earlier load of its thread), which compilers and machines may
// do to relaxed pairs; and the few executions where C++20's order of seq_cst operations goes
// against happens-before across three threads.
// Sources: Kang et al., "A Promising Semantics for Relaxed-Memory Concurrency" (POPL 2017), without
// promises; Norris and Demsky, "CDSChecker" (OOPSLA 2013), for the search.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/share/weak/fiber.hh"

namespace weft::weak {

// The program's; one more is the set-up and the checks around them.
inline constexpr std::size_t kThreadsMax = 4;

enum class Kind : std::uint8_t { kLoad, kStore, kModify };

// One atomic operation of the source: its place, what it is, and the order it is written with.
struct Site {
  std::string_view file;  // of std::source_location: lives for ever
  unsigned line = 0, column = 0;
  Kind kind{};
  std::memory_order order{};
  friend auto operator<=>(const Site&, const Site&) = default;
};
[[nodiscard]] std::string text_of(const Site& site);
[[nodiscard]] const char* text_of(std::memory_order order);

// Makes the choices: replays those it is told and takes the first (0) of each further one.
class Choices {
 public:
  std::uint32_t choose(std::uint32_t count);
  // The next execution in depth-first order; false after the last.
  [[nodiscard]] bool advance();

 private:
  struct Choice {
    std::uint32_t taken, count;
  };
  std::vector<Choice> made_;
  std::size_t at_ = 0;
};

// How far a thread has come.
struct View {
  std::vector<std::uint64_t> seen;  // by word: stamp of the newest message seen
  std::array<std::uint32_t, kThreadsMax + 1> clock{};  // by thread: operations that happened before
  void join(const View& other);
  [[nodiscard]] std::uint64_t& of(std::size_t word);
};

class Machine {
 public:
  Machine(Choices& choices, std::vector<std::unique_ptr<Fiber>>& fibers,
          const std::optional<Site>& weakened, std::memory_order weakened_to);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  // The one under way. Words and cells are made deep inside the structures, which know nothing of a
  // machine.
  [[nodiscard]] static Machine& current();

  // Runs the bodies to their ends, interleaved. False when a fault ended them.
  [[nodiscard]] bool run(std::vector<std::function<void()>> bodies);
  // Ends this execution. Does not return when called inside of a body, so the caller owns nothing
  // then.
  void fail(std::string what);
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }
  // Every operation so far, one line each.
  [[nodiscard]] std::string trace() const;
  [[nodiscard]] const std::vector<Site>& sites() const noexcept { return sites_; }

  std::size_t new_word(std::uint64_t value);
  std::uint64_t load(std::size_t word, std::memory_order order, const std::source_location& place);
  void store(std::size_t word, std::uint64_t value, std::memory_order order,
             const std::source_location& place);
  std::uint64_t modify(std::size_t word, const std::function<std::uint64_t(std::uint64_t)>& change,
                       std::memory_order order, const std::source_location& place);

  std::size_t new_cell();
  void read_cell(std::size_t cell);
  void write_cell(std::size_t cell);

 private:
  struct Message {
    std::uint64_t stamp = 0, value = 0;
    bool after_modify = false;  // a read-modify-write made it: nothing may come before it any more
    View view{};  // empty unless released
  };
  struct Word {
    std::vector<Message> messages;  // in modification order, stamps rising
    std::uint64_t ordered = 0;  // newest stamp that a seq_cst operation saw or made
  };
  struct Cell {
    std::size_t writer = 0;
    std::uint32_t written = 0;  // the writer's clock
    std::array<std::uint32_t, kThreadsMax + 1> read{};
  };
  struct Step {
    std::size_t thread;
    Kind kind;
    std::size_t word;
    std::uint64_t value;
    std::memory_order order;
    unsigned line;
    bool stale;  // there was a newer message than the one read
  };

  [[nodiscard]] View& view() { return views_[thread_]; }
  std::memory_order begin(Kind kind, std::memory_order order, const std::source_location& place);
  void schedule();
  [[nodiscard]] std::uint64_t floor_of(std::size_t word, std::memory_order order);
  void insert(std::size_t word, std::size_t at, Message message);
  void note(Kind kind, std::size_t word, std::uint64_t value, std::memory_order order,
            const std::source_location& place, bool stale);

  Choices& choices_;
  std::vector<std::unique_ptr<Fiber>>& fibers_;
  const std::optional<Site>& weakened_;
  const std::memory_order weakened_to_;
  std::array<View, kThreadsMax + 1> views_;
  std::vector<Word> words_;
  std::vector<Cell> cells_;
  std::size_t thread_ = kThreadsMax;  // who runs; kThreadsMax outside of the bodies
  std::size_t bodies_ = 0;
  std::size_t next_ = 0;  // who was chosen to run; bodies_ when nobody was
  bool starting_ = false;  // each body runs to its first point, where the first choice is made
  std::string fault_;
  std::vector<Step> steps_;
  std::vector<Site> sites_;
};

}  // namespace weft::weak
