#include "engine/run/inner_bench.hh"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "engine/disk/disk_agent.hh"
#include "engine/nic/headers.hh"
#include "engine/run/chunk_map.hh"
#include "engine/run/core_rings.hh"
#include "engine/run/engine.hh"
#include "engine/run/loop_port.hh"
#include "engine/share/memory_file.hh"
#include "engine/wire/keys.hh"
#include "engine/wire/sha256.hh"

namespace weft::run {

namespace {

using share::Command;

constexpr base::SessionId kSession{0};
constexpr base::CoreId kCore{0};
constexpr std::uint32_t kFetchSlots = 256, kServeSlots = 128;   // 32 and 16 MiB, as a daemon's by default
constexpr std::uint32_t kBuffers = 2048;
constexpr std::uint64_t kFileBytes = std::uint64_t{1} << 40;
constexpr base::Duration kWarmUp = base::seconds(1);
constexpr std::uint32_t kTurnsPerLook = 8;       // of control at both cores
// The machine puts both ends aside together, for 4 or 5 ms at times, which says nothing of their paths; a probe timeout is 5 ms.
// So from turn to turn the ends' clock goes on by this at the most: a turn takes some 70 us.
constexpr base::Duration kStepMax = base::milliseconds(1);

base::PathId path_id(std::uint32_t i) { return base::PathId{static_cast<std::uint8_t>(i * base::kPortsMax + i)}; }

// A core and control's end of it.
struct End : CoreRings {
  End(bool is_low, disk::SlotBuffers memory) : CoreRings(Sizes{}), low(is_low), slots(std::move(memory)) {}
  const bool low;                                // of the two devices
  disk::SlotBuffers slots;
  std::unique_ptr<wire::Aead> aead;
  std::unique_ptr<disk::DiskAgent> disk;
  std::vector<std::unique_ptr<LoopPort>> ports;
  std::vector<share::DatagramPort*> views;
  std::unique_ptr<DataAgent> agent;
  std::unique_ptr<CoreChannel> channel;
  std::array<std::array<std::uint32_t, base::kPathsMax>, 2> keys_sent{};   // newest epoch, [tx][path]

  void turn(base::Instant now) {
    share::StageClock& stages = agent->stages();
    stages.begin_turn();
    std::uint32_t work = agent->poll(now);
    work += disk->poll(now);
    stages.lap(share::Stage::kDisk);
    stages.end_turn(work > 0);
  }
};

class Pair {
 public:
  explicit Pair(const InnerWish& wish) : wish_(wish), pool_(kBuffers) {}
  [[nodiscard]] tl::expected<void, std::string> open();
  [[nodiscard]] tl::expected<InnerResult, std::string> run();

 private:
  [[nodiscard]] tl::expected<std::unique_ptr<End>, std::string> make_end(bool low);
  void add_session(End& end);
  void open_file();
  void supply_keys(End& end);
  void look();
  void order();
  [[nodiscard]] share::PacketKey key(bool of_low, std::uint32_t path, std::uint32_t epoch) const;
  [[nodiscard]] std::uint32_t receiver_index(const End& end, std::uint32_t path) const {
    return ReceiverIndex::of(ReceiverIndex::base_of(end.low ? 1 : 2, kSession), path_id(path), kCore);
  }
  [[nodiscard]] std::uint16_t payload() const { return static_cast<std::uint16_t>(nic::payload_of_mtu(wish_.mtu, false)); }
  [[nodiscard]] static BenchEnd counted(const End& end, base::Instant now);

