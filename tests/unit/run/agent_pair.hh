// Two data agents, one core each, joined by `paths` virtual links: a puller and a server with one session.
// Control is played by the test: it gives keys, marks paths, orders blocks, and reads events and reports.
#pragma once

#include <gtest/gtest.h>

#include "engine/run/core_rings.hh"
#include "engine/wire/keys.hh"
#include "engine/wire/sha256.hh"
#include "tests/unit/run/sim_net.hh"

namespace weft::sim {

constexpr base::SessionId kSession{3};

// One device: the rings of its core, and what stands on either side of them.
struct Side : run::CoreRings {
  static constexpr std::uint32_t kFetch = 160, kServe = 48;
  Side(std::uint32_t paths, std::uint64_t seed, run::LaneTable::Limits lanes, std::uint64_t port_rate_Bps = 0)
      : CoreRings(Sizes{.jobs = 64, .dones = 64}), memory((kFetch + kServe) * std::size_t{base::kSlotBytes}),
        aead(*wire::best_aead(base::kLanesPerCoreMax * 6)), disk(jobs, dones, memory) {
    for (std::uint32_t i = 0; i < paths; ++i) {
      ports.push_back(std::make_unique<SimPort>(base::PortId{static_cast<std::uint8_t>(i)}, seed * 97 + i));
      views.push_back(ports.back().get());
    }
    std::array<std::uint64_t, base::kPortsMax> rates{};
    rates.fill(port_rate_Bps);
    agent = std::make_unique<run::DataAgent>(run::DataAgentConfig{
        .core = base::CoreId{0}, .ports = views, .aead = aead.get(), .slots = memory, .fetch_slots = kFetch,
        .serve_slots = kServe, .lanes = lanes, .port_rates_Bps = rates, .challenge_seed = seed, .wiring = wiring});
    channel = std::make_unique<run::CoreChannel>(0, wiring, run::CoreLimits{});
  }
  std::vector<std::byte> memory;
  std::unique_ptr<wire::Aead> aead;
  SimDisk disk;
  std::vector<std::unique_ptr<SimPort>> ports;
  std::vector<share::DatagramPort*> views;
  std::unique_ptr<run::DataAgent> agent;
  std::unique_ptr<run::CoreChannel> channel;
  share::PathTable rows;
};

using Secret = std::array<std::byte, 32>;
constexpr std::uint32_t kChunkBytes = 345;   // four fill a packet of SimPort::kRoom with an ack beside them

inline std::uint32_t receiver_index(bool low, base::SessionId session, base::PathId path) {
  return run::ReceiverIndex::of(run::ReceiverIndex::base_of(low ? 11 : 22, session), path, base::CoreId{0});
}

inline void add_session(Side& side, base::SessionId session) {
  share::Command c;
  c.kind = share::Command::Kind::kAddSession;
  c.session = session;
  c.body.add_session = {.chunk_bytes = kChunkBytes, .requests_max = 128};
  side.channel->send(c);
}

// A lane by `port`, active at once. `low`: this end has the lower device ID.
inline void add_lane(Side& side, base::SessionId session, base::PathId path, base::PortId port, bool low,
                     const Secret& secret, std::uint16_t packet_bytes = SimPort::kRoom,
                     share::Congestion congestion = share::Congestion::kCubic) {
  const auto up = *wire::derive_packet_key(secret, {.id = path}, base::CoreId{0}, wire::Direction::kLowToHigh, 0);
  const auto down = *wire::derive_packet_key(secret, {.id = path}, base::CoreId{0}, wire::Direction::kHighToLow, 0);
  share::Command c;
  c.kind = share::Command::Kind::kAddLane;
  c.session = session;
  c.path = path;
  c.body.add_lane = {.port = port, .flow = {.src = {}, .dst = {}, .src_udp = 1, .dst_udp = 2, .neighbour = 0},
                     .packet_bytes = packet_bytes,
                     .congestion = congestion,
                     .receiver_index_local = receiver_index(low, session, path),
                     .receiver_index_remote = receiver_index(!low, session, path),
                     .tx = low ? up : down, .rx = low ? down : up};
  side.channel->send(c);
  side.rows.paths[base::to_index(session)][base::to_index(path)] = {
      .state = share::PathState::kActive, .role = share::PathRole::kPrimary, .score = 100, .weight = 1, .probe_seq = 1};
}

class AgentPair {
 public:
  static constexpr std::uint32_t kChunk = kChunkBytes;
  struct Choices {
    share::Congestion congestion = share::Congestion::kCubic;
    std::uint32_t lanes_on_port = 1;              // paths that share each port
    std::uint64_t port_rate_Bps = 0;
    std::uint32_t jumbo = UINT32_MAX;             // the ports of this path carry jumbo frames
  };

