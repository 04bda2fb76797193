// One round of a puller: every kind of need in its order, until nothing is left that can be done now.
//   directories → symbolic links → files → deletes of files and links → deletes of directories, deepest first
// Only puller.cc makes one. Threads: control. Lifetime: shared with worker jobs, which hold it weakly.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bep/model/finisher.hh"
#include "bep/model/index_db.hh"
#include "bep/model/puller.hh"
#include "bep/model/transfer.hh"

namespace weft::model {

class PullRound : public TransferObserver, public std::enable_shared_from_this<PullRound> {
 public:
  PullRound(PullOptions options, IndexDb& index, Workers& workers, Sources& sources, PullObserver& observer,
            std::function<void(PullResult)> done);
  ~PullRound() override;
  void start();
  void cancel();                   // silently
  void give_up();                  // done() follows
  void pump(bool changed);
  [[nodiscard]] bool stranded() const;
  [[nodiscard]] std::vector<TransferInfo> transfers() const;

  void on_blocks_wanted(Transfer& transfer) override;
  void on_block_verified(Transfer& transfer, Way way, std::uint32_t bytes) override;
  void on_reused(Transfer& transfer, std::uint64_t bytes) override;
  void on_whole(Transfer& transfer) override;
  void on_failed(Transfer& transfer, base::Error error) override;

 private:
  // Posts `check` when its last copy is gone: nobody can write to a temp file of this round any more.
  struct Writers;

  void step();
  void next_small_batch();
  void fill();
  void step_later();
  [[nodiscard]] bool takes_more_files() const;
  [[nodiscard]] bool begin_file(const std::string& name);  // false: nothing is to be done for it now
  [[nodiscard]] std::vector<std::byte> take_checkpoint(const proto::FileInfo& file);
  void finish_ready();
  void apply(std::vector<FinishItem> items);
  void on_applied(std::vector<FinishItem> items, std::vector<FinishResult> results);
  void take_result(const FinishItem& item, FinishResult& result, std::vector<LocalFile>& news);
  [[nodiscard]] FinishItem item_for(NeedItem&& need) const;
  void add_error(const std::string& name, base::Error error);
  void note_disk(base::Error error);
  void stop_for_disk(base::Error error);
  void check_end();
  // One file under way, and what is to be done with it once it is whole.
  struct Active {
    std::shared_ptr<Transfer> transfer;
    FinishItem item;
  };
  [[nodiscard]] Active take_out(const Transfer& transfer);
  void cancel_active();

  PullOptions options_;
  IndexDb& index_;
  Workers& workers_;
  Sources& sources_;
  PullObserver& observer_;
  std::function<void(PullResult)> done_;
  NeedKind kind_ = NeedKind::kDirectory;
  std::string after_;                          // where the next page of need begins
  std::deque<std::string> page_;               // names of files not begun yet
  std::list<Active> active_;
  std::int64_t active_bytes_ = 0;              // sizes of their files
  std::vector<std::shared_ptr<Transfer>> begun_;   // active, and not started yet
  std::vector<FinishItem> ready_;              // whole, waiting for the finisher
  std::shared_ptr<Writers> writers_;           // until the end is near; copies are with the transfers
  std::weak_ptr<Writers> writers_watch_;
  PullResult result_;
  std::size_t full_disk_ = 0;                  // items that did not fit
  bool step_posted_ = false;
  std::size_t applying_ = 0;                   // batches at the finisher
  bool files_listed_ = false, stopping_ = false, ended_ = false;
};

}  // namespace weft::model
