#include "engine/lab/observer.hh"

#include <algorithm>

namespace weft::lab {
namespace {

constexpr std::uint64_t kSenderEvery = 10;      // looks

// What the counter grew by; a smaller one has begun anew.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) { return now >= before ? now - before : now; }

}  // namespace

ConfigResult<Observer> Observer::begin(Pair& pair, const Scenario& scenario, const Run& run) {
  Observer observer(pair, scenario);
  observer.by_link_.resize(scenario.links.size());
  observer.record_.payload = static_cast<std::uint64_t>(scenario.payload_bytes(run));
  for (const Transfer& transfer : scenario.transfers) observer.watched_[transfer.from_a ? 1 : 0].receives = true;
  for (const Which which : {Which::kA, Which::kB})
    if (auto done = observer.look_at(which, true); !done) return tl::unexpected(done.error());
  observer.record_.samples.push_back({observer.seconds(), 0, 0, observer.by_link_});
  return observer;
}

double Observer::seconds() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }

double Observer::percent() const {
  return 100.0 * static_cast<double>(record_.samples.back().verified) /
         static_cast<double>(std::max<std::uint64_t>(record_.payload, 1));
}

void Observer::note(const Order& order) { record_.orders.push_back({seconds(), order}); }

ConfigResult<void> Observer::look() {
  double at_s = 0;
  for (const Which which : {Which::kA, Which::kB}) {
    const bool receives = watched_[static_cast<std::size_t>(which)].receives;
    if (!receives && looks_ % kSenderEvery != 0) continue;
    const double before = seconds();
    if (auto done = look_at(which, false); !done) return done;
    if (receives) at_s = (before + seconds()) / 2;
  }
  ++looks_;
  Sample sample{at_s, 0, 0, by_link_};
  for (const Watched& watched : watched_)
    if (watched.receives) sample.verified += watched.verified - watched.verified_zero;
  for (const std::uint64_t bytes : by_link_) sample.received += bytes;
  // The first sample with bytes stands after the block; the one before it is the better guess of the begin.
  if (first_s_ < 0 && sample.verified > 0) first_s_ = record_.samples.back().at_s;
  record_.samples.push_back(std::move(sample));
  return {};
}

ConfigResult<void> Observer::look_at(Which which, bool first) {
  Watched& watched = watched_[static_cast<std::size_t>(which)];
  const std::string& peer = pair_.end(which == Which::kA ? Which::kB : Which::kA).about.device;
  const double before = seconds();
  const auto meter = pair_.end(which).side->meter(watched.stall, peer);
  if (!meter) return tl::unexpected(meter.error());
  const double after = seconds();
  if (after - before < watched.trip_s) {
    watched.trip_s = after - before;
    watched.offset_s = (before + after) / 2 - meter->now_s;
  }
  watched.verified = meter->verified;
  watched.via_link = meter->via_link;
  if (first) {
    watched.verified_zero = meter->verified;
    watched.via_link_zero = meter->via_link;
  }
  add_paths(which, *meter, first);
  add_stalls(watched, *meter, first);
  return {};
}

void Observer::add_paths(Which which, const Meter& meter, bool first) {
  Watched& watched = watched_[static_cast<std::size_t>(which)];
  for (const Meter::Path& path : meter.paths) {
    Seen& seen = watched.paths[path.port + "\n" + path.remote_port];
    if (!first) {
      record_.duplicate += grown(seen.duplicate, path.duplicate);
      record_.retransmitted += grown(seen.retransmitted, path.retransmitted);
      for (std::size_t link = 0; link < scenario_.links.size(); ++link)
        if (pair_.port_name(which, link) == path.port) by_link_[link] += grown(seen.bytes_in, path.bytes_in);
    }
    seen = {path.bytes_in, path.duplicate, path.retransmitted};
  }
}

void Observer::add_stalls(Watched& watched, const Meter& meter, bool first) {
  for (const Meter::Stall& stall : meter.stalls) {
    watched.stall = std::max(watched.stall, stall.number);
    if (!first && watched.receives) record_.waits.push_back({stall.began_s + watched.offset_s, stall.lasted_s});
  }
  watched.open_since_s.reset();
  if (meter.last_block_s) watched.open_since_s = *meter.last_block_s + watched.offset_s;
}

Record Observer::take_record() {
  for (const Watched& watched : watched_) {
    record_.via_link += watched.via_link - watched.via_link_zero;
    if (watched.receives && watched.open_since_s)
      record_.waits.push_back({*watched.open_since_s, seconds() - *watched.open_since_s});
  }
  return std::move(record_);
}

}  // namespace weft::lab
