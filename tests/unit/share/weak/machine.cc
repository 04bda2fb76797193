#include "tests/unit/share/weak/machine.hh"

#include <algorithm>
#include <utility>

#include "engine/base/must.hh"

namespace weft::weak {
namespace {

Machine* current_machine = nullptr;

// Between the stamps of two neighbours there is room for 32 halvings, more than a small program
// makes.
constexpr std::uint64_t kStampStep = std::uint64_t{1} << 32;

bool acquires(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}
const char* text_of(Kind kind) {
  return kind == Kind::kLoad ? "load" : kind == Kind::kStore ? "store" : "modify";
}

}  // namespace

const char* text_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: break;
  }
  return "seq_cst";
}

std::string text_of(const Site& site) {
  const std::string_view file = site.file.substr(site.file.find_last_of('/') + 1);
  return std::string(file) + ":" + std::to_string(site.line) + " " + text_of(site.order) + " " +
         text_of(site.kind);
}

std::uint32_t Choices::choose(std::uint32_t count) {
  MUST(count > 0);
  if (at_ == made_.size()) made_.push_back({0, count});
  // The program does the same again when it is given the same answers.
  MUST(made_[at_].count == count);
  return made_[at_++].taken;
}

bool Choices::advance() {
  at_ = 0;
  while (!made_.empty() && ++made_.back().taken == made_.back().count) made_.pop_back();
  return !made_.empty();
}

void View::join(const View& other) {
  if (seen.size() < other.seen.size()) seen.resize(other.seen.size());
  for (std::size_t i = 0; i < other.seen.size(); ++i) seen[i] = std::max(seen[i], other.seen[i]);
  for (std::size_t i = 0; i < clock.size(); ++i) clock[i] = std::max(clock[i], other.clock[i]);
}

std::uint64_t& View::of(std::size_t word) {
  if (seen.size() <= word) seen.resize(word + 1);
  return seen[word];
}

Machine::Machine(Choices& choices, std::vector<std::unique_ptr<Fiber>>& fibers,
                 const std::optional<Site>& weakened, std::memory_order weakened_to)
    : choices_(choices), fibers_(fibers), weakened_(weakened), weakened_to_(weakened_to) {
  MUST(current_machine == nullptr);
  current_machine = this;
}

Machine::~Machine() { current_machine = nullptr; }

Machine& Machine::current() {
  MUST(current_machine != nullptr);
  return *current_machine;
}

bool Machine::run(std::vector<std::function<void()>> bodies) {
  MUST(bodies.size() <= kThreadsMax);
  MUST(thread_ == kThreadsMax);
  bodies_ = bodies.size();
  starting_ = true;
  while (fibers_.size() < bodies_) fibers_.push_back(std::make_unique<Fiber>());
  for (std::size_t i = 0; i < bodies_; ++i) {
    fibers_[i]->start(std::move(bodies[i]));
    views_[i] = views_[kThreadsMax];  // a thread's start comes after all that was done before
  }
  for (thread_ = 0; thread_ < bodies_ && fault_.empty(); ++thread_) fibers_[thread_]->resume();
  starting_ = false;
  next_ = bodies_;
  while (fault_.empty()) {
    std::array<std::size_t, kThreadsMax> who{};
    std::uint32_t ready = 0;
    for (std::size_t i = 0; i < bodies_; ++i)
      if (!fibers_[i]->done()) who[ready++] = i;
    if (ready == 0) break;
    // schedule() has chosen if a thread stopped in the middle; else one has ended or all wait at
    // their first point.
    const bool chosen = next_ < bodies_ && !fibers_[next_]->done();
    thread_ = chosen ? next_ : who[choices_.choose(ready)];
    next_ = bodies_;
    fibers_[thread_]->resume();
  }
  thread_ = kThreadsMax;
  for (std::size_t i = 0; i < bodies_; ++i) view().join(views_[i]);  // as after joining them
  return fault_.empty();
}

void Machine::schedule() {
  if (thread_ == kThreadsMax) return;
  // Each body comes to its first point before the first choice is made.
  if (starting_) return fibers_[thread_]->suspend();
  std::array<std::size_t, kThreadsMax> who{};
  std::uint32_t ready = 0;
  who[ready++] = thread_;  // to go on is the first choice
  for (std::size_t i = 0; i < bodies_; ++i)
    if (i != thread_ && !fibers_[i]->done()) who[ready++] = i;
  next_ = who[choices_.choose(ready)];
  if (next_ == thread_) return;
  const std::size_t self = thread_;
  fibers_[self]->suspend();
  MUST(thread_ == self);
}

void Machine::fail(std::string what) {
  if (fault_.empty()) fault_ = std::move(what);
  if (thread_ != kThreadsMax) fibers_[thread_]->suspend();  // for ever
}

std::memory_order Machine::begin(Kind kind, std::memory_order order,
                                 const std::source_location& place) {
  const Site site{place.file_name(), place.line(), place.column(), kind, order};
  if (std::ranges::find(sites_, site) == sites_.end()) sites_.push_back(site);
  if (weakened_ && site == *weakened_) order = weakened_to_;
  if (kind != Kind::kStore || order == std::memory_order_seq_cst) schedule();
  ++view().clock[thread_];
  return order;
}

std::uint64_t Machine::floor_of(std::size_t word, std::memory_order order) {
  const std::uint64_t own = view().of(word);
  return order == std::memory_order_seq_cst ? std::max(own, words_[word].ordered) : own;
}

std::size_t Machine::new_word(std::uint64_t value) {
  words_.push_back({.messages = {{.stamp = kStampStep, .value = value}}});
  return words_.size() - 1;
}

