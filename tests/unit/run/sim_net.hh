// Virtual links and a virtual disk for agents under test: one thread, virtual time, seeded.
// Not a mock: the agents that run on it are the shipped ones; only the world below them is made up.
#pragma once

#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "engine/base/prng.hh"
#include "engine/base/time.hh"
#include "engine/share/datagram_port.hh"
#include "engine/share/disk_job.hh"
#include "engine/share/spsc_ring.hh"

namespace weft::sim {

// Steps a world until `done` or until the virtual time is up; false: it was up.
template <typename World, typename Done> bool run_until(World& world, Done done, base::Duration limit) {
  const base::Instant end = world.now + limit;
  while (!done()) {
    if (world.now > end) return false;
    world.step();
  }
  return true;
}

// What one direction of a link does to packets.
struct LinkModel {
  base::Duration delay = base::microseconds(50);
  std::uint64_t rate_Bps = 1'250'000'000;          // 10 Gbit/s
  std::uint64_t queue_bytes = 1u << 20;
  std::uint32_t drop_ppm = 0;
  std::uint32_t copy_ppm = 0;                      // sent twice
  std::uint32_t damage_ppm = 0;                    // one bit flipped
  base::Duration jitter{};                         // up to; reorders
  bool blackhole = false;
  bool stuck = false;                              // the port takes nothing
  std::uint32_t mtu_payload = 0;                   // larger ones vanish; 0: none does
};

class SimPort final : public share::DatagramPort {
 public:
  struct Packet {
    std::vector<std::byte> bytes;
    base::Instant due{};
    std::uint16_t src_udp = 0, dst_udp = 0;
    base::IpAddress src{};
  };

  SimPort(base::PortId id, std::uint64_t seed) : id_(id), prng_(seed) {}
  void join(SimPort& other) { other_ = &other; }
  LinkModel& model() { return model_; }            // of what leaves here
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  // A tap on the wire: every packet that leaves here from now on, also those that the link then loses.
  void tap(std::vector<Packet>* log) { tap_ = log; }

  std::uint32_t rx(std::span<share::RxDatagram> out, base::Instant now) noexcept override {
    std::uint32_t count = 0;
    while (count < out.size() && count < share::kBurst && !inbox_.empty() && inbox_.begin()->first <= now) {
      auto* packet = new Packet(std::move(inbox_.begin()->second));
      inbox_.erase(inbox_.begin());
      ++held_;
      out[count++] = {.payload = packet->bytes.data(),
                      .bytes = static_cast<std::uint16_t>(packet->bytes.size()),
                      .dst_udp = packet->dst_udp, .src_udp = packet->src_udp, .port = id_, .src = packet->src,
                      .packet = packet};
    }
    return count;
  }
  void release(std::span<const share::RxDatagram> datagrams) noexcept override {
    for (const auto& d : datagrams) delete static_cast<Packet*>(d.packet), --held_;
  }
  std::uint32_t tx_alloc(std::span<share::TxSlot> out) noexcept override {
    for (auto& slot : out) {
      auto* packet = new Packet;
      packet->bytes.resize(kRoomJumbo);
      slot = {.payload = packet->bytes.data(), .room = kRoomJumbo, .packet = packet};
      ++held_;
    }
    return static_cast<std::uint32_t>(out.size());
  }
  void tx_cancel(std::span<const share::TxSlot> slots) noexcept override {
    for (const auto& slot : slots) delete static_cast<Packet*>(slot.packet), --held_;
  }
  std::uint32_t tx(std::span<const share::TxItem> items, base::Instant now) noexcept override {
    if (model_.stuck) return 0;
    for (const auto& item : items) {
      std::unique_ptr<Packet> packet(static_cast<Packet*>(item.packet));
      --held_;
      packet->bytes.resize(item.bytes);
      packet->src_udp = item.flow->src_udp;
      packet->dst_udp = item.flow->dst_udp;
      packet->src = item.flow->src;
      bytes_sent_ += item.bytes;
      if (tap_ != nullptr) tap_->push_back(*packet);
      carry(*packet, now);
      if (model_.copy_ppm > 0 && prng_.below(1'000'000) < model_.copy_ppm) carry(*packet, now);
    }
    return static_cast<std::uint32_t>(items.size());
  }
  [[nodiscard]] base::Instant next_due() const { return inbox_.empty() ? base::kNever : inbox_.begin()->first; }
  [[nodiscard]] std::int64_t buffers_held() const { return held_; }
  void inject(Packet packet, base::Instant due) { inbox_.emplace(due, std::move(packet)); }

