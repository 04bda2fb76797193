#include "engine/run/data_agent.hh"

#include <algorithm>

#include "engine/share/memory_file.hh"

namespace weft::run {

using share::Command;
using share::Event;
using share::Stage;

DataAgent::DataAgent(const DataAgentConfig& config)
    : core_(config.core),
      ports_(config.ports),
      aead_(*config.aead),
      slots_(config.slots),
      wiring_(config.wiring),
      challenges_(config.challenge_seed),
      lanes_(config.lanes, aead_),
      files_(config.limits.files),
      disk_(*wiring_.disk_jobs, *wiring_.disk_dones),
      fetch_(files_, disk_, config.slots, config.fetch_slots, config.limits),
      serve_(files_, disk_, config.fetch_slots, config.serve_slots, config.limits),
      tx_(config.ports, config.port_rates_Bps, aead_, stages_) {
  MUST(config.slots.size() >= std::size_t{config.fetch_slots + config.serve_slots} * base::kSlotBytes);
  MUST(ports_.size() <= base::kPortsMax);
}

std::uint32_t DataAgent::poll(base::Instant now) noexcept {
  fetch_.note_turn(now - std::exchange(turn_at_, now));
  std::uint32_t work = poll_commands();
  poll_table();
  stages_.lap(Stage::kControl);
  const std::uint32_t received = receive(now);
  work += received;
  work += poll_disk();
  stages_.lap(Stage::kDisk);
  work += poll_timers(now);
  stages_.lap(Stage::kAck);
  work += fetch_.poll(now, received > 0, [this](const Event& event) { emit(event); });
  stages_.lap(Stage::kHash);
  serve_.poll_reads();
  work += poll_closing();
  stages_.lap(Stage::kDisk);
  work += transmit(now);
  ++report_.turns;
  if (work == 0) ++report_.turns_idle;
  publish(now);
  stages_.lap(Stage::kControl);
  return work;
}

void DataAgent::emit(const Event& event) noexcept {
  // Control has no more fetches and files outstanding than the ring has room for (core_channel.hh).
  MUST(wiring_.events->push_one(event));
}

std::uint32_t DataAgent::poll_commands() noexcept {
  std::uint32_t work = 0;
  Command command;
  // Opening a file takes a disk job: without room for one, commands wait in their ring, in order.
  while (work < kCommandsPerTurn && disk_.has_room() && wiring_.commands->pop_one(command)) {
    handle_command(command);
    ++work;
  }
  return work;
}

void DataAgent::handle_command(const Command& command) noexcept {
  const auto events = [this](const Event& event) { emit(event); };
  switch (command.kind) {
    case Command::Kind::kAddSession: {
      MUST(!made_.has(base::to_index(command.session)));
      made_.add(base::to_index(command.session));
      Session& session = sessions_[base::to_index(command.session)];
      session = Session{};
      session.picker.set_policy(wiring_.table->current().policy);
      fetch_.add_session(command.session, command.body.add_session);
      serve_.add_session(command.session, command.body.add_session.chunk_bytes);
      rejects_.clear(command.session);
      return;
    }
    case Command::Kind::kRemoveSession: return remove_session(command.session);
    case Command::Kind::kAddLane:
      MUST(made_.has(base::to_index(command.session)) && tx_.open_ports().has(base::to_index(command.body.add_lane.port)));
      // There is room for all that control makes (base/limits.hh); the smaller tables of tests mean a lane less.
      (void)lanes_.add(command.session, command.path, command.body.add_lane);
      return;
    case Command::Kind::kRemoveLane:
      if (LaneSlot* lane = lanes_.of(command.session, command.path)) {
        lane->lane->evacuate([&](const sched::SentPacket& p, sched::Fate f) { handle_fate(*lane, p, f); });
        lanes_.remove(*lane);
      }
      return;
    case Command::Kind::kSetKey:
      if (LaneSlot* lane = lanes_.of(command.session, command.path))
        (void)lanes_.set_key(*lane, command.body.set_key);
      return;
    case Command::Kind::kGrant: case Command::Kind::kOpenWrite: return install(command);
    case Command::Kind::kFetch: return fetch_.handle_fetch(command.session, command.body.fetch);
    case Command::Kind::kCloseFile: {
      FileEntry* file = files_.find(command.body.close_file.file);
      MUST(file != nullptr && file->state == FileEntry::State::kReady);
      file->state = FileEntry::State::kClosing;
      if (file->serving) serve_.close_file(*file);
      else fetch_.close_file(*file, events);
      MUST(closing_.try_push(file->number));
      return;
    }
    case Command::Kind::kDropRequests:
      serve_.drop_requests(command.session);
      return fetch_.cancel_session(command.session, events);
    case Command::Kind::kAddPort: {
      const std::size_t port = base::to_index(command.body.port.port);
      MUST(port < ports_.size() && ports_[port] != nullptr && !tx_.open_ports().has(port));
      return tx_.add_port(command.body.port.port, command.body.port.rate_Bps, turn_at_);
    }
    case Command::Kind::kQuietPort: return quiet_port(command.body.port.port);
    case Command::Kind::kForgetPort: return forget_port(command.body.port.port);
  }
}

void DataAgent::quiet_port(base::PortId port) noexcept {
  MUST(tx_.open_ports().has(base::to_index(port)));
  for (const std::size_t s : made_)
    for (const std::uint16_t index : lanes_.of(base::SessionId{static_cast<std::uint8_t>(s)}).slots)
      MUST(lanes_.at(index).port != port);
  tx_.remove_port(port);
  emit({.kind = Event::Kind::kPortDone, .session = {}, .number = static_cast<std::uint32_t>(port), .detail = 0});
}

void DataAgent::forget_port(base::PortId port) noexcept {
  MUST(!tx_.open_ports().has(base::to_index(port)));
  // All cores are quiet: what they have handed over of it stands in the rings by now.
  for (share::SpscRing<share::RxDatagram>* ring : wiring_.handed_in)
    for (std::uint32_t left = ring == nullptr ? 0 : ring->capacity(); left > 0;) {
      const std::uint32_t count = receive_handed_in(*ring, turn_at_);
      left = count == 0 ? 0 : left - std::min(left, count);
    }
  emit({.kind = Event::Kind::kPortDone, .session = {}, .number = static_cast<std::uint32_t>(port), .detail = 0});
}

void DataAgent::remove_session(base::SessionId session) noexcept {
  while (!lanes_.of(session).slots.empty()) lanes_.remove(lanes_.at(lanes_.of(session).slots[0]));
  fetch_.remove_session(session, [this](const Event& event) { emit(event); });
  serve_.remove_session(session);
  made_.remove(base::to_index(session));
  report_.sessions[base::to_index(session)] = {};
}

void DataAgent::install(const Command& command) noexcept {
  const bool serving = command.kind == Command::Kind::kGrant;
  const std::uint32_t number = serving ? command.body.grant.handle : command.body.open_write.file;
  FileEntry& file = files_.at(FileNumber::index(number));
  MUST(file.state == FileEntry::State::kFree);
  file = FileEntry{.state = FileEntry::State::kInstalling, .serving = serving, .session = command.session,
                   .number = number};
  file.direct = serving ? command.body.grant.direct : command.body.open_write.direct;
  file.unhashed = !serving && command.body.open_write.fd == share::kNowhereFd;
  file.size = serving ? command.body.grant.size : 0;
  disk_.submit({.kind = share::DiskJob::Kind::kInstall,
                .direct = file.direct,
                .file = FileNumber::index(number),
                .fd = serving ? command.body.grant.fd : command.body.open_write.fd},
               {DiskGate::Owner::kInstall, FileNumber::index(number)});
}

std::uint32_t DataAgent::poll_disk() noexcept {
  std::uint32_t work = 0;
  DiskGate::Cookie cookie;
  std::int32_t result = 0;
  while (disk_.next_done(cookie, result)) {
    ++work;
    switch (cookie.owner) {
      case DiskGate::Owner::kServe: {
        std::optional<ServeSide::Failed> failed;
        serve_.handle_disk_done(static_cast<std::uint16_t>(cookie.index), result, failed);
        if (failed) rejects_.add(failed->session, {failed->request_id, wire::RejectReason::kDisk});
        break;
      }
      case DiskGate::Owner::kFetch:
        fetch_.handle_disk_done(cookie.index, result, [this](const Event& event) { emit(event); });
        break;
      case DiskGate::Owner::kInstall: {
        FileEntry& file = files_.at(cookie.index);
        MUST(file.state == FileEntry::State::kInstalling);
        file.state = result < 0 ? FileEntry::State::kFree : FileEntry::State::kReady;
        emit({.kind = result < 0 ? Event::Kind::kFileFailed : Event::Kind::kFileReady,
              .session = file.session, .number = file.number, .detail = -std::min(result, 0)});
        break;
      }
      case DiskGate::Owner::kRemove: {
        FileEntry& file = files_.at(cookie.index);
        MUST(file.state == FileEntry::State::kRemoving);
        file.state = FileEntry::State::kFree;
        emit({.kind = Event::Kind::kFileGone, .session = file.session, .number = file.number, .detail = 0});
        break;
      }
    }
  }
  return work;
}

std::uint32_t DataAgent::poll_closing() noexcept {
  std::uint32_t work = 0;
  for (std::size_t i = 0; i < closing_.size() && work < kClosingPerTurn;) {
    FileEntry* file = files_.find(closing_[i]);
    MUST(file != nullptr && file->state == FileEntry::State::kClosing);
    if (file->busy > 0) { ++i; continue; }
    if (!disk_.has_room()) break;
    file->state = FileEntry::State::kRemoving;
    disk_.submit({.kind = share::DiskJob::Kind::kRemove, .file = FileNumber::index(file->number)},
                 {DiskGate::Owner::kRemove, FileNumber::index(file->number)});
    closing_[i] = closing_.back();
    closing_.pop_back();
    ++work;
  }
  return work;
}

void DataAgent::poll_table() noexcept {
  if (!wiring_.table->adopt()) return;
  const share::PathTable& table = wiring_.table->current();
  for (const std::size_t s : made_) {
    sessions_[s].picker.set_policy(table.policy);
    for (const std::uint16_t index : lanes_.of(base::SessionId{static_cast<std::uint8_t>(s)}).slots)
      apply_entry(lanes_.at(index));
  }
}

void DataAgent::apply_entry(LaneSlot& lane) noexcept {
  using share::PathState;
  const share::PathEntry& entry =
      wiring_.table->current().paths[base::to_index(lane.session)][base::to_index(lane.path)];
  if (entry.probe_seq != lane.probe_asked) {
    lane.probe_asked = entry.probe_seq;
    lane.challenge_due = true;
  }
  if (entry.state == lane.state) return;
  const bool carried = share::is_in_use(lane.state);
  const bool carries = share::is_in_use(entry.state);
  // Control may see the silence before this lane's own probe timer does (another core's lane was busier).
  if (carried && !carries)
    lane.lane->evacuate([&](const sched::SentPacket& p, sched::Fate f) { handle_fate(lane, p, f); });
  lane.state = entry.state;
}

void DataAgent::ask_again(LaneSlot& lane, base::Instant now) noexcept {
  const bool quickly = lane.challenges_own < kValidateQuickly;
  const bool wanted = share::is_in_use(lane.state) || (lane.state == share::PathState::kProbing && quickly);
  if (!wanted || now < lane.challenge_again_at) return;
  lane.challenge_due = true;
  lane.challenge_again_at = now + (quickly ? kValidateFirst : kValidateEvery);
  ++lane.challenges_own;
}

std::uint32_t DataAgent::poll_timers(base::Instant now) noexcept {
  std::uint32_t work = 0;
  for (const std::size_t s : made_) {
    for (const std::uint16_t index : lanes_.of(base::SessionId{static_cast<std::uint8_t>(s)}).slots) {
      LaneSlot& lane = lanes_.at(index);
      // A lane that only acknowledges is not acknowledged: it asks for it by itself when its key is worn.
      const bool heard = lanes_.rotate_key(lane);
      if (!lane.validated || !heard) ask_again(lane, now);
      if (lane.pmtu.next_deadline() <= now) lane.pmtu.handle_timeout(now);
      if (lane.lane->next_deadline() > now) continue;
      lane.lane->handle_timeout(now, [&](const sched::SentPacket& p, sched::Fate f) { handle_fate(lane, p, f); });
      // An ack that stays due because its port takes nothing is no work: the core would never rest.
      if (lane.lane->next_deadline() > now) ++work;
    }
  }
  return work;
}

void DataAgent::handle_fate(LaneSlot& lane, const sched::SentPacket& packet, sched::Fate fate) noexcept {
  const bool acked = fate == sched::Fate::kAcked;
  if (acked) lane.pmtu.on_acked(packet.bytes);
  else lane.pmtu.on_lost(packet.bytes, turn_at_);
  if (acked && packet.packet_number >= lane.tx_epoch_first) lane.tx_epoch_heard = true;
  if (acked && packet.ack_largest != sched::kNoAck)
    if (LaneSlot* about = lanes_.of(lane.session, base::PathId{packet.ack_path}))
      about->lane->on_ack_acked(packet.ack_largest);
  switch (packet.kind) {
    case sched::SentKind::kChunk: return serve_.handle_fate(packet.ref, packet.chunk, packet.chunks, fate);
    case sched::SentKind::kRequests:
      if (!acked) fetch_.handle_requests_lost(lane.session, lane.path, packet.packet_number);
      return;
    case sched::SentKind::kRejects:
      if (!acked) rejects_.on_lost(lane.session, {packet.ref, static_cast<wire::RejectReason>(packet.chunk)});
      return;
    case sched::SentKind::kControl: case sched::SentKind::kAckOnly: return;
  }
}

void DataAgent::publish(base::Instant now) noexcept {
  if (now < report_due_) return;
  report_.at = now;
  report_.slots_free = fetch_.slots_free() + serve_.slots_free();
  report_.stages = stages_.total();
  report_.lane_count = 0;
  for (const std::size_t s : made_) {
    const base::SessionId session{static_cast<std::uint8_t>(s)};
    share::SessionReport& out = report_.sessions[s];
    fetch_.fill(session, out);
    out.bytes_served = serve_.bytes_served(session);
    out.extents_serving = serve_.extents_of(session);
    out.bytes_moved = serve_.bytes_moved(session);
    for (const std::uint16_t index : lanes_.of(session).slots) {
      const LaneSlot& lane = lanes_.at(index);
      share::LaneReport& r = report_.lanes[report_.lane_count++];
      r = lane.report;
      const sched::LaneMetrics m = lane.lane->metrics();
      r.validated = lane.validated;
      r.key_epoch = lane.tx_epoch;
      r.peer_key_epoch = lane.rx_epoch;
      r.probe_seq_answered = lane.probe_answered;
      r.unanswered_since = m.unanswered_since;   // challenges elicit acks too
      r.rtt_latest = m.rtt_latest;
      r.srtt = m.srtt;
      r.rttvar = m.rttvar;
      r.rtt_min = m.rtt_min;
      r.pto_count = m.pto_count;
      r.packet_bytes = lane.pmtu.carries_data() ? lane.packet_bytes() : std::uint16_t{0};
      r.rate_Bps = m.rate_Bps;
      r.cwnd_bytes = m.cwnd_bytes;
      r.in_flight_bytes = m.in_flight_bytes;
      r.packets_lost = m.packets_lost;
      r.packets_spurious = m.packets_spurious;
    }
  }
  // Not adopted yet: control is late; the next report says all of this and more.
  if (wiring_.report->try_publish(report_)) report_due_ = now + kReportEvery;
}

}  // namespace weft::run
