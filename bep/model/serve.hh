// Answers a peer's BEP Requests: checks, reads in a worker, verifies when a hash was given, answers out of order.
// Codes as stock gives them: 0 ok, 1 not shared or cannot be read, 2 no such file (also: bytes differ from the
// hash asked for), 3 name or range that can never be served.
// Bounds: kServeBytesMax being read or waiting in the link's output per device; what comes beyond it waits in a
// queue of kServeQueueMax requests, and beyond that is answered with code 1 at once: reading never stops, because a
// peer that stops reading while we do is a deadlock.
// Threads: control; reading in workers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/model/workers.hh"
#include "bep/proto/file_info.hh"

namespace weft::model {

class IndexDb;

inline constexpr std::uint64_t kServeBytesMax = std::uint64_t{32} << 20;
inline constexpr std::size_t kServeQueueMax = 8192;

enum class ServeCode : std::uint8_t { kOk = 0, kGeneric = 1, kNoSuchFile = 2, kInvalidFile = 3 };

struct ServeRequest {
  std::int32_t id = 0;
  std::string folder, name;
  std::int64_t offset = 0;
  std::int32_t size = 0;
  std::vector<std::byte> hash;     // empty: not given
  bool from_temporary = false;
};

struct ServeAnswer {
  ServeCode code = ServeCode::kGeneric;
  std::vector<std::byte> data;
};

// Reads one request beneath `root`. Worker thread. The name was checked by check_request().
[[nodiscard]] ServeAnswer read_for(int root, const ServeRequest& request);
// kOk when it may be read.
[[nodiscard]] ServeCode check_request(const ServeRequest& request);

// One device's requests.
class RequestServer {
 public:
  // root_of: descriptor of a folder shared with this device, or -1. Valid for the life of the server.
  using RootOf = std::function<int(const std::string& folder)>;
  using Answer = std::function<void(std::int32_t id, ServeAnswer answer)>;
  RequestServer(Workers& workers, RootOf root_of, Answer answer);
  ~RequestServer();
  void handle(ServeRequest request);
  // Bytes of answers that wait in the link; call when it has changed.
  void set_output_pending(std::uint64_t bytes);

 private:
  struct State;
  std::shared_ptr<State> state_;   // shared with jobs under way
};

// The check of a datapath open against index and disk; worker thread. `local` is our entry.
[[nodiscard]] base::Result<ServedFile> open_served(int root, const proto::FileInfo& local, bool ignore_direct);

}  // namespace weft::model
