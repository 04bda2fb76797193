// What someone on the wire can do to a core, and what a peer can who has the keys but no address:
// packets kept and sent again, sent back, moved to other lanes and paths, answers that were not
// asked for, questions that shall be answered to somebody else. engine/wire/README.md names these
// tests point by point.
//
//   puller (low) ==== 2 virtual links, tapped ==== server (high)
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "engine/wire/frame.hh"
#include "engine/wire/packet.hh"
#include "tests/unit/run/agent_pair.hh"

namespace weft::sim {
namespace {

using Packets = std::vector<SimPort::Packet>;
constexpr std::uint32_t kBlock = 1u << 20;

void settle(AgentPair& pair) {
  pair.run_until([] { return false; }, base::milliseconds(20));
}

// Delivers packets to a side as if they came over its port `i`.
void deliver(AgentPair& pair, Side& side, std::uint32_t i, const Packets& packets) {
  for (const SimPort::Packet& packet : packets) side.ports[i]->inject(packet, pair.now);
  settle(pair);
}

std::uint64_t drops_of_all_kinds(const Side& side) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : side.channel->report().drops) sum += count;
  return sum;
}

// A whole transfer, and what the server sent over its link 0 meanwhile.
struct Tapped {
  explicit Tapped(std::uint32_t paths) : pair(paths) {
    pair.server.ports[0]->tap(&from_server);
    pair.puller.ports[0]->tap(&from_puller);
    pair.open(4u << 20, 1);
    for (std::uint64_t at = 0; at < pair.content.size(); at += kBlock) pair.fetch(at, kBlock);
    EXPECT_TRUE(pair.run_until([&] { return pair.ended(); }, base::seconds(10)));
    settle(pair);
    pair.server.ports[0]->tap(nullptr);
    pair.puller.ports[0]->tap(nullptr);
    EXPECT_GT(from_server.size(), 500u);
    EXPECT_GT(from_puller.size(), 20u);
    EXPECT_EQ(drops_of_all_kinds(pair.puller) + drops_of_all_kinds(pair.server), 0u);
  }
  AgentPair pair;
  Packets from_server, from_puller;
};

void rename(SimPort::Packet& packet, std::uint32_t receiver_index) {
  base::store_be(packet.bytes.data() + 4, receiver_index);
}

TEST(Forger, PacketsSentAgainChangeNothing) {
  Tapped run(1);
  deliver(run.pair, run.pair.puller, 0, run.from_server);  // what the link had lost comes late
  const auto before = run.pair.lane(run.pair.puller, 0);
  const auto content = run.pair.puller.disk.files[6];
  const std::uint64_t drops = drops_of_all_kinds(run.pair.puller);
  const std::uint64_t replays = AgentPair::drops(run.pair.puller, share::Drop::kReplay);
  EXPECT_EQ(before.packets_in, run.from_server.size());
  deliver(run.pair, run.pair.puller, 0, run.from_server);
  EXPECT_EQ(drops_of_all_kinds(run.pair.puller), drops + run.from_server.size());
  EXPECT_EQ(AgentPair::drops(run.pair.puller, share::Drop::kReplay),
            replays + run.from_server.size());
  const auto& after = run.pair.lane(run.pair.puller, 0);
  EXPECT_EQ(after.packets_in, before.packets_in);
  EXPECT_EQ(after.chunk_bytes_in, before.chunk_bytes_in);
  EXPECT_EQ(after.chunk_bytes_duplicate, before.chunk_bytes_duplicate);
  EXPECT_EQ(run.pair.puller.disk.files[6], content);
}

TEST(Forger, PacketsSentBackToTheirSenderAreRefused) {
  Tapped run(1);
  deliver(run.pair, run.pair.puller, 0, run.from_puller);
  EXPECT_EQ(AgentPair::drops(run.pair.puller, share::Drop::kReceiverIndex), run.from_puller.size());
  // Named as its own, and with numbers it has not seen yet.
  for (SimPort::Packet& packet : run.from_puller) {
    rename(packet, AgentPair::index(true, AgentPair::path(0)));
    packet.bytes[9] = std::byte{1};
  }
  deliver(run.pair, run.pair.puller, 0, run.from_puller);
  EXPECT_EQ(AgentPair::drops(run.pair.puller, share::Drop::kTag), run.from_puller.size());
}

