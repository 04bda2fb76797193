// The refusals that one data core owes the peers it serves.
// A puller names its requests by slot and asks for one thing in a slot at a time, so a slot is owed one refusal at most,
// the newest: with a place for each slot of each session the table cannot overflow, and a refusal is never lost (a
// puller that hears none waits for seconds before it asks again).
// Owner: one data core. Bounds: kRequestSlotsMax places per session. No allocation after construction.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "engine/base/limits.hh"
#include "engine/base/slot_pool.hh"
#include "engine/base/types.hh"
#include "engine/run/index_fifo.hh"
#include "engine/wire/frame.hh"

namespace weft::run {

class RejectTable {
 public:
  RejectTable() : places_(std::make_unique<Place[]>(base::kSessionsMax * base::kRequestSlotsMax)) {}

  // Instead of what its slot was owed. The request's slot is below kRequestSlotsMax (MUST).
  void add(base::SessionId session, const wire::Reject& reject) noexcept {
    Place* const table = places(session);
    const std::uint16_t slot = slot_of(reject);
    table[slot].request_id = reject.request_id;
    table[slot].reason = reject.reason;
    if (table[slot].queued) return;
    table[slot].queued = true;
    queue(session).push_back(table, slot);
  }
  // The packet that carried it was lost. Nothing to do when its slot was owed another one since.
  void on_lost(base::SessionId session, const wire::Reject& reject) noexcept {
    if (places(session)[slot_of(reject)].request_id == reject.request_id) add(session, reject);
  }
  [[nodiscard]] bool empty(base::SessionId session) const noexcept { return queues_[base::to_index(session)].empty(); }
  // The oldest. REQUIRES: !empty().
  [[nodiscard]] wire::Reject take(base::SessionId session) noexcept {
    Place* const table = places(session);
    Place& place = table[queue(session).pop_front(table)];
    place.queued = false;
    return {place.request_id, place.reason};
  }
  // A new session begins in this place.
  void clear(base::SessionId session) noexcept {
    std::fill_n(places(session), base::kRequestSlotsMax, Place{});
    queue(session) = {};
  }

 private:
  struct Place {
    std::uint32_t request_id = 0;       // of the slot's last refusal, sent or not
    std::uint16_t next = kNoIndex;
    wire::RejectReason reason{};
    bool queued = false;
  };
  [[nodiscard]] Place* places(base::SessionId session) noexcept {
    return &places_[base::to_index(session) * base::kRequestSlotsMax];
  }
  [[nodiscard]] IndexFifo& queue(base::SessionId session) noexcept { return queues_[base::to_index(session)]; }
  [[nodiscard]] static std::uint16_t slot_of(const wire::Reject& reject) noexcept {
    const std::uint16_t slot = base::SlotRef::from_word(reject.request_id).slot;
    MUST(slot < base::kRequestSlotsMax);
    return slot;
  }

  std::unique_ptr<Place[]> places_;
  std::array<IndexFifo, base::kSessionsMax> queues_{};
};

}  // namespace weft::run
