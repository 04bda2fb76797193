#include "engine/run/raw_bench.hh"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/unique_fd.hh"
#include "engine/disk/slot_buffers.hh"
#include "engine/nic/port.hh"
#include "engine/run/engine.hh"
#include "engine/run/rest.hh"
#include "engine/wire/aead.hh"

namespace weft::run {

namespace {

constexpr base::Duration kWarmUp = base::seconds(1), kLinkPatience = base::seconds(15);
constexpr std::uint32_t kSourceSlots = 256;     // 32 MiB: what a server of several transfers goes through, beyond any L2
constexpr std::uint16_t kUdp = 22100;
const share::PacketKey kKey{};                  // of nothing that matters

// Which of the two ends, and all that it has.
class End {
 public:
  End(const RawWish& wish, bool sends) : wish_(wish), sends_(sends) {}
  tl::expected<RawEnd, std::string> run();

 private:
  tl::expected<void, std::string> open();
  [[nodiscard]] base::IpAddress address(std::uint32_t port, bool ours) const;
  void receive(std::uint32_t port, base::Instant now);
  void send(std::uint32_t port, base::Instant now);

  // What a port did not take is offered again before anything new, as run::TxBatch does it.
  struct Tx {
    share::Flow flow;
    std::array<share::TxSlot, share::kBurst> slots{};
    std::array<share::TxItem, share::kBurst> items{};
    std::array<wire::SealJob, share::kBurst> jobs{};
    std::uint32_t waiting = 0;
  };
  const RawWish& wish_;
  const bool sends_;
  std::unique_ptr<nic::Eal> eal_;
  std::unique_ptr<wire::Aead> aead_;
  wire::KeySlot key_;
  std::vector<std::unique_ptr<nic::Port>> ports_;
  std::vector<Tx> tx_;
  std::optional<disk::SlotBuffers> source_;
  std::size_t at_ = 0;                     // in it
  std::uint64_t number_ = 0;
  std::uint64_t refused_ = 0;
  RawEnd seen_;
  share::StageClock clock_;
  std::uint32_t work_ = 0;
};

base::IpAddress End::address(std::uint32_t port, bool ours) const {
  return nic::ipv4(10, static_cast<std::uint8_t>(port + 1), 0, ours == sends_ ? 2 : 1);
}

tl::expected<void, std::string> End::open() {
  std::vector<nic::PortConfig> configs(wish_.paths);
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < wish_.paths; ++i) {
    nic::PortConfig& config = configs[i];
    config.name = "raw" + std::to_string(i);
    config.device = "net_memif" + std::to_string(i) + ",role=" + (sends_ ? "client" : "server") + ",id=0,socket=" +
                    (wish_.directory / config.name).string() +
                    // DPDK draws it otherwise, from numbers that both ends of a fork have alike.
                    ",mac=02:00:00:00:00:" + (sends_ ? "1" : "0") + std::to_string(i);
    config.v4 = nic::PortAddress{.ip = address(i, true), .prefix_bits = 24, .gateway = {}};
    config.udp_port = kUdp;
    config.mtu = static_cast<std::uint16_t>(wish_.mtu);
    config.id = base::PortId{static_cast<std::uint8_t>(i)};
    bytes += nic::Port::memory_bytes(config, 1);
  }
  nic::EalConfig eal;
  eal.run_dir = wish_.directory.string();
  eal.memory_mb = static_cast<std::uint32_t>(std::max<std::uint64_t>(128, (bytes >> 20) + 32));
  eal.log_level = nic::EalLogLevel::kError;
  auto started = nic::Eal::start(std::move(eal));
  if (!started) return tl::unexpected(std::string(started.error().text));
  eal_ = std::move(*started);
  auto aead = wire::best_aead(1);
  auto source = disk::SlotBuffers::allocate(kSourceSlots);
  if (!aead || !source) return tl::unexpected(std::string("there is no memory, or no AES-GCM"));
  aead_ = std::move(*aead);
  aead_->prepare(kKey, key_);
  source_.emplace(std::move(*source));
  tx_.resize(wish_.paths);
  for (std::uint32_t i = 0; i < wish_.paths; ++i) {
    std::string why;
    auto port = nic::Port::open(*eal_, configs[i], 1, why);
    if (!port) return tl::unexpected(why);
    ports_.push_back(std::move(*port));
    const auto flow = ports_[i]->make_flow(address(i, false), kUdp, kUdp);
    if (!flow) return tl::unexpected(std::string(flow.error().text));
    tx_[i].flow = *flow;
  }
  if (!eal_->register_thread()) return tl::unexpected(std::string("DPDK takes no thread"));
  return {};
}

void End::receive(std::uint32_t number, base::Instant now) {
  nic::UdpPort& port = ports_[number]->udp(base::CoreId{0});
  std::array<share::RxDatagram, share::kBurst> datagrams;
  std::array<wire::OpenJob, share::kBurst> jobs;
  const std::uint32_t count = port.rx(datagrams, now);
  clock_.lap(share::Stage::kPoll);
  if (count == 0) return;
  work_ += count;
  std::uint32_t good = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    wire::PacketHeader header;
    share::Drop why{};
    if (!wire::decode_header({datagrams[i].payload, datagrams[i].bytes}, header, why)) continue;
    jobs[good++] = {.key = &key_, .packet_number = header.packet_number, .packet = datagrams[i].payload,
                    .packet_bytes = datagrams[i].bytes};
  }
  aead_->open({jobs.data(), good});
  for (std::uint32_t i = 0; i < good; ++i) {
    if (jobs[i].ok) seen_.bytes += jobs[i].plaintext().size();
    else ++refused_;
  }
  seen_.packets += good;
  clock_.lap(share::Stage::kOpen);
  port.release({datagrams.data(), count});
  clock_.lap(share::Stage::kPoll);
}

