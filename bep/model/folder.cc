#include "bep/model/folder.hh"

#include <algorithm>
#include <ctime>

#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::uint32_t kQuickRetriesMax = 3;   // pulls that made headway and left errors, and their scans: again at once
constexpr std::int64_t kRescanChangingS = 5;    // files that were being written during a scan

std::string sentence_of(base::Error error) {
  switch (error.code) {
    case base::Errc::kNoSpace: return "no space left on the device of this folder; the sync goes on when there is";
    case base::Errc::kReadOnly: return "the file system of this folder is read-only";
    default: return error.text;
  }
}

}  // namespace

const char* name_of(FolderState state) {
  switch (state) {
    case FolderState::kIdle: return "idle";
    case FolderState::kScanning: return "scanning";
    case FolderState::kSyncing: return "syncing";
    case FolderState::kError: return "error";
    case FolderState::kPaused: return "";
  }
  MUST(false);
}

Folder::Folder(boost::asio::io_context& io, FolderSetup setup, IndexDb& index, Workers& workers, Sources& sources,
               PullObserver& observer)
    : io_(io), setup_(std::move(setup)), index_(index), workers_(workers), sources_(sources), observer_(observer),
      step_timer_(io), rescan_timer_(io), stranded_timer_(io) {
  shown_.state_changed_s = std::time(nullptr);
  if (setup_.config.paused) shown_.state = FolderState::kPaused;
}

Folder::~Folder() { stop(); }

void Folder::start() {
  if (setup_.config.paused || started_) return;
  started_ = true;
  const base::Result<std::uint64_t> ensured = index_.ensure_folder(setup_.config.id);
  if (!ensured) set_error(ensured.error().text);
  scan_due_ = true;
  step();
  rescan_in(setup_.config.rescan_interval_s);
}

void Folder::stop() {
  started_ = false;
  step_timer_.cancel();
  rescan_timer_.cancel();
  stranded_timer_.cancel();
  scanner_.reset();
  puller_.reset();
}

// ---- what is due

bool Folder::open() {
  // Not by the sequence number: that jumps at an unclean end, also of a folder that never held anything.
  const bool is_new = index_.list_local(setup_.config.id, "", 1).empty();
  const base::Status index = index_.status();
  FolderRoot found;
  if (!index) found.error = index.error().text;
  else found = open_folder_root(setup_.config, is_new);
  if (!found.error.empty()) {
    set_error(std::move(found.error));
    step_in(setup_.times.disk_retry_s * 1000);
    return false;
  }
  if (root_ && same_directory(root_.get(), found.fd.get())) return true;
  if (root_) roots_before_.push_back(std::move(root_));
  root_ = std::move(found.fd);
  return true;
}

void Folder::step() {
  if (!started_ || busy()) return;
  if (setup_.config.type == FolderType::kSendOnly) pull_due_ = false;
  if (!scan_due_ && !pull_due_) {
    if (shown_.state != FolderState::kError) set_state(FolderState::kIdle);
    return;
  }
  if (!open()) return;
  if (scan_due_) begin_scan();
  else begin_pull();
}

void Folder::scan() {
  scan_due_ = true;
  step();
}

void Folder::begin_scan() {
  MUST(!busy());
  scan_due_ = false;
  scan_waits_ = false;
  set_state(FolderState::kScanning);
  ScanOptions options{setup_.config.id, root_.get(), proto::short_id(setup_.self), setup_.config.ignore_perms,
                      setup_.config.type == FolderType::kReceiveOnly,
                      std::int64_t{setup_.keep_temporaries_h} * 3600, setup_.config.marker_name};
  scanner_ = std::make_unique<Scanner>(
      std::move(options), index_, workers_, [this] { observer_.on_index_changed(setup_.config.id); },
      [this](Scanner::Result result) { on_scanned(std::move(result)); });
  scanner_->start();
}

void Folder::on_scanned(Scanner::Result result) {
  shown_.scan = result.progress;
  scanner_.reset();
  scan_errors_.clear();
  for (std::string& problem : result.problems) {
    const std::size_t colon = problem.rfind(": ");
    scan_errors_.push_back({problem.substr(0, colon), problem.substr(colon + 2)});
  }
  if (!result.status) {
    set_error(sentence_of(result.status.error()));
    scan_due_ = true;
    return step_in(setup_.times.disk_retry_s * 1000);
  }
  shown_.last_scan_s = std::time(nullptr);
  ++shown_.scans;
  base::log(base::Subsystem::kFolders, base::LogLevel::kInfo, "folder scanned",
            {{"folder", setup_.config.id}, {"entries", result.progress.entries_seen},
             {"changed", result.progress.changed}, {"deleted", result.progress.deleted},
             {"bytes_hashed", result.progress.bytes_hashed}, {"problems", result.progress.problems}});
  if (result.progress.skipped > 0) rescan_in(kRescanChangingS);
  set_state(FolderState::kIdle);
  pull_due_ = true;
  step();
}

