// A link between two engines: two shipped proto::Connections joined by two byte pipes with a delay, in pieces of any
// size, as TCP gives them. Each time it comes up it is a new link with a new secret.
// Loss: the pipes are emptied; each end hears of it in its own time, as with a TCP peer that died.
// Owner: the world. An end speaks to its engine's Sessions by SessionLink, as a TLS link does.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <vector>

#include "bep/proto/connection.hh"
#include "engine/run/session_world.hh"
#include "tests/sim/scene.hh"
#include "tests/sim/watched_aead.hh"

namespace weft::sim {

class SimEngine;

class SimLink {
 public:
  SimLink(Scene& scene, IndexBook& indexes, SimEngine& a, SimEngine& b);

  // Comes up and goes down as planned, moves bytes, tells sessions. Returns when it wants to be polled again.
  base::Instant poll();
  // Breaks now, back after `gone`.
  void lose(base::Duration gone);
  // An engine died: its end is gone with it.
  void on_engine_died(const SimEngine& engine);
  // Stays away from here on.
  void cut() {
    up_at_ = base::kNever;
    lose({});
    up_at_ = base::kNever;
  }

 private:
  friend class SimSessionLink;
  struct End {
    SimEngine* engine = nullptr;
    std::optional<proto::Connection> connection;
    std::deque<std::pair<base::Instant, std::vector<std::byte>>> input;
    bool told = false;                     // sessions know this link
    base::Instant gone_at = base::kNever;  // when this end notices that the link is lost
    std::uint32_t base_offered = 0;        // receiver index base of its offer
  };
  void come_up();
  void flush(std::size_t from);
  void take_input(std::size_t at);
  void handle(std::size_t at, proto::Event& event);
  void end(std::size_t at);
  void send(std::size_t from, const proto::PrivateMessage& message);
  [[nodiscard]] base::Instant next_due() const;

  Scene& scene_;
  IndexBook& indexes_;
  std::array<End, 2> ends_;
  std::uint64_t serial_ = 0;  // of this pair's links
  base::Instant up_at_{};     // when it may come up
  bool up_ = false;
  base::Duration delay_{};
  std::uint32_t resumes_ = 0;  // offers of this link that name a session before
};

}  // namespace weft::sim
