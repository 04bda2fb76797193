// The seam between the folder model and the datapath: what the model asks of it (Fabric) and what the datapath
// asks of the model when a peer opens a file (FileServer). engine/run implements Fabric; tests have a fake one.
// Threads: everything here, calls and callbacks alike, happens on the control thread.
// Callbacks: each is called exactly once; never from inside the call that was given it (post it), so a caller
// may hold references into its own state across the call.
// Not here: links (bep/net). A device without a usable path is served by plain BEP on its link.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bep/proto/version_vector.hh"
#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"
#include "engine/base/unique_fd.hh"

namespace weft::net {
class Link;
}

namespace weft::model {

// One version of one file, as both ends name it.
struct RemoteFile {
  std::string folder;
  std::string name;                // canonical wire name
  proto::VersionVector version;
  std::int64_t size = 0;
  std::int32_t block_size = 0;
};

// The transfer's number (names it in BlockOrder and close). kUnavailable: no usable path now, use the link.
// kNotFound: the peer does not have this version.
using OpenDone = std::function<void(base::Result<std::uint32_t>)>;

struct BlockOrder {
  std::uint32_t transfer = 0;
  std::uint64_t offset = 0;
  std::uint32_t size = 0;          // 1 … kBlockBytesMax
  base::Sha256 hash{};
};

// ok: the bytes match the hash AND stand at `offset` of the fd. kUnavailable: paths gone or cancelled, ask again
// elsewhere. kCorrupt: the peer's bytes do not match. kNotFound: the peer has it no more. kNoSpace, kReadOnly,
// kIo: our disk refused the write.
using BlockDone = std::function<void(base::Status)>;

class Fabric {
 public:
  virtual ~Fabric() = default;
  // The device is a weft and at least one path to it carries data.
  [[nodiscard]] virtual bool usable(const base::DeviceId& device) const = 0;
  // Opens the file at the peer and registers `fd` (open for writing; O_DIRECT when `direct`) as the place of its
  // verified blocks. Opens are batched inside, so calling this for many small files in a row is cheap.
  // The fd stays the caller's and must stay open until close()'s `gone`, or until `done` has an error.
  virtual void open(const base::DeviceId& device, const RemoteFile& file, int fd, bool direct, OpenDone done) = 0;
  virtual void fetch(const BlockOrder& order, BlockDone done) = 0;
  // How many blocks of this size are worth having outstanding to the device, over all its transfers.
  [[nodiscard]] virtual std::uint32_t window_blocks(const base::DeviceId& device,
                                                    std::uint32_t block_bytes) const = 0;
  // Ends a transfer; its outstanding blocks end as kUnavailable first. The fd may be closed in or after `gone`.
  virtual void close(std::uint32_t transfer, std::function<void()> gone) = 0;

  // The model forwards these, so that the datapath can speak with its peer over the link.
  virtual void on_link_up(net::Link& link) = 0;
  virtual void on_link_down(net::Link& link) = 0;
  virtual void on_private(net::Link& link, int type, base::Bytes bytes) = 0;
};

// A file granted to a peer. The receiver of this struct owns the fd.
struct ServedFile {
  base::UniqueFd fd;
  bool direct = false;             // opened with O_DIRECT
  bool memory = false;             // no fd: data made up in memory (engine/run/bench_files.hh)
  std::uint64_t size = 0;
};
using ServedDone = std::function<void(base::Result<ServedFile>)>;

class FileServer {
 public:
  virtual ~FileServer() = default;
  // Checks that the folder is shared with the device, that the name is one we would serve, that our entry is
  // exactly the version asked for, and that the file on disk still is what was indexed; then opens it beneath the
  // folder's root without following symbolic links. kPermission: not shared. kNotFound: anything else.
  virtual void open_for_peer(const base::DeviceId& device, const RemoteFile& file, ServedDone done) = 0;
};

}  // namespace weft::model
