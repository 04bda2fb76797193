// The server's half of a transfer against a peer that asks what it likes: REQUEST words of any kind, any number of times;
// packets lost, handed back and acknowledged late; a slow, short or failing disk. Whatever comes, only bytes of granted
// files inside their size are read, each chunk is a piece of what was asked, and every slot comes back.
#include <map>

#include "engine/run/serve_side.hh"
#include "tests/fuzz/run_disk.hh"

namespace weft::fuzz {
namespace {

using namespace run;
using wire::RejectReason;

constexpr std::uint32_t kFirstSlot = 3, kSlots = 6;
constexpr std::array<base::SessionId, 2> kSessions{base::SessionId{0}, base::SessionId{15}};
constexpr std::array<std::uint32_t, 4> kChunkBytes{1024, 1395, 8900, 65'000};

class ServeRun {
 public:
  explicit ServeRun(Choices& in)
      : in_(in), disk_(2u << in.below(5), slot_memory(kFirstSlot + kSlots)), gate_(disk_.jobs, disk_.dones),
        serve_(files_, gate_, kFirstSlot, kSlots, CoreLimits{}) {
    // Two files to serve, the second opened with O_DIRECT, and one of ours that nobody may ask for.
    for (std::uint32_t i = 0; i < 3; ++i)
      files_.at(i) = {.state = FileEntry::State::kReady, .serving = i < 2, .direct = i == 1, .session = kSessions[i % 2],
                      .number = number_of(i), .size = i == 0 ? kFileBytes : 5000};
    for (std::uint32_t i = 0; i < 2; ++i) add_session(i);
  }

  void step() {
    understood();
    switch (in_.below(9)) {
      case 0: case 1: case 2: request(); break;
      case 3: serve_.poll_reads(); disk_.poll(in_.below(4), in_.below(8) == 0 ? -5 : 0); take_done(); break;
      case 4: case 5: send(); break;
      case 6: case 7: settle(); break;
      default: disturb(); break;
    }
    check();
  }

  // The peer acknowledges everything that is sent from now on: nothing is left.
  void end() {
    for (int i = 0; i < 20'000 && !done(); ++i) {
      serve_.poll_reads();
      disk_.poll(64);
      take_done();
      for (std::uint32_t s = 0; s < 2; ++s)
        while (serve_.unsent_bytes(kSessions[s]) > 0) {
          const ServeSide::Chunk chunk = serve_.take_chunks(kSessions[s], UINT32_MAX);
          serve_.handle_fate(chunk.ref, chunk.index, chunk.count, sched::Fate::kAcked);
        }
      for (const Sent& sent : sent_) serve_.handle_fate(sent.ref, sent.index, sent.count, sched::Fate::kAcked);
      sent_.clear();
    }
    CHECK(done() && serve_.slots_free() == kSlots && disk_.idle());
    for (std::uint32_t i = 0; i < 3; ++i) CHECK(files_.at(i).busy == 0);
  }

 private:
  struct Sent {
    std::uint32_t ref = 0;
    std::uint16_t index = 0;
    std::uint8_t count = 0;
  };

  static std::uint32_t number_of(std::uint32_t file) {
    return FileNumber::of(0, {static_cast<std::uint16_t>(file), 7});
  }
  void add_session(std::uint32_t i) {
    chunk_bytes_[i] = kChunkBytes[in_.below(4)];
    serve_.add_session(kSessions[i], chunk_bytes_[i]);
    asked_[i].clear();
  }
  [[nodiscard]] bool done() const {
    return serve_.extents_of(kSessions[0]) == 0 && serve_.extents_of(kSessions[1]) == 0;
  }

  // As FORMAT.md's reader lets them through, and beyond what a puller would say.
  wire::Request make_request() {
    wire::Request request;
    const std::uint32_t file = in_.below(4);
    request.handle = file < 3 ? number_of(file) : in_.number<std::uint32_t>();
    request.request_id = (1u + in_.below(3)) << 16 | in_.below(12);
    request.length = 1 + in_.number<std::uint16_t>() * 2u;
    request.offset = in_.number<std::uint16_t>() * 8u;
    switch (in_.below(8)) {
      case 0: request.request_id = in_.number<std::uint32_t>(); break;
      case 1: request.offset = in_.number<std::uint64_t>() % (wire::kFileBytesMax - base::kSlotBytes); break;
      case 2: request.offset &= ~std::uint64_t{base::kDirectAlignment - 1}; request.length %= 4000; break;
      case 3: request.offset = kFileBytes - request.length + in_.below(3); break;
      default: break;
    }
    request.length = std::clamp(request.length, 1u, base::kSlotBytes);
    return request;
  }

  void request() {
    const std::uint32_t s = in_.below(2);
    const wire::Request request = make_request();
    std::optional<share::Drop> drop;
    const std::uint32_t before = serve_.extents_of(kSessions[s]);
    const auto reason = serve_.handle_request(kSessions[s], request, drop);
    const std::uint32_t i = s;                         // session s may read file s
    const bool slot = (request.request_id & 0xFFFF) < base::kRequestSlotsMax;
    const bool handle = request.handle == number_of(i);
    const bool range = request.offset <= files_.at(i).size && request.length <= files_.at(i).size - request.offset &&
                       (!files_.at(i).direct || request.offset % base::kDirectAlignment == 0);
    CHECK(drop.has_value() == !(slot && handle && range));
    if (!slot) CHECK(!reason && drop == share::Drop::kBadRequest);   // there is no slot to refuse it for
    else if (!handle) CHECK(reason == RejectReason::kUnknownHandle && drop == share::Drop::kUnknownHandle);
    else if (!range) CHECK(reason == RejectReason::kRange && drop == share::Drop::kBadRequest);
    else CHECK(!reason || *reason == RejectReason::kBusy);
    if (reason || !slot) return;
    CHECK(serve_.extents_of(kSessions[s]) <= before + 1 && serve_.extents_of(kSessions[s]) <= kRequestsMax);
    const auto known = asked_[s].find(request.request_id);
    // A word that was used before names what it named first, as long as that is at work; we cannot see how long.
    if (known == asked_[s].end()) asked_[s][request.request_id] = {request};
    else known->second.push_back(request);
  }

  void take_done() {
    DiskGate::Cookie cookie;
    for (std::int32_t result = 0; gate_.next_done(cookie, result);) {
      CHECK(cookie.owner == DiskGate::Owner::kServe);
      std::optional<ServeSide::Failed> failed;
      if (result > 1 && in_.below(16) == 0) --result;   // the file shrank
      serve_.handle_disk_done(static_cast<std::uint16_t>(cookie.index), result, failed);
    }
  }

  void send() {
    const std::uint32_t s = in_.below(2);
    if (sent_.size() >= 200) return;
    for (std::uint32_t n = 1 + in_.below(8); n > 0 && serve_.unsent_bytes(kSessions[s]) > 0; --n) {
      const std::uint64_t unsent = serve_.unsent_bytes(kSessions[s]);
      const std::uint32_t bytes_max = chunk_bytes_[s] + in_.below(4 * chunk_bytes_[s]);
      const ServeSide::Chunk chunk = serve_.take_chunks(kSessions[s], bytes_max);
      CHECK(chunk.length >= 1 && chunk.length <= bytes_max && chunk.offset == chunk.index * chunk_bytes_[s]);
      CHECK(chunk.count == (chunk.length + chunk_bytes_[s] - 1) / chunk_bytes_[s] && chunk.again_bytes <= chunk.length);
      CHECK(chunk.offset + chunk.length <= base::kSlotBytes);
      CHECK(chunk.slot >= kFirstSlot && chunk.slot < kFirstSlot + kSlots && !disk_.slot_in_use(chunk.slot));
      check_bytes(s, chunk);
      CHECK(serve_.unsent_bytes(kSessions[s]) == unsent - chunk.length);
      sent_.push_back({chunk.ref, chunk.index, chunk.count});
    }
  }
  // The slot holds what one of the requests under this word asked for.
  void check_bytes(std::uint32_t s, const ServeSide::Chunk& chunk) {
    const auto known = asked_[s].find(chunk.request_id);
    CHECK(known != asked_[s].end());
    const base::Bytes bytes =
        slot_memory(kFirstSlot + kSlots).subspan(std::size_t{chunk.slot} * base::kSlotBytes + chunk.offset, chunk.length);
    CHECK(std::ranges::any_of(known->second, [&](const wire::Request& request) {
      return chunk.offset + chunk.length <= request.length &&
             std::ranges::equal(bytes, pattern(request.offset + chunk.offset, chunk.length));
    }));
  }

  // What a lane may say of a packet: lost or handed back any number of times, then acknowledged once.
  void settle() {
    if (sent_.empty()) return;
    const std::size_t at = in_.below(static_cast<std::uint32_t>(sent_.size()));
    const auto fate = static_cast<sched::Fate>(in_.below(3));
    serve_.handle_fate(sent_[at].ref, sent_[at].index, sent_[at].count, fate);
    if (fate == sched::Fate::kAcked) sent_.erase(sent_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  void disturb() {
    const std::uint32_t s = in_.below(2);
    switch (in_.below(6)) {
      case 0: serve_.drop_requests(kSessions[s]); break;
      case 1: serve_.close_file(files_.at(s)); break;
      case 2:
        serve_.remove_session(kSessions[s]);
        CHECK(serve_.unsent_bytes(kSessions[s]) == 0);
        add_session(s);
        break;
      default: break;
    }
  }

  void check() {
    CHECK(serve_.slots_free() <= kSlots);
    const std::uint32_t extents = serve_.extents_of(kSessions[0]) + serve_.extents_of(kSessions[1]);
    CHECK(extents >= kSlots - serve_.slots_free());
    CHECK(files_.at(0).busy + files_.at(1).busy == extents && files_.at(2).busy == 0);
  }

  Choices& in_;
  RunDisk disk_;
  DiskGate gate_;
  FileTable files_{base::kFilesPerCoreMax};
  ServeSide serve_;
  std::array<std::uint32_t, 2> chunk_bytes_{};
  std::array<std::map<std::uint32_t, std::vector<wire::Request>>, 2> asked_;
  std::vector<Sent> sent_;
};

}  // namespace

void make_seeds(Seeds& out) {
  std::string honest("\3\1\1", 3), repeated = honest, hostile = honest;
  for (int i = 0; i < 4; ++i) {
    honest += std::string("\0\0\0\1\2\10\0\0\1\7\3\3\1\4\0\7\6\0\0\6\1\0", 22);
    repeated += std::string("\0\0\0\1\2\10\0\0\1\7\0\0\0\1\2\10\0\0\1\7\0\0\0\1\2\1\0\0\4\7\3\3\1\4\0\7\6\0\1\6\0\2\6\0\0", 45);
    hostile += std::string("\0\0\2\1\2\10\0\0\1\7\0\1\0\1\2\10\0\0\1\7"
                           "\0\1\1\1\2\10\0\0\1\2\0\0\3\1\2\3\4\1\1\1\1\1\1\0\3\3\1\10\0\0", 50);
  }
  out.add("honest", honest);
  out.add("repeated", repeated);
  out.add("hostile", hostile);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return weft::fuzz::drive<weft::fuzz::ServeRun>({data, size}, 1000);
}
