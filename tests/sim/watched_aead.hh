// An Aead that looks at what passes through another one: the place from which the simulator sees every key and every
// plaintext without a line in production code.
// Promises checked here: no packet number twice with one key, in the whole world and through all restarts; no key with
// two senders. Seen here too: acks of chunks that were sent again or taken back by a probe timeout, rejects by reason.
// Owner: one core of one engine, for one life of it; the books belong to the world.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "engine/run/lane_table.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/frame.hh"
#include "tests/sim/scene.hh"

namespace weft::sim {

// Every key that any engine ever prepared, by its bytes.
class KeyBook {
 public:
  struct Use {
    bool used = false;
    Who sealer{};            // the one core that may seal with it
    std::uint64_t last = 0;  // packet number; they only grow
  };
  [[nodiscard]] Use& of(const share::PacketKey& key);
  [[nodiscard]] std::size_t keys() const { return uses_.size(); }

 private:
  std::map<std::array<std::byte, 28>, Use> uses_;
};

// Which receiver indexes belong together: both ends' bases of one session, as their offers said.
class IndexBook {
 public:
  void pair(std::uint32_t base_a, std::uint32_t base_b) {
    other_[base_a] = base_b;
    other_[base_b] = base_a;
  }
  // By any index of a session: the other end's base. False for one that was never offered.
  [[nodiscard]] bool other(std::uint32_t index, std::uint32_t& base) const {
    const auto found = other_.find(run::ReceiverIndex::of(index, base::PathId{0}, base::CoreId{0}));
    if (found == other_.end()) return false;
    base = found->second;
    return true;
  }

 private:
  std::unordered_map<std::uint32_t, std::uint32_t> other_;
};

class WatchedAead final : public wire::Aead {
 public:
  WatchedAead(Scene& scene, KeyBook& keys, const IndexBook& indexes, Who who, std::unique_ptr<wire::Aead> inner)
      : scene_(scene), keys_(keys), indexes_(indexes), who_(who), inner_(std::move(inner)) {}

  [[nodiscard]] const char* name() const noexcept override { return inner_->name(); }
  void prepare(const share::PacketKey& key, wire::KeySlot& out) noexcept override;
  void release(wire::KeySlot& slot) noexcept override;
  void seal(std::span<const wire::SealJob> jobs) noexcept override;
  void open(std::span<wire::OpenJob> jobs) noexcept override;

  [[nodiscard]] std::size_t prepared() const { return slots_.size(); }
  // A lane's report says that its probe timeout has fired: what it has sent so far was taken back.
  void on_probe_timeout(base::SessionId session, base::PathId path);

 private:
  struct SentChunk {
    std::uint32_t request_id = 0, offset = 0;
    bool again = false;
  };
  struct Lane {  // ours, by the peer's index of it
    std::uint64_t next = 0, taken_back_below = 0;
    std::map<std::uint64_t, SentChunk> chunks;  // by packet number, not acked
  };
  void see_sealed(const wire::SealJob& job);
  void see_opened(const wire::OpenJob& job);
  void see_ack(const wire::Ack& ack, std::uint32_t receiver_index);

  Scene& scene_;
  KeyBook& keys_;
  const IndexBook& indexes_;
  const Who who_;
  std::unique_ptr<wire::Aead> inner_;
  std::unordered_map<const wire::KeySlot*, KeyBook::Use*> slots_;
  std::map<std::uint32_t, Lane> lanes_;
  std::unordered_map<std::uint64_t, std::uint32_t> copies_;  // of a chunk, by session, request and offset
  wire::Frame frame_;
};

}  // namespace weft::sim
