// One file on its way: temp file prepared, missing blocks fetched from whoever has them by datapath or link,
// every block verified before it is kept, until the file is whole and goes to the finisher.
// Threads: control; file work in worker jobs, which hold the temp file while they run.
// Ownership: shared_ptr, because answers of peers, datapath and workers may arrive after the puller gave it up;
// they find `ended_` and do nothing.
// Switching: a block that comes back kUnavailable or kClosed is simply missing again and takes the way that is
// usable then, in either direction. What is verified stays. A device that gives wrong bytes, or has not what it
// announced, is left out of this file after kFaultsMax times.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/model/sources.hh"
#include "bep/model/temp_file.hh"
#include "bep/model/workers.hh"
#include "bep/proto/file_info.hh"
#include "engine/base/types.hh"

namespace weft::model {

class Transfer;

// Told on the control thread, never from inside a call into the transfer.
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  virtual void on_blocks_wanted(Transfer& transfer) = 0;            // prepared, or room may have come
  virtual void on_block_verified(Transfer& transfer, Way way, std::uint32_t bytes) = 0;
  virtual void on_whole(Transfer& transfer) = 0;                    // take_temp() and finish it
  virtual void on_failed(Transfer& transfer, base::Error error) = 0;
};

struct TransferInputs {
  std::string folder;
  int root = -1;
  proto::FileInfo target;
  std::vector<std::string> donors;             // names of local files that may hold its blocks
  std::vector<base::DeviceId> devices;         // that have exactly this version
  DirectIo direct = DirectIo::kAuto;
};

class Transfer : public std::enable_shared_from_this<Transfer> {
 public:
  static constexpr std::uint32_t kFaultsMax = 3;

  Transfer(TransferInputs inputs, Workers& workers, Sources& sources, TransferObserver& observer);
  void start();
  // Asks for one more block where there is room. False when it can ask for none now.
  bool issue();
  // Ends it: no observer call follows. The temp file stays on disk and its descriptors until all who write are done.
  void cancel();
  // After on_whole.
  [[nodiscard]] TempFile take_temp();

  [[nodiscard]] const proto::FileInfo& target() const { return inputs_.target; }
  [[nodiscard]] std::uint64_t bytes_done() const { return bytes_done_; }
  [[nodiscard]] std::uint64_t bytes_reused() const { return bytes_reused_; }
  [[nodiscard]] bool wants_blocks() const { return prepared_ && !ended_ && !missing_.empty(); }
  // Wants blocks, waits for none, and no device can be asked: everybody who has the file is away.
  [[nodiscard]] bool is_stranded() const;
  [[nodiscard]] Way last_way() const { return last_way_; }

 private:
  // One device's side of this file on the datapath.
  struct FabricSide {
    enum class State : std::uint8_t { kClosed, kOpening, kOpen } state = State::kClosed;
    std::uint32_t number = 0;
    bool refused = false;          // open failed with kUnavailable while usable: use the link until paths change
  };
  struct Source {
    base::DeviceId device{};
    std::uint32_t faults = 0;
    FabricSide fabric;
  };
  struct Files;                    // the temp file, shared with those who write to it
  void prepare();
  void on_prepared(base::Status status);
  void fetch_fabric(Source& source, std::uint32_t block);
  void fetch_link(Source& source, std::uint32_t block);
  void open_fabric(Source& source);
  void close_fabric(Source& source);
  void on_link_bytes(const base::DeviceId& device, std::uint32_t block, std::vector<std::byte> bytes);
  void on_block(const base::DeviceId& device, Way way, std::uint32_t block, base::Status status);
  void check_whole();
  void fail(base::Error error);
  Source* find(const base::DeviceId& device);

  TransferInputs inputs_;
  Workers& workers_;
  Sources& sources_;
  TransferObserver& observer_;
  std::shared_ptr<Files> files_;
  std::vector<Source> from_;
  std::deque<std::uint32_t> missing_;
  std::uint32_t in_flight_ = 0;
  std::uint64_t bytes_done_ = 0, bytes_reused_ = 0;
  base::Error last_error_{};
  Way last_way_ = Way::kNone;
  bool prepared_ = false, ended_ = false;
};

}  // namespace weft::model
