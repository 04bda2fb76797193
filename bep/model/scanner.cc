#include "bep/model/scanner.hh"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <deque>

#include "bep/model/hasher.hh"
#include "bep/model/index_db.hh"
#include "bep/proto/block_size.hh"
#include "bep/proto/names.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kWalkTurn = 1000;        // entries per walk job
constexpr std::size_t kHashQueueMax = 4000;    // walking waits while so many files wait to be hashed
constexpr std::size_t kHashBatchFiles = 64;    // small files per hash job
constexpr std::size_t kUpdateFiles = 500;      // per index transaction
constexpr std::size_t kUpdateBlocks = 50'000;  // … or so many blocks: bounds the memory of news
constexpr std::size_t kListPage = 1000;        // names per look for what is gone

struct HashItem {
  DiskEntry entry;
  std::optional<LocalFile> local;
  base::UniqueFd fd;                           // open while the file takes several turns
  HashProgress progress;
  base::Status status;
  bool changed = false;                        // under us
};

bool same_state(const DiskState& a, const DiskState& b) {
  return a.kind == b.kind && a.size == b.size && a.modified_s == b.modified_s && a.modified_ns == b.modified_ns;
}

void hash_item(int root, HashItem& item) {
  if (!item.fd) {
    DiskState now;
    base::Result<base::UniqueFd> fd = open_file(root, item.entry.name, now);
    if (!fd) {
      item.status = tl::unexpected<base::Error>(fd.error());
      return;
    }
    item.fd = std::move(*fd);
    item.changed = !same_state(now, item.entry.state);
  }
  if (!item.changed) item.status = hash_turn(item.fd.get(), item.progress, kTurnBytes);
  if (!item.status && item.status.error().code == base::Errc::kCorrupt) {
    item.changed = true;
    item.status = {};
  }
  if (!item.status || item.changed || !item.progress.complete()) return;
  const base::Result<DiskState> after = state_of(root, item.entry.name);
  item.changed = !after || !same_state(*after, item.entry.state);
}

// A tree without its marker is not the folder (any more): what is missing from it says nothing.
base::Status look_for_marker(int root, const std::string& marker) {
  struct stat st {};
  if (marker.empty() || ::fstatat(root, marker.c_str(), &st, 0) == 0) return {};
  return base::fail(base::Errc::kUnavailable, "folder marker missing: it went while the folder was scanned", errno);
}

// Names that are certainly not there any more. The marker is looked for after them: it was there all the while.
base::Result<std::vector<std::string>> missing_of(int root, const std::string& marker,
                                                  const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    const base::Result<DiskState> state = state_of(root, name);
    if (!state && state.error().code == base::Errc::kNotFound) missing.push_back(name);
  }
  TRY(look_for_marker(root, marker));
  return missing;
}

proto::FileType type_of(DiskKind kind) {
  MUST(kind != DiskKind::kOther);
  if (kind == DiskKind::kDirectory) return proto::FileType::kDirectory;
  return kind == DiskKind::kSymlink ? proto::FileType::kSymlink : proto::FileType::kFile;
}

}  // namespace

bool same_on_disk(const proto::FileInfo& info, const DiskEntry& entry, bool ignore_perms) {
  if (info.deleted || info.invalid || entry.state.kind == DiskKind::kOther) return false;
  if (info.type != type_of(entry.state.kind)) return false;
  if (info.type == proto::FileType::kSymlink) return info.symlink_target == entry.symlink_target;
  if (!ignore_perms && !info.no_permissions && (info.permissions & 0777) != entry.state.permissions) return false;
  if (info.type == proto::FileType::kDirectory) return true;
  return info.size == entry.state.size && info.modified_s == entry.state.modified_s &&
         info.modified_ns == entry.state.modified_ns;
}

class Scanner::Run : public std::enable_shared_from_this<Run> {
 public:
  Run(ScanOptions options, IndexDb& index, Workers& workers, std::function<void()> changed,
      std::function<void(Result)> done)
      : options_(std::move(options)), index_(index), workers_(workers), changed_(std::move(changed)),
        done_(std::move(done)) {}

