// Control's end of one data core: commands with what the ring refuses kept for later, events given to whoever waits
// for them, numbers for files and tokens for blocks.
// Thread: control. Bounds: CoreLimits::files files, CoreLimits::fetches blocks at the core (further ones wait here, in
// order), so that the core's events always fit their ring.
// Callbacks are called from poll(), each exactly once.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/result.hh"
#include "engine/base/slot_pool.hh"
#include "engine/run/data_agent.hh"

namespace weft::run {

using FileReady = std::function<void(base::Status)>;
using FileGone = std::function<void()>;
using FetchDone = std::function<void(base::Status)>;
using PortDone = std::function<void()>;

class CoreChannel {
 public:
  // The rings of this core: commands, and events with room for all that may be outstanding.
  static constexpr std::uint32_t kCommandRing = 4096;
  static constexpr std::uint32_t kEventRing = 16384;
  static_assert(kEventRing >= CoreLimits{}.events());

  // REQUIRES: an event ring of limits.events() at least; the data agent has the same limits.
  CoreChannel(std::uint32_t core, const CoreWiring& wiring, const CoreLimits& limits);
  CoreChannel(const CoreChannel&) = delete;
  CoreChannel& operator=(const CoreChannel&) = delete;

  // In order with all others of this channel.
  void send(const share::Command& command);

  // Registers a file with the core. `command` is a kGrant or kOpenWrite; its number is filled in here and returned.
  // nullopt: no number is free. After `ready` with an error the number is free again.
  std::optional<std::uint32_t> open_file(share::Command command, FileReady ready);
  // REQUIRES: open_file() gave the number and ready has not failed. The fd may be closed in or after `gone`; all of the
  // file's fetches were answered before it.
  // Before `ready` was called it is not called any more.
  void close_file(base::SessionId session, std::uint32_t number, FileGone gone);

  // kUnavailable: cancelled. kCorrupt, kNotFound, or what the disk said.
  void fetch(base::SessionId session, share::Fetch fetch, FetchDone done);

  // The session's fetches that the core has not seen yet end as cancelled, at the next poll().
  void cancel_waiting(base::SessionId session);

  // kQuietPort or kForgetPort; `done` when the core has carried it out. REQUIRES: the last order about this port is done.
  void order_port(share::Command::Kind kind, base::PortId port, PortDone done);

  // Hands waiting commands over, delivers events, adopts the newest report. Returns events handled.
  std::uint32_t poll();

  [[nodiscard]] const share::CoreReport& report() const { return wiring_.report->current(); }
  [[nodiscard]] bool try_publish(const share::PathTable& table) { return wiring_.table->try_publish(table); }
  [[nodiscard]] std::uint32_t fetches_outstanding() const { return fetches_at_core_; }
  // Something is under way for which the core will send an event.
  [[nodiscard]] bool busy() const {
    return fetches_at_core_ > 0 || files_changing_ > 0 || ports_changing_ > 0 || !waiting_.empty();
  }

 private:
  struct File {
    bool in_use = false;
    bool ready = false;
    bool closing = false;            // close_file() was called
    base::SlotRef self{};
    base::SessionId session{};
    FileReady on_ready;
    FileGone on_gone;
  };
  struct WaitingFetch {
    bool cancelled = false;
    base::SessionId session{};
    share::Fetch fetch{};
  };

  void handle_event(const share::Event& event);
  void end_dead_fetches();
  void end_fetch(std::uint32_t token, base::Status status);
  [[nodiscard]] bool is_dead(const WaitingFetch& fetch) const;
  void free_file(std::uint32_t number);
  void send_close(std::uint32_t number);

  const std::uint32_t core_;
  CoreWiring wiring_;
  const CoreLimits limits_;
  std::deque<share::Command> waiting_;
  std::deque<WaitingFetch> waiting_fetches_;
  bool fetches_died_ = false;                  // some of them, since end_dead_fetches()
  std::unique_ptr<base::SlotPool::Entry[]> file_entries_;
  base::SlotPool file_numbers_;
  std::vector<File> files_;
  std::vector<FetchDone> fetch_done_;          // by token
  std::vector<std::uint32_t> tokens_free_;
  std::uint32_t fetches_at_core_ = 0;
  std::uint32_t files_changing_ = 0;
  std::array<PortDone, base::kPortsMax> port_done_;
  std::uint32_t ports_changing_ = 0;
};

}  // namespace weft::run
