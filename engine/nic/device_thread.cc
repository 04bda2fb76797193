#include "engine/nic/device_thread.hh"

#include <rte_alarm.h>
#include <rte_interrupts.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include "engine/base/must.hh"

// Stands before libc's for everyone in the process, net_memif among them, and is the same but for one case. A memif client that
// has gone again when its server greets it: net_memif then closes the connection and frees what it knows of it, but leaves its
// callback registered (memif_listener_handler of DPDK 22.11), and DPDK aborts the process over the closed descriptor. Told
// that the greeting went out, it finds the end of the connection by itself, and unregisters in order.
extern "C" ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const ssize_t sent = ::syscall(SYS_sendmsg, fd, message, flags);
  if (sent >= 0 || (errno != EPIPE && errno != ECONNRESET) || rte_thread_is_intr() == 0) return sent;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < message->msg_iovlen; ++i) bytes += message->msg_iov[i].iov_len;
  return static_cast<ssize_t>(bytes);
}

namespace weft::nic {

struct DeviceThread::Work {
  base::FunctionRef<void()> call;
  std::promise<void> done{};
};

void DeviceThread::carry_out(void* self) noexcept {
  auto& thread = *static_cast<DeviceThread*>(self);
  std::unique_lock lock(thread.mutex_);
  Work& work = *std::exchange(thread.asked_, nullptr);
  lock.unlock();
  thread.working_ = true;
  work.call();
  thread.working_ = false;
  work.done.set_value();  // `work` may be gone after this
}

bool close_and_wait(share::Gate& gate) noexcept {
  gate.close();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!gate.is_empty()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

DeviceThread::~DeviceThread() {
  rte_eal_alarm_cancel(&DeviceThread::reopen, this);
  MUST(entries_.empty());
}

void DeviceThread::add(share::Gate& gate) {
  const std::lock_guard lock(mutex_);
  entries_.push_back({&gate, false});
}

void DeviceThread::remove(share::Gate& gate) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.gate == &gate; });
  MUST(at != entries_.end());
  if (at->closed) gate.open();
  entries_.erase(at);
}

bool DeviceThread::run(base::FunctionRef<void()> call) {
  MUST(rte_thread_is_intr() == 0);  // it would wait for itself
  Work work{call};
  std::future<void> done = work.done.get_future();
  {
    const std::lock_guard lock(mutex_);
    MUST(asked_ == nullptr);
    asked_ = &work;
  }
  if (rte_eal_alarm_set(1, &DeviceThread::carry_out, this) != 0) {
    const std::lock_guard lock(mutex_);
    asked_ = nullptr;
    return false;
  }
  done.wait();
  return true;
}

bool DeviceThread::in_work() const noexcept { return rte_thread_is_intr() != 0 && working_; }

void DeviceThread::on_log() noexcept {
  if (rte_thread_is_intr() == 0) return;
  if (working_) return;  // run()'s caller closes what it changes
  const std::lock_guard lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.closed) continue;
    close_and_wait(*entry.gate);
    entry.closed = true;
  }
  // Without memory for an alarm the gates stay closed until the next line: a dead port, not a crash.
  if (!reopen_due_ && !entries_.empty()) reopen_due_ = rte_eal_alarm_set(1, &DeviceThread::reopen, this) == 0;
}

void DeviceThread::reopen(void* self) noexcept {
  auto& thread = *static_cast<DeviceThread*>(self);
  const std::lock_guard lock(thread.mutex_);
  thread.reopen_due_ = false;
  for (Entry& entry : thread.entries_) {
    if (entry.closed) entry.gate->open();
    entry.closed = false;
  }
}

}  // namespace weft::nic
