// Random updates from us and three devices against a model that keeps everything in maps and
// computes every answer from scratch, by the words of the rule rather than by global.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "bep/model/index_db.hh"
#include "engine/base/prng.hh"
#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

using proto::FileInfo;
using proto::FileType;
using Counters = std::map<std::uint64_t, std::uint64_t>;

constexpr int kDevices = 4;  // 0 is us
constexpr int kNames = 12;

struct Row {
  FileInfo info;
  Counters counters;
  bool invalid = false;  // announced so, or flagged
};
using Table = std::map<std::string, std::map<int, Row>>;

bool at_least(const Counters& a, const Counters& b) {
  for (const auto& [id, value] : b)
    if (const auto at = a.find(id); at == a.end() || at->second < value) return false;
  return true;
}

// The rule: of the valid ones that nobody dominates, the one that is largest in this order.
const Row* naive_global(const std::map<int, Row>& rows) {
  const auto any_valid =
      std::any_of(rows.begin(), rows.end(), [](const auto& r) { return !r.second.invalid; });
  const Row* best = nullptr;
  const auto rank = [](const Row& row) {
    // Dense counters in order of id compare as the tie-break does: the first difference decides.
    std::vector<std::uint64_t> dense;
    for (std::uint64_t id = 1; id <= kDevices; ++id)
      dense.push_back(row.counters.contains(id) ? row.counters.at(id) : 0);
    return std::tuple(!row.info.deleted, row.info.modified_s, row.info.modified_ns, dense);
  };
  for (const auto& [device, row] : rows) {
    if (any_valid && row.invalid) continue;
    const bool dominated = std::any_of(rows.begin(), rows.end(), [&](const auto& other) {
      return !(any_valid && other.second.invalid) && other.second.counters != row.counters &&
             at_least(other.second.counters, row.counters);
    });
    if (!dominated && (best == nullptr || rank(row) > rank(*best))) best = &row;
  }
  return best;
}

bool naive_needs(const Row& global, const std::map<int, Row>& rows, int device) {
  if (global.invalid || global.counters.empty()) return false;
  const auto own = rows.find(device);
  if (own == rows.end()) return !global.info.deleted;
  return !at_least(own->second.counters, global.counters);
}

void add(Counts& counts, const FileInfo& info) {
  if (info.deleted) ++counts.deleted;
  else if (info.type == FileType::kDirectory) ++counts.directories;
  else if (info.type == FileType::kSymlink) ++counts.symlinks;
  else ++counts.files, counts.bytes += info.size;
}

base::DeviceId id_of(int device) {
  base::DeviceId id{};
  id.fill(static_cast<std::byte>(100 - device));  // rows and ids in opposite order
  return id;
}

class Runner {
 public:
  explicit Runner(std::uint64_t seed) : random_(seed) { open(); }
  void step() {
    const std::uint32_t what = random_.below(40);
    if (what == 0) {
      const int device = 1 + static_cast<int>(random_.below(kDevices - 1));
      ASSERT_TRUE(db_->drop_remote("f", id_of(device)));
      for (auto& [name, rows] : table_) rows.erase(device);
    } else if (what == 1) {
      open();
    } else {
      update();
    }
  }
  void check() const;

 private:
  void open() {
    db_.reset();
    auto opened = IndexDb::open(home_.path() / "index.db");
    ASSERT_TRUE(opened) << opened.error();
    db_ = std::move(*opened);
    ASSERT_TRUE(db_->ensure_folder("f"));
  }
  Row random_row(const std::string& name, int device);
  void update();

  base::Prng random_;
  TempHome home_;
  std::unique_ptr<IndexDb> db_;
  Table table_;
  std::int64_t sequence_ = 0;
};

Row Runner::random_row(const std::string& name, int device) {
  Row row;
  // Mostly one change on top of what some device has, as real devices do; else anything.
  const auto& rows = table_[name];
  if (!rows.empty() && !random_.chance(4)) {
    auto from = rows.begin();
    std::advance(from, random_.below(static_cast<std::uint32_t>(rows.size())));
    row = from->second;
    if (random_.chance(2)) return row;  // took exactly that version
  } else {
    for (std::uint64_t id = 1; id <= kDevices; ++id)
      if (random_.chance(3)) row.counters[id] = 1 + random_.below(3);
  }
  ++row.counters[static_cast<std::uint64_t>(device) + 1];
  if (random_.chance(20)) row.counters.clear();
  row.info = FileInfo{};
  row.info.name = name;
  row.info.type = static_cast<FileType>(random_.below(3));
  row.info.deleted = random_.chance(4);
  row.info.size = row.info.type == FileType::kFile && !row.info.deleted ? random_.below(1000) : 0;
  row.info.modified_s = random_.below(3);
  row.info.modified_ns = static_cast<std::int32_t>(random_.below(2));
  row.info.invalid = random_.chance(8);
  row.invalid = row.info.invalid;
  std::vector<proto::VersionVector::Counter> counters;
  for (const auto& [id, value] : row.counters) counters.push_back({id, value});
  row.info.version = proto::VersionVector::from_counters(counters).value();
  return row;
}

