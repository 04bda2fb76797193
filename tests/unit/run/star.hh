// One server and several pullers, each with a session and a link of its own: what sessions do to each other at a core.
//
//   puller 0 ---- link 0 ----+
//   puller 1 ---- link 1 ----+---- server (port and session i for puller i)
//   ...                      |
#pragma once

#include <gtest/gtest.h>

#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {

class Star {
 public:
  explicit Star(std::uint32_t pullers, std::uint64_t seed = 1) : server(pullers, seed, {}) {
    for (std::uint32_t i = 0; i < pullers; ++i) {
      auto puller = std::make_unique<Puller>(i, seed + 1 + i);
      puller->side.ports[0]->join(*server.ports[i]);
      server.ports[i]->join(*puller->side.ports[0]);
      pullers_.push_back(std::move(puller));
    }
  }

  struct Puller {
    Puller(std::uint32_t number, std::uint64_t seed)
        : session{static_cast<std::uint8_t>(number)}, side(1, seed, {}) {}
    base::SessionId session;
    Side side;
    std::vector<std::byte> content;
    std::uint32_t handle = 0, file = 0;
    std::size_t ordered = 0, written = 0, failed = 0;
    [[nodiscard]] bool ended() const { return written + failed == ordered; }
    [[nodiscard]] bool has_all() const { return side.disk.files.at(6) == content; }
  };
  Puller& puller(std::uint32_t i) { return *pullers_[i]; }

  // The link of puller i, both ways.
  template <typename Change> void link(std::uint32_t i, Change change) {
    change(puller(i).side.ports[0]->model());
    change(server.ports[i]->model());
  }

  // Begins the session of puller i, with a file of `bytes` open at both ends.
  void join(std::uint32_t i, std::size_t bytes) {
    Puller& p = puller(i);
    Secret secret;
    secret.fill(static_cast<std::byte>(i + 1));
    const base::PathId path{static_cast<std::uint8_t>(i)};   // low device's port 0, high device's port i
    for (Side* side : {&p.side, &server}) {
      const bool low = side == &p.side;
      add_session(*side, p.session);
      add_lane(*side, p.session, path, base::PortId{static_cast<std::uint8_t>(low ? 0 : i)}, low, secret);
      side->channel->poll();
      while (!side->table.try_publish(side->rows)) step();
    }
    base::Prng prng(i + 1);
    p.content.resize(bytes);
    for (auto& b : p.content) b = static_cast<std::byte>(prng.next());
    const auto number = static_cast<std::int32_t>(100 + i);
    server.disk.files[number] = p.content;
    p.side.disk.files[6] = {};
    share::Command c;
    c.session = p.session;
    c.kind = share::Command::Kind::kGrant;
    c.body.grant = {.handle = 0, .fd = number, .direct = false, .size = bytes};
    int open = 0;
    const auto count = [&](base::Status s) { open += s.has_value(); };
    p.handle = *server.channel->open_file(c, count);
    c.kind = share::Command::Kind::kOpenWrite;
    c.body.open_write = {.file = 0, .fd = 6, .direct = false};
    p.file = *p.side.channel->open_file(c, count);
    ASSERT_TRUE(run_until([&] { return open == 2; }, base::seconds(1)));
  }
  // Orders the whole file.
  void fetch_all(std::uint32_t i, std::uint32_t block = base::kSlotBytes) {
    Puller& p = puller(i);
    for (std::uint64_t at = 0; at < p.content.size(); at += block) {
      const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(block, p.content.size() - at));
      ++p.ordered;
      p.side.channel->fetch(p.session,
                            {.file = p.file, .handle = p.handle, .token = 0, .size = size, .offset = at,
                             .hash = wire::sha256(base::Bytes(p.content).subspan(at, size))},
                            [&p](base::Status s) { ++(s ? p.written : p.failed); });
    }
  }

  void step() {
    for (auto& p : pullers_) poll(p->side);
    poll(server);
    now += base::microseconds(20);
  }
  template <typename Done> bool run_until(Done done, base::Duration limit) {
    return sim::run_until(*this, done, limit);
  }
  void run_for(base::Duration time) {
    (void)run_until([] { return false; }, time);
  }
  [[nodiscard]] base::Duration gap_longest(std::uint32_t i) {
    return puller(i).side.channel->report().sessions[i].gap_longest;
  }
  [[nodiscard]] std::uint32_t extents_serving(std::uint32_t i) {
    return server.channel->report().sessions[i].extents_serving;
  }

  Side server;
  base::Instant now{base::seconds(100).ns};

 private:
  void poll(Side& side) {
    side.agent->poll(now);
    side.disk.poll();
    side.channel->poll();
  }
  std::vector<std::unique_ptr<Puller>> pullers_;
};

}  // namespace weft::sim
