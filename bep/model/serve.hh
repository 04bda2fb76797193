// What we give to others: answers to BEP Requests, and files opened for the datapath.
// Requests: checked, read in a worker, verified when a hash was given, answered out of order.
// Codes as stock gives them: 0 ok, 1 not shared or cannot be read, 2 no such file (also: not the bytes asked for, and
// a range beyond the end), 3 a name or range that can never be served.
// Bounds: kServeBytesMax being read or waiting in the link's output and kServeReadsMax reads (their jobs cost memory
// however few bytes they are for) per device; what comes beyond them waits in a queue of kServeQueueMax requests, and
// beyond that is answered with code 1 at once: reading the link never stops, because two peers that both stop reading
// while they write wait for ever.
// Threads: control; reading in workers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/beneath.hh"
#include "bep/model/fabric.hh"
#include "bep/model/temp_file.hh"
#include "bep/model/workers.hh"
#include "bep/proto/file_info.hh"
#include "bep/proto/messages.hh"
#include "bep/proto/response.hh"

namespace weft::model {

inline constexpr std::uint64_t kServeBytesMax = std::uint64_t{32} << 20;
inline constexpr std::size_t kServeReadsMax = 1024;
inline constexpr std::size_t kServeQueueMax = 8192;

struct ServeAnswer {
  proto::ErrorCode code = proto::ErrorCode::kGeneric;
  std::vector<std::byte> data;
};

// kNone when it may be read.
[[nodiscard]] proto::ErrorCode check_request(const proto::Request& request);
// Reads a checked request beneath `root`. Worker thread.
[[nodiscard]] ServeAnswer read_for(int root, const proto::Request& request);

struct ServeCounters {
  std::uint64_t answered = 0, bytes = 0;
  std::uint64_t not_shared = 0, invalid = 0, no_such_file = 0, unreadable = 0, overflow = 0;   // refused, by reason
};

// One device's requests, by whichever of its links; an answer goes back by the link that its request came by. Callbacks are
// called on control, `answer` possibly from inside handle().
class RequestServer {
 public:
  struct Host {
    std::function<int(const std::string& folder)> root_of;      // of a folder shared with the device, or -1
    std::function<std::uint64_t()> output_bytes;                // waiting in all its links
    std::function<bool(std::uint64_t link)> stuck;              // suspect: its requests wait until it is not, or ends
    std::function<void()> want_drained;                         // on_output_drained() is to come when less waits there
    std::function<void(std::uint64_t link, std::int32_t id, ServeAnswer answer)> answer;
    // A request with a hash found other bytes, or no such file.
    std::function<void(const proto::Request& request)> not_found;
  };
  RequestServer(Workers& workers, Host host);
  ~RequestServer();
  void handle(std::uint64_t link, proto::Request request);
  void forget(std::uint64_t link);                              // it ended: what waits is not read any more
  void on_output_drained();
  [[nodiscard]] const ServeCounters& counters() const;

 private:
  struct State;
  std::shared_ptr<State> state_;   // shared with jobs under way
};

// Opens our file for the datapath when it still is what `local`, our index entry, says. Worker thread.
// O_DIRECT (kAuto) for big files that are not in the page cache: reading those through the cache costs a copy and
// pushes out what others need; reading cached ones past the cache costs a disk access.
[[nodiscard]] base::Result<ServedFile> open_served(Directories& directories, const proto::FileInfo& local,
                                                   DirectIo direct);

}  // namespace weft::model