void Runner::update() {
  const int device = static_cast<int>(random_.below(kDevices));
  std::vector<FileInfo> files;
  for (std::uint32_t i = 0; i <= random_.below(4); ++i) {
    const std::string name = "n" + std::to_string(random_.below(kNames));
    Row row = random_row(name, device);
    row.info.sequence = ++sequence_;
    files.push_back(row.info);
    table_[name][device] = std::move(row);
  }
  if (device == 0) ASSERT_TRUE(db_->update_local("f", std::span<const FileInfo>(files)));
  else ASSERT_TRUE(db_->update_remote("f", id_of(device), files));
}

void Runner::check() const {
  FolderCounts counts;
  std::map<NeedKind, std::vector<std::string>> need;
  std::map<int, Completion> completions;
  for (const auto& [name, rows] : table_) {
    if (rows.empty()) {
      EXPECT_FALSE(db_->get_global("f", name));
      continue;
    }
    if (const auto own = rows.find(0); own != rows.end() && !own->second.invalid)
      add(counts.local, own->second.info);
    const Row& global = *naive_global(rows);
    const auto found = db_->get_global("f", name);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->version, global.info.version) << name;
    EXPECT_EQ(found->deleted, global.info.deleted) << name;
    EXPECT_EQ(found->size, global.info.size) << name;
    std::vector<base::DeviceId> holders;
    for (int device = kDevices - 1; device > 0; --device)
      if (const auto at = rows.find(device);
          at != rows.end() && !at->second.info.invalid && at->second.counters == global.counters)
        holders.push_back(id_of(device));
    EXPECT_EQ(db_->holders("f", name), holders) << name;
    const auto needed = db_->need_of("f", name);
    EXPECT_EQ(needed.has_value(), naive_needs(global, rows, 0)) << name;
    if (needed) {
      EXPECT_EQ(needed->global.version, global.info.version) << name;
      EXPECT_EQ(needed->devices, holders) << name;
      EXPECT_EQ(needed->local.has_value(), rows.contains(0)) << name;
    }
    if (global.invalid || global.counters.empty()) continue;
    add(counts.global, global.info);
    for (int device = 0; device < kDevices; ++device) {
      if (!naive_needs(global, rows, device)) continue;
      Completion& completion = completions[device];
      if (global.info.deleted) ++completion.need_deletes;
      else ++completion.need_items, completion.need_bytes += global.info.size;
    }
    if (!naive_needs(global, rows, 0)) continue;
    add(counts.need, global.info);
    const bool directory = global.info.type == FileType::kDirectory;
    need[global.info.deleted ? (directory ? NeedKind::kDeletedDirectory : NeedKind::kDeletedOther)
         : directory         ? NeedKind::kDirectory
         : global.info.type == FileType::kSymlink ? NeedKind::kSymlink
                                                  : NeedKind::kFile]
        .push_back(name);
  }
  const FolderCounts stored = db_->counts("f");
  EXPECT_EQ(stored.local, counts.local);
  EXPECT_EQ(stored.global, counts.global);
  EXPECT_EQ(stored.need, counts.need);
  for (const NeedKind kind : {NeedKind::kDirectory, NeedKind::kSymlink, NeedKind::kFile,
                              NeedKind::kDeletedOther, NeedKind::kDeletedDirectory}) {
    std::vector<std::string> names = db_->need("f", kind, "", 100);
    if (kind == NeedKind::kDeletedDirectory) std::reverse(names.begin(), names.end());
    EXPECT_EQ(names, need[kind]) << static_cast<int>(kind);
  }
  for (int device = 0; device < kDevices; ++device) {
    const Completion got =
        device == 0 ? db_->completion_local("f") : db_->completion("f", id_of(device));
    EXPECT_EQ(got.global_bytes, counts.global.bytes);
    EXPECT_EQ(got.need_bytes, completions[device].need_bytes) << device;
    EXPECT_EQ(got.need_items, completions[device].need_items) << device;
    EXPECT_EQ(got.need_deletes, completions[device].need_deletes) << device;
  }
  EXPECT_TRUE(db_->status());
}

TEST(IndexDbProp, AgreesWithTheNaiveModel) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Runner runner(seed);
    for (int step = 0; step < 60; ++step) {
      runner.step();
      if (step % 4 == 3) runner.check();
      if (testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace weft::model
