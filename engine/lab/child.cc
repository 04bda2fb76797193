#include "engine/lab/child.hh"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <fstream>
#include <utility>

#include "engine/base/must.hh"

namespace weft::lab {
namespace {

constexpr int kCannotRun = 127;            // as a shell's

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* executable, char* const* words, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(kCannotRun);   // it died before the promise was made
  ::setsid();
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);       // we block what ends us, for signalfd; the child must not
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(executable, words);
  ::_exit(kCannotRun);
}

void sleep_ms(long ms) {
  const timespec time{0, ms * 1'000'000};
  ::nanosleep(&time, nullptr);
}

}  // namespace

model::ConfigResult<Child> Child::start(const std::string& executable, std::vector<std::string> words,
                                        const std::filesystem::path& log) {
  MUST(!words.empty());
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return tl::unexpected(log.string() + ": cannot be written: " + ::strerror(errno));
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = ::getpid(), pid = ::fork();
  if (pid == 0) become(executable.c_str(), argv.data(), out, parent);
  const int why = errno;
  ::close(out);
  if (pid < 0) return tl::unexpected(executable + " cannot be started: " + ::strerror(why));
  return Child(pid, log);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), status_(other.status_), log_(std::move(other.log_)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(status_, other.status_);
  std::swap(log_, other.log_);
  return *this;
}

Child::~Child() {
  if (!running()) return;
  ::kill(pid_, SIGKILL);
  (void)::waitpid(pid_, &status_, 0);
}

bool Child::running() {
  if (pid_ < 0) return false;
  const pid_t ended = ::waitpid(pid_, &status_, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return true;
  pid_ = -1;
  return false;
}

std::string Child::fate() const {
  if (WIFSIGNALED(status_)) return "was killed by signal " + std::to_string(WTERMSIG(status_));
  return "ended with exit code " + std::to_string(WEXITSTATUS(status_));
}

bool Child::wait_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (running()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    sleep_ms(5);
  }
  return true;
}

void Child::terminate() {
  if (running()) ::kill(pid_, SIGTERM);
}

void Child::end(std::chrono::milliseconds patience) {
  if (wait_for(patience)) return;
  terminate();
  if (wait_for(patience)) return;
  ::kill(pid_, SIGKILL);
  (void)wait_for(patience);
}

std::string end_of_log(const std::filesystem::path& log, std::size_t lines) {
  std::ifstream in(log);
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(line);
    if (last.size() > lines) last.pop_front();
  }
  std::string out;
  for (const std::string& line : last) out += line + "\n";
  return out;
}

}  // namespace weft::lab
