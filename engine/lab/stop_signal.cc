#include "engine/lab/stop_signal.hh"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "engine/base/must.hh"

namespace weft::lab {

StopSignal::StopSignal() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ours, signal);
  MUST(::sigprocmask(SIG_BLOCK, &ours, &before_) == 0);
  fd_ = base::UniqueFd(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
  MUST(fd_.get() >= 0);
}

StopSignal::~StopSignal() {
  // What came is taken, or it would end us once it is let through.
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) > 0) {
  }
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

bool StopSignal::wait(std::chrono::microseconds time) {
  if (came_) return true;
  pollfd fd{fd_.get(), POLLIN, 0};
  const std::int64_t us = std::max<std::int64_t>(0, time.count());
  const timespec left{us / 1'000'000, us % 1'000'000 * 1000};
  came_ = ::ppoll(&fd, 1, &left, nullptr) > 0;
  return came_;
}

}  // namespace weft::lab