std::uint64_t Machine::load(std::size_t word, std::memory_order written_order,
                            const std::source_location& place) {
  const std::memory_order order = begin(Kind::kLoad, written_order, place);
  const auto& messages = words_[word].messages;
  const std::uint64_t floor = floor_of(word, order);
  std::uint32_t count = 0;
  while (count < messages.size() && messages[messages.size() - 1 - count].stamp >= floor) ++count;
  const std::uint32_t back = choices_.choose(count);  // the newest is the first choice
  const Message& message = messages[messages.size() - 1 - back];
  note(Kind::kLoad, word, message.value, order, place, back > 0);
  view().of(word) = message.stamp;
  if (acquires(order)) view().join(message.view);
  if (order == std::memory_order_seq_cst)
    words_[word].ordered = std::max(words_[word].ordered, message.stamp);
  return message.value;
}

// Puts a message at index `at`, gives it a stamp between its neighbours', and moves the thread on
// to it.
void Machine::insert(std::size_t word, std::size_t at, Message message) {
  auto& messages = words_[word].messages;
  MUST(at > 0);
  const std::uint64_t before = messages[at - 1].stamp;
  message.stamp =
      at == messages.size() ? before + kStampStep : before + (messages[at].stamp - before) / 2;
  MUST(message.stamp > before);
  view().of(word) = message.stamp;
  message.view.of(word) = message.stamp;
  messages.insert(messages.begin() + static_cast<std::ptrdiff_t>(at), std::move(message));
}

void Machine::store(std::size_t word, std::uint64_t value, std::memory_order written_order,
                    const std::source_location& place) {
  const std::memory_order order = begin(Kind::kStore, written_order, place);
  const auto& messages = words_[word].messages;
  const std::uint64_t floor = floor_of(word, order);
  std::vector<std::size_t> places;  // the end first
  for (std::size_t at = messages.size(); at > 0 && messages[at - 1].stamp >= floor; --at)
    if (at == messages.size() || !messages[at].after_modify) places.push_back(at);
  MUST(!places.empty());
  const std::size_t at = places[choices_.choose(static_cast<std::uint32_t>(places.size()))];
  note(Kind::kStore, word, value, order, place, at != messages.size());
  Message message{.stamp = 0, .value = value};
  if (releases(order)) message.view = view();
  insert(word, at, std::move(message));
  if (order == std::memory_order_seq_cst)
    words_[word].ordered = std::max(words_[word].ordered, view().of(word));
}

std::uint64_t Machine::modify(std::size_t word,
                              const std::function<std::uint64_t(std::uint64_t)>& change,
                              std::memory_order written_order, const std::source_location& place) {
  const std::memory_order order = begin(Kind::kModify, written_order, place);
  const auto& messages = words_[word].messages;
  const std::uint64_t floor = floor_of(word, order);
  std::vector<std::size_t> readable;  // the newest first
  for (std::size_t at = messages.size(); at > 0 && messages[at - 1].stamp >= floor; --at)
    if (at == messages.size() || !messages[at].after_modify) readable.push_back(at - 1);
  MUST(!readable.empty());
  const std::size_t read = readable[choices_.choose(static_cast<std::uint32_t>(readable.size()))];
  const std::uint64_t value = messages[read].value;
  note(Kind::kModify, word, value, order, place, read + 1 != messages.size());
  view().of(word) = messages[read].stamp;
  if (acquires(order)) view().join(messages[read].view);
  // The release sequence goes on: who reads this message reads what it was made of.
  Message message{
      .stamp = 0, .value = change(value), .after_modify = true, .view = messages[read].view};
  if (releases(order)) message.view.join(view());
  insert(word, read + 1, std::move(message));
  if (order == std::memory_order_seq_cst)
    words_[word].ordered = std::max(words_[word].ordered, view().of(word));
  return value;
}

std::size_t Machine::new_cell() {
  cells_.emplace_back();
  return cells_.size() - 1;
}

void Machine::read_cell(std::size_t index) {
  Cell& cell = cells_[index];
  ++view().clock[thread_];
  if (cell.written > view().clock[cell.writer])
    fail("data race: thread " + std::to_string(thread_) + " reads cell " + std::to_string(index) +
         " while thread " + std::to_string(cell.writer) + " may be writing it");
  cell.read[thread_] = view().clock[thread_];
}

void Machine::write_cell(std::size_t index) {
  Cell& cell = cells_[index];
  ++view().clock[thread_];
  for (std::size_t other = 0; other < cell.read.size(); ++other)
    if (cell.read[other] > view().clock[other])
      fail("data race: thread " + std::to_string(thread_) + " writes cell " +
           std::to_string(index) + " while thread " + std::to_string(other) + " may be reading it");
  if (cell.written > view().clock[cell.writer])
    fail("data race: threads " + std::to_string(thread_) + " and " + std::to_string(cell.writer) +
         " write cell " + std::to_string(index));
  cell.writer = thread_;
  cell.written = view().clock[thread_];
}

void Machine::note(Kind kind, std::size_t word, std::uint64_t value, std::memory_order order,
                   const std::source_location& place, bool stale) {
  steps_.push_back({thread_, kind, word, value, order, place.line(), stale});
}

std::string Machine::trace() const {
  std::string text;
  for (const Step& step : steps_) {
    if (step.thread == kThreadsMax) continue;
    text += "thread " + std::to_string(step.thread) + ": " + text_of(step.order) + " " +
            text_of(step.kind) + " of word " + std::to_string(step.word) +
            (step.kind == Kind::kStore ? " := " : " == ") + std::to_string(step.value) +
            (step.stale ? ", not the newest" : "") + " (line " + std::to_string(step.line) + ")\n";
  }
  return text;
}

}  // namespace weft::weak
