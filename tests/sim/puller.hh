// What the folder model would do with an engine's datapath: opens the files it wants, orders their blocks, asks again
// for what failed, closes. Plays model::Fabric's caller on the shipped run::Sessions.
// Promises checked here: an answer to each order, once, and none after its transfer is gone; a block that is done stands
// on the disk; a file that is complete is the source.
// Owner: one engine, for one life. After a crash its successor finds on the disk what was written.
#pragma once

#include <vector>

#include "engine/run/sessions.hh"
#include "tests/sim/scene.hh"
#include "tests/sim/store.hh"

namespace weft::sim {

class Puller {
 public:
  // `devices`: by engine number.
  Puller(Scene& scene, std::uint8_t engine, Store& store, run::Sessions& sessions,
         const std::vector<base::DeviceId>& devices);

  void poll();
  [[nodiscard]] bool complete() const;
  // Nothing is open either.
  [[nodiscard]] bool at_rest() const;
  void close_all() { closing_all_ = true; }
  // Progress, for a sentence about a world that hangs.
  [[nodiscard]] std::uint32_t blocks_missing() const;

 private:
  struct Want {
    enum class State : std::uint8_t { kIdle, kOpening, kOpen, kClosing };
    std::uint32_t source = 0;
    State state = State::kIdle;
    std::uint32_t transfer = 0;
    std::vector<bool> have, asked;  // by block
    std::uint32_t missing = 0;
    std::uint32_t outstanding = 0;
    std::uint32_t next = 0;    // block to look at first
    std::uint64_t serial = 0;  // of this opening; grows
    base::Instant retry_at{};
  };
  void open(Want& want);
  void order_blocks(Want& want);
  void order(Want& want, std::uint32_t block);
  void on_block(Want& want, std::uint32_t block, std::uint64_t serial, base::Status status);
  void note_failure(base::Errc code);
  void close(Want& want);
  void want_anew(Want& want);
  void check_block(const Want& want, std::uint32_t block);
  [[nodiscard]] base::Instant later();

  Scene& scene_;
  const Who who_;
  Store& store_;
  run::Sessions& sessions_;
  const std::vector<base::DeviceId>& devices_;
  std::vector<Want> wants_;
  bool closing_all_ = false;
  std::uint64_t again_bytes_;  // that may still be wanted anew
};

}  // namespace weft::sim