void End::send(std::uint32_t number, base::Instant now) {
  nic::UdpPort& port = ports_[number]->udp(base::CoreId{0});
  Tx& tx = tx_[number];
  const std::size_t body = port.payload_max(false) - wire::kOverheadBytes;
  if (tx.waiting == 0) {
    tx.waiting = port.tx_alloc(tx.slots);
    const base::Bytes source = source_->all();
    for (std::uint32_t i = 0; i < tx.waiting; ++i) {
      if (at_ + body > source.size()) at_ = 0;
      tx.jobs[i] = {.key = &key_, .packet_number = number_, .packet = tx.slots[i].payload, .head_bytes = 0,
                    .body = source.subspan(at_, body)};
      wire::encode_header(tx.slots[i].payload, {.receiver_index = 1, .packet_number = number_++});
      tx.items[i] = {.packet = tx.slots[i].packet, .bytes = static_cast<std::uint16_t>(tx.jobs[i].sealed_bytes()),
                     .flow = &tx.flow};
      at_ += body;
    }
    clock_.lap(share::Stage::kTransmit);
    aead_->seal({tx.jobs.data(), tx.waiting});
    clock_.lap(share::Stage::kSeal);
  }
  const std::uint32_t took = port.tx({tx.items.data(), tx.waiting}, now);
  clock_.lap(share::Stage::kTransmit);
  std::copy(tx.items.begin() + took, tx.items.begin() + tx.waiting, tx.items.begin());
  tx.waiting -= took;
  work_ += took;
  seen_.packets += took;
  seen_.bytes += took * body;
}

tl::expected<RawEnd, std::string> End::run() {
  if (const auto opened = open(); !opened) return tl::unexpected(opened.error());
  MonotonicClock time;
  Idle idle;
  const base::Instant begun = time.now();
  base::Instant polled{}, up = base::kNever, counted = base::kNever;
  share::StageCycles before{};
  for (;;) {
    const base::Instant now = time.now();
    if (now - polled > base::milliseconds(10)) {
      polled = now;
      bool all_up = true;
      for (const auto& port : ports_) {
        port->poll(now);
        all_up = all_up && port->link_up();
      }
      if (all_up && up == base::kNever) up = now;
      if (up == base::kNever && now - begun > kLinkPatience) return tl::unexpected(std::string("the ports do not come up"));
    }
    if (counted == base::kNever && up != base::kNever && now - up > kWarmUp) {
      counted = now;
      before = clock_.total();
      seen_ = {};
    }
    if (counted != base::kNever && now - counted > base::seconds(wish_.seconds)) {
      seen_.seconds = static_cast<double>((now - counted).ns) / 1e9;
      break;
    }
    clock_.begin_turn();
    work_ = 0;
    for (std::uint32_t i = 0; i < wish_.paths; ++i) receive(i, now);
    for (std::uint32_t i = 0; sends_ && up != base::kNever && i < wish_.paths; ++i) send(i, now);
    clock_.end_turn(work_ > 0);
    rest(idle.on_turn(work_));
  }
  for (std::size_t i = 0; i < share::kStages; ++i) seen_.stages[i] = clock_.total()[i] - before[i];
  seen_.refused = refused_;
  return seen_;
}

// What an end tells of itself when it is through: its figures, or why there are none.
struct Told {
  RawEnd end;
  std::array<char, 256> why{};
};

// Each end is a process, because DPDK is one per process, and ends as it stands: what it has goes with it.
base::UniqueFd start_end(const RawWish& wish, bool sends) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {};
  base::UniqueFd read_end(pipe[0]), write_end(pipe[1]);
  const pid_t child = ::fork();
  if (child < 0) return {};
  if (child > 0) return read_end;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Told told;
  End end(wish, sends);   // until _exit: its ports are not closed
  const auto seen = end.run();
  if (seen) told.end = *seen;
  else std::strncpy(told.why.data(), seen.error().c_str(), told.why.size() - 1);
  (void)!::write(write_end.get(), &told, sizeof told);
  ::_exit(0);
}

}  // namespace

tl::expected<RawResult, std::string> raw_bench(const RawWish& wish) {
  const base::UniqueFd receiver = start_end(wish, false), sender = start_end(wish, true);
  RawResult result;
  for (const auto& [fd, end] : {std::pair(&receiver, &result.receiver), std::pair(&sender, &result.sender)}) {
    Told told;
    const bool heard = *fd && ::read(fd->get(), &told, sizeof told) == sizeof told;
    if (!heard) return tl::unexpected(std::string("an end of it died"));
    if (told.why[0] != '\0') return tl::unexpected(std::string(told.why.data()));
    *end = told.end;
  }
  return result;
}

}  // namespace weft::run