TEST(Forger, PacketsOfOneLaneAreRefusedByAnother) {
  Tapped run(2);
  const auto before = run.pair.lane(run.pair.puller, 1);
  for (SimPort::Packet& packet : run.from_server) {
    rename(packet, AgentPair::index(true, AgentPair::path(1)));
    packet.bytes[9] = std::byte{1};  // a number that lane 1 has not seen
  }
  deliver(run.pair, run.pair.puller, 1, run.from_server);
  EXPECT_EQ(AgentPair::drops(run.pair.puller, share::Drop::kTag), run.from_server.size());
  EXPECT_EQ(run.pair.lane(run.pair.puller, 1).packets_in, before.packets_in);
}

// Addresses and ports are not authenticated (FORMAT.md §2): whoever holds both cables may carry a
// packet over the other one. It counts for its own lane, once.
TEST(Forger, APacketThatComesOverAnotherCableIsStillOfItsLane) {
  AgentPair pair(2);
  Packets kept;
  pair.open(1u << 20, 2);
  pair.server.ports[0]->tap(&kept);
  pair.server.ports[0]->model().blackhole = true;
  pair.fetch(0, kBlock);
  ASSERT_TRUE(pair.run_until([&] { return kept.size() >= 10; }, base::seconds(5)));
  pair.server.ports[0]->tap(nullptr);
  settle(pair);
  const auto before = pair.lane(pair.puller, 0).packets_in;
  deliver(pair, pair.puller, 1, kept);
  EXPECT_EQ(pair.lane(pair.puller, 0).packets_in, before + kept.size());
  deliver(pair, pair.puller, 1, kept);
  EXPECT_EQ(pair.lane(pair.puller, 0).packets_in, before + kept.size());
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kReplay), kept.size());
}

// The peer itself, with all keys: opens what a side sends and seals what it likes.
class Insider {
 public:
  Insider(AgentPair& pair, std::uint32_t lane)
      : aead_(*wire::best_aead(2)), path_(AgentPair::path(lane)) {
    aead_->prepare(pair.key_of(true, path_), from_puller_);
    aead_->prepare(pair.key_of(false, path_), to_puller_);
  }
  ~Insider() {
    aead_->release(from_puller_);
    aead_->release(to_puller_);
  }
  Insider(const Insider&) = delete;
  Insider& operator=(const Insider&) = delete;

  // The frames of a packet that the puller sent; views into `packet`.
  std::vector<wire::Frame> open(SimPort::Packet& packet) {
    wire::PacketHeader header;
    share::Drop why{};
    EXPECT_TRUE(wire::decode_header(packet.bytes, header, why));
    wire::OpenJob job{&from_puller_, header.packet_number, packet.bytes.data(),
                      static_cast<std::uint32_t>(packet.bytes.size())};
    aead_->open({&job, 1});
    EXPECT_TRUE(job.ok);
    std::vector<wire::Frame> frames;
    wire::FrameReader reader(job.plaintext());
    wire::Frame frame;
    while (reader.next(frame)) frames.push_back(frame);
    return frames;
  }
  template <typename Write>
  SimPort::Packet seal(std::uint64_t number, Write write) {
    SimPort::Packet packet;
    packet.bytes.resize(1400);
    wire::encode_header(packet.bytes.data(),
                        {.receiver_index = AgentPair::index(true, path_), .packet_number = number});
    base::ByteWriter frames(std::span(packet.bytes).subspan(wire::kHeaderBytes));
    write(frames);
    packet.bytes.resize(wire::kOverheadBytes + frames.used());
    const wire::SealJob job{
        &to_puller_, number, packet.bytes.data(), static_cast<std::uint32_t>(frames.used()), {}};
    aead_->seal({&job, 1});
    return packet;
  }
  SimPort::Packet ping(std::uint64_t number) {
    return seal(number, [](base::ByteWriter& out) { wire::encode_ping(out); });
  }
  SimPort::Packet response(std::uint64_t number, std::uint64_t data) {
    return seal(number,
                [data](base::ByteWriter& out) { wire::encode(out, wire::PathResponse{data}); });
  }

 private:
  std::unique_ptr<wire::Aead> aead_;
  base::PathId path_;
  wire::KeySlot from_puller_, to_puller_;
};

