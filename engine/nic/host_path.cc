#include "engine/nic/host_path.hh"

#include <poll.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>

#include "engine/base/must.hh"
#include "engine/nic/packet_port.hh"

namespace weft::nic {
namespace {

constexpr std::uint32_t kFramesPerTurn = 64;   // read in one go; then the other way has its turn
constexpr int kReportMs = 100;                 // a report that control had no time for is offered again

void raise(int eventfd) noexcept {
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the reader is awake.
  [[maybe_unused]] const auto written = ::write(eventfd, &one, sizeof one);
}

}  // namespace

HostPath::HostPath(base::UniqueFd tap, std::uint32_t cores, rte_mempool& pool)
    : pool_(pool),
      tap_(std::move(tap)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      from_host_slots_(kRingFrames),
      from_host_(from_host_slots_) {
  MUST(tap_.get() >= 0);
  MUST(wake_.get() >= 0 && stop_.get() >= 0);
  for (std::uint32_t core = 0; core < cores; ++core) to_host_.push_back(std::make_unique<ToHost>());
  thread_ = std::thread([this] { run(); });
}

HostPath::~HostPath() {
  raise(stop_.get());
  thread_.join();
  rte_mbuf* frame = nullptr;
  for (auto& way : to_host_)
    while (way->ring.pop_one(frame)) rte_pktmbuf_free(frame);
  while (from_host_.pop_one(frame)) rte_pktmbuf_free(frame);
}

std::uint32_t HostPath::give(std::uint32_t core, std::span<rte_mbuf* const> frames) noexcept {
  const std::uint32_t went = to_host_[core]->ring.push(frames);
  if (went > 0) raise(wake_.get());
  return went;
}

const HostPathStats& HostPath::stats() noexcept {
  report_.adopt();
  return report_.current();
}

void HostPath::run() noexcept {
  ::pthread_setname_np(::pthread_self(), "weft-host");
  bool reported = true;
  std::array<pollfd, 3> fds{{{tap_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  for (;;) {
    const int ready = ::poll(fds.data(), fds.size(), reported ? -1 : kReportMs);
    if (ready < 0) continue;   // a signal
    if (fds[2].revents != 0) return;
    if (fds[1].revents != 0) write_all();
    if ((fds[0].revents & POLLIN) != 0) read_some();
    else if (fds[0].revents != 0) fds[0].fd = -1;   // the interface was deleted: nothing comes from it any more
    reported = report_.try_publish(counts_);
  }
}

void HostPath::write_all() noexcept {
  std::uint64_t raised = 0;
  // First the event, then the rings: what is pushed after the rings were found empty raises it again.
  [[maybe_unused]] const auto cleared = ::read(wake_.get(), &raised, sizeof raised);
  rte_mbuf* frames[kBurst];
  for (auto& way : to_host_)
    for (std::uint32_t turn = 0; turn <= kRingFrames / kBurst; ++turn) {
      const std::uint32_t count = way->ring.pop(frames);
      for (std::uint32_t i = 0; i < count; ++i) {
        const auto bytes = ::write(tap_.get(), rte_pktmbuf_mtod(frames[i], void*), rte_pktmbuf_data_len(frames[i]));
        ++(bytes >= 0 ? counts_.to_host : counts_.to_host_failed);
        rte_pktmbuf_free(frames[i]);
      }
      if (count < kBurst) break;
      if (turn == kRingFrames / kBurst) raise(wake_.get());   // a core fills it as fast as it is emptied
    }
}

void HostPath::read_some() noexcept {
  for (std::uint32_t i = 0; i < kFramesPerTurn; ++i) {
    rte_mbuf* frame = rte_pktmbuf_alloc(&pool_);
    std::array<std::byte, 1> scratch;   // of a frame without a buffer only the reading matters
    const auto bytes = frame != nullptr ? ::read(tap_.get(), rte_pktmbuf_mtod(frame, void*), rte_pktmbuf_tailroom(frame))
                                        : ::read(tap_.get(), scratch.data(), scratch.size());
    if (bytes <= 0) {
      rte_pktmbuf_free(frame);
      return;
    }
    if (frame != nullptr) {
      frame->data_len = static_cast<std::uint16_t>(bytes);
      frame->pkt_len = frame->data_len;
      if (from_host_.push_one(frame)) {
        ++counts_.from_host;
        continue;
      }
      rte_pktmbuf_free(frame);
    }
    ++counts_.from_host_dropped;
  }
}

}  // namespace weft::nic