void Folder::begin_pull() {
  MUST(!busy());
  pull_due_ = false;
  const Counts need = index_.counts(setup_.config.id).need;
  if (need == Counts{}) {
    shown_.item_errors.clear();
    shown_.pull_errors = 0;
    return set_state(FolderState::kIdle);
  }
  set_state(FolderState::kSyncing);
  const FolderConfig& config = setup_.config;
  PullOptions options{config.id, root_.get(), proto::short_id(setup_.self), config.ignore_perms,
                      config.type == FolderType::kReceiveOnly, config.conflicts_max != 0,
                      config.fsync && setup_.fsync, setup_.direct};
  puller_ = std::make_unique<Puller>(std::move(options), index_, workers_, sources_, observer_,
                                     [this](PullResult result) { on_pulled(std::move(result)); });
  watch_stranded(false);
  puller_->start();
}

void Folder::on_pulled(PullResult result) {
  puller_.reset();
  stranded_timer_.cancel();
  shown_.item_errors = std::move(result.errors);
  shown_.pull_errors = result.failed;
  base::log(base::Subsystem::kFolders, base::LogLevel::kInfo, "folder pulled",
            {{"folder", setup_.config.id}, {"applied", result.applied}, {"failed", result.failed},
             {"waiting_for_devices", result.stranded}});
  observer_.on_pull_ended(setup_.config.id);
  if (result.scan_wanted) want_scan();
  else scan_wait_s_ = 0, quick_scans_ = 0;
  if (!result.disk) {
    set_error(sentence_of(result.disk.error()));
    pull_due_ = true;
    return step_in(setup_.times.disk_retry_s * 1000);
  }
  set_state(FolderState::kIdle);
  if (result.failed > 0) {
    retry_pull(result.scan_wanted || result.applied > 0);
  } else {
    retry_s_ = 0;
    quick_retries_ = 0;
  }
  if (scan_due_ || pull_due_) step();
}

void Folder::retry_pull(bool soon) {
  if (pull_due_) return;           // news came: it goes on at once
  if (soon && quick_retries_ < kQuickRetriesMax) {
    ++quick_retries_;
    pull_due_ = true;
    return;
  }
  retry_s_ = retry_s_ == 0 ? setup_.times.retry_first_s : std::min(retry_s_ * 2, setup_.times.retry_max_s);
  boost::asio::steady_timer& timer = stranded_timer_;   // free between pulls
  timer.expires_after(std::chrono::seconds(retry_s_));
  timer.async_wait([this](const boost::system::error_code& error) {
    if (error || !started_) return;
    pull_due_ = true;
    step();
  });
}

// A scan cannot put everything in the index that a pull may meet (a FIFO, a file that cannot be read or is always being
// written): without waits the two would follow each other for ever.
void Folder::want_scan() {
  if (scan_waits_) return;
  if (quick_scans_ < kQuickRetriesMax) {
    ++quick_scans_;
    scan_due_ = true;
    return;
  }
  scan_wait_s_ = scan_wait_s_ == 0 ? setup_.times.retry_first_s : std::min(scan_wait_s_ * 2, setup_.times.retry_max_s);
  scan_waits_ = true;
  rescan_in(scan_wait_s_);
}

void Folder::on_remote_change() {
  if (!started_) return;
  retry_s_ = 0;
  quick_retries_ = 0;
  pull_due_ = true;
  if (!busy()) step_in(setup_.times.settle_ms);
}

void Folder::pump() {
  if (puller_) puller_->pump();
}

void Folder::on_room() {
  if (puller_) puller_->on_room();
}

// ---- timers

void Folder::step_in(std::int64_t milliseconds) {
  const auto at = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  if (step_armed_ && step_timer_.expiry() <= at) return;
  step_armed_ = true;
  step_timer_.expires_at(at);
  step_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    step_armed_ = false;
    step();
  });
}

void Folder::rescan_in(std::int64_t seconds) {
  if (seconds <= 0) return;
  rescan_timer_.expires_after(std::chrono::seconds(seconds));
  rescan_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || !started_) return;
    rescan_in(setup_.config.rescan_interval_s);
    scan();
  });
}

// Open transfers hold descriptors and keep the folder from scanning: they do not wait for ever.
void Folder::watch_stranded(bool before) {
  stranded_timer_.expires_after(std::chrono::seconds(setup_.times.stranded_s));
  stranded_timer_.async_wait([this, before](const boost::system::error_code& error) {
    if (error || !puller_) return;
    const bool stranded = puller_->stranded();
    if (stranded && before) return puller_->give_up();
    watch_stranded(stranded);
  });
}

// ---- what is shown

void Folder::set_state(FolderState state) {
  if (shown_.state == state) return;
  shown_.state = state;
  shown_.state_changed_s = std::time(nullptr);
  if (state != FolderState::kError) shown_.error.clear();
}

void Folder::set_error(std::string text) {
  if (shown_.error != text)
    base::log(base::Subsystem::kFolders, base::LogLevel::kError, "folder stopped",
              {{"folder", setup_.config.id}, {"error", text}});
  set_state(FolderState::kError);
  shown_.error = std::move(text);
}

FolderStatus Folder::status() const {
  FolderStatus status = shown_;
  if (scanner_) status.scan = scanner_->progress();
  status.item_errors.insert(status.item_errors.end(), scan_errors_.begin(), scan_errors_.end());
  if (shown_.state == FolderState::kPaused) return status;
  status.counts = index_.counts(setup_.config.id);
  status.sequence = index_.max_sequence_local(setup_.config.id);
  return status;
}

std::vector<TransferInfo> Folder::transfers() const {
  return puller_ ? puller_->transfers() : std::vector<TransferInfo>{};
}

}  // namespace weft::model
