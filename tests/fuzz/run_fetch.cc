// The puller's half of a transfer against a peer that says what it likes: CHUNK and REJECT words, late, doubled, off the
// grid, of other sessions, with wrong bytes; lost requests; a slow or failing disk. Whatever comes, each block ends with
// exactly one event, no wrong byte is written, and every slot comes back.
#include <map>

#include "engine/run/fetch_side.hh"
#include "tests/fuzz/run_disk.hh"

namespace weft::fuzz {
namespace {

using namespace run;
using Kind = share::Event::Kind;

constexpr std::uint32_t kSlots = base::kExtentsPerBlockMax + 2;
constexpr std::array<base::SessionId, 2> kSessions{base::SessionId{1}, base::SessionId{5}};
constexpr std::array<std::uint32_t, 4> kChunkBytes{1024, 1395, 8900, 65'000};

class FetchRun {
 public:
  explicit FetchRun(Choices& in)
      : in_(in), disk_(2u << in.below(5), slot_memory(kSlots)), gate_(disk_.jobs, disk_.dones),
        fetch_(files_, gate_, slot_memory(kSlots), kSlots, CoreLimits{}) {
    for (std::uint32_t i = 0; i < 2; ++i) {
      FileEntry& file = files_.at(i);
      file = {.state = FileEntry::State::kReady, .session = kSessions[i], .number = number_of(i)};
      add_session(i);
    }
  }

  void step() {
    understood();
    switch (in_.below(12)) {
      case 0: case 1: order(); break;
      case 2: ask(); break;
      case 3: answer_all(); break;
      case 4: case 5: answer_one(); break;
      case 6: reject(); break;
      case 7: lose(); break;
      case 8: now_ += base::microseconds(std::int64_t{in_.byte()} * in_.byte() * 60); break;
      case 9: disk_.poll(in_.below(4), in_.below(8) == 0 ? -5 : 0); break;
      case 10: poll(); break;
      default: disturb(); break;
    }
    check();
  }

  // All orders end, and everything is as it was.
  void end() {
    for (const base::SessionId session : kSessions) fetch_.cancel_session(session, events());
    for (int i = 0; i < 2000 && !open_.empty(); ++i) {
      poll();
      disk_.poll(64);
    }
    CHECK(open_.empty() && disk_.idle() && fetch_.slots_free() == kSlots);
    for (std::uint32_t i = 0; i < 2; ++i) {
      CHECK(files_.at(i).busy == 0 && !fetch_.has_request(kSessions[i]));
      share::SessionReport report;
      fetch_.fill(kSessions[i], report);
      CHECK(report.extents_outstanding == 0);
    }
  }

 private:
  struct Order {
    share::Fetch fetch;
    std::uint32_t session = 0;
    bool bad_hash = false;        // or wrong bytes were taken: it must not be written
    bool doubtful = false;        // chunks were taken for words that were not asked for yet: perhaps its own
  };
  struct Asked {
    std::uint32_t session = 0;
    wire::Request request;
    base::PathId path{};
    std::uint64_t packet_number = 0;
  };

  static std::uint32_t number_of(std::uint32_t file) {
    return FileNumber::of(0, {static_cast<std::uint16_t>(file), 1});
  }
  void add_session(std::uint32_t i) {
    chunk_bytes_[i] = kChunkBytes[in_.below(4)];
    requests_max_[i] = 1 + in_.below(6);
    fetch_.add_session(kSessions[i], {.chunk_bytes = chunk_bytes_[i], .requests_max = requests_max_[i]});
  }
  struct TakeEvent {
    FetchRun& run;
    void operator()(const share::Event& event) const { run.take(event); }
  };
  FetchSide::EventSink events() { return take_event_; }

  void take(const share::Event& event) {
    const auto found = open_.find(event.number);
    CHECK(found != open_.end());                          // one end each, and of nothing else
    const Order& order = found->second;
    if (event.kind == Kind::kBlockWritten) CHECK(!order.bad_hash && event.detail == 0);
    if (event.kind == Kind::kBlockMismatch) CHECK(order.bad_hash || order.doubtful);
    if (event.kind == Kind::kBlockFailed) CHECK(event.detail == 5);
    CHECK(event.kind >= Kind::kBlockWritten && event.kind <= Kind::kBlockCancelled);
    open_.erase(found);
  }

  void order() {
    if (open_.size() >= 30) return;
    const std::uint32_t i = in_.below(2);
    Order order;
    order.session = i;
    order.fetch = {.file = number_of(i), .handle = ++token_, .token = token_};
    order.fetch.size = in_.below(4) == 0 ? 1 + in_.number<std::uint16_t>() * 5u : 1 + in_.number<std::uint16_t>() % 4000;
    order.fetch.offset = std::min<std::size_t>(in_.number<std::uint16_t>() * 5u, kFileBytes - order.fetch.size);
    order.fetch.hash = wire::sha256(pattern(order.fetch.offset, order.fetch.size));
    order.bad_hash = in_.below(8) == 0;
    if (order.bad_hash) order.fetch.hash[3] ^= std::byte{1};
    open_[token_] = order;
    fetch_.handle_fetch(kSessions[i], order.fetch);
  }

  void ask() {
    const std::uint32_t i = in_.below(2);
    if (!fetch_.has_request(kSessions[i])) return;
    Asked asked{i, {}, base::PathId{static_cast<std::uint8_t>(in_.below(3))}, ++packet_number_ / (1 + in_.below(2))};
    asked.request = fetch_.take_request(kSessions[i], asked.path, asked.packet_number, now_);
    const auto found = open_.find(asked.request.handle);
    CHECK(found != open_.end());
    const share::Fetch& fetch = found->second.fetch;
    CHECK(asked.request.length >= 1 && asked.request.length <= base::kSlotBytes);
    CHECK(asked.request.offset >= fetch.offset &&
          asked.request.offset + asked.request.length <= fetch.offset + fetch.size);
    asked_.push_back(asked);
  }
  const Asked* choose() {
    if (asked_.empty()) return nullptr;
    return &asked_[in_.below(static_cast<std::uint32_t>(std::min<std::size_t>(asked_.size(), 256)))];
  }

  void answer_all() {
    const Asked* asked = choose();
    if (asked == nullptr) return;
    const std::uint32_t step = chunk_bytes_[asked->session];
    for (std::uint32_t at = 0; at < asked->request.length; at += step) {
      const std::uint32_t length = std::min(step, asked->request.length - at);
      const wire::Chunk chunk{asked->request.request_id, at, pattern(asked->request.offset + at, length)};
      const std::uint64_t in_before = lane_.chunk_bytes_in;
      const auto drop = fetch_.handle_chunk(kSessions[asked->session], chunk, lane_, now_);
      CHECK(!drop || *drop == share::Drop::kStaleExtent || *drop == share::Drop::kBadChunk);
      CHECK(!drop || lane_.chunk_bytes_in == in_before);
    }
  }

  // One chunk, right or not.
  void answer_one() {
    const Asked* asked = choose();
    Asked made;
    if (asked == nullptr) made.request = {.handle = 0, .request_id = in_.number<std::uint32_t>(), .offset = 0, .length = 1};
    else made = *asked;
    const std::uint32_t step = chunk_bytes_[made.session];
    const std::uint32_t count = chunk_count(made.request.length, step);
    const std::uint32_t index = in_.byte() % count;
    wire::Chunk chunk{made.request.request_id, index * step, {}};
    std::size_t length = std::min(step, made.request.length - chunk.offset);
    std::uint32_t session = made.session;
    bool wrong = false;
    switch (in_.below(9)) {
      case 0: chunk.request_id = in_.number<std::uint32_t>(); break;
      case 1: chunk.request_id ^= 1u << in_.below(32); break;
      case 2: chunk.offset = in_.number<std::uint32_t>() % base::kSlotBytes; break;
      case 3: length = 1 + in_.number<std::uint16_t>(); break;
      case 4: session ^= 1; break;
      case 5: wrong = true; break;
      default: break;
    }
    length = std::min<std::size_t>(length, base::kSlotBytes - chunk.offset);       // the frame reader's bounds
    Buffer bytes(length, std::byte{0xEE});
    if (made.request.offset + chunk.offset + length <= kFileBytes)
      std::ranges::copy(pattern(made.request.offset + chunk.offset, length), bytes.begin());
    if (wrong) bytes[in_.byte() % length] ^= std::byte{0x40};
    chunk.data = bytes;
    const std::uint64_t before = lane_.chunk_bytes_in;
    const auto drop = fetch_.handle_chunk(kSessions[session], chunk, lane_, now_);
    const bool taken = lane_.chunk_bytes_in > before;
    if (drop) CHECK(!taken && (*drop == share::Drop::kStaleExtent || *drop == share::Drop::kBadChunk));
    if (!taken) return;
    // Which block it went to is the peer's business; that its hash will not match is ours.
    spoil(session, chunk);
  }
  void spoil(std::uint32_t session, const wire::Chunk& chunk) {
    bool known = false;
    for (const Asked& asked : asked_) {
      if (asked.request.request_id != chunk.request_id || asked.session != session) continue;
      known = true;
      const auto found = open_.find(asked.request.handle);
      if (found == open_.end()) continue;
      if (chunk.offset + chunk.data.size() <= asked.request.length &&
          std::ranges::equal(chunk.data, pattern(asked.request.offset + chunk.offset, chunk.data.size())))
        continue;
      found->second.bad_hash = true;
    }
    for (auto& [token, order] : open_) order.doubtful |= !known && order.session == session;
  }

  void reject() {
    const Asked* asked = choose();
    wire::Reject reject{asked == nullptr ? in_.number<std::uint32_t>() : asked->request.request_id};
    if (in_.below(6) == 0) reject.request_id = in_.number<std::uint32_t>();
    reject.reason = static_cast<wire::RejectReason>(1 + in_.below(5));
    const auto drop = fetch_.handle_reject(kSessions[in_.below(2)], reject, now_, events());
    CHECK(!drop || *drop == share::Drop::kStaleExtent);
  }

  void lose() {
    const Asked* asked = choose();
    if (asked == nullptr) return;
    fetch_.handle_requests_lost(kSessions[asked->session], asked->path, asked->packet_number);
  }

  void poll() {
    (void)fetch_.poll(now_, in_.below(2) == 0, events());
    DiskGate::Cookie cookie;
    for (std::int32_t result = 0; gate_.next_done(cookie, result);) {
      CHECK(cookie.owner == DiskGate::Owner::kFetch);
      fetch_.handle_disk_done(cookie.index, result, events());
    }
  }

  void disturb() {
    const std::uint32_t i = in_.below(2);
    switch (in_.below(3)) {
      case 0: fetch_.cancel_session(kSessions[i], events()); break;
      case 1: fetch_.close_file(files_.at(i), events()); break;
      default:
        fetch_.remove_session(kSessions[i], events());
        std::erase_if(asked_, [&](const Asked& asked) { return asked.session == i; });
        add_session(i);
        break;
    }
  }

  void check() {
    CHECK(fetch_.slots_free() <= kSlots);
    for (std::uint32_t i = 0; i < 2; ++i) {
      share::SessionReport report;
      fetch_.fill(kSessions[i], report);
      CHECK(report.extents_outstanding <= requests_max_[i]);
      CHECK(report.gap_longest.ns >= 0);
    }
    CHECK(files_.at(0).busy + files_.at(1).busy == open_.size());
    if (asked_.size() > 256) asked_.erase(asked_.begin());
  }

  Choices& in_;
  RunDisk disk_;
  DiskGate gate_;
  FileTable files_{base::kFilesPerCoreMax};
  FetchSide fetch_;
  TakeEvent take_event_{*this};
  share::LaneReport lane_;
  base::Instant now_{base::seconds(10).ns};
  std::map<std::uint32_t, Order> open_;
  std::vector<Asked> asked_;
  std::array<std::uint32_t, 2> chunk_bytes_{}, requests_max_{};
  std::uint32_t token_ = 0;
  std::uint64_t packet_number_ = 0;
};

}  // namespace

void make_seeds(Seeds& out) {
  const std::string order("\0\0\1\1\100\0\20\1", 8), turn("\12\11\3\1\12", 5);
  std::string honest("\1\0\3\1\3", 5), late = honest, hostile = honest;
  for (int i = 0; i < 4; ++i) {
    honest += order + "\12" + std::string("\2\0\1\1", 4) + std::string("\3\0", 2) + turn;
    late += order + "\12" + std::string("\2\0\1\1\6\0\1\0\0\10\377\377\12\7\0\12\3\0", 18) + turn;
    hostile += order + "\12" + std::string("\2\0\1\1\4\0\0\5\5\4\0\0\2\0\1\2\3\4\0\0\1\5\6\0\0\2\0", 27) + turn;
  }
  out.add("honest", honest);
  out.add("late", late);
  out.add("hostile", hostile);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return weft::fuzz::drive<weft::fuzz::FetchRun>({data, size}, 1000);
}