  const InnerWish wish_;
  MonotonicClock clock_;
  LoopPool pool_;                                // outlives the ends
  // Nothing that it protects is anybody's: the data is made up and stays in this process.
  std::array<std::byte, wire::kSessionSecretBytes> secret_{};
  std::unique_ptr<End> giver_, taker_;
  bool granted_ = false, opened_ = false;
  std::string why_;
  std::uint32_t handle_ = 0, file_ = 0;
  base::Sha256 hash_{};
  std::uint64_t next_ = 0, bytes_ = 0;
  std::uint32_t outstanding_ = 0;
};

share::PacketKey Pair::key(bool of_low, std::uint32_t path, std::uint32_t epoch) const {
  const auto made = wire::derive_packet_key(secret_, {.id = path_id(path)}, kCore,
                                            of_low ? wire::Direction::kLowToHigh : wire::Direction::kHighToLow, epoch);
  MUST(made);
  return *made;
}

tl::expected<std::unique_ptr<End>, std::string> Pair::make_end(bool low) {
  auto memory = disk::SlotBuffers::allocate(kFetchSlots + kServeSlots);
  if (!memory) return tl::unexpected(std::string("there is not enough memory for the slots"));
  auto end = std::make_unique<End>(low, std::move(*memory));
  auto aead = wire::best_aead(base::kLanesPerCoreMax * 6);
  if (!aead) return tl::unexpected(std::string(aead.error().text));
  end->aead = std::move(*aead);
  auto disk = disk::DiskAgent::start({.files = base::kFilesPerCoreMax}, end->slots, end->jobs, end->dones);
  if (!disk) return tl::unexpected("the disk agent cannot start: " + std::string(disk.error().text));
  end->disk = std::move(*disk);
  for (std::uint32_t i = 0; i < wish_.paths; ++i) {
    end->ports.push_back(std::make_unique<LoopPort>(base::PortId{static_cast<std::uint8_t>(i)}, pool_, payload()));
    end->views.push_back(end->ports.back().get());
  }
  end->agent = std::make_unique<DataAgent>(DataAgentConfig{
      .core = kCore, .ports = end->views, .aead = end->aead.get(), .slots = end->slots.all(), .fetch_slots = kFetchSlots,
      .serve_slots = kServeSlots, .challenge_seed = low ? 1u : 2u, .wiring = end->wiring});
  end->channel = std::make_unique<CoreChannel>(0, end->wiring, CoreLimits{});
  return end;
}

void Pair::add_session(End& end) {
  Command c;
  c.kind = Command::Kind::kAddSession;
  c.session = kSession;
  c.body.add_session = {.chunk_bytes = chunk_bytes_for(payload()), .requests_max = kRequestsMax};
  end.channel->send(c);
  share::PathTable table;
  const End& other = end.low ? *giver_ : *taker_;
  for (std::uint32_t i = 0; i < wish_.paths; ++i) {
    c.kind = Command::Kind::kAddLane;
    c.path = path_id(i);
    c.body.add_lane = {.port = base::PortId{static_cast<std::uint8_t>(i)}, .flow = {},
                       .packet_bytes = payload(),
                       .receiver_index_local = receiver_index(end, i), .receiver_index_remote = receiver_index(other, i),
                       .tx = key(end.low, i, 0), .rx = key(!end.low, i, 0)};
    end.channel->send(c);
    table.paths[base::to_index(kSession)][base::to_index(path_id(i))] = {.state = share::PathState::kActive, .probe_seq = 1};
  }
  MUST(end.channel->try_publish(table));
}

void Pair::open_file() {
  Command c;
  c.session = kSession;
  const auto keep = [this](bool& done) {
    return [this, &done](const base::Status& status) {
      done = true;
      if (!status) why_ = status.error().text;
    };
  };
  c.kind = Command::Kind::kGrant;
  c.body.grant = {.handle = 0, .fd = share::kMemoryFd, .direct = false, .size = kFileBytes};
  handle_ = giver_->channel->open_file(c, keep(granted_)).value();
  c.kind = Command::Kind::kOpenWrite;
  c.body.open_write = {.file = 0, .fd = wish_.verify ? share::kMemoryFd : share::kNowhereFd, .direct = false};
  file_ = taker_->channel->open_file(c, keep(opened_)).value();
}

tl::expected<void, std::string> Pair::open() {
  for (std::unique_ptr<End>* end : {&taker_, &giver_}) {
    auto made = make_end(end == &taker_);
    if (!made) return tl::unexpected(made.error());
    *end = std::move(*made);
  }
  for (std::uint32_t i = 0; i < wish_.paths; ++i) {
    giver_->ports[i]->join(*taker_->ports[i]);
    taker_->ports[i]->join(*giver_->ports[i]);
  }
  add_session(*giver_);
  add_session(*taker_);
  open_file();
  std::vector<std::byte> block(wish_.block_bytes);
  share::fill_pattern(block, 0);
  hash_ = wire::sha256(block);
  return {};
}

// As a session does each tick: the key after the newest one in use, either way.
void Pair::supply_keys(End& end) {
  const share::CoreReport& report = end.channel->report();
  for (std::uint32_t i = 0; i < report.lane_count; ++i)
    for (const bool tx : {false, true}) {
      const share::LaneReport& lane = report.lanes[i];
      const std::uint32_t next = (tx ? lane.key_epoch : lane.peer_key_epoch) + 1;
      std::uint32_t& sent = end.keys_sent[tx ? 1 : 0][base::to_index(lane.path)];
      if (sent >= next) continue;
      sent = next;
      Command c;
      c.kind = Command::Kind::kSetKey;
      c.session = kSession;
      c.path = lane.path;
      c.body.set_key = {.epoch = next, .tx = tx,
                        .key = key(tx == end.low, static_cast<std::uint32_t>(base::to_index(lane.path) / base::kPortsMax), next)};
      end.channel->send(c);
    }
}

void Pair::look() {
  for (End* end : {taker_.get(), giver_.get()}) {
    end->channel->poll();
    supply_keys(*end);
  }
  if (granted_ && opened_ && why_.empty()) order();
}

void Pair::order() {
  const std::uint32_t most = std::max(2u, kFetchSlots * base::kSlotBytes / wish_.block_bytes);
  for (; outstanding_ < most; ++outstanding_) {
    if (next_ + wish_.block_bytes > kFileBytes) next_ = 0;
    taker_->channel->fetch(kSession, {.file = file_, .handle = handle_, .token = 0, .size = wish_.block_bytes, .offset = next_,
                                      .hash = hash_},
                           [this](const base::Status& status) {
                             --outstanding_;
                             if (status) bytes_ += wish_.block_bytes;
                             else why_ = status.error().text;
                           });
    next_ += wish_.block_bytes;
  }
}

BenchEnd Pair::counted(const End& end, base::Instant now) {
  const share::CoreReport& report = end.channel->report();
  BenchEnd sum{.seconds = static_cast<double>(now.ns) / 1e9, .cycles = report.stages};
  for (std::uint32_t i = 0; i < report.lane_count; ++i) {
    const share::LaneReport& lane = report.lanes[i];
    sum.packets_in += lane.packets_in;
    sum.packets_out += lane.packets_out;
    sum.packets_lost += lane.packets_lost;
    sum.again += lane.chunk_bytes_again;
    sum.duplicate += lane.chunk_bytes_duplicate;
  }
  return sum;
}

tl::expected<InnerResult, std::string> Pair::run() {
  const base::Instant begun = clock_.now();
  base::Instant counted_from = base::kNever;
  InnerResult before;
  base::Instant now = begun, of_ends = begun;
  for (std::uint32_t turn = 0; why_.empty(); ++turn) {
    const base::Instant last = std::exchange(now, clock_.now());
    of_ends += std::min(now - last, kStepMax);
    taker_->turn(of_ends);
    giver_->turn(of_ends);
    if (turn % kTurnsPerLook != 0) continue;
    look();
    if (counted_from == base::kNever && now - begun > kWarmUp) {
      counted_from = now;
      before = {.bytes = bytes_, .sender = counted(*giver_, now), .receiver = counted(*taker_, now)};
    }
    if (counted_from == base::kNever || now - counted_from < base::seconds(wish_.seconds)) continue;
    return InnerResult{.seconds = static_cast<double>((now - counted_from).ns) / 1e9, .bytes = bytes_ - before.bytes,
                       .sender = counted(*giver_, now) - before.sender,
                       .receiver = counted(*taker_, now) - before.receiver};
  }
  return tl::unexpected("a block failed: " + why_);
}

}  // namespace

tl::expected<InnerResult, std::string> inner_bench(const InnerWish& wish) {
  Pair pair(wish);
  if (const auto opened = pair.open(); !opened) return tl::unexpected(opened.error());
  return pair.run();
}

}  // namespace weft::run
