// DownloadProgress: bounded, names safe, written again the same.
#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("append-and-forget", encoded(small_progress()));
  out.add("empty", encoded(DownloadProgress{.folder = "default", .updates = {}}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  DownloadProgress progress;
  const Reason reason = decode(bytes_of(data, size), progress);
  if (reason != Reason::kNone) {
    CHECK(closes_link(reason));
    return 0;
  }
  understood();
  weft::bep::DownloadProgress slow;
  CHECK(slow.ParseFromArray(data, static_cast<int>(size)));
  CHECK(static_cast<std::size_t>(slow.updates_size()) == progress.updates.size());
  CHECK(progress.updates.size() <= kProgressUpdatesMax && is_utf8(progress.folder));
  for (const DownloadProgress::Update& update : progress.updates) {
    CHECK(is_valid_name(update.name) && update.version.counters().size() <= kCountersMax);
    CHECK(update.block_indexes.size() <= size);
  }
  DownloadProgress again;
  CHECK(decode(encoded(progress), again) == Reason::kNone && again == progress);
  return 0;
}
