#include "bep/proto/reason.hh"

#include "engine/base/must.hh"

namespace weft::proto {
namespace {

// What happens to the link.
enum class Effect : std::uint8_t {
  kNothing,
  kAbrupt,       // closed without a word: the stream or the peer cannot be followed
  kWithClose,    // Close{reason} first
  kEntry,        // one index entry becomes invalid
};

struct Row {
  Reason reason;
  Effect effect;
  const char* name;
  const char* text;
};

constexpr std::array<Row, kReasonCount> kRows{{
    {Reason::kNone, Effect::kNothing, "none", "nothing wrong"},
    {Reason::kHelloMagicOld, Effect::kAbrupt, "hello_magic_old",
     "the peer speaks an old protocol version"},
    {Reason::kHelloMagicUnknown, Effect::kAbrupt, "hello_magic_unknown", "unknown magic number"},
    {Reason::kHelloTooLong, Effect::kAbrupt, "hello_too_long", "Hello is too long"},
    {Reason::kHelloBroken, Effect::kAbrupt, "hello_broken", "Hello does not decode"},
    {Reason::kHelloTimeout, Effect::kAbrupt, "hello_timeout", "no Hello in time"},
    {Reason::kHeaderTooLong, Effect::kAbrupt, "header_too_long", "message header is too long"},
    {Reason::kHeaderBroken, Effect::kAbrupt, "header_broken", "message header does not decode"},
    {Reason::kCompressionUnknown, Effect::kAbrupt, "compression_unknown", "unknown compression"},
    {Reason::kLengthNegative, Effect::kAbrupt, "length_negative", "negative message length"},
    {Reason::kLengthTooLong, Effect::kAbrupt, "length_too_long",
     "message is too long for its type"},
    {Reason::kLz4TooShort, Effect::kAbrupt, "lz4_too_short", "LZ4 message is too short"},
    {Reason::kLz4TooLong, Effect::kAbrupt, "lz4_too_long", "LZ4 message declares too many bytes"},
    {Reason::kLz4Broken, Effect::kAbrupt, "lz4_broken", "LZ4 data does not decode"},
    {Reason::kLz4LengthMismatch, Effect::kAbrupt, "lz4_length_mismatch",
     "LZ4 data has another length than declared"},
    {Reason::kMessageBroken, Effect::kAbrupt, "message_broken", "message does not decode"},
    {Reason::kMessageTooMany, Effect::kAbrupt, "message_too_many",
     "message has too many entries"},
    {Reason::kNotClusterConfigFirst, Effect::kWithClose, "not_cluster_config_first",
     "protocol error: the first message must be the cluster config"},
    {Reason::kDeviceIdLength, Effect::kWithClose, "device_id_length",
     "protocol error: a device ID is not 32 bytes long"},
    {Reason::kNameInvalid, Effect::kWithClose, "name_invalid",
     "protocol error: invalid file name"},
    {Reason::kFileWithoutBlocks, Effect::kWithClose, "file_without_blocks",
     "protocol error: file with empty block list"},
    {Reason::kDeletedWithBlocks, Effect::kWithClose, "deleted_with_blocks",
     "protocol error: deleted file with blocks"},
    {Reason::kDirectoryWithBlocks, Effect::kWithClose, "directory_with_blocks",
     "protocol error: directory with blocks"},
    {Reason::kSymlinkWithBlocks, Effect::kWithClose, "symlink_with_blocks",
     "protocol error: symlink with blocks"},
    {Reason::kRequestRange, Effect::kWithClose, "request_range",
     "protocol error: request with an impossible range"},
    {Reason::kPrivateBroken, Effect::kWithClose, "private_broken",
     "protocol error: weft message does not decode"},
    {Reason::kReadTimeout, Effect::kAbrupt, "read_timeout", "nothing received for too long"},
    {Reason::kFileTypeUnknown, Effect::kEntry, "file_type_unknown", "unknown file type"},
    {Reason::kFileSizeNegative, Effect::kEntry, "file_size_negative", "negative file size"},
    {Reason::kBlockSizeInvalid, Effect::kEntry, "block_size_invalid",
     "block size is not a power of two from 128 KiB to 16 MiB"},
    {Reason::kBlockLayout, Effect::kEntry, "block_layout", "blocks do not make up the file"},
    {Reason::kBlockHashLength, Effect::kEntry, "block_hash_length",
     "a block hash is not 32 bytes long"},
    {Reason::kVersionInvalid, Effect::kEntry, "version_invalid", "version vector is not one"},
    {Reason::kSymlinkTargetInvalid, Effect::kEntry, "symlink_target_invalid",
     "symlink target cannot be used"},
}};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].reason) != i) return false;
  return true;
}
static_assert(rows_in_order());

const Row& row_of(Reason reason) noexcept {
  MUST(reason < Reason::kCount);
  return kRows[static_cast<std::size_t>(reason)];
}

}  // namespace

const char* name_of(Reason reason) noexcept { return row_of(reason).name; }
const char* text_of(Reason reason) noexcept { return row_of(reason).text; }
bool sends_close(Reason reason) noexcept { return row_of(reason).effect == Effect::kWithClose; }
bool closes_link(Reason reason) noexcept {
  return sends_close(reason) || row_of(reason).effect == Effect::kAbrupt;
}

}  // namespace weft::proto
