// Index and IndexUpdate (one decoder): every entry that comes out keeps file_info.hh's invariants, our hand-written
// reading of the outer message agrees with protobuf's, and what was understood is written again with the same meaning.
#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {
namespace {

using namespace proto;

void check_blocks(const FileInfo& file) {
  CHECK(file.block_size >= 128 << 10 && file.block_size <= 16 << 20 && (file.block_size & (file.block_size - 1)) == 0);
  CHECK(file.size >= 0 && !file.blocks.empty());
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < file.blocks.size(); ++i) {
    const Block& block = file.blocks[i];
    CHECK(block.offset == offset);
    const bool last = i + 1 == file.blocks.size();
    CHECK(last ? block.size >= 0 && block.size <= file.block_size : block.size == file.block_size);
    CHECK(block.size > 0 || (file.size == 0 && last));
    offset += block.size;
  }
  CHECK(offset == file.size);
}

void check_file(const FileInfo& file) {
  CHECK(check_name(file.name) == NameFault::kOk);
  const auto counters = file.version.counters();
  CHECK(counters.size() <= kCountersMax);
  for (std::size_t i = 0; i < counters.size(); ++i) {
    CHECK(counters[i].value > 0);
    if (i > 0) CHECK(counters[i - 1].id < counters[i].id);
  }
  CHECK(file.permissions <= 0777 && file.sequence >= 0);
  CHECK(file.modified_ns >= 0 && file.modified_ns < 1'000'000'000);
  if (file.type == FileType::kFile && !file.deleted && !file.invalid) return check_blocks(file);
  CHECK(file.blocks.empty() && file.block_size == 0 && file.size >= 0);
  if (file.type != FileType::kFile || file.deleted) CHECK(file.size == 0);
  if (file.type != FileType::kSymlink || file.deleted || file.invalid) return;
  CHECK(!file.symlink_target.empty() && file.symlink_target.size() < 4096);
  CHECK(file.symlink_target.find('\0') == std::string::npos);
}

// What a message does not carry: sequences that are not positive, the hint about blocks that are not there.
Index as_sent(Index index) {
  index.last_sequence = std::max<std::int64_t>(index.last_sequence, 0);
  index.prev_sequence = std::max<std::int64_t>(index.prev_sequence, 0);
  for (FileInfo& file : index.files)
    if (file.blocks.empty()) file.blocks_hash.clear();
  return index;
}

void check_against_protobuf(base::Bytes input, const Index& index) {
  bep::Index slow;
  // Ours skips what protobuf knows and refuses inside an unknown or a spoilt field; what both read is the same.
  if (!slow.ParseFromArray(input.data(), static_cast<int>(input.size()))) return;
  CHECK(slow.folder() == index.folder && slow.last_sequence() == index.last_sequence);
  CHECK(slow.prev_sequence() == index.prev_sequence);
  CHECK(static_cast<std::size_t>(slow.files_size()) == index.files.size());
  for (std::size_t i = 0; i < index.files.size(); ++i) {
    const bep::FileInfo& from = slow.files(static_cast<int>(i));
    const FileInfo& file = index.files[i];
    CHECK(from.name() == file.name && from.deleted() == file.deleted && (file.invalid || !from.invalid()));
    CHECK(file.blocks.empty() || static_cast<std::size_t>(from.blocks_size()) == file.blocks.size());
    for (std::size_t k = 0; k < file.blocks.size(); ++k) {
      const std::string& hash = from.blocks(static_cast<int>(k)).hash();
      CHECK(std::ranges::equal(bytes_of(hash), file.blocks[k].hash));
    }
  }
}

}  // namespace

void make_seeds(Seeds& out) {
  out.add("each-kind", encoded(small_index()));
  out.add("empty", encoded(Index{.folder = "default", .files = {}}));
  Index one{.folder = "f", .files = {file_of("x", 1 << 20)}};
  one.files[0].encrypted = noise(9, 2);
  one.files[0].platform = noise(20, 3);
  one.files[0].previous_blocks_hash = noise(32, 4);
  out.add("one", encoded(one));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes input = bytes_of(data, size);
  Index index;
  IndexFaults faults;
  const Reason reason = decode(input, index, faults);
  for (const FileInfo& file : index.files) check_file(file);
  if (reason != Reason::kNone) {
    CHECK(closes_link(reason));
    return 0;
  }
  understood();
  CHECK(index.files.size() <= kIndexFilesMax && is_utf8(index.folder));
  std::uint64_t spoilt = 0, invalid = 0;
  for (std::size_t i = 0; i < kReasonCount; ++i) {
    CHECK(faults.spoilt.counts[i] == 0 || !closes_link(static_cast<Reason>(i)));
    spoilt += faults.spoilt.counts[i];
  }
  for (const FileInfo& file : index.files) invalid += file.invalid ? 1 : 0;
  CHECK(spoilt <= invalid);
  check_against_protobuf(input, index);
  Index again;
  CHECK(decode(encoded(index), again, faults) == Reason::kNone);
  CHECK(faults.spoilt.counts == ReasonCounters{}.counts && again == as_sent(index));
  return 0;
}
