// A data core that follows the test's script: the shipped rings and the shipped CoreChannel, and at their far end, in
// place of an agent, answers that the test chooses. For tests of control.
#pragma once

#include <algorithm>
#include <cerrno>
#include <vector>

#include "engine/run/core_rings.hh"

namespace weft::run::test {

class ScriptedCore {
 public:
  using Command = share::Command;
  using Event = share::Event;

  explicit ScriptedCore(std::uint32_t number) : channel(number, rings.wiring, CoreLimits{}) {}

  struct Fetching {
    base::SessionId session{};
    share::Fetch order{};
  };

  // ---- the script
  bool answering = true;                // its lanes' challenges are answered; what they send is acknowledged
  std::array<bool, base::kSessionsMax> deaf{};   // … but not of these sessions
  std::int32_t file_errno = 0;          // the disk agent's answer to files
  bool holding_files = false;           // … comes only after release_files()
  void release_files(base::Instant now) {
    holding_files = false;
    std::vector<Command> held;
    held.swap(files_held_);
    for (const Command& c : held) handle(c, now);
  }
  bool holding_closes = false;          // files that are closed are not gone until release_closes()
  void release_closes() {
    holding_closes = false;
    std::vector<Command> held;
    held.swap(closes_held_);
    for (const Command& c : held) close(c);
  }
  void end_fetch(std::uint32_t token, Event::Kind kind, std::int32_t detail = 0) {
    const auto at = std::find_if(fetching.begin(), fetching.end(), [&](const auto& f) { return f.order.token == token; });
    MUST(at != fetching.end());
    emit({.kind = kind, .session = at->session, .number = token, .detail = detail});
    fetching.erase(at);
  }
  share::LaneReport* lane(base::SessionId session, base::PathId path) {
    for (share::LaneReport& lane : lanes)
      if (lane.session == session && lane.path == path) return &lane;
    return nullptr;
  }

  // ---- what it was told
  std::vector<Command> seen;            // all, in order
  std::vector<Fetching> fetching;       // not ended
  std::vector<share::LaneReport> lanes;
  std::vector<std::uint32_t> files;     // by number
  [[nodiscard]] std::vector<Command> told(Command::Kind kind) const {
    std::vector<Command> out;
    std::copy_if(seen.begin(), seen.end(), std::back_inserter(out), [&](const Command& c) { return c.kind == kind; });
    return out;
  }

  // One turn. Returns commands handled.
  std::uint32_t poll(base::Instant now) {
    std::uint32_t work = 0;
    for (Command c; rings.commands.pop_one(c); ++work) {
      seen.push_back(c);
      handle(c, now);
    }
    (void)rings.table.adopt();
    for (share::LaneReport& lane : lanes) answer(lane, now);
    share::CoreReport report;
    report.at = now;
    for (const share::LaneReport& lane : lanes) report.lanes[report.lane_count++] = lane;
    (void)rings.report.try_publish(report);   // not adopted yet: the next one says it too
    return work;
  }

  CoreRings rings{CoreRings::Sizes{.jobs = 2, .dones = 2}};   // nobody asks the disk here
  CoreChannel channel;

 private:
  void emit(const Event& event) { MUST(rings.events.push_one(event)); }

  void answer(share::LaneReport& lane, base::Instant now) const {
    const share::PathEntry& row = rings.table.current().paths[base::to_index(lane.session)][base::to_index(lane.path)];
    if (answering && !deaf[base::to_index(lane.session)]) {
      lane.validated = lane.validated || row.probe_seq > 0;
      lane.probe_seq_answered = row.probe_seq;
      lane.last_received = now;
      lane.unanswered_since = base::kNever;
    } else if (lane.unanswered_since == base::kNever) {
      lane.unanswered_since = now;
    }
  }

  void handle(const Command& c, base::Instant now) {
    switch (c.kind) {
      case Command::Kind::kAddLane: {
        share::LaneReport lane;
        lane.session = c.session;
        lane.path = c.path;
        lane.lane_epoch = c.body.add_lane.lane_epoch;
        lane.unanswered_since = base::kNever;
        lane.srtt = lane.rtt_min = lane.rtt_latest = base::microseconds(200);
        lane.last_received = now;
        lanes.push_back(lane);
        return;
      }
      case Command::Kind::kRemoveLane:
        std::erase_if(lanes, [&](const auto& l) { return l.session == c.session && l.path == c.path; });
        return;
      case Command::Kind::kRemoveSession:
        std::erase_if(lanes, [&](const auto& l) { return l.session == c.session; });
        return cancel([&](const Fetching& f) { return f.session == c.session; });
      case Command::Kind::kDropRequests: return cancel([&](const Fetching& f) { return f.session == c.session; });
      case Command::Kind::kGrant: return install(c, c.body.grant.handle);
      case Command::Kind::kOpenWrite: return install(c, c.body.open_write.file);
      case Command::Kind::kFetch: return fetching.push_back({c.session, c.body.fetch});
      case Command::Kind::kCloseFile: return holding_closes ? closes_held_.push_back(c) : close(c);
      case Command::Kind::kQuietPort: case Command::Kind::kForgetPort:
        return emit({.kind = Event::Kind::kPortDone, .session = {}, .number = static_cast<std::uint32_t>(c.body.port.port),
                     .detail = 0});
      case Command::Kind::kAddSession: case Command::Kind::kSetKey: case Command::Kind::kAddPort: return;
    }
  }
  void close(const Command& c) {
    const std::uint32_t number = c.body.close_file.file;
    MUST(std::erase(files, number) == 1);
    cancel([&](const Fetching& f) { return f.order.file == number; });
    emit({.kind = Event::Kind::kFileGone, .session = c.session, .number = number, .detail = 0});
  }
  void install(const Command& c, std::uint32_t number) {
    if (holding_files) return files_held_.push_back(c);
    if (file_errno == 0) files.push_back(number);
    emit({.kind = file_errno == 0 ? Event::Kind::kFileReady : Event::Kind::kFileFailed, .session = c.session,
          .number = number, .detail = file_errno});
  }
  template <typename Which> void cancel(Which which) {
    for (const Fetching& f : fetching)
      if (which(f)) emit({.kind = Event::Kind::kBlockCancelled, .session = f.session, .number = f.order.token, .detail = 0});
    std::erase_if(fetching, which);
  }

  std::vector<Command> files_held_, closes_held_;
};

}  // namespace weft::run::test
