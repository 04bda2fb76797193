#include "bep/model/pull_round.hh"

#include <algorithm>
#include <ctime>

#include "bep/model/conflicts.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kPage = 200;             // of the need list
constexpr std::size_t kDonorsMax = 2;          // other local files with the same blocks that are worth a look
constexpr std::size_t kFullSeenMax = 8;        // after so many transfers without room the others' devices are looked at first

constexpr std::size_t kFullDiskMax = 16;       // files that did not fit: no more are begun in this round

}  // namespace

struct PullRound::Writers {
  boost::asio::io_context& control;
  std::weak_ptr<PullRound> round;
  ~Writers() {
    boost::asio::post(control, [weak = std::move(round)] {
      if (const auto self = weak.lock()) self->check_end();
    });
  }
};

PullRound::PullRound(PullOptions options, IndexDb& index, Workers& workers, Sources& sources,
                     PullObserver& observer, std::function<void(PullResult)> done)
    : options_(std::move(options)), index_(index), workers_(workers), sources_(sources), observer_(observer),
      done_(std::move(done)) {}

PullRound::~PullRound() { cancel(); }

void PullRound::start() {
  writers_ = std::shared_ptr<Writers>(new Writers{workers_.control(), weak_from_this()});
  step();
}

void PullRound::cancel() {
  if (ended_) return;
  ended_ = true;
  cancel_active();
}

void PullRound::cancel_active() {
  for (const Active& active : active_) {
    const proto::FileInfo& target = active.transfer->target();
    PartialFile partial{target.version, active.transfer->checkpoint()};
    if (!partial.have.empty()) (void)index_.set_partial(options_.folder, target.name, partial);   // else the file is hashed
    active.transfer->cancel();
  }
  active_.clear();
  active_bytes_ = 0;
  begun_.clear();
}

void PullRound::give_up() {
  stopping_ = true;
  result_.stranded = true;
  cancel_active();
  page_.clear();
  step();
}

// A read-only disk takes nothing at all. A full one still takes what is smaller, and deletes make room on it: the
// round goes on, begins no more files when many did not fit, and its result says that the disk is full.
void PullRound::note_disk(base::Error error) {
  if (error.code == base::Errc::kReadOnly) return stop_for_disk(error);
  if (error.code != base::Errc::kNoSpace) return;
  if (result_.disk) result_.disk = tl::unexpected<base::Error>(error);
  if (++full_disk_ < kFullDiskMax) return;
  files_listed_ = true;
  page_.clear();
}

void PullRound::stop_for_disk(base::Error error) {
  result_.disk = tl::unexpected<base::Error>(error);
  stopping_ = true;
  cancel_active();
  page_.clear();
}

// ---- the order of things

void PullRound::step() {
  if (ended_) return;
  const std::shared_ptr<PullRound> self = shared_from_this();   // done_ lets go of the round
  if (stopping_) {
    finish_ready();
    return check_end();
  }
  if (kind_ == NeedKind::kFile) {
    fill();
    finish_ready();
    if (!files_listed_ || !page_.empty() || !active_.empty() || !ready_.empty() || applying_ > 0) return;
    kind_ = NeedKind::kDeletedOther;
    after_.clear();
  }
  next_small_batch();
}

// Directories, links and deletes: one batch after the other.
void PullRound::next_small_batch() {
  if (applying_ > 0 || ended_) return;
  while (true) {
    const std::vector<std::string> page = index_.need(options_.folder, kind_, after_, kFinishBatchMax);
    if (!page.empty()) {
      after_ = page.back();
      std::vector<FinishItem> items;
      for (const std::string& name : page)
        if (std::optional<NeedItem> need = index_.need_of(options_.folder, name))
          items.push_back(item_for(std::move(*need)));
      if (items.empty()) continue;             // only after a failed read
      return apply(std::move(items));
    }
    after_.clear();
    switch (kind_) {
      case NeedKind::kDirectory: kind_ = NeedKind::kSymlink; break;
      case NeedKind::kSymlink: kind_ = NeedKind::kFile; return step();
      case NeedKind::kFile: MUST(false);
      case NeedKind::kDeletedOther: kind_ = NeedKind::kDeletedDirectory; break;
      case NeedKind::kDeletedDirectory: stopping_ = true; return check_end();
    }
  }
}

FinishItem PullRound::item_for(NeedItem&& need) const {
  FinishItem item;
  item.target = std::move(need.global);
  item.target.sequence = 0;
  if (need.local && !need.local->info.deleted) item.local = std::move(need.local->info);
  if (options_.keep_conflicts)
    item.conflict_name = conflict_name_for(item.local, item.target, options_.short_id, std::time(nullptr));
  return item;
}

// ---- files

bool PullRound::takes_more_files() const {
  if (active_.size() >= kTransfersMax || ready_.size() >= kReadyMax) return false;
  return active_.size() < kTransfersUsual || active_bytes_ < kSmallBytesMax;
}

