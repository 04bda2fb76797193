#include "health/monitor.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::health {

Verdicts Monitor::tick(std::span<const PathReport> reports, base::Instant now) noexcept {
  const bool needed = std::ranges::none_of(reports, [](const PathReport& report) {
    return share::is_in_use(report.state);
  });
  note_traffic(reports, now);
  const Company company{.needed = needed, .idle = now - carried_at_};
  Verdicts verdicts;
  for (const PathReport& report : reports) {
    const std::size_t index = base::to_index(report.path);
    MUST(index < memories_.size());
    MUST(verdicts.try_push(judge(report, memories_[index], company, settings_, now)));
  }
  return verdicts;
}

// Lanes that were made anew count from nothing: any other sum means that something was carried, or came.
void Monitor::note_traffic(std::span<const PathReport> reports, base::Instant now) noexcept {
  std::uint64_t bytes = 0;
  for (const PathReport& report : reports) bytes += report.chunk_bytes;
  if (bytes == carried_bytes_ && carried_at_ != base::Instant{}) return;
  carried_bytes_ = bytes;
  carried_at_ = now;
}

base::Instant Monitor::next_look(std::span<const PathReport> reports, base::Instant now) const noexcept {
  const bool restless = std::ranges::any_of(reports, [](const PathReport& report) {
    return report.waiting || !report.port_up || !share::is_in_use(report.state);
  });
  return restless ? now : now + look_every(activity(now));
}

void Monitor::forget(base::PathId path) noexcept {
  MUST(base::to_index(path) < memories_.size());
  memories_[base::to_index(path)] = PathMemory{};
}

const PathMemory& Monitor::memory(base::PathId path) const noexcept {
  MUST(base::to_index(path) < memories_.size());
  return memories_[base::to_index(path)];
}

}  // namespace weft::health
