// A whole data core against a peer that has the keys and no manners: frames of any bytes, sealed rightly or not, packets
// twice, in the wrong epoch, to lanes that are not there; between them honest chunks, requests and acks, so that there is
// something to spoil. Whatever comes: no wrong byte reaches the disk, no packet number is used twice under one key,
// everything the core sends can be read by an honest peer, and every buffer comes home.
// Input: operations; packets are sealed here, so their frames stand in it as they are.
#include <map>
#include <memory>
#include <set>

#include "engine/run/data_agent.hh"
#include "engine/wire/keys.hh"
#include "tests/fuzz/run_disk.hh"
#include "tests/fuzz/run_port.hh"

namespace weft::fuzz {
namespace {

using namespace run;
using share::Command;

constexpr base::SessionId kSession{3};
constexpr std::uint32_t kPaths = 2, kChunk = 345, kPacketChunks = 4 * kChunk;
constexpr std::uint32_t kFetchSlots = base::kExtentsPerBlockMax, kServeSlots = 5;

base::PathId path_of(std::uint32_t i) { return base::PathId{static_cast<std::uint8_t>(i * base::kPortsMax + i)}; }
std::uint32_t file_number(std::uint16_t i) { return FileNumber::of(0, {i, 1}); }

wire::Aead& aead() {
  static const auto made = wire::make_aead(wire::AeadKind::kOpenssl, 64);
  CHECK(made);
  return **made;
}
// Keys do not depend on the input: derived once.
const share::PacketKey& key_of(std::uint32_t path, bool from_us, std::uint32_t epoch) {
  static std::map<std::array<std::uint32_t, 3>, share::PacketKey> known;
  const auto [at, fresh] = known.try_emplace({path, from_us ? 1u : 0u, epoch});
  if (!fresh) return at->second;
  const std::array<std::byte, wire::kSessionSecretBytes> secret{};
  const auto key = wire::derive_packet_key(secret, {.id = path_of(path)}, base::CoreId{0},
                                           from_us ? wire::Direction::kLowToHigh : wire::Direction::kHighToLow, epoch);
  CHECK(key);
  return at->second = *key;
}

class AgentRun {
 public:
  explicit AgentRun(Choices& in)
      : in_(in), disk_(32, slot_memory(kFetchSlots + kServeSlots)), commands_(command_slots_), events_(event_slots_) {
    share::PathTable table;
    for (std::uint32_t i = 0; i < kPaths; ++i) {
      ports_[i].emplace(base::PortId{static_cast<std::uint8_t>(i)});
      views_[i] = &*ports_[i];
      for (const bool from_us : {false, true}) aead().prepare(key_of(i, from_us, 0), keys_[i][from_us]);
      table.paths[base::to_index(kSession)][base::to_index(path_of(i))] = {.state = share::PathState::kActive, .probe_seq = 1};
    }
    agent_.emplace(DataAgentConfig{
        .core = base::CoreId{0}, .ports = views_, .aead = &aead(), .slots = slot_memory(kFetchSlots + kServeSlots),
        .fetch_slots = kFetchSlots, .serve_slots = kServeSlots,
        .lanes = {.lanes = kPaths, .packets_in_flight = 32, .packets_per_epoch = 1000}, .challenge_seed = 7,
        .wiring = {.commands = &commands_, .events = &events_, .table = &table_, .report = &report_,
                   .disk_jobs = &disk_.jobs, .disk_dones = &disk_.dones, .handed_in = {}, .handed_out = {}}});
    CHECK(table_.try_publish(table));
    begin();
  }
  ~AgentRun() {
    for (auto& pair : keys_)
      for (wire::KeySlot& key : pair) aead().release(key);
  }

  void step() {
    understood();
    switch (in_.below(10)) {
      case 0: case 1: case 2: send_raw(); break;
      case 3: send_chunks(); break;
      case 4: send_request(); break;
      case 5: send_ack(); break;
      case 6: answer_challenges(); break;
      case 7: now_ += base::microseconds(std::int64_t{in_.byte()} * in_.byte()); break;
      case 8: order_fetch(); break;
      default: ports_[in_.below(kPaths)]->tx_room = in_.below(8) == 7 ? ~0u : in_.below(6); break;
    }
    turn();
  }

