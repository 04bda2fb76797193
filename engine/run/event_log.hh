// What happened, for programs that follow it: the last kMax events with growing numbers, as Syncthing's /rest/events shows them.
// Thread: control. Bounds: kMax events, each of a few short fields.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace weft::run {

using EventValue = std::variant<std::string, std::int64_t, double, bool, std::vector<std::string>>;
using EventData = std::vector<std::pair<const char*, EventValue>>;   // in the order shown

struct Event {
  std::uint64_t id = 0;              // from 1; no number is left out
  std::int64_t unix_ms = 0;
  const char* type = "";             // a literal: "PathMigrationStarted"
  EventData data;
};

class EventLog {
 public:
  static constexpr std::size_t kMax = 1000;

  void add(const char* type, EventData data, std::int64_t unix_ms) {
    if (events_.size() == kMax) events_.pop_front();
    events_.push_back({++newest_, unix_ms, type, std::move(data)});
  }
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  [[nodiscard]] const std::deque<Event>& events() const { return events_; }   // oldest first

 private:
  std::deque<Event> events_;
  std::uint64_t newest_ = 0;
};

}  // namespace weft::run