// A need list may be long and hold nothing that can begin now (nobody connected): a page at a time, so that control
// has its turn in between.
void PullRound::fill() {
  bool began = true;                           // something of the last page
  while (!ended_ && !stopping_ && takes_more_files()) {
    if (page_.empty() && !files_listed_) {
      if (!began) {
        step_later();
        break;
      }
      began = false;
      std::vector<std::string> page = index_.need(options_.folder, NeedKind::kFile, after_, kPage);
      if (page.empty()) files_listed_ = true;
      else after_ = page.back();
      page_.insert(page_.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
    }
    if (page_.empty()) break;
    const std::string name = std::move(page_.front());
    page_.pop_front();
    began = begin_file(name) || began;
  }
  Transfer::start(std::exchange(begun_, {}));
}

void PullRound::step_later() {
  if (step_posted_) return;
  step_posted_ = true;
  boost::asio::post(workers_.control(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->step_posted_ = false;
    self->step();
  });
}

bool PullRound::begin_file(const std::string& name) {
  std::optional<NeedItem> need = index_.need_of(options_.folder, name);
  if (!need || need->global.deleted || need->global.type != proto::FileType::kFile) return false;
  if (need->global.blocks.empty()) {
    add_error(name, {base::Errc::kCorrupt, 0, "its index entry has no blocks"});
    return false;
  }
  std::vector<base::DeviceId> devices = std::move(need->devices);
  FinishItem item = item_for(std::move(*need));
  const proto::FileInfo& global = item.target;
  const bool was_file = item.local && item.local->type == proto::FileType::kFile;
  if (was_file && item.local->blocks == global.blocks && item.conflict_name.empty()) {
    ready_.push_back(std::move(item));         // content is here: only mode, time or version differ
    return true;
  }
  const bool reachable = std::ranges::any_of(devices, [this](const base::DeviceId& device) {
    return sources_.way(device, options_.folder) != Way::kNone;
  });
  if (!reachable) {
    result_.stranded = true;
    return false;
  }
  TransferInputs inputs{.folder = options_.folder, .root = options_.root, .target = global, .donors = {},
                        .devices = std::move(devices), .direct = options_.direct, .checkpoint = take_checkpoint(global),
                        .writers = writers_};
  if (was_file && global.size > 0) inputs.donors.push_back(name);
  if (global.size > 0)
    for (std::string& donor : index_.find_local_by_blocks(options_.folder, global, kDonorsMax))
      inputs.donors.push_back(std::move(donor));
  begun_.push_back(std::make_shared<Transfer>(std::move(inputs), workers_, sources_, *this));
  active_bytes_ += global.size;
  active_.push_back({begun_.back(), std::move(item)});
  return true;
}

// It serves once: what is written from now on does not fit it any more.
std::vector<std::byte> PullRound::take_checkpoint(const proto::FileInfo& file) {
  if (file.size < Checkpoint::kFileBytesMin) return {};
  std::optional<PartialFile> partial = index_.partial(options_.folder, file.name);
  if (!partial) return {};
  (void)index_.clear_partial(options_.folder, file.name);
  return partial->version == file.version ? std::move(partial->have) : std::vector<std::byte>{};
}

void PullRound::pump(bool changed) {
  if (ended_ || stopping_) return;
  std::size_t without_room = 0;
  std::vector<base::DeviceId> full;
  const auto is_full = [&](const base::DeviceId& device) { return std::ranges::find(full, device) != full.end(); };
  for (const Active& active : active_) {
    Transfer* const transfer = active.transfer.get();
    if (changed) transfer->forget_refusals();
    // What asks only full devices is not tried, but for those whose datapath was refused: the link may have room.
    if (!changed && without_room >= kFullSeenMax && !transfer->has_refusal() &&
        std::ranges::all_of(transfer->devices(), is_full))
      continue;
    Transfer::Issued issued = Transfer::Issued::kAsked;
    while (issued == Transfer::Issued::kAsked) issued = transfer->issue();
    if (issued != Transfer::Issued::kNoRoom) continue;
    ++without_room;
    for (const base::DeviceId& device : transfer->devices())
      if (!is_full(device) && sources_.is_full(device)) full.push_back(device);
  }
}

bool PullRound::stranded() const {
  return !active_.empty() &&
         std::ranges::all_of(active_, [](const Active& active) { return active.transfer->is_stranded(); });
}

std::vector<TransferInfo> PullRound::transfers() const {
  std::vector<TransferInfo> list;
  for (const Active& active : active_) list.push_back(active.transfer->info());
  return list;
}

void PullRound::on_blocks_wanted(Transfer& transfer) {
  while (transfer.issue() == Transfer::Issued::kAsked) {}
}

void PullRound::on_block_verified(Transfer&, Way way, std::uint32_t bytes) {
  observer_.on_bytes(way, bytes);  // its place in the window is given away by Sources' on_room
}

void PullRound::on_reused(Transfer&, std::uint64_t bytes) { observer_.on_reused(bytes); }

// Files become whole in bursts, as the datapath tells of them: one step for all of a burst, so that those that take their
// places begin together.
void PullRound::on_whole(Transfer& transfer) {
  Active whole = take_out(transfer);
  if (whole.transfer->made_parents()) result_.scan_wanted = true;
  whole.item.temp = whole.transfer->take_temp();
  ready_.push_back(std::move(whole.item));
  step_later();
}

void PullRound::on_failed(Transfer& transfer, base::Error error) {
  const Active failed = take_out(transfer);
  if (failed.transfer->made_parents()) result_.scan_wanted = true;
  note_disk(error);
  add_error(failed.item.target.name, error);
  step_later();
}

PullRound::Active PullRound::take_out(const Transfer& transfer) {
  const auto it =
      std::ranges::find_if(active_, [&](const Active& active) { return active.transfer.get() == &transfer; });
  MUST(it != active_.end());
  Active out = std::move(*it);
  active_.erase(it);
  active_bytes_ -= out.item.target.size;
  MUST(active_bytes_ >= 0);
  return out;
}

// ---- the disk takes it

// Several batches at a time: what they wait for is mostly the same commit of the file system's journal. A batch that is not
// full waits for company while another is under way.
void PullRound::finish_ready() {
  while (!ready_.empty() && applying_ < kFinishersMax && (applying_ == 0 || ready_.size() >= kFinishBatchMax)) {
    const std::size_t count = std::min(ready_.size(), kFinishBatchMax);
    std::vector<FinishItem> items(std::make_move_iterator(ready_.begin()),
                                  std::make_move_iterator(ready_.begin() + static_cast<std::ptrdiff_t>(count)));
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(count));
    apply(std::move(items));
  }
}