  explicit AgentPair(std::uint32_t ports, std::uint64_t seed = 1, run::LaneTable::Limits lanes = {})
      : AgentPair(ports, seed, lanes, Choices{}) {}
  AgentPair(std::uint32_t ports, std::uint64_t seed, run::LaneTable::Limits lanes, Choices choices)
      : puller(ports, seed, lanes, choices.port_rate_Bps),
        server(ports, seed + 1000, lanes, choices.port_rate_Bps),
        ports_(ports),
        paths_(ports * choices.lanes_on_port),
        congestion_(choices.congestion),
        jumbo_(choices.jumbo) {
    for (std::uint32_t i = 0; i < ports; ++i) {
      puller.ports[i]->join(*server.ports[i]);
      server.ports[i]->join(*puller.ports[i]);
    }
    secret_.fill(std::byte{7});
    add_session(puller, true);
    add_session(server, false);
  }

  void add_session(Side& side, bool low) {
    sim::add_session(side, kSession);
    for (std::uint32_t i = 0; i < paths_; ++i)
      add_lane(side, kSession, path(i), base::PortId{static_cast<std::uint8_t>(i % ports_)}, low, secret_,
               i == jumbo_ ? SimPort::kRoomJumbo : SimPort::kRoom, congestion_);
    side.channel->poll();
    EXPECT_TRUE(side.table.try_publish(side.rows));
  }
  // As WeftSession does each tick: the key after the newest one in use, either way.
  void supply_keys() {
    for (Side* side : {&puller, &server}) {
      const bool low = side == &puller;
      const share::CoreReport& report = side->channel->report();
      for (std::uint32_t i = 0; i < report.lane_count; ++i)
        for (const bool tx : {true, false}) {
          const std::uint32_t next = (tx ? report.lanes[i].key_epoch : report.lanes[i].peer_key_epoch) + 1;
          std::uint32_t& sent = keys_sent_[low][tx][base::to_index(report.lanes[i].path)];
          if (sent >= next) continue;
          sent = next;
          share::Command c;
          c.kind = share::Command::Kind::kSetKey;
          c.session = kSession;
          c.path = report.lanes[i].path;
          c.body.set_key = {.epoch = next, .tx = tx,
                            .key = *wire::derive_packet_key(secret_, {.id = c.path}, base::CoreId{0},
                                                            low == tx ? wire::Direction::kLowToHigh
                                                                      : wire::Direction::kHighToLow, next)};
          side->channel->send(c);
        }
    }
  }
  static std::uint32_t index(bool low, base::PathId path) {
    return receiver_index(low, kSession, path);
  }
  [[nodiscard]] static base::PathId path(std::uint32_t i) {
    return base::PathId{static_cast<std::uint8_t>(i * base::kPortsMax + i)};
  }
  // The key with which one side seals: what a test needs to open packets, or to make some of its own.
  [[nodiscard]] share::PacketKey key_of(bool low, base::PathId path, std::uint32_t epoch = 0) const {
    return *wire::derive_packet_key(secret_, {.id = path}, base::CoreId{0},
                                    low ? wire::Direction::kLowToHigh : wire::Direction::kHighToLow, epoch);
  }
  void set_state(Side& side, std::uint32_t i, share::PathState state) {
    side.rows.paths[base::to_index(kSession)][base::to_index(path(i))].state = state;
    while (!side.table.try_publish(side.rows)) step();
  }