  // The session goes: every order has ended, every buffer is back.
  void end() {
    for (auto& port : ports_) port->tx_room = ~0u;
    command({.kind = Command::Kind::kRemoveSession, .session = kSession});
    for (const std::uint16_t file : {std::uint16_t{0}, std::uint16_t{1}}) {
      Command close{.kind = Command::Kind::kCloseFile, .session = kSession};
      close.body.close_file = {file_number(file)};
      command(close);
    }
    for (int i = 0; i < 200 && (!open_.empty() || files_ > 0); ++i) turn();
    CHECK(open_.empty() && files_ == 0 && disk_.idle());
    for (int i = 0; i < 3; ++i, now_ += base::milliseconds(10)) turn();        // for the last report
    CHECK(report_.current().slots_free == kFetchSlots + kServeSlots);
    // What is not sent yet of the session's last packets goes; a burst's buffers are kept ready.
    for (const auto& port : ports_) CHECK(port->held() <= share::kBurst);
  }

 private:
  // ---- control's part

  void command(const Command& wanted) {
    while (!commands_.push_one(wanted)) turn();
  }
  void begin() {
    Command c{.kind = Command::Kind::kAddSession, .session = kSession};
    c.body.add_session = {.chunk_bytes = kChunk, .requests_max = 8};
    command(c);
    for (std::uint32_t i = 0; i < kPaths; ++i) {
      c = {.kind = Command::Kind::kAddLane, .session = kSession, .path = path_of(i)};
      c.body.add_lane = {.port = base::PortId{static_cast<std::uint8_t>(i)}, .flow = {}, .packet_bytes = RunPort::kRoom,
                         .receiver_index_local = index(11, i), .receiver_index_remote = index(22, i),
                         .tx = key_of(i, true, 0), .rx = key_of(i, false, 0)};
      command(c);
    }
    c = {.kind = Command::Kind::kGrant, .session = kSession};
    c.body.grant = {.handle = file_number(0), .fd = 5, .size = kFileBytes};
    command(c);
    c = {.kind = Command::Kind::kOpenWrite, .session = kSession};
    c.body.open_write = {.file = file_number(1), .fd = 6};
    command(c);
    for (int i = 0; i < 10 && files_ < 2; ++i) turn();
    CHECK(files_ == 2);
  }
  void order_fetch() {
    if (open_.size() >= 10) return;
    Command c{.kind = Command::Kind::kFetch, .session = kSession};
    share::Fetch fetch{.file = file_number(1), .handle = 0xABC, .token = ++token_};
    fetch.size = 1 + in_.number<std::uint16_t>() % (in_.flag() ? 4000 : 140'000);
    fetch.offset = std::min<std::size_t>(in_.number<std::uint16_t>() * 4u, kFileBytes - fetch.size);
    fetch.hash = wire::sha256(pattern(fetch.offset, fetch.size));
    c.body.fetch = fetch;
    open_.insert(token_);
    command(c);
  }
  void take_events() {
    for (share::Event event; events_.pop_one(event);) {
      switch (event.kind) {
        case share::Event::Kind::kFileReady: ++files_; break;
        case share::Event::Kind::kFileGone: --files_; break;
        case share::Event::Kind::kFileFailed: CHECK(false && "the disk refused nothing"); break;
        default: CHECK(open_.erase(event.number) == 1); break;
      }
    }
  }

  void turn() {
    agent_->poll(now_);
    disk_.poll(8);
    take_events();
    (void)report_.adopt();
    for (std::uint32_t i = 0; i < kPaths; ++i) {
      for (Buffer& packet : ports_[i]->out) read_packet(packet);
      ports_[i]->out.clear();
    }
    now_ += base::microseconds(20);
  }

  // ---- the honest peer's part: everything the core says can be understood

  static std::uint32_t index(std::uint32_t random, std::uint32_t path) {
    return ReceiverIndex::of(ReceiverIndex::base_of(random, kSession), path_of(path), base::CoreId{0});
  }
  void read_packet(Buffer& packet) {
    CHECK(packet.size() <= RunPort::kRoom);
    wire::PacketHeader header;
    share::Drop why{};
    CHECK(wire::decode_header(packet, header, why) && header.key_epoch == 0);
    const std::uint32_t path = header.receiver_index == index(22, 0) ? 0 : 1;
    CHECK(header.receiver_index == index(22, path));
    CHECK(header.packet_number >= next_from_core_[path]);            // never twice: the nonce is made of it
    next_from_core_[path] = header.packet_number + 1;
    wire::OpenJob job{.key = &keys_[path][true], .packet_number = header.packet_number, .packet = packet.data(),
                      .packet_bytes = static_cast<std::uint32_t>(packet.size())};
    aead().open({&job, 1});
    CHECK(job.ok);
    wire::FrameReader reader(job.plaintext());
    while (reader.next(frame_)) read_frame(path);
    CHECK(reader.ok());
  }
  void read_frame(std::uint32_t path) {
    switch (frame_.type) {
      case wire::FrameType::kRequest:
        CHECK(frame_.request.handle == 0xABC);
        asked_.push_back(frame_.request);
        if (asked_.size() > 100) asked_.erase(asked_.begin());
        break;
      case wire::FrameType::kChunk: {
        const auto requests = requested_.find(frame_.chunk.request_id);
        CHECK(requests != requested_.end());
        CHECK(std::ranges::any_of(requests->second, [&](const wire::Request& r) {
          return frame_.chunk.offset + frame_.chunk.data.size() <= r.length && r.offset + r.length <= kFileBytes &&
                 std::ranges::equal(frame_.chunk.data, pattern(r.offset + frame_.chunk.offset, frame_.chunk.data.size()));
        }));
        break;
      }
      case wire::FrameType::kAck: {
        CHECK(frame_.ack.path == base::to_index(path_of(0)) || frame_.ack.path == base::to_index(path_of(1)));
        const std::uint32_t about = frame_.ack.path == base::to_index(path_of(0)) ? 0 : 1;
        for (const wire::AckRange& range : frame_.ack.ranges)
          for (std::uint64_t n = range.first; n <= range.last; ++n) CHECK(sealed_[about].contains(n));
        break;
      }
      case wire::FrameType::kPathChallenge: challenges_[path] = frame_.path_challenge.data; break;
      default: break;
    }
  }

  // ---- what is sent to the core

  void seal_and_send(std::uint32_t path, base::Bytes frames, std::uint32_t twist = 0) {
    Buffer packet(wire::kOverheadBytes + frames.size());
    std::uint64_t number = next_to_core_[path]++;
    if (twist == 1) number = in_.number<std::uint16_t>();            // again, or from the past
    if (twist == 2) number = in_.number<std::uint64_t>() & wire::kPacketNumberMax;
    wire::PacketHeader header{.key_epoch = static_cast<std::uint8_t>(twist == 3 ? in_.byte() : 0),
                              .receiver_index = index(11, path), .packet_number = number};
    if (twist == 4) header.receiver_index ^= 1u << in_.below(32);
    wire::encode_header(packet.data(), header);
    std::ranges::copy(frames, packet.begin() + wire::kHeaderBytes);
    const wire::SealJob job{.key = &keys_[path][false], .packet_number = number, .packet = packet.data(),
                            .head_bytes = static_cast<std::uint32_t>(frames.size())};
    aead().seal({&job, 1});
    if (twist == 5) packet[in_.number<std::uint16_t>() % packet.size()] ^= std::byte{1};
    if (twist == 6) packet.resize(in_.below(60));
    if (twist != 5) sealed_[path].insert(number);
    note_requests(frames);
    ports_[path]->in.push_back(std::move(packet));
  }
  // What the core may answer with chunks: every REQUEST that it can read.
  void note_requests(base::Bytes frames) {
    wire::FrameReader reader(frames);
    while (reader.next(frame_))
      if (frame_.type == wire::FrameType::kRequest) requested_[frame_.request.request_id].push_back(frame_.request);
  }

  void send_raw() {
    const std::uint32_t path = in_.below(kPaths), twist = in_.below(12), length = 1 + in_.below(64);
    const base::Bytes frames = in_.bytes(length);
    if (!frames.empty()) seal_and_send(path, frames, twist);
  }
  void send_chunks() {
    if (asked_.empty()) return;
    const wire::Request request = asked_[in_.byte() % asked_.size()];
    const std::uint32_t path = in_.below(kPaths), spoil = in_.byte();
    for (std::uint32_t at = 0, n = 0; at < request.length && n < 100; at += kPacketChunks, ++n) {
      const std::uint32_t length = std::min(kPacketChunks, request.length - at);
      Buffer bytes(pattern(request.offset + at, length).begin(), pattern(request.offset + at, length).end());
      if (spoil < 20 && n == spoil) bytes[0] ^= std::byte{1};
      Buffer frames(wire::kChunkHeaderBytes + length);
      base::ByteWriter writer(frames);
      wire::encode(writer, wire::Chunk{request.request_id, at, bytes});
      seal_and_send(path, frames);
    }
  }
  void send_request() {
    const std::uint32_t length = 1 + in_.number<std::uint16_t>();
    const wire::Request request{.handle = in_.below(8) == 0 ? in_.number<std::uint32_t>() : file_number(0),
                                .request_id = (1u + in_.below(2)) << 16 | in_.below(10),
                                .offset = in_.number<std::uint16_t>() * 10u, .length = length};
    Buffer frames(wire::kRequestBytes);
    base::ByteWriter writer(frames);
    wire::encode(writer, request);
    seal_and_send(in_.below(kPaths), frames);
  }
  void send_ack() {
    const std::uint32_t about = in_.below(kPaths);
    if (next_from_core_[about] == 0) return;
    const std::uint64_t last = next_from_core_[about] - 1;
    wire::Ack ack{.path = static_cast<std::uint8_t>(path_of(about)), .largest = last};
    CHECK(ack.ranges.try_push({last - std::min<std::uint64_t>(last, in_.byte()), last}));
    Buffer frames(wire::kAckBytesMax);
    base::ByteWriter writer(frames);
    wire::encode(writer, ack);
    frames.resize(writer.used());
    seal_and_send(in_.below(kPaths), frames);
  }
  void answer_challenges() {
    for (std::uint32_t i = 0; i < kPaths; ++i) {
      Buffer frames(wire::kPathResponseBytes);
      base::ByteWriter writer(frames);
      wire::encode(writer, wire::PathResponse{challenges_[i]});
      seal_and_send(i, frames);
    }
  }

  Choices& in_;
  RunDisk disk_;
  std::array<Command, 16> command_slots_{};
  std::array<share::Event, 64> event_slots_{};
  share::SpscRing<Command> commands_;
  share::SpscRing<share::Event> events_;
  share::Snapshot<share::PathTable> table_;
  share::Snapshot<share::CoreReport> report_;
  std::array<std::optional<RunPort>, kPaths> ports_;
  std::array<share::DatagramPort*, kPaths> views_{};
  std::array<std::array<wire::KeySlot, 2>, kPaths> keys_{};        // [path][from the core]
  std::optional<DataAgent> agent_;
  base::Instant now_{base::seconds(100).ns};
  wire::Frame frame_;

  int files_ = 0;
  std::set<std::uint32_t> open_;                                   // tokens of orders without their event
  std::uint32_t token_ = 0;
  std::vector<wire::Request> asked_;                               // by the core
  std::map<std::uint32_t, std::vector<wire::Request>> requested_;  // from the core, by their word
  std::array<std::uint64_t, kPaths> next_from_core_{}, next_to_core_{}, challenges_{};
  std::array<std::set<std::uint64_t>, kPaths> sealed_;             // numbers that it may acknowledge
};

}  // namespace

void make_seeds(Seeds& out) {
  const std::string begin("\7\377\20\6\7\377\20", 7);
  std::string fetch = begin, serve = begin, mixed = begin;
  for (int i = 0; i < 3; ++i) {
    fetch += std::string("\10\1\20\1\0\20\7\20\20\3\0\0\377\5\0\0\0\7\377\377", 20);
    serve += std::string("\4\5\0\1\0\1\2\0\1\0\7\50\50\5\0\3\0\7\377\377\5\1\1\1", 24);
    mixed += std::string("\10\1\20\1\0\20\0\0\0\25\3\0\1\0\0\0\1\0\2\0\0\0\0\0"
                         "\0\1\0\0\0\20\0\3\0\1\2\7\100\100\0\1\5\6\1\0\1\0\1\2", 48);
  }
  out.add("fetch", fetch);
  out.add("serve", serve);
  out.add("mixed", mixed);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  if (size > 2000) return 0;                        // longer ones only repeat
  Choices in(bytes_of(data, size));
  const auto run = std::make_unique<AgentRun>(in);   // large for a stack
  while (!in.empty()) run->step();
  run->end();
  return 0;
}