void PullRound::apply(std::vector<FinishItem> items) {
  ++applying_;
  const FinishOptions options{options_.root, options_.ignore_perms, options_.fsync};
  workers_.run_waiting(
      [options, items = std::move(items)]() mutable {
        std::vector<FinishResult> results = apply_batch(options, items);
        return std::pair(std::move(items), std::move(results));
      },
      [weak = weak_from_this()](std::pair<std::vector<FinishItem>, std::vector<FinishResult>> out) {
        const auto self = weak.lock();
        if (self && !self->ended_) self->on_applied(std::move(out.first), std::move(out.second));
      });
}

void PullRound::on_applied(std::vector<FinishItem> items, std::vector<FinishResult> results) {
  MUST(items.size() == results.size());
  MUST(applying_ > 0);
  --applying_;
  std::vector<LocalFile> news;
  for (std::size_t i = 0; i < items.size(); ++i) take_result(items[i], results[i], news);
  items.clear();
  if (!news.empty()) {
    const base::Status stored = index_.update_local(options_.folder, std::span<const LocalFile>(news));
    if (!stored) stop_for_disk(stored.error());
    else observer_.on_index_changed(options_.folder);
  }
  step();
}

void PullRound::take_result(const FinishItem& item, FinishResult& result, std::vector<LocalFile>& news) {
  if (result.made_parents) result_.scan_wanted = true;
  switch (result.outcome) {
    case FinishResult::Outcome::kApplied:
      ++result_.applied;
      news.push_back({std::move(result.info), 0});
      if (!result.kept_copy) return;
      base::log(base::Subsystem::kFolders, base::LogLevel::kWarn, "kept a conflict copy",
                {{"folder", options_.folder}, {"name", item.conflict_name}});
      news.push_back({entry_of_copy(*item.local, item.conflict_name, options_.short_id, std::time(nullptr)),
                      options_.receive_only ? std::uint32_t{kLocalReceiveOnly} : 0u});
      return;
    case FinishResult::Outcome::kChanged:
      result_.scan_wanted = true;
      return add_error(item.target.name,
                       {base::Errc::kUnavailable, 0, "changed on this disk and not scanned yet"});
    case FinishResult::Outcome::kFailed:
      note_disk(result.error);
      return add_error(item.target.name, result.error);
  }
}

void PullRound::add_error(const std::string& name, base::Error error) {
  ++result_.failed;
  if (result_.errors.size() < Puller::kItemErrorsMax) result_.errors.push_back({name, error.text});
  base::log(base::Subsystem::kFolders, base::LogLevel::kInfo, "cannot sync item",
            {{"folder", options_.folder}, {"name", name}, {"error", error.text}, {"errno", error.sys_errno}});
}

// The end waits for the last one who may write to a temp file: the next round may take up the same names.
void PullRound::check_end() {
  if (ended_ || !stopping_ || applying_ > 0 || !ready_.empty() || !active_.empty()) return;
  if (writers_) {
    writers_watch_ = writers_;
    writers_.reset();
  }
  if (!writers_watch_.expired()) return;       // comes back here when the last copy is gone
  ended_ = true;
  const std::function<void(PullResult)> done = std::move(done_);
  done(std::move(result_));
}

}  // namespace weft::model
