// Paths as a test wants them, and one end of a session that follows its plan: what WeftSession does with a Steering.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "migrate/path_book.hh"
#include "migrate/steering.hh"

namespace weft::migrate::test {

using base::Duration;
using base::Instant;
using base::milliseconds;
using base::PathId;
using base::seconds;
using share::PathRole;
using share::PathState;

constexpr Instant kStart{seconds(1000).ns};
constexpr Duration kLook = milliseconds(10);

inline PathView good(std::uint8_t path) {
  return {.path = PathId{path}, .state = PathState::kActive, .score = 95, .srtt = milliseconds(1), .rtt_latest = milliseconds(1),
          .speed_Bps = 1'250'000'000, .rate_Bps = 100'000'000};
}
inline PathSet set_of(std::initializer_list<int> paths) {
  PathSet out;
  for (const int path : paths) out.add(PathId{static_cast<std::uint8_t>(path)});
  return out;
}

// One end. Paths answer what they are asked unless `mute`.
class End {
 public:
  End(std::vector<PathView> of, const Settings& settings) : paths(std::move(of)), steering(settings) {
    for (PathView& path : paths) (void)book.add(path.path, path.role_of_ports, now);
    follow();
  }
  PathView& at(int path) {
    for (PathView& view : paths)
      if (base::to_index(view.path) == static_cast<std::size_t>(path)) return view;
    MUST(false);
  }
  void tick() {
    now = now + kLook;
    steering.take_to_ask().each([&](PathId path) {
      asked.add(path);
      PathView& view = at(static_cast<int>(base::to_index(path)));
      steering.on_asked(path, ++questions);
      if (!mute.has(path) && share::is_in_use(view.state)) view.probe_answered = questions;
    });
    steering.tick(paths, now);
    collect();
    follow();
  }
  void run(Duration time) {
    for (const Instant end = now + time; now < end;) tick();
  }
  void collect() {
    while (const auto item = steering.take_news()) news.push_back(*item);
    while (const auto item = steering.take_probe()) probed.push_back(*item);
    if (steering.take_plan_changed()) sent.push_back(steering.plan());
  }
  // Roles as planned; state as the table says of a path that answers.
  void follow() {
    for (PathView& path : paths) {
      const PathPlan::Entry& entry = steering.plan().at(path.path);
      path.role = role_in(entry.use, path.role_of_ports);
      if (entry.use == PathUse::kClosed) path.state = PathState::kAbsent;
      if (share::is_in_use(path.state)) path.state = path.role == PathRole::kPrimary ? PathState::kActive : PathState::kStandby;
    }
  }
  void fall(int path) { at(path).state = PathState::kDown; }
  void come_back(int path) {
    at(path).state = PathState::kStandby;
    follow();
  }
  PathSet in_use() const {
    PathSet out;
    for (const PathView& path : paths)
      if (path.state == PathState::kActive) out.add(path.path);
    return out;
  }
  std::uint16_t part(int path) const { return steering.plan().paths[static_cast<std::size_t>(path)].part; }
  PathId id(int path) { return at(path).path; }

  Instant now = kStart;
  std::vector<PathView> paths;
  PathBook book;
  Steering steering;
  PathSet mute, asked;
  std::uint32_t questions = 0;
  std::vector<MigrationNews> news;
  std::vector<ProbeResult> probed;
  std::deque<PathPlan> sent;
};

}  // namespace weft::migrate::test
