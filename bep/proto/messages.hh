// BEP's messages as plain values, and their protobuf forms. Nobody outside this folder sees
// protobuf. Decoders check sizes and counts before they allocate: a message never costs more memory
// than a small multiple of its own bytes, and the counts below. Each returns kNone or the Reason
// that closes the link. Not here: Hello (hello.hh), FileInfo (file_info.hh), Response
// (response.hh), weft's own (private_messages.hh).
// Pure values, any thread. Source: bep_facts §6, §9, §12, §13.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bep/proto/device_id.hh"
#include "bep/proto/file_info.hh"
#include "bep/proto/reason.hh"
#include "engine/base/bytes.hh"

namespace weft::proto {

inline constexpr std::size_t kFoldersMax = 4096;          // in one ClusterConfig
// Device entries in one ClusterConfig, all folders together.
inline constexpr std::size_t kFolderDevicesMax = 65536;
inline constexpr std::size_t kAddressesMax = 65536;       // address strings in one ClusterConfig
inline constexpr std::size_t kIndexFilesMax = 16384;      // in one Index; stock sends at most 1000
inline constexpr std::size_t kProgressUpdatesMax = 16384;
inline constexpr std::int32_t kRequestBytesMax = 32 << 20;   // as stock: twice the largest block

// Numbers on the wire. Types we do not know are skipped, so this is not closed.
enum class MessageType : std::int32_t {
  kClusterConfig = 0, kIndex = 1, kIndexUpdate = 2, kRequest = 3, kResponse = 4,
  kDownloadProgress = 5, kPing = 6, kClose = 7,
  // private_messages.hh
  kOffer = 1001, kOpen = 1002, kGrant = 1003, kRelease = 1004, kPaths = 1005,
};
[[nodiscard]] bool is_private(MessageType type) noexcept;

// Our setting towards one device: what we compress when we send. We read both forms always.
enum class Compression : std::uint8_t { kMetadata = 0, kNever = 1, kAlways = 2 };

struct ClusterDevice {
  DeviceId id{};
  std::string name;
  std::vector<std::string> addresses;
  Compression compression = Compression::kMetadata;
  std::string cert_name;
  std::int64_t max_sequence = 0;      // of this device's index as the sender has it
  bool introducer = false;
  std::uint64_t index_id = 0;         // 0: none
  bool skip_introduction_removals = false;
  // Not empty: a folder that is encrypted for one side; we do not speak that.
  std::vector<std::byte> encryption_password_token;
  friend bool operator==(const ClusterDevice&, const ClusterDevice&) = default;
};
struct ClusterFolder {
  std::string id;
  std::string label;
  // 2.x: 0 send-receive, 1 send-only, 2 receive-only, 3 receive-encrypted; 1.19: 1 means read-only.
  // Information only.
  std::uint32_t type = 0;
  bool ignore_permissions = false;    // 4 to 6: 1.19 only
  bool ignore_delete = false;
  bool disable_temp_indexes = false;
  bool paused = false;                // 2.x: stop_reason 1
  std::vector<ClusterDevice> devices; // at least both ends of the link
  friend bool operator==(const ClusterFolder&, const ClusterFolder&) = default;
};
struct ClusterConfig {
  std::vector<ClusterFolder> folders;
  bool secondary = false;             // 2.x: an additional connection; carries requests only
  friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

struct Index {
  std::string folder;
  std::vector<FileInfo> files;
  std::int64_t last_sequence = 0;     // 0: not given
  std::int64_t prev_sequence = 0;     // IndexUpdate only
  friend bool operator==(const Index&, const Index&) = default;
};

struct Request {
  std::int32_t id = 0;                // unique among the outstanding ones of this link
  std::string folder;
  std::string name;
  std::int64_t offset = 0;
  // A whole block; we answer 0 but never send it (bep_facts §12).
  std::int32_t size = 0;
  // SHA-256 of the block: 32 bytes, or empty if the peer omits it.
  std::vector<std::byte> hash;
  bool hash_unusable = false;         // received with another length: no bytes can match it
  bool from_temporary = false;
  std::int32_t block_no = 0;
  friend bool operator==(const Request&, const Request&) = default;
};

struct DownloadProgress {
  struct Update {
    bool forget = false;
    std::string name;
    VersionVector version;
    std::vector<std::int32_t> block_indexes;
    std::int32_t block_size = 0;
    friend bool operator==(const Update&, const Update&) = default;
  };
  std::string folder;
  std::vector<Update> updates;
  friend bool operator==(const DownloadProgress&, const DownloadProgress&) = default;
};

void encode(const ClusterConfig& message, std::vector<std::byte>& out);       // appends
void encode(const Index& message, std::vector<std::byte>& out);
void encode(const Request& message, std::vector<std::byte>& out);
void encode(const DownloadProgress& message, std::vector<std::byte>& out);
[[nodiscard]] std::vector<std::byte> encode_close(std::string_view reason);

[[nodiscard]] Reason decode(base::Bytes bytes, ClusterConfig& out);
// Spoilt entries are in `out` as invalid ones and in `spoilt` by reason; `broken_name` is the name
// of the entry that closed the link, if any.
struct IndexFaults {
  ReasonCounters spoilt;
  std::string broken_name;
};
[[nodiscard]] Reason decode(base::Bytes bytes, Index& out, IndexFaults& faults);
// Checks name and range. A hash of another length than 0 or 32 bytes only fails this request
// (hash_unusable).
[[nodiscard]] Reason decode(base::Bytes bytes, Request& out);
[[nodiscard]] Reason decode(base::Bytes bytes, DownloadProgress& out);
// Cut to 1 KiB of printable text.
[[nodiscard]] Reason decode_close(base::Bytes bytes, std::string& reason);

}  // namespace weft::proto