  void step() {
    puller.agent->poll(now);
    puller.disk.poll();
    server.agent->poll(now);
    server.disk.poll();
    puller.channel->poll();
    server.channel->poll();
    now += base::microseconds(20);
  }
  template <typename Done> bool run_until(Done done, base::Duration limit) {
    return sim::run_until(*this, done, limit);
  }

  // A file of `bytes` at the server, granted, and opened for writing at the puller.
  void open(std::size_t bytes, std::uint64_t seed) {
    base::Prng prng(seed);
    content.resize(bytes);
    for (auto& b : content) b = static_cast<std::byte>(prng.next());
    server.disk.files[5] = content;
    puller.disk.files[6] = {};
    share::Command c;
    c.session = kSession;
    c.kind = share::Command::Kind::kGrant;
    c.body.grant = {.handle = 0, .fd = 5, .direct = false, .size = bytes};
    bool granted = false, opened = false;
    handle = *server.channel->open_file(c, [&](base::Status s) { granted = s.has_value(); });
    c.kind = share::Command::Kind::kOpenWrite;
    c.body.open_write = {.file = 0, .fd = 6, .direct = false};
    file = *puller.channel->open_file(c, [&](base::Status s) { opened = s.has_value(); });
    ASSERT_TRUE(run_until([&] { return granted && opened; }, base::seconds(1)));
  }
  void fetch(std::uint64_t offset, std::uint32_t size) {
    ++ordered;
    puller.channel->fetch(kSession,
                          {.file = file, .handle = handle, .token = 0, .size = size, .offset = offset,
                           .hash = wire::sha256(base::Bytes(content).subspan(offset, size))},
                          [this](base::Status s) {
                            if (s) ++written;
                            else errors.push_back(s.error().code);
                          });
  }
  void fetch_all(std::uint32_t block) {
    for (std::uint64_t at = 0; at < content.size(); at += block)
      fetch(at, static_cast<std::uint32_t>(std::min<std::uint64_t>(block, content.size() - at)));
  }
  [[nodiscard]] bool ended() const { return written + errors.size() == ordered; }
  [[nodiscard]] const share::LaneReport& lane(Side& side, std::uint32_t i) const {
    const share::CoreReport& report = side.channel->report();
    for (std::uint32_t k = 0; k < report.lane_count; ++k)
      if (report.lanes[k].path == path(i)) return report.lanes[k];
    static const share::LaneReport none;
    return none;
  }
  [[nodiscard]] static std::uint64_t drops(const Side& side, share::Drop reason) {
    return side.channel->report().drops[static_cast<std::size_t>(reason)];
  }
  void close_all() {
    bool a = false, b = false;
    puller.channel->close_file(kSession, file, [&] { a = true; });
    server.channel->close_file(kSession, handle, [&] { b = true; });
    ASSERT_TRUE(run_until([&] { return a && b; }, base::seconds(5)));
    EXPECT_EQ(puller.disk.installed() + server.disk.installed(), 0u);
  }

  Side puller, server;
  base::Instant now{base::seconds(100).ns};
  std::vector<std::byte> content;
  std::uint32_t handle = 0, file = 0;
  std::size_t ordered = 0, written = 0;
  std::vector<base::Errc> errors;

 private:
  std::uint32_t ports_, paths_;
  share::Congestion congestion_;
  std::uint32_t jumbo_;
  Secret secret_;
  std::uint32_t keys_sent_[2][2][base::kPathsMax] = {};
};

}  // namespace weft::sim