  void start() {
    const std::shared_ptr<Run> self = shared_from_this();   // done_ may let go of the scanner
    base::UniqueFd root(::openat(options_.root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return finish(base::fail_errno(errno, "cannot open the folder's directory"));
    walk_.emplace(std::move(root));
    walk_on();
  }
  void cancel() { ended_ = true; }
  [[nodiscard]] const ScanProgress& progress() const { return progress_; }

 private:
  template <typename Job, typename Done> void run(Job job, Done done) {
    workers_.run(std::move(job), [weak = weak_from_this(), done = std::move(done)](auto result) mutable {
      const std::shared_ptr<Run> self = weak.lock();
      if (self && !self->ended_) done(*self, std::move(result));
    });
  }

  void walk_on() {
    if (ended_ || !walk_ || hash_queue_.size() >= kHashQueueMax) return;
    auto job = [walk = std::move(*walk_)]() mutable {
      TreeWalk::Turn turn = walk.next(kWalkTurn);
      return std::pair(std::move(walk), std::move(turn));
    };
    walk_.reset();
    walking_ = true;
    run(std::move(job), [](Run& self, std::pair<TreeWalk, TreeWalk::Turn> out) {
      self.walking_ = false;
      self.take_turn(out.second);
      if (!out.second.complete) self.walk_.emplace(std::move(out.first));
      self.walk_on();
      self.hash_on();
      self.check_walked();
    });
  }

  void take_turn(TreeWalk::Turn& turn) {
    for (const WalkProblem& problem : turn.problems) add_problem(problem.name, problem.text);
    for (const DiskEntry& temp : turn.temps) judge_temp(temp);
    for (DiskEntry& entry : turn.entries) {
      ++progress_.entries_seen;
      std::optional<LocalFile> local = index_.get_local(options_.folder, entry.name);
      if (local && !was_receive_only(*local) && same_on_disk(local->info, entry, options_.ignore_perms)) continue;
      if (entry.state.kind == DiskKind::kFile && !only_mode_changed(local, entry)) {
        progress_.bytes_to_hash += static_cast<std::uint64_t>(entry.state.size);
        hash_queue_.push_back({std::move(entry), std::move(local), {}, {}, {}, false});
      } else {
        add_change(entry, local, {});
      }
    }
  }

  // A temp file is kept for the pull that will go on with it. It goes when the file it was for has come another way,
  // or when nobody has taken it up for too long. (Its mtime says nothing: a whole one has its target's already.)
  void judge_temp(const DiskEntry& temp) {
    bool stale = std::time(nullptr) - temp.state.changed_s > options_.temp_age_max_s;
    if (const std::optional<std::string> target = proto::name_of_temp(temp.name)) {
      const std::optional<LocalFile> local = index_.get_local(options_.folder, *target);
      const std::optional<proto::FileInfo> global = index_.get_global(options_.folder, *target);
      stale = stale || (local && global && local->info.version == global->version);
    }
    if (!stale) return;
    const base::Result<Parent> parent = open_parent(options_.root, temp.name);
    if (parent) (void)::unlinkat(parent->dir.get(), parent->base.c_str(), 0);
  }

  [[nodiscard]] static bool only_mode_changed(const std::optional<LocalFile>& local, const DiskEntry& entry) {
    return local && !local->info.blocks.empty() && same_on_disk(local->info, entry, true);
  }

  // Kept from others while the folder was receive-only, which it is no more: now they hear of it.
  [[nodiscard]] bool was_receive_only(const LocalFile& local) const {
    return !options_.receive_only && (local.flags & kLocalReceiveOnly) != 0;
  }

  void hash_on() {
    while (!ended_ && hashing_ < workers_.threads() && !hash_queue_.empty()) {
      std::vector<HashItem> batch;
      std::size_t bytes = 0;
      while (!hash_queue_.empty() && batch.size() < kHashBatchFiles && bytes < kTurnBytes) {
        HashItem& item = hash_queue_.front();
        if (!item.fd) {
          item.progress.size = item.entry.state.size;
          item.progress.block_size =
              proto::block_size_for(item.entry.state.size, item.local ? item.local->info.block_size : 0);
        }
        bytes += static_cast<std::size_t>(item.progress.size - item.progress.offset);
        batch.push_back(std::move(item));
        hash_queue_.pop_front();
      }
      ++hashing_;
      run([root = options_.root, batch = std::move(batch)]() mutable {
        for (HashItem& item : batch) hash_item(root, item);
        return std::move(batch);
      }, [](Run& self, std::vector<HashItem> items) { self.on_hashed(items); });
    }
  }

  void on_hashed(std::vector<HashItem>& items) {
    --hashing_;
    for (HashItem& item : items) {
      progress_.bytes_hashed += static_cast<std::uint64_t>(item.progress.offset - item_counted(item));
      if (!item.status) {
        if (item.status.error().code != base::Errc::kNotFound)
          add_problem(item.entry.name, item.status.error().text);
      } else if (item.changed) {
        ++progress_.skipped;
      } else if (!item.progress.complete()) {
        counted_[item.entry.name] = item.progress.offset;
        hash_queue_.push_front(std::move(item));
      } else {
        add_change(item.entry, item.local, std::move(item.progress));
      }
    }
    hash_on();
    walk_on();
    check_walked();
  }

  // Bytes of this file that earlier turns have counted.
  [[nodiscard]] std::int64_t item_counted(const HashItem& item) {
    const auto it = counted_.find(item.entry.name);
    if (it == counted_.end()) return 0;
    const std::int64_t counted = it->second;
    counted_.erase(it);
    return counted;
  }

  void add_change(const DiskEntry& entry, const std::optional<LocalFile>& local, HashProgress hashed) {
    proto::FileInfo info;
    if (local) info.platform = local->info.platform;
    info.name = entry.name;
    info.type = type_of(entry.state.kind);
    if (info.type == proto::FileType::kSymlink) {
      info.symlink_target = entry.symlink_target;
      info.no_permissions = true;
    } else {
      info.permissions = entry.state.permissions;
      info.no_permissions = options_.ignore_perms;
      info.modified_s = entry.state.modified_s;
      info.modified_ns = entry.state.modified_ns;
    }
    if (info.type == proto::FileType::kFile) {
      info.size = entry.state.size;
      info.block_size = hashed.blocks.empty() ? local->info.block_size : hashed.block_size;
      info.blocks = hashed.blocks.empty() ? local->info.blocks : std::move(hashed.blocks);
      info.blocks_hash = proto::blocks_hash_of(info.blocks);
      if (local) info.previous_blocks_hash = local->info.blocks_hash;
    }
    ++progress_.changed;
    // What a pull brought here before it could tell the index (it was killed in between), or somebody copied by hand,
    // is the global version and no change of ours. (Our own entry can be the global one too: then there is nothing to
    // take.)
    if (std::optional<proto::FileInfo> global = index_.get_global(options_.folder, info.name);
        global && !(local && local->info.version == global->version) &&
        same_on_disk(*global, entry, options_.ignore_perms) && global->blocks == info.blocks)
      return queue({std::move(*global), 0});
    queue_change(std::move(info), local);
  }

  void queue_change(proto::FileInfo info, const std::optional<LocalFile>& before) {
    if (before) {
      info.version = before->info.version;
      // What others never accepted from us must meet theirs as a conflict, not as a successor.
      if ((before->flags & (kLocalUnsupported | kLocalIgnored | kLocalReceiveOnly)) != 0 &&
          !options_.receive_only)
        info.version.keep_only(options_.short_id);
    }
    info.version.update(options_.short_id, static_cast<std::uint64_t>(std::time(nullptr)));
    info.modified_by = options_.short_id;
    queue({std::move(info), options_.receive_only ? std::uint32_t{kLocalReceiveOnly} : 0u});
  }

  void queue(LocalFile file) {
    news_blocks_ += file.info.blocks.size();
    news_.push_back(std::move(file));
    if (news_.size() >= kUpdateFiles || news_blocks_ >= kUpdateBlocks) flush();
  }

  void flush() {
    if (ended_ || news_.empty()) return;
    const base::Status status = index_.update_local(options_.folder, std::span<const LocalFile>(news_));
    news_.clear();
    news_blocks_ = 0;
    if (!status) return finish(status);
    changed_();
  }

  void check_walked() {
    if (ended_ || looking_ || walk_ || walking_ || hashing_ > 0 || !hash_queue_.empty()) return;
    flush();
    looking_ = true;
    look_on("");
  }

  void look_on(const std::string& after) {
    if (ended_) return;
    const std::vector<LocalFile> page = index_.list_local(options_.folder, after, kListPage);
    if (page.empty()) return end();
    std::vector<std::string> names;
    for (const LocalFile& file : page) {
      if (!file.info.deleted) names.push_back(file.info.name);
      else if (was_receive_only(file)) readmit_delete(file);
    }
    run([root = options_.root, marker = options_.marker, names = std::move(names)] {
          return missing_of(root, marker, names);
        },
        [last = page.back().info.name](Run& self, base::Result<std::vector<std::string>> missing) {
          if (!missing) return self.give_up(missing.error());
          for (const std::string& name : *missing) self.add_delete(name);
          self.look_on(last);
        });
  }

  // Deletes found since the last flush are given to the index only if the folder still is what it was.
  void end() {
    run([root = options_.root, marker = options_.marker] { return look_for_marker(root, marker); },
        [](Run& self, base::Status there) {
          if (!there) return self.give_up(there.error());
          self.flush();
          self.finish({});
        });
  }

  void give_up(base::Error error) {
    news_.clear();
    news_blocks_ = 0;
    finish(tl::unexpected<base::Error>(error));
  }

  void add_delete(const std::string& name) {
    std::optional<LocalFile> local = index_.get_local(options_.folder, name);
    if (!local || local->info.deleted) return;
    proto::FileInfo info = local->info;
    info.deleted = true;
    info.size = 0;
    info.blocks.clear();
    info.blocks_hash.clear();
    info.previous_blocks_hash.clear();
    info.symlink_target.clear();
    info.modified_s = std::time(nullptr);
    info.modified_ns = 0;
    ++progress_.deleted;
    queue_change(std::move(info), local);
  }

  void readmit_delete(const LocalFile& gone) {
    ++progress_.changed;
    queue_change(gone.info, gone);
  }

  void add_problem(const std::string& name, const char* text) {
    ++progress_.problems;
    if (problems_.size() < kProblemsMax) problems_.push_back(name + ": " + text);
  }

  void finish(base::Status status) {
    if (ended_) return;
    ended_ = true;
    const std::function<void(Result)> done = std::move(done_);
    done({status, progress_, std::move(problems_)});
  }

  ScanOptions options_;
  IndexDb& index_;
  Workers& workers_;
  std::function<void()> changed_;
  std::function<void(Result)> done_;
  std::optional<TreeWalk> walk_;               // here between turns, else with a worker
  std::deque<HashItem> hash_queue_;
  std::map<std::string, std::int64_t> counted_;
  std::vector<LocalFile> news_;
  std::size_t news_blocks_ = 0;
  std::size_t hashing_ = 0;                    // jobs
  std::vector<std::string> problems_;
  ScanProgress progress_;
  bool walking_ = false, looking_ = false, ended_ = false;
};

Scanner::Scanner(ScanOptions options, IndexDb& index, Workers& workers, std::function<void()> changed,
                 std::function<void(Result)> done)
    : run_(std::make_shared<Run>(std::move(options), index, workers, std::move(changed), std::move(done))) {}

Scanner::~Scanner() { run_->cancel(); }

void Scanner::start() { run_->start(); }

const ScanProgress& Scanner::progress() const { return run_->progress(); }

}  // namespace weft::model