// The header is authenticated, so a packet that is renamed fails for that alone; and no key opens
// what was sealed with another lane's, direction's or epoch's.
TEST(Forger, AKeyIsGoodForItsOwnLaneDirectionAndEpochOnly) {
  AgentPair pair(2);
  settle(pair);
  const auto aead = *wire::best_aead(1);
  std::uint64_t number = 1000;
  const auto ping_sealed_with = [&](const share::PacketKey& key) {
    wire::KeySlot slot;
    aead->prepare(key, slot);
    SimPort::Packet packet;
    packet.bytes.resize(wire::kPacketBytesMin);
    wire::encode_header(
        packet.bytes.data(),
        {.receiver_index = AgentPair::index(true, AgentPair::path(0)), .packet_number = number});
    packet.bytes[wire::kHeaderBytes] = std::byte{1};  // PING
    const wire::SealJob job{&slot, number++, packet.bytes.data(), 1, {}};
    aead->seal({&job, 1});
    aead->release(slot);
    return packet;
  };
  deliver(pair, pair.puller, 0,
          {ping_sealed_with(pair.key_of(true, AgentPair::path(0))),
           ping_sealed_with(pair.key_of(false, AgentPair::path(1))),
           ping_sealed_with(pair.key_of(false, AgentPair::path(0), 1))});
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kTag), 3u);
  const auto before = pair.lane(pair.puller, 0).packets_in;
  deliver(pair, pair.puller, 0, {ping_sealed_with(pair.key_of(false, AgentPair::path(0)))});
  EXPECT_EQ(AgentPair::drops(pair.puller, share::Drop::kTag), 3u);
  EXPECT_EQ(pair.lane(pair.puller, 0).packets_in, before + 1);
}

// Challenges of a lane that nobody answers, in order.
std::vector<std::uint64_t> challenges_in(Insider& insider, Packets packets) {
  std::vector<std::uint64_t> seen;
  for (SimPort::Packet& packet : packets)
    for (const wire::Frame& frame : insider.open(packet))
      if (frame.type == wire::FrameType::kPathChallenge) seen.push_back(frame.path_challenge.data);
  return seen;
}

struct Unanswered {
  Unanswered() : pair(2), insider0(pair, 0), insider1(pair, 1) {
    for (auto* side : {&pair.puller, &pair.server})
      for (auto& port : side->ports) port->model().blackhole = true;
    pair.puller.ports[0]->tap(&sent0);
    pair.puller.ports[1]->tap(&sent1);
    settle(pair);
  }
  [[nodiscard]] bool validated(std::uint32_t lane) {
    return pair.lane(pair.puller, lane).validated;
  }
  AgentPair pair;
  Insider insider0, insider1;
  Packets sent0, sent1;
};

TEST(Forger, OnlyTheRightAnswerOnTheRightLaneProvesAnAddress) {
  Unanswered run;
  const auto challenges0 = challenges_in(run.insider0, run.sent0);
  const auto challenges1 = challenges_in(run.insider1, run.sent1);
  ASSERT_GE(challenges0.size(),
            2u);  // asked again, the same question while an answer may be on its way
  ASSERT_GE(challenges1.size(), 2u);
  EXPECT_EQ(std::set(challenges0.begin(), challenges0.end()).size(), 1u);
  ASSERT_NE(challenges0[0], challenges1[0]);
  std::uint64_t number = 0;
  for (const std::uint64_t wrong :
       {std::uint64_t{0}, challenges1[0] + 1, ~challenges1[0], challenges0[0]})
    deliver(run.pair, run.pair.puller, 1, {run.insider1.response(number++, wrong)});
  EXPECT_FALSE(run.validated(0));
  EXPECT_FALSE(run.validated(1));
  EXPECT_EQ(run.pair.lane(run.pair.puller, 1).packets_in, number);  // authentic, all of them
  deliver(run.pair, run.pair.puller, 1, {run.insider1.response(number, challenges1[0])});
  EXPECT_TRUE(run.validated(1));
  EXPECT_FALSE(run.validated(0));
}

