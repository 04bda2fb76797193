#include "tests/sim/watched_aead.hh"

#include <cinttypes>
#include <cstring>

#include "engine/wire/packet.hh"

namespace weft::sim {
namespace {

std::uint32_t big_endian(const std::byte* at) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(at[i]);
  return word;
}

}  // namespace

KeyBook::Use& KeyBook::of(const share::PacketKey& key) {
  std::array<std::byte, 28> bytes;
  std::memcpy(bytes.data(), key.key.data(), key.key.size());
  std::memcpy(bytes.data() + key.key.size(), key.iv.data(), key.iv.size());
  return uses_[bytes];
}

void WatchedAead::prepare(const share::PacketKey& key, wire::KeySlot& out) noexcept {
  slots_[&out] = &keys_.of(key);
  inner_->prepare(key, out);
}

void WatchedAead::release(wire::KeySlot& slot) noexcept {
  slots_.erase(&slot);
  inner_->release(slot);
}

void WatchedAead::seal(std::span<const wire::SealJob> jobs) noexcept {
  for (const wire::SealJob& job : jobs) {
    KeyBook::Use& use = *slots_.at(job.key);
    if (use.used && (use.sealer.word() != who_.word() || job.packet_number <= use.last))
      scene_.checks.fail("nonce twice",
                         "e%u core %u seals packet number %" PRIu64 ", e%u core %u had sealed %" PRIu64
                         " with this key",
                         who_.engine, who_.index, job.packet_number, use.sealer.engine, use.sealer.index, use.last);
    use = {.used = true, .sealer = who_, .last = job.packet_number};
    see_sealed(job);
  }
  inner_->seal(jobs);
}

void WatchedAead::see_sealed(const wire::SealJob& job) {
  const std::uint32_t index = big_endian(job.packet + 4);  // FORMAT.md §2
  Lane& lane = lanes_[index];
  lane.next = job.packet_number + 1;
  if (job.body.empty()) return;
  // A chunk's header ends the head (FORMAT.md §5): type, request, offset, length.
  const std::byte* header = job.packet + wire::kHeaderBytes + job.head_bytes - wire::kChunkHeaderBytes;
  const std::uint32_t request = big_endian(header + 1), offset = big_endian(header + 5);
  const std::uint64_t session = index >> run::ReceiverIndex::kSessionShift;
  const bool again = ++copies_[(session << 52) ^ (std::uint64_t{request} << 20) ^ (offset & 0xFFFFF)] > 1;
  lane.chunks[job.packet_number] = {.request_id = request, .offset = offset, .again = again};
}

void WatchedAead::open(std::span<wire::OpenJob> jobs) noexcept {
  inner_->open(jobs);
  for (const wire::OpenJob& job : jobs)
    if (job.ok) see_opened(job);
}

void WatchedAead::see_opened(const wire::OpenJob& job) {
  wire::FrameReader reader(job.plaintext());
  while (reader.next(frame_)) {
    if (frame_.type == wire::FrameType::kAck) {
      see_ack(frame_.ack, big_endian(job.packet + 4));
    } else if (frame_.type == wire::FrameType::kReject) {
      using wire::RejectReason;
      scene_.probes.fire_if(frame_.reject.reason == RejectReason::kBusy, Probe::reject_busy);
      scene_.probes.fire_if(frame_.reject.reason == RejectReason::kUnknownHandle, Probe::reject_unknown_handle);
      scene_.probes.fire_if(frame_.reject.reason == RejectReason::kDisk, Probe::reject_disk);
    }
  }
  if (!reader.ok())
    scene_.checks.fail("frames decode",
                       "e%u core %u: an authentic packet of %u bytes has a frame that does not decode", who_.engine,
                       who_.index, job.packet_bytes);
}

void WatchedAead::see_ack(const wire::Ack& ack, std::uint32_t receiver_index) {
  std::uint32_t base = 0;
  if (!indexes_.other(receiver_index, base)) return;
  const auto found = lanes_.find(run::ReceiverIndex::of(base, base::PathId{ack.path}, base::CoreId{who_.index}));
  if (found == lanes_.end()) return;
  Lane& lane = found->second;
  for (const wire::AckRange& range : ack.ranges) {
    auto at = lane.chunks.lower_bound(range.first);
    while (at != lane.chunks.end() && at->first <= range.last) {
      const SentChunk& chunk = at->second;
      const std::uint64_t session = found->first >> run::ReceiverIndex::kSessionShift;
      const std::uint64_t name =
          (session << 52) ^ (std::uint64_t{chunk.request_id} << 20) ^ (chunk.offset & 0xFFFFF);
      scene_.probes.fire_if(!chunk.again && copies_[name] > 1, Probe::ack_of_resent);
      scene_.probes.fire_if(at->first < lane.taken_back_below, Probe::ack_after_evacuation);
      at = lane.chunks.erase(at);
    }
  }
}

void WatchedAead::on_probe_timeout(base::SessionId session, base::PathId path) {
  for (auto& [index, lane] : lanes_) {
    std::uint32_t ours = 0;
    if (run::ReceiverIndex::path(index) != base::to_index(path) || !indexes_.other(index, ours) ||
        run::ReceiverIndex::session(ours) != base::to_index(session))
      continue;
    scene_.probes.fire_if(lane.chunks.lower_bound(lane.taken_back_below) != lane.chunks.end(),
                          Probe::evacuated_in_flight);
    lane.taken_back_below = lane.next;
  }
}

}  // namespace weft::sim
