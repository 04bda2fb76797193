#include "tests/sim/puller.hh"

#include <algorithm>

namespace weft::sim {

Puller::Puller(Scene& scene, std::uint8_t engine, Store& store, run::Sessions& sessions,
               const std::vector<base::DeviceId>& devices)
    : scene_(scene),
      who_{Who::Kind::kControl, engine, 0},
      store_(store),
      sessions_(sessions),
      devices_(devices),
      again_bytes_(scene.swarm.again_bytes) {
  for (std::uint32_t i = 0; i < store.sources.size(); ++i) {
    const Source& source = store.sources[i];
    if (source.owner == engine) continue;
    Want want{.source = i, .have = std::vector<bool>(source.blocks()), .asked = std::vector<bool>(source.blocks())};
    want.missing = source.blocks();
    Pulled& pulled = store.pulled[i];
    pulled.bytes.resize(source.bytes.size());
    pulled.open = false;
    for (std::uint32_t block = 0; block < source.blocks(); ++block) {
      const base::Bytes expected = source.block(block);
      if (!std::equal(expected.begin(), expected.end(),
                      pulled.bytes.begin() + static_cast<std::ptrdiff_t>(block) * source.block_bytes))
        continue;
      want.have[block] = true;
      --want.missing;
      scene.probes.fire(Probe::restart_found_blocks);
    }
    wants_.push_back(std::move(want));
  }
}

bool Puller::complete() const {
  return std::all_of(wants_.begin(), wants_.end(), [](const Want& want) { return want.missing == 0; });
}

bool Puller::at_rest() const {
  return std::all_of(wants_.begin(), wants_.end(),
                     [](const Want& want) { return want.state == Want::State::kIdle; });
}

std::uint32_t Puller::blocks_missing() const {
  std::uint32_t sum = 0;
  for (const Want& want : wants_) sum += want.missing;
  return sum;
}

base::Instant Puller::later() {
  return scene_.now + scene_.dice.time(base::milliseconds(1), base::milliseconds(60));
}

void Puller::poll() {
  for (Want& want : wants_) {
    const std::uint8_t owner = store_.sources[want.source].owner;
    switch (want.state) {
      case Want::State::kIdle:
        if (want.missing > 0 && !closing_all_ && scene_.now >= want.retry_at && sessions_.usable(devices_[owner]))
          open(want);
        break;
      case Want::State::kOpen:
        if (closing_all_ || (want.missing == 0 && want.outstanding == 0) ||
            (scene_.faults_on && scene_.dice.ppm(scene_.swarm.faults.close_early_ppm)))
          close(want);
        else order_blocks(want);
        break;
      case Want::State::kOpening:
      case Want::State::kClosing: break;
    }
  }
}

void Puller::open(Want& want) {
  const Source& source = store_.sources[want.source];
  want.state = Want::State::kOpening;
  store_.pulled[want.source].open = true;
  const model::RemoteFile file{.folder = "sim",
                               .name = source.name,
                               .version = {},
                               .size = static_cast<std::int64_t>(source.bytes.size()),
                               .block_size = static_cast<std::int32_t>(source.block_bytes)};
  sessions_.open(devices_[source.owner], file, kFdPulled + static_cast<int>(want.source), false,
                 [this, &want](base::Result<std::uint32_t> transfer) {
                   if (want.state != Want::State::kOpening)
                     return scene_.checks.fail("one answer each", "e%u: an open was answered twice", who_.engine);
                   if (!transfer) {
                     scene_.probes.fire(Probe::open_failed);
                     scene_.note(who_, "could not open (source, error)", want.source,
                                 static_cast<std::uint64_t>(transfer.error().code));
                     want.state = Want::State::kIdle;
                     store_.pulled[want.source].open = false;
                     want.retry_at = later();
                     return;
                   }
                   scene_.note(who_, "has opened (source, transfer)", want.source, *transfer);
                   want.transfer = *transfer;
                   want.state = Want::State::kOpen;
                   ++want.serial;
                   want.asked.assign(want.asked.size(), false);
                 });
}

void Puller::order_blocks(Want& want) {
  if (scene_.now < want.retry_at) return;
  const Source& source = store_.sources[want.source];
  const std::uint32_t window = sessions_.window_blocks(source.block_bytes);
  for (std::uint32_t i = 0; i < source.blocks() && want.outstanding < window; ++i) {
    const std::uint32_t block = (want.next + i) % source.blocks();
    if (!want.have[block] && !want.asked[block]) order(want, block);
  }
}

void Puller::order(Want& want, std::uint32_t block) {
  const Source& source = store_.sources[want.source];
  want.asked[block] = true;
  ++want.outstanding;
  sessions_.fetch(
      {.transfer = want.transfer,
       .offset = std::uint64_t{block} * source.block_bytes,
       .size = static_cast<std::uint32_t>(source.block(block).size()),
       .hash = source.hashes[block]},
      [this, &want, block, serial = want.serial](base::Status status) { on_block(want, block, serial, status); });
}

void Puller::on_block(Want& want, std::uint32_t block, std::uint64_t serial, base::Status status) {
  const bool open = want.state == Want::State::kOpen || want.state == Want::State::kClosing;
  if (!open || serial != want.serial || !want.asked[block])
    return scene_.checks.fail("one answer each",
                              "e%u: block %u of file %u was answered after its transfer was gone, or twice",
                              who_.engine, block, want.source);
  want.asked[block] = false;
  --want.outstanding;
  want.next = block + 1;
  if (status) {
    check_block(want, block);
    want.have[block] = true;
    --want.missing;
    scene_.note(who_, "has a block (source, block)", want.source, block);
    return;
  }
  note_failure(status.error().code);
  scene_.note(who_, "misses a block (source, error)", want.source, static_cast<std::uint64_t>(status.error().code));
  want.retry_at = later();
  // What the model does: a transfer that brings nothing is given up and opened again.
  if (want.state == Want::State::kOpen && scene_.dice.one_in(2)) close(want);
}

void Puller::note_failure(base::Errc code) {
  Probes& probes = scene_.probes;
  probes.fire_if(code == base::Errc::kCorrupt, Probe::block_mismatch);
  probes.fire_if(code == base::Errc::kUnavailable, Probe::block_unavailable);
  probes.fire_if(code == base::Errc::kNotFound, Probe::block_not_found);
  probes.fire_if(code == base::Errc::kNoSpace, Probe::block_no_space);
  probes.fire_if(code == base::Errc::kIo, Probe::block_io);
}

void Puller::check_block(const Want& want, std::uint32_t block) {
  const Source& source = store_.sources[want.source];
  const base::Bytes expected = source.block(block);
  const auto at =
      store_.pulled[want.source].bytes.begin() + static_cast<std::ptrdiff_t>(block) * source.block_bytes;
  if (want.have[block])
    scene_.checks.fail("nothing fetched twice", "e%u: block %u of file %u", who_.engine, block, want.source);
  if (!std::equal(expected.begin(), expected.end(), at))
    scene_.checks.fail("done means written", "e%u: block %u of file %u is not on the disk", who_.engine, block,
                       want.source);
}

void Puller::close(Want& want) {
  want.state = Want::State::kClosing;
  scene_.probes.fire_if(want.outstanding > 0, Probe::closed_with_blocks);
  scene_.note(who_, "closes (source, blocks outstanding)", want.source, want.outstanding);
  sessions_.close(want.transfer, [this, &want] {
    if (want.outstanding != 0)
      scene_.checks.fail("one answer each", "e%u: file %u is gone, %u blocks were never answered", who_.engine,
                         want.source, want.outstanding);
    want.state = Want::State::kIdle;
    store_.pulled[want.source].open = false;
    if (want.missing == 0 && store_.pulled[want.source].bytes != store_.sources[want.source].bytes)
      scene_.checks.fail("wrong byte", "e%u: file %u is complete and not the source", who_.engine, want.source);
    want_anew(want);
  });
}

// A new version, as it were: so that there is work as long as there are faults.
void Puller::want_anew(Want& want) {
  const Source& source = store_.sources[want.source];
  if (want.missing > 0 || !scene_.faults_on || scene_.swarm.calm || again_bytes_ < source.bytes.size()) return;
  again_bytes_ -= source.bytes.size();
  want.missing = source.blocks();
  want.have.assign(source.blocks(), false);
  std::fill(store_.pulled[want.source].bytes.begin(), store_.pulled[want.source].bytes.end(), std::byte{});
  want.retry_at = later();
}

}  // namespace weft::sim
