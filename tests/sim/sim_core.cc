#include "tests/sim/sim_core.hh"

#include "tests/sim/null_aead.hh"

namespace weft::sim {
namespace {

std::unique_ptr<wire::Aead> make_inner(const Swarm& swarm) {
  if (!swarm.real_aead) return std::make_unique<NullAead>();
  auto aead = wire::best_aead(swarm.limits.lanes.lanes * 6);   // two keys to seal, four to open
  MUST(aead.has_value());
  return std::move(*aead);
}

}  // namespace

SimCore::SimCore(const Around& around, std::uint8_t engine, std::uint8_t index, Store& store,
                 std::vector<std::unique_ptr<PortShared>>& ports)
    : scene_(around.scene),
      network_(around.network),
      who_{Who::Kind::kCore, engine, index},
      rings_(run::CoreRings::Sizes{
          .commands = scene_.swarm.limits.command_ring, .events = scene_.swarm.limits.event_ring,
          .jobs = scene_.swarm.limits.job_ring, .dones = scene_.swarm.limits.done_ring}) {
  const SimLimits& limits = scene_.swarm.limits;
  const std::size_t bytes = std::size_t{limits.fetch_slots + limits.serve_slots} * base::kSlotBytes;
  memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
  ports_.resize(ports.size());
  views_.resize(ports.size());
  for (auto& port : ports) open_port(*port);
  aead_ = std::make_unique<WatchedAead>(scene_, around.keys, around.indexes, who_, make_inner(scene_.swarm));
  disk_ = std::make_unique<SimDisk>(scene_, Who{Who::Kind::kDisk, engine, index}, store, rings_.jobs, rings_.dones,
                                    base::MutableBytes{memory_.get(), bytes});
  handed_in_.resize(base::kCoresMax);
  channel_ = std::make_unique<run::CoreChannel>(index, rings_.wiring, limits.core);
}

void SimCore::open_port(PortShared& port) {
  ports_[port.name.port] = std::make_unique<SimPort>(scene_, network_, port, who_.index);
  views_[port.name.port] = ports_[port.name.port].get();
}

void SimCore::close_port(std::uint8_t port) {
  views_[port] = nullptr;
  ports_[port].reset();
}

void SimCore::join(SimCore& from, SimCore& to) {
  auto& place = to.handed_in_[from.who_.index];
  place = std::make_unique<HandOver>(to.scene_.swarm.limits.hand_over_ring);
  to.rings_.wiring.handed_in[from.who_.index] = &place->ring;
  from.rings_.wiring.handed_out[to.who_.index] = &place->ring;
}

base::Instant SimCore::poll_agent(base::Instant now) {
  const SimLimits& limits = scene_.swarm.limits;
  if (agent_ == nullptr)   // on its first turn, when all cores have been joined
    agent_ = std::make_unique<run::DataAgent>(run::DataAgentConfig{
        .core = base::CoreId{who_.index}, .ports = views_, .aead = aead_.get(),
        .slots = {memory_.get(), std::size_t{limits.fetch_slots + limits.serve_slots} * base::kSlotBytes},
        .fetch_slots = limits.fetch_slots, .serve_slots = limits.serve_slots, .lanes = limits.lanes,
        .limits = limits.core, .challenge_seed = scene_.dice.word(), .wiring = rings_.wiring});
  const std::uint32_t work = agent_->poll(now);
  scene_.probes.fire_if(rings_.jobs.room() == 0, Probe::job_ring_full);
  if (work > 0) scene_.note(who_, "works", work);
  const run::Idle::Decision rest = idle_.on_turn(work);
  const base::Duration turn = scene_.dice.time(scene_.swarm.turn_min, scene_.swarm.turn_max);
  return scene_.now + (rest.rest == run::Idle::Rest::kSleep ? rest.sleep + turn : turn);
}

base::Instant SimCore::poll_disk() {
  disk_->poll();
  const base::Instant due = disk_->next_due();
  // Jobs that found it full wait for room, which its next answer makes.
  return due != base::kNever ? std::max(due, scene_.now + base::microseconds(1)) : base::kNever;
}

void SimCore::look() {
  scene_.probes.fire_if(rings_.commands.room() == 0, Probe::command_ring_full);
  const share::CoreReport& report = channel_->report();
  if (report.at == looked_at_) return;
  looked_at_ = report.at;
  scene_.probes.fire(Probe::handed_over, report.handed_over - handed_over_seen_);
  handed_over_seen_ = report.handed_over;
  look_at_drops(report);
  for (std::uint32_t i = 0; i < report.lane_count; ++i) look_at_lane(report.lanes[i]);
}

void SimCore::look_at_drops(const share::CoreReport& report) {
  using share::Drop;
  const auto drops = [&](Drop reason) {
    const auto i = static_cast<std::size_t>(reason);
    return report.drops[i] - drops_seen_[i];
  };
  Probes& probes = scene_.probes;
  probes.fire(Probe::drop_short, drops(Drop::kShort));
  probes.fire(Probe::drop_type, drops(Drop::kType));
  probes.fire(Probe::drop_receiver_index, drops(Drop::kReceiverIndex));
  probes.fire(Probe::drop_epoch, drops(Drop::kEpoch));
  probes.fire(Probe::drop_tag, drops(Drop::kTag));
  probes.fire(Probe::drop_replay, drops(Drop::kReplay));
  probes.fire(Probe::drop_stale_extent, drops(Drop::kStaleExtent));
  probes.fire(Probe::drop_unknown_handle, drops(Drop::kUnknownHandle));
  probes.fire(Probe::hand_over_full, drops(Drop::kWrongCore));
  // What only a hostile or broken peer can cause; both ends here are ours.
  for (const Drop reason : {Drop::kFrame, Drop::kBadChunk, Drop::kBadRequest, Drop::kUnacceptableAck})
    if (drops(reason) > 0)
      scene_.checks.fail("honest peers", "e%u core %u dropped something of its peer as %s", who_.engine, who_.index,
                         share::name_of(reason));
  drops_seen_ = report.drops;
}

void SimCore::look_at_lane(const share::LaneReport& lane) {
  Probes& probes = scene_.probes;
  LaneSeen& seen = lanes_seen_[{lane.session, lane.path}];
  if (seen.lane_epoch != lane.lane_epoch) {
    probes.fire_if(seen.lane_epoch != 0, Probe::lane_anew);
    seen = {};
    seen.lane_epoch = lane.lane_epoch;
  }
  if (lane.pto_count > seen.pto_count) {
    probes.fire(Probe::lane_pto);
    scene_.note(who_, "had a probe timeout (path, in a row)", base::to_index(lane.path), lane.pto_count);
    probes.fire_if(lane.pto_count > 1, Probe::lane_pto_again);
    aead_->on_probe_timeout(lane.session, lane.path);
  }
  seen.pto_count = lane.pto_count;
  probes.fire(Probe::lane_lost, lane.packets_lost - seen.lost);
  probes.fire(Probe::lane_spurious, lane.packets_spurious - seen.spurious);
  probes.fire_if(lane.chunk_bytes_duplicate > seen.duplicate, Probe::chunk_duplicate);
  probes.fire(Probe::key_update_out, lane.key_epoch - seen.key_epoch);
  probes.fire(Probe::key_update_in, lane.peer_key_epoch - seen.peer_key_epoch);
  probes.fire_if(lane.key_epoch > 0 && lane.peer_key_epoch > 0 && (seen.key_epoch == 0 || seen.peer_key_epoch == 0),
                 Probe::key_update_both);
  seen.lost = lane.packets_lost;
  seen.spurious = lane.packets_spurious;
  seen.duplicate = lane.chunk_bytes_duplicate;
  seen.key_epoch = lane.key_epoch;
  seen.peer_key_epoch = lane.peer_key_epoch;
}

bool SimCore::whole(const char*& why) {
  const share::CoreReport& report = channel_->report();
  why = nullptr;
  if (channel_->busy()) why = "control waits for an event of the core";
  if (!disk_->idle() || disk_has_jobs()) why = "the disk has jobs";
  if (disk_->installed() != 0) why = "files are installed at the disk";
  if (report.slots_free != scene_.swarm.limits.fetch_slots + scene_.swarm.limits.serve_slots) why = "slots are taken";
  for (const share::SessionReport& session : report.sessions) {
    if (session.extents_serving != 0) why = "extents are being served";
    if (session.extents_outstanding != 0) why = "extents are outstanding";
  }
  return why == nullptr;
}

bool SimCore::bare(const char*& why) {
  if (!whole(why)) return false;
  if (channel_->report().lane_count != 0) why = "lanes are left";
  if (aead_->prepared() != 0) why = "keys are left";
  return why == nullptr;
}

}  // namespace weft::sim