// A peer may offer somebody else's address. What goes there before that address answered: our own
// challenges, which are few, and answers of at most three times the bytes that came (RFC 9000
// §8.1).
TEST(Forger, AnAddressThatHasNotAnsweredGetsAtMostThreeTimesWhatCame) {
  Unanswered run;
  std::size_t asked = challenges_in(run.insider0, run.sent0).size();
  run.sent0.clear();
  std::uint64_t came = 0;
  // Every second number: the acks have as many ranges as they can, eight times what asks for them.
  for (std::uint64_t number = 0; number < 400; number += 2) {
    const SimPort::Packet ping = run.insider0.ping(number);
    came += ping.bytes.size();
    run.pair.puller.ports[0]->inject(ping, run.pair.now);
    run.pair.run_until([] { return false; }, base::microseconds(100));
  }
  settle(run.pair);
  std::uint64_t answered = 0;
  for (SimPort::Packet& packet : run.sent0) {
    const std::size_t bytes = packet.bytes.size();
    const auto frames = run.insider0.open(packet);
    const bool own = frames.size() == 1 && frames[0].type == wire::FrameType::kPathChallenge;
    if (own)
      ++asked;
    else
      answered += bytes;
  }
  EXPECT_GT(answered, came);
  EXPECT_LE(answered, 3 * came);
  EXPECT_FALSE(run.validated(0));
  // Unasked: ten within 100 ms, then one each 50 ms.
  EXPECT_GT(asked, 0u);
  EXPECT_LE(asked, 12u);
}

// A peer cannot make us probe, or answer probes, more than our own limit; the excess is counted and costs nothing else.
TEST(Forger, ChallengesWithoutEndAreAnsweredAtOurOwnPace) {
  AgentPair pair(1);
  settle(pair);
  Insider insider(pair, 0);
  Packets sent;
  pair.puller.ports[0]->tap(&sent);
  constexpr std::uint64_t kFirst = 1'000'000;                       // beyond what the server sent itself
  constexpr std::uint32_t kAsked = 2000;                            // in some 200 ms
  const base::Instant began = pair.now;
  for (std::uint64_t i = 0; i < kAsked; ++i) {
    pair.puller.ports[0]->inject(
        insider.seal(kFirst + i, [i](base::ByteWriter& out) { wire::encode(out, wire::PathChallenge{i}); }), pair.now);
    pair.run_until([] { return false; }, base::microseconds(100));
  }
  std::size_t answered = 0;
  for (SimPort::Packet& packet : sent)
    for (const wire::Frame& frame : insider.open(packet))
      answered += frame.type == wire::FrameType::kPathResponse ? 1 : 0;
  EXPECT_GE(answered, 20u);
  const auto intervals = static_cast<std::size_t>((pair.now - began).ns / run::ProbeAllowance::kEvery.ns);
  EXPECT_LE(intervals, 40u);
  EXPECT_LE(answered, run::ProbeAllowance::kAtOnce + intervals + 1);
  EXPECT_GE(AgentPair::drops(pair.puller, share::Drop::kExcessProbe), kAsked - answered - 20);
  EXPECT_TRUE(pair.lane(pair.puller, 0).validated);
}

TEST(Forger, AnAddressThatHasNotAnsweredGetsNoRequestAndNoChunk) {
  Unanswered run;
  run.pair.open(1u << 20, 3);
  run.pair.fetch(0, kBlock);  // wants to ask
  share::Command c;  // and has what an insider asks for
  c.session = kSession;
  c.kind = share::Command::Kind::kGrant;
  c.body.grant = {.handle = 0, .fd = 5, .direct = false, .size = 1u << 20};
  run.pair.puller.disk.files[5] = run.pair.content;
  bool granted = false;
  const std::uint32_t handle =
      *run.pair.puller.channel->open_file(c, [&](base::Status s) { granted = s.has_value(); });
  ASSERT_TRUE(run.pair.run_until([&] { return granted; }, base::seconds(1)));
  run.sent0.clear();
  const auto request = run.insider0.seal(0, [&](base::ByteWriter& out) {
    wire::encode(out,
                 wire::Request{.handle = handle, .request_id = 1, .offset = 0, .length = 100'000});
  });
  deliver(run.pair, run.pair.puller, 0, {request});
  EXPECT_EQ(run.pair.puller.channel->report().sessions[base::to_index(kSession)].extents_serving,
            1u);
  EXPECT_FALSE(run.sent0.empty());
  for (SimPort::Packet& packet : run.sent0)
    for (const wire::Frame& frame : run.insider0.open(packet)) {
      EXPECT_NE(frame.type, wire::FrameType::kRequest);
      EXPECT_NE(frame.type, wire::FrameType::kChunk);
    }
}

}  // namespace
}  // namespace weft::sim
