#include "engine/run/core_channel.hh"

#include <utility>

namespace weft::run {

using share::Command;
using share::Event;

namespace {

base::Status status_of(const Event& event) {
  using base::Errc;
  switch (event.kind) {
    case Event::Kind::kBlockWritten: return {};
    case Event::Kind::kBlockMismatch: return base::fail(Errc::kCorrupt, "the peer's bytes do not match the hash");
    case Event::Kind::kBlockFailed: return base::fail_errno(event.detail, "writing a verified block failed");
    case Event::Kind::kBlockRejected:
      switch (static_cast<wire::RejectReason>(event.detail)) {
        case wire::RejectReason::kRange: case wire::RejectReason::kDisk:
          return base::fail(Errc::kNotFound, "the peer cannot read this block any more");
        case wire::RejectReason::kBusy: case wire::RejectReason::kUnknownHandle: case wire::RejectReason::kClosed: break;
      }
      return base::fail(Errc::kUnavailable, "the peer has closed the file");
    default: return base::fail(Errc::kUnavailable, "the fetch was cancelled");
  }
}

}  // namespace

CoreChannel::CoreChannel(std::uint32_t core, const CoreWiring& wiring, const CoreLimits& limits)
    : core_(core),
      wiring_(wiring),
      limits_(limits),
      file_entries_(std::make_unique<base::SlotPool::Entry[]>(limits.files)),
      file_numbers_({file_entries_.get(), limits.files}),
      files_(limits.files) {
  MUST(wiring.events->capacity() >= limits.events());
}

void CoreChannel::send(const Command& command) {
  if (waiting_.empty() && wiring_.commands->push_one(command)) return;
  waiting_.push_back(command);
}

std::optional<std::uint32_t> CoreChannel::open_file(Command command, FileReady ready) {
  base::SlotRef ref;
  if (!file_numbers_.try_take(ref)) return std::nullopt;
  files_[ref.slot] = File{.in_use = true, .self = ref, .session = command.session, .on_ready = std::move(ready),
                          .on_gone = {}};
  const std::uint32_t number = FileNumber::of(core_, ref);
  if (command.kind == Command::Kind::kGrant) command.body.grant.handle = number;
  else command.body.open_write.file = number;
  ++files_changing_;
  send(command);
  return number;
}

void CoreChannel::send_close(std::uint32_t number) {
  Command command;
  command.kind = Command::Kind::kCloseFile;
  command.session = files_[FileNumber::index(number)].session;
  command.body.close_file = {.file = number};
  ++files_changing_;
  send(command);
}

void CoreChannel::close_file(base::SessionId session, std::uint32_t number, FileGone gone) {
  const base::SlotRef ref = FileNumber::ref(number);
  MUST(file_numbers_.is_current(ref));
  File& file = files_[ref.slot];
  MUST(file.session == session && !file.closing);
  file.closing = true;
  fetches_died_ = true;
  file.on_gone = std::move(gone);
  if (file.ready) send_close(number);   // else when the core has answered
}

void CoreChannel::fetch(base::SessionId session, share::Fetch fetch, FetchDone done) {
  if (tokens_free_.empty()) {
    tokens_free_.push_back(static_cast<std::uint32_t>(fetch_done_.size()));
    fetch_done_.emplace_back();
  }
  fetch.token = tokens_free_.back();
  tokens_free_.pop_back();
  fetch_done_[fetch.token] = std::move(done);
  waiting_fetches_.push_back({.session = session, .fetch = fetch});
  fetches_died_ = fetches_died_ || is_dead(waiting_fetches_.back());
}

void CoreChannel::cancel_waiting(base::SessionId session) {
  for (WaitingFetch& fetch : waiting_fetches_)
    if (fetch.session == session) fetch.cancelled = true;
  fetches_died_ = true;
}

bool CoreChannel::is_dead(const WaitingFetch& waiting) const {
  const File& file = files_[FileNumber::index(waiting.fetch.file)];
  return waiting.cancelled || !file.in_use || file.self != FileNumber::ref(waiting.fetch.file) || file.closing;
}

// Those that wait here are answered here, whatever the core and its rings have room for: else the file of a long queue
// would be gone before its fetches are.
void CoreChannel::end_dead_fetches() {
  if (!std::exchange(fetches_died_, false)) return;
  std::vector<std::uint32_t> dead;
  std::erase_if(waiting_fetches_, [&](const WaitingFetch& waiting) {
    if (!is_dead(waiting)) return false;
    dead.push_back(waiting.fetch.token);
    return true;
  });
  for (const std::uint32_t token : dead) end_fetch(token, base::fail(base::Errc::kUnavailable, "the fetch was cancelled"));
}

void CoreChannel::end_fetch(std::uint32_t token, base::Status status) {
  FetchDone done = std::move(fetch_done_[token]);
  tokens_free_.push_back(token);
  if (done) done(std::move(status));
}

void CoreChannel::order_port(Command::Kind kind, base::PortId port, PortDone done) {
  MUST(kind == Command::Kind::kQuietPort || kind == Command::Kind::kForgetPort);
  MUST(port_done_[base::to_index(port)] == nullptr);
  port_done_[base::to_index(port)] = std::move(done);
  ++ports_changing_;
  Command command;
  command.kind = kind;
  command.body.port = {.port = port};
  send(command);
}

std::uint32_t CoreChannel::poll() {
  end_dead_fetches();
  while (!waiting_.empty() && wiring_.commands->push_one(waiting_.front())) waiting_.pop_front();
  // Answers may have killed more; those end first, in the next poll.
  while (!fetches_died_ && !waiting_fetches_.empty() && waiting_.empty() && fetches_at_core_ < limits_.fetches) {
    const WaitingFetch next = waiting_fetches_.front();
    MUST(!is_dead(next));
    waiting_fetches_.pop_front();
    Command command;
    command.kind = Command::Kind::kFetch;
    command.session = next.session;
    command.body.fetch = next.fetch;
    ++fetches_at_core_;
    send(command);
  }
  std::uint32_t handled = 0;
  std::array<Event, 64> events;
  while (const std::uint32_t count = wiring_.events->pop(events)) {
    for (std::uint32_t i = 0; i < count; ++i) handle_event(events[i]);
    handled += count;
  }
  (void)wiring_.report->adopt();
  return handled;
}

void CoreChannel::free_file(std::uint32_t number) {
  const base::SlotRef ref = FileNumber::ref(number);
  files_[ref.slot] = File{};
  file_numbers_.give_back(ref);
}

void CoreChannel::handle_event(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kFileReady: case Event::Kind::kFileFailed: {
      --files_changing_;
      File& file = files_[FileNumber::index(event.number)];
      const bool ok = event.kind == Event::Kind::kFileReady;
      FileReady ready = std::move(file.on_ready);
      FileGone gone = std::move(file.on_gone);
      const bool closing = file.closing;
      file.ready = ok;
      if (ok && closing) {
        file.on_gone = std::move(gone);
        return send_close(event.number);
      }
      if (!ok) free_file(event.number);
      if (closing) return gone ? gone() : void();
      if (ready) ready(ok ? base::Status{} : base::fail_errno(event.detail, "the disk agent refused the file"));
      return;
    }
    case Event::Kind::kFileGone: {
      --files_changing_;
      end_dead_fetches();
      FileGone gone = std::move(files_[FileNumber::index(event.number)].on_gone);
      free_file(event.number);
      if (gone) gone();
      return;
    }
    case Event::Kind::kBlockWritten: case Event::Kind::kBlockMismatch: case Event::Kind::kBlockRejected:
    case Event::Kind::kBlockFailed: case Event::Kind::kBlockCancelled: {
      --fetches_at_core_;
      return end_fetch(event.number, status_of(event));
    }
    case Event::Kind::kPortDone: {
      --ports_changing_;
      const PortDone done = std::exchange(port_done_[event.number], nullptr);
      return done();
    }
  }
}

}  // namespace weft::run