  static constexpr std::uint16_t kRoom = 1472, kRoomJumbo = 8972;

 private:
  void carry(const Packet& packet, base::Instant now) {
    if (model_.mtu_payload > 0 && packet.bytes.size() > model_.mtu_payload) return;
    if (model_.blackhole || (model_.drop_ppm > 0 && prng_.below(1'000'000) < model_.drop_ppm)) return;
    if (free_at_ < now) free_at_ = now;
    const auto queued = static_cast<std::uint64_t>((free_at_ - now).ns) * model_.rate_Bps / 1'000'000'000;
    if (queued > model_.queue_bytes) return;       // tail drop
    free_at_ += base::nanoseconds(static_cast<std::int64_t>(packet.bytes.size() * 1'000'000'000 / model_.rate_Bps));
    base::Duration jitter{};
    if (model_.jitter.ns > 0) jitter = base::nanoseconds(prng_.below(static_cast<std::uint32_t>(model_.jitter.ns)));
    Packet copy = packet;
    if (model_.damage_ppm > 0 && prng_.below(1'000'000) < model_.damage_ppm)
      copy.bytes[prng_.below(static_cast<std::uint32_t>(copy.bytes.size()))] ^= std::byte{1};
    other_->inbox_.emplace(free_at_ + model_.delay + jitter, std::move(copy));
  }

  base::PortId id_;
  base::Prng prng_;
  SimPort* other_ = nullptr;
  LinkModel model_;
  base::Instant free_at_{};
  std::multimap<base::Instant, Packet> inbox_;
  std::uint64_t bytes_sent_ = 0;
  std::int64_t held_ = 0;
  std::vector<Packet>* tap_ = nullptr;
};

// Files in memory behind the job ring. `fd` of kInstall is the number of a file of this disk.
class SimDisk {
 public:
  SimDisk(share::SpscRing<share::DiskJob>& jobs, share::SpscRing<share::DiskDone>& dones, base::MutableBytes slots)
      : jobs_(jobs), dones_(dones), slots_(slots) {}
  std::map<std::int32_t, std::vector<std::byte>> files;
  std::int32_t write_error = 0;                    // negative errno for every write
  std::int32_t read_error = 0;
  bool stuck = false;                              // answers nothing

  void poll() {
    if (stuck) return;
    share::DiskJob job;
    while (jobs_.pop_one(job)) {
      share::DiskDone done{.cookie = job.cookie, .result = 0};
      const auto slot = slots_.subspan(std::size_t{job.slot} * base::kSlotBytes, base::kSlotBytes);
      switch (job.kind) {
        case share::DiskJob::Kind::kInstall: installed_[job.file] = job.fd; break;
        case share::DiskJob::Kind::kRemove: installed_.erase(job.file); break;
        case share::DiskJob::Kind::kRead: {
          auto& file = files.at(installed_.at(job.file));
          if (read_error != 0) { done.result = read_error; break; }
          const std::size_t have = job.offset < file.size() ? file.size() - job.offset : 0;
          const std::size_t count = std::min<std::size_t>(have, job.length);
          std::memcpy(slot.data(), file.data() + job.offset, count);
          done.result = static_cast<std::int32_t>(count);
          break;
        }
        case share::DiskJob::Kind::kWrite: {
          auto& file = files[installed_.at(job.file)];
          if (write_error != 0) { done.result = write_error; break; }
          if (file.size() < job.offset + job.length) file.resize(job.offset + job.length);
          std::memcpy(file.data() + job.offset, slot.data(), job.length);
          done.result = static_cast<std::int32_t>(job.length);
          break;
        }
      }
      while (!dones_.push_one(done)) {}
    }
  }
  [[nodiscard]] std::size_t installed() const { return installed_.size(); }

 private:
  share::SpscRing<share::DiskJob>& jobs_;
  share::SpscRing<share::DiskDone>& dones_;
  base::MutableBytes slots_;
  std::map<std::uint32_t, std::int32_t> installed_;
};

}  // namespace weft::sim
