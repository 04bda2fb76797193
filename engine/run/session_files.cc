// The files of a session, in both directions: opened from the peer for writing here, served to it from here.
#include <algorithm>
#include <utility>

#include "engine/base/log.hh"
#include "engine/run/weft_session.hh"
#include "engine/share/memory_file.hh"

namespace weft::run {

using share::Command;

// ---- opened from the peer

void WeftSession::open(std::uint32_t transfer, const model::RemoteFile& file, int fd, bool direct,
                       model::OpenDone done) {
  Transfer& t = transfers_[transfer];
  t.core = next_core_++ % std::max(1u, cores_);
  t.fd = fd;
  t.direct = direct;
  t.done = std::move(done);
  if (!usable() || link_ == nullptr || transfers_.size() > kFilesMax) {
    host_.post([this, transfer] {
      fail_open(transfer, {base::Errc::kUnavailable, 0, "no path, or no link to open the file by"});
    });
    return;
  }
  open_batch_.files.push_back({.open_id = transfer, .folder = file.folder, .name = file.name, .version = file.version,
                               .size = file.size, .block_size = file.block_size, .core = t.core});
  schedule_flush();
}

void WeftSession::handle_grant(const proto::Grant& grant) {
  for (const proto::Grant::File& file : grant.files) {
    const auto found = transfers_.find(file.open_id);
    if (found == transfers_.end() || found->second.state != Transfer::State::kOpening) {
      const bool in_use = found != transfers_.end() && found->second.state != Transfer::State::kDead;
      if (in_use && found->second.handle == file.handle) continue;   // said again after a resume
      // Given up meanwhile, and the RELEASE may have been lost with its link: the peer must not keep it open for us.
      if (file.error == 0) release_batch_.handles.push_back(file.handle);
      schedule_flush();
      continue;
    }
    if (file.error != 0) {
      // Only what says that the peer has not the file speaks against the peer; its limits are no reason not to ask it
      // over the link.
      const base::Errc code = proto::errc_of_grant_error(file.error);
      const bool lacking = code == base::Errc::kNotFound || code == base::Errc::kPermission;
      fail_open(file.open_id, {lacking ? code : base::Errc::kUnavailable, 0, "the peer does not grant the file"});
      continue;
    }
    on_granted(file.open_id, file.handle);
  }
}

void WeftSession::on_granted(std::uint32_t number, std::uint32_t handle) {
  Transfer& t = transfers_.at(number);
  t.state = Transfer::State::kRegistering;
  t.handle = handle;
  Command c = command(Command::Kind::kOpenWrite);
  c.body.open_write = {.file = 0, .fd = t.fd, .direct = t.direct};
  const auto file = engine_.channel(t.core).open_file(c, [this, number](base::Status ready) {
    const auto found = transfers_.find(number);
    MUST(found != transfers_.end());
    if (!ready) {
      found->second.file_open = false;
      return fail_open(number, ready.error());
    }
    found->second.state = Transfer::State::kOpen;
    std::exchange(found->second.done, nullptr)(number);
  });
  if (!file) return fail_open(number, {base::Errc::kUnavailable, 0, "too many files are open on this core"});
  t.file = *file;
  t.file_open = true;
}

// The open ends without a transfer. The model may close its fd as soon as it hears of it, so the core must be rid of it
// first.
void WeftSession::fail_open(std::uint32_t number, base::Error error) {
  const auto found = transfers_.find(number);
  if (found == transfers_.end()) return;
  Transfer& t = found->second;
  if (t.handle != 0 && active_) {
    release_batch_.handles.push_back(t.handle);
    schedule_flush();
  }
  model::OpenDone done = std::exchange(t.done, nullptr);
  const auto tell = [this, number, done = std::move(done), error] {
    transfers_.erase(number);
    if (done) host_.post([done, error] { done(tl::unexpected(error)); });
  };
  if (!std::exchange(t.file_open, false)) return tell();
  t.state = Transfer::State::kDead;
  engine_.channel(t.core).close_file(slot_, t.file, tell);
}

void WeftSession::fetch(const model::BlockOrder& order, model::BlockDone done) {
  const auto found = transfers_.find(order.transfer);
  // Without a path the core would keep it until one is back, which may be never.
  if (found == transfers_.end() || found->second.state != Transfer::State::kOpen || !usable()) {
    host_.post([done = std::move(done)] {
      done(base::fail(base::Errc::kUnavailable, "the transfer is not open any more, or no path is left"));
    });
    return;
  }
  const Transfer& t = found->second;
  engine_.channel(t.core).fetch(slot_, {.file = t.file, .handle = t.handle, .token = 0, .size = order.size,
                                        .offset = order.offset, .hash = order.hash}, std::move(done));
}

void WeftSession::close(std::uint32_t transfer, std::function<void()> gone) {
  const auto found = transfers_.find(transfer);
  if (found == transfers_.end()) return host_.post(std::move(gone));
  Transfer& t = found->second;
  MUST(t.file_open);   // open() gave its number only when the core had it
  if (active_ && t.state == Transfer::State::kOpen) {
    release_batch_.handles.push_back(t.handle);
    schedule_flush();
  }
  t.state = Transfer::State::kDead;
  engine_.channel(t.core).close_file(slot_, t.file, [this, transfer, gone = std::move(gone)] {
    transfers_.erase(transfer);
    gone();
  });
}

// ---- served to the peer

void WeftSession::handle_open(const proto::Open& open) {
  if (!active_) return;
  for (const proto::Open::File& file : open.files) {
    if (served_.size() + opening_ >= kFilesMax || file.core >= cores_) {
      grant(file.open_id, 0, base::fail(base::Errc::kLimit, "too many files are open"));
      continue;
    }
    const model::RemoteFile wanted{.folder = file.folder, .name = file.name, .version = file.version,
                                   .size = file.size, .block_size = file.block_size};
    ++opening_;
    host_.file_server().open_for_peer(
        peer_, wanted,
        [this, serial = serial_, open_id = file.open_id, core = file.core](base::Result<model::ServedFile> result) {
          --opening_;
          if (active_ && serial == serial_) grant(open_id, core, std::move(result));
        });
  }
}

void WeftSession::grant(std::uint32_t open_id, std::uint32_t core, base::Result<model::ServedFile> file) {
  const auto refuse = [this, open_id](base::Errc code) {
    grant_batch_.files.push_back({.open_id = open_id, .handle = 0, .error = proto::grant_error_of(code)});
    schedule_flush();
  };
  if (!file) return refuse(file.error().code);
  if (served_.size() >= kFilesMax) return refuse(base::Errc::kLimit);
  Command c = command(Command::Kind::kGrant);
  c.body.grant = {.handle = 0, .fd = file->memory ? share::kMemoryFd : file->fd.get(), .direct = file->direct,
                  .size = file->size};
  // The number is known only after the call, the answer comes only after it too.
  const auto number = std::make_shared<std::uint32_t>(0);
  const auto opened = engine_.channel(core).open_file(
      c, [this, serial = serial_, open_id, core, number, refuse](base::Status ready) {
        const auto place = std::pair(core, *number);
        if (!ready) {
          served_.erase(place);
          if (active_ && serial == serial_) refuse(ready.error().code);
          return;
        }
        served_.at(place).granted = true;
        grant_batch_.files.push_back({.open_id = open_id, .handle = *number, .error = 0});
        schedule_flush();
      });
  if (!opened) return refuse(base::Errc::kLimit);
  *number = *opened;
  served_[{core, *opened}] = Served{.fd = std::move(file->fd), .open_id = open_id};
}

// After a resume: a GRANT may have been lost with the old link. The peer knows it already, or releases it.
void WeftSession::repeat_grants() {
  grant_batch_ = {};
  for (const auto& [place, served] : served_)
    if (served.granted && !served.closing)
      grant_batch_.files.push_back({.open_id = served.open_id, .handle = place.second, .error = 0});
}

void WeftSession::handle_release(const proto::Release& release) {
  for (const std::uint32_t handle : release.handles) {
    const auto place = std::pair(FileNumber::core(handle), handle);
    const auto found = served_.find(place);
    if (found == served_.end() || found->second.closing) continue;   // not (or no more) granted: nothing to do
    found->second.closing = true;
    engine_.channel(place.first).close_file(slot_, handle, [this, place] { served_.erase(place); });
  }
}

// ---- what goes over the link

void WeftSession::schedule_flush() {
  if (std::exchange(flush_scheduled_, true)) return;
  host_.post([this] { flush(); });
}

void WeftSession::flush() {
  flush_scheduled_ = false;
  if (link_ == nullptr) return;   // opens were failed when it went; releases and grants go over the next one
  // In pieces, so that no message outgrows its bound.
  const auto send = [&](auto& list, auto wrap) {
    for (std::size_t at = 0; at < list.size(); at += proto::kPrivateEntriesMax) {
      const std::size_t end = std::min(list.size(), at + proto::kPrivateEntriesMax);
      link_->send(wrap(list.begin() + static_cast<std::ptrdiff_t>(at), list.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    list.clear();
  };
  send(release_batch_.handles, [](auto first, auto last) { return proto::Release{{first, last}}; });
  send(grant_batch_.files, [](auto first, auto last) { return proto::Grant{{first, last}}; });
  send(open_batch_.files, [](auto first, auto last) { return proto::Open{{first, last}}; });
  link_->flush();
}

}  // namespace weft::run
