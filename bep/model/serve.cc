#include "bep/model/serve.hh"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "bep/model/beneath.hh"
#include "bep/model/hasher.hh"
#include "bep/model/scanner.hh"
#include "bep/proto/names.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

using base::Errc;
using proto::ErrorCode;

ServeAnswer read_file(int root, const std::string& name, const proto::Request& request) {
  DiskState state;
  const base::Result<base::UniqueFd> fd = open_file(root, name, state);
  if (!fd) {
    const bool gone = fd.error().code == Errc::kNotFound || fd.error().code == Errc::kInvalidArgument;
    return {gone ? ErrorCode::kNoSuchFile : ErrorCode::kGeneric, {}};
  }
  if (request.offset > state.size || request.size > state.size - request.offset)
    return {ErrorCode::kNoSuchFile, {}};
  ServeAnswer answer{ErrorCode::kNone, std::vector<std::byte>(static_cast<std::size_t>(request.size))};
  std::size_t done = 0;
  while (done < answer.data.size()) {
    const ssize_t got = ::pread(fd->get(), answer.data.data() + done, answer.data.size() - done,
                                static_cast<off_t>(request.offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {ErrorCode::kGeneric, {}};
    if (got == 0) return {ErrorCode::kNoSuchFile, {}};   // it became shorter
    done += static_cast<std::size_t>(got);
  }
  if (request.hash.empty()) return answer;
  const base::Sha256 hash = sha256(answer.data);
  if (std::ranges::equal(hash, request.hash)) return answer;
  return {ErrorCode::kNoSuchFile, {}};
}

// One byte at a few places without waiting for the disk: a sample is enough for a choice that is only about speed.
bool is_cached(int fd, std::int64_t size) {
  constexpr int kSamples = 4;
  for (int i = 0; i < kSamples; ++i) {
    std::byte byte{};
    const iovec into{&byte, 1};
    if (::preadv2(fd, &into, 1, static_cast<off_t>(size / kSamples * i), RWF_NOWAIT) != 1) return false;
  }
  return true;
}

}  // namespace

ErrorCode check_request(const proto::Request& request) {
  if (request.size < 0 || request.offset < 0 || request.size > proto::kRequestBytesMax)
    return ErrorCode::kInvalidFile;
  if (!proto::is_valid_name(request.name)) return ErrorCode::kGeneric;
  if (proto::is_internal_name(request.name) || proto::is_temp_name(request.name)) return ErrorCode::kInvalidFile;
  if (request.hash_unusable) return ErrorCode::kNoSuchFile;
  return ErrorCode::kNone;
}

ServeAnswer read_for(int root, const proto::Request& request) {
  MUST(root >= 0);
  if (request.from_temporary && !request.hash.empty()) {
    ServeAnswer answer = read_file(root, proto::temp_name(request.name), request);
    if (answer.code == ErrorCode::kNone) return answer;
  }
  return read_file(root, request.name, request);
}

struct RequestServer::State : std::enable_shared_from_this<State> {
  State(Workers& pool, Host callbacks) : workers(pool), host(std::move(callbacks)) {}

  struct Asked {
    std::uint64_t link = 0;
    proto::Request request;
  };

  void refuse(const Asked& asked, ErrorCode code) { host.answer(asked.link, asked.request.id, {code, {}}); }

  void pump() {
    while (reads < kServeReadsMax) {   // the end of a read pumps
      const auto next = std::ranges::find_if(queue, [&](const Asked& asked) { return !host.stuck(asked.link); });
      if (next == queue.end()) return;
      const auto size = static_cast<std::uint64_t>(next->request.size);
      // A single request may be larger than what is left: it goes when nothing else is being read.
      const std::uint64_t waiting = host.output_bytes();
      if (bytes_reading > 0 && bytes_reading + waiting + size > kServeBytesMax) return;   // likewise
      if (bytes_reading == 0 && waiting > kServeBytesMax / 2) return host.want_drained();
      Asked asked = std::move(*next);
      queue.erase(next);
      const int root = host.root_of(asked.request.folder);
      if (root < 0) {
        ++counters.not_shared;
        refuse(asked, ErrorCode::kGeneric);
        continue;
      }
      begin(root, std::move(asked));
    }
  }

  void begin(int root, Asked what) {
    bytes_reading += static_cast<std::uint64_t>(what.request.size);
    ++reads;
    const auto asked = std::make_shared<const Asked>(std::move(what));
    workers.run([root, asked] { return read_for(root, asked->request); },
                [weak = weak_from_this(), asked](ServeAnswer answer) {
                  const auto self = weak.lock();
                  if (!self) return;
                  const proto::Request& request = asked->request;
                  self->bytes_reading -= static_cast<std::uint64_t>(request.size);
                  --self->reads;
                  self->count(answer);
                  if (answer.code == ErrorCode::kNoSuchFile && !request.hash.empty()) self->host.not_found(request);
                  self->host.answer(asked->link, request.id, std::move(answer));
                  self->pump();
                });
  }

  void count(const ServeAnswer& answer) {
    switch (answer.code) {
      case ErrorCode::kNone:
        ++counters.answered;
        counters.bytes += answer.data.size();
        return;
      case ErrorCode::kNoSuchFile: ++counters.no_such_file; return;
      case ErrorCode::kGeneric: ++counters.unreadable; return;
      case ErrorCode::kInvalidFile: ++counters.invalid; return;
    }
  }

  Workers& workers;
  Host host;
  std::deque<Asked> queue;
  std::uint64_t bytes_reading = 0;
  std::size_t reads = 0;
  ServeCounters counters;
};

RequestServer::RequestServer(Workers& workers, Host host)
    : state_(std::make_shared<State>(workers, std::move(host))) {}

RequestServer::~RequestServer() = default;

void RequestServer::handle(std::uint64_t link, proto::Request request) {
  State::Asked asked{link, std::move(request)};
  const ErrorCode code = check_request(asked.request);
  if (code != ErrorCode::kNone) {
    ++state_->counters.invalid;
    return state_->refuse(asked, code);
  }
  if (state_->queue.size() >= kServeQueueMax) {
    ++state_->counters.overflow;
    return state_->refuse(asked, ErrorCode::kGeneric);
  }
  state_->queue.push_back(std::move(asked));
  state_->pump();
}

void RequestServer::forget(std::uint64_t link) {
  std::erase_if(state_->queue, [&](const State::Asked& asked) { return asked.link == link; });
}

void RequestServer::on_output_drained() { state_->pump(); }

const ServeCounters& RequestServer::counters() const { return state_->counters; }

base::Result<ServedFile> open_served(Directories& directories, const proto::FileInfo& local, DirectIo direct) {
  MUST(local.type == proto::FileType::kFile);
  const Place place = TRY(directories.parent_of(local.name));
  DiskState state;
  ServedFile served;
  served.fd = TRY(open_file_at(place, state));
  if (state.size != local.size || state.modified_s != local.modified_s || state.modified_ns != local.modified_ns)
    return base::fail(Errc::kNotFound, "the file changed since it was indexed");
  served.size = static_cast<std::uint64_t>(state.size);
  const bool wanted = direct == DirectIo::kAlways ||
                      (direct == DirectIo::kAuto && state.size >= kDirectBytesMin &&
                       !is_cached(served.fd.get(), state.size));
  if (!wanted) return served;
  DiskState again;
  base::Result<base::UniqueFd> past_cache = open_file_at(place, again, O_DIRECT);
  if (past_cache && again.inode == state.inode) {
    served.fd = std::move(*past_cache);
    served.direct = true;
  }
  return served;
}

}  // namespace weft::model
