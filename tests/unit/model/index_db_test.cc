#include "bep/model/index_db.hh"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/model/temp_home.hh"

namespace weft::model {
namespace {

using proto::FileInfo;
using proto::FileType;
using proto::VersionVector;

base::DeviceId device(int number) {
  base::DeviceId id{};
  id.fill(static_cast<std::byte>(number));
  return id;
}
VersionVector version(std::vector<VersionVector::Counter> counters) {
  return VersionVector::from_counters(std::move(counters)).value();
}
FileInfo file(const std::string& name, std::uint64_t counter, std::int64_t size = 5) {
  FileInfo info;
  info.name = name;
  info.size = size;
  info.permissions = 0644;
  info.modified_s = 1000;
  info.version = version({{1, counter}});
  info.block_size = 128 << 10;
  base::Sha256 hash{};
  hash.fill(static_cast<std::byte>(counter));
  info.blocks = {{0, static_cast<std::int32_t>(size), hash}};
  return info;
}
FileInfo entry(const std::string& name, FileType type, std::uint64_t counter,
               bool deleted = false) {
  FileInfo info;
  info.name = name;
  info.type = type;
  info.deleted = deleted;
  info.version = version({{1, counter}});
  if (type == FileType::kSymlink) info.symlink_target = "to\xFF";
  return info;
}
FileInfo with_sequence(FileInfo info, std::int64_t sequence) {
  info.sequence = sequence;
  return info;
}

class IndexDbTest : public testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    db.reset();
    auto opened = IndexDb::open(file_path());
    ASSERT_TRUE(opened) << opened.error();
    db = std::move(*opened);
    const auto id = db->ensure_folder("f");
    ASSERT_TRUE(id);
    index_id = *id;
  }
  [[nodiscard]] std::filesystem::path file_path() const { return home.path() / "index.db"; }
  void put_local(std::vector<FileInfo> files) {
    ASSERT_TRUE(db->update_local("f", std::span<const FileInfo>(files)));
  }
  void put_remote(int number, std::vector<FileInfo> files) {
    ASSERT_TRUE(db->update_remote("f", device(number), files));
  }
  [[nodiscard]] std::vector<std::string> needed(NeedKind kind, std::string_view after = "",
                                                std::size_t limit = 100) const {
    return db->need("f", kind, after, limit);
  }
  using Names = std::vector<std::string>;

  TempHome home;
  std::unique_ptr<IndexDb> db;
  std::uint64_t index_id = 0;
};

TEST_F(IndexDbTest, KeepsEveryFieldOfAnEntry) {
  FileInfo full = file("dir/\xC3\xA4", 3, (128 << 10) + 7);
  full.blocks.push_back({128 << 10, 7, full.blocks[0].hash});
  full.blocks[0].size = 128 << 10;
  full.modified_s = -5;
  full.modified_ns = 999'999'999;
  full.modified_by = 0xFFFF'FFFF'FFFF'FFFFu;
  full.version = version({{1, 2}, {0xFFFF'FFFF'FFFF'FFFFu, 0xFFFF'FFFF'FFFF'FFFFu}});
  full.blocks_hash = {std::byte{1}, std::byte{2}};
  full.previous_blocks_hash = {std::byte{3}};
  full.platform = {std::byte{4}};
  FileInfo link = entry("link", FileType::kSymlink, 1);
  link.no_permissions = true;
  FileInfo gone = entry("gone", FileType::kDirectory, 9, true);
  gone.invalid = true;
  put_local({full, link, gone});
  put_remote(1, {with_sequence(full, 77)});
  open();
  full.sequence = 1;
  link.sequence = 2;
  gone.sequence = 3;
  // The process before ended well, so numbers go on without a gap.
  EXPECT_EQ(db->max_sequence_local("f"), 3);
  EXPECT_EQ(db->get_local("f", full.name)->info, full);
  EXPECT_EQ(db->get_local("f", "link")->info, link);
  EXPECT_EQ(db->get_local("f", "gone")->info, gone);
  EXPECT_EQ(db->get_remote("f", device(1), full.name), with_sequence(full, 77));
  EXPECT_EQ(db->get_global("f", full.name), full) << "ours in front among equals";
  EXPECT_FALSE(db->get_local("f", "other"));
  EXPECT_FALSE(db->get_remote("f", device(2), full.name));
  EXPECT_FALSE(db->get_global("g", full.name));
}

TEST_F(IndexDbTest, IndexIdsAreRandomAndKept) {
  EXPECT_NE(index_id, 0u);
  EXPECT_NE(*db->ensure_folder("g"), index_id);
  EXPECT_EQ(db->remote_index_id("f", device(1)), 0u);
  ASSERT_TRUE(db->set_remote_index_id("f", device(1), 0xFFFF'FFFF'FFFF'FFFEu));
  const std::uint64_t before = index_id;
  open();
  EXPECT_EQ(index_id, before);
  EXPECT_EQ(db->remote_index_id("f", device(1)), 0xFFFF'FFFF'FFFF'FFFEu);
  EXPECT_EQ(db->remote_index_id("g", device(1)), 0u);
}

TEST_F(IndexDbTest, SequencesAscendAndADeltaSkipsNothing) {
  put_local({file("a", 1), file("b", 1), file("c", 1)});
  put_local({file("a", 2)});
  const auto since = [&](std::int64_t after, std::size_t limit) {
    std::vector<std::pair<std::int64_t, std::string>> seen;
    db->for_each_local_since("f", after, limit, [&](const LocalFile& f) {
      EXPECT_EQ(f.info.blocks.size(), 1u);
      seen.emplace_back(f.info.sequence, f.info.name);
      return true;
    });
    return seen;
  };
  using Seen = std::vector<std::pair<std::int64_t, std::string>>;
  EXPECT_EQ(since(0, 10), (Seen{{2, "b"}, {3, "c"}, {4, "a"}}));
  EXPECT_EQ(since(2, 10), (Seen{{3, "c"}, {4, "a"}}));
  EXPECT_EQ(since(0, 1), (Seen{{2, "b"}}));
  EXPECT_EQ(since(4, 10), Seen{});
  EXPECT_EQ(db->max_sequence_local("f"), 4);
  int visits = 0;
  db->for_each_local_since("f", 0, 10, [&](const LocalFile&) { return ++visits < 2; });
  EXPECT_EQ(visits, 2);
}

TEST_F(IndexDbTest, AnUncleanEndLeavesAGapInTheSequence) {
  put_local({file("a", 1)});
  // A copy taken while the database is open is what a power cut leaves.
  const TempHome after;
  for (const char* suffix : {"", "-wal"})
    std::filesystem::copy_file(file_path().string() + suffix,
                               (after.path() / "index.db").string() + suffix);
  auto opened = IndexDb::open(after.path() / "index.db");
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_EQ((*opened)->max_sequence_local("f"), 1 + kSequenceGap);
  EXPECT_TRUE((*opened)->get_local("f", "a"));
  opened->reset();
  opened = IndexDb::open(after.path() / "index.db");
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->max_sequence_local("f"), 1 + kSequenceGap) << "the second end was clean";
}

TEST_F(IndexDbTest, RemoteSequencesAreThePeers) {
  put_remote(1, {with_sequence(file("a", 1), 10), with_sequence(file("b", 1), 4)});
  EXPECT_EQ(db->max_sequence_remote("f", device(1)), 10);
  EXPECT_EQ(db->max_sequence_remote("f", device(2)), 0);
  ASSERT_TRUE(db->drop_remote("f", device(1)));
  EXPECT_EQ(db->max_sequence_remote("f", device(1)), 0);
  EXPECT_FALSE(db->get_global("f", "a"));
  EXPECT_EQ(db->counts("f").global, Counts{});
}

TEST_F(IndexDbTest, NeedByKindInWorkingOrder) {
  put_local({entry("old", FileType::kDirectory, 1), entry("old/sub", FileType::kDirectory, 1),
             file("old/f", 1), file("same", 4), file("newer", 9)});
  put_remote(
      1, {entry("d/sub", FileType::kDirectory, 1), entry("d", FileType::kDirectory, 1),
          entry("l", FileType::kSymlink, 1), file("d/f1", 2, 100), file("d/f2", 2, 50),
          entry("old", FileType::kDirectory, 2, true),
          entry("old/sub", FileType::kDirectory, 2, true), entry("old/f", FileType::kFile, 2, true),
          file("same", 4), file("newer", 8), entry("never/had", FileType::kFile, 5, true)});
  EXPECT_EQ(needed(NeedKind::kDirectory), (Names{"d", "d/sub"}));
  EXPECT_EQ(needed(NeedKind::kSymlink), Names{"l"});
  EXPECT_EQ(needed(NeedKind::kFile), (Names{"d/f1", "d/f2"}));
  EXPECT_EQ(needed(NeedKind::kDeletedOther), Names{"old/f"});
  EXPECT_EQ(needed(NeedKind::kDeletedDirectory), (Names{"old/sub", "old"})) << "children first";
  EXPECT_EQ(needed(NeedKind::kFile, "", 1), Names{"d/f1"});
  EXPECT_EQ(needed(NeedKind::kFile, "d/f1", 1), Names{"d/f2"});
  EXPECT_EQ(needed(NeedKind::kFile, "d/f2", 1), Names{});
  EXPECT_EQ(needed(NeedKind::kDeletedDirectory, "old/sub"), Names{"old"});
  const FolderCounts counts = db->counts("f");
  EXPECT_EQ(counts.local, (Counts{3, 2, 0, 0, 15}));
  EXPECT_EQ(counts.need, (Counts{2, 2, 1, 3, 150}));
  EXPECT_EQ(counts.global, (Counts{4, 2, 1, 4, 160}));
  const Completion ours = db->completion_local("f");
  EXPECT_EQ(ours.need_bytes, 150);
  EXPECT_EQ(ours.need_items, 5);
  EXPECT_EQ(ours.need_deletes, 3);
  EXPECT_EQ(ours.global_bytes, 160);
  const Completion theirs = db->completion("f", device(1));
  EXPECT_EQ(theirs.need_bytes, 5) << "newer";
  EXPECT_EQ(theirs.need_items, 1);
  EXPECT_EQ(theirs.need_deletes, 0);
  const Completion stranger = db->completion("f", device(9));
  EXPECT_EQ(stranger.need_items, 7);
  EXPECT_EQ(stranger.need_bytes, 160);
  // What was pulled is needed no more.
  put_local({file("d/f1", 2, 100), entry("old/f", FileType::kFile, 2, true)});
  EXPECT_EQ(needed(NeedKind::kFile), Names{"d/f2"});
  EXPECT_EQ(needed(NeedKind::kDeletedOther), Names{});
  EXPECT_EQ(db->counts("f").need, (Counts{1, 2, 1, 2, 50}));
}

TEST_F(IndexDbTest, HoldersHaveExactlyTheGlobalVersion) {
  FileInfo invalid = file("a", 3);
  invalid.invalid = true;
  invalid.blocks.clear();
  put_remote(3, {file("a", 3)});
  put_remote(1, {file("a", 3)});
  put_remote(2, {file("a", 2)});
  put_remote(4, {invalid});
  EXPECT_EQ(db->holders("f", "a"), (std::vector<base::DeviceId>{device(1), device(3)}));
  EXPECT_EQ(needed(NeedKind::kFile), Names{"a"});
  const auto item = db->need_of("f", "a");
  ASSERT_TRUE(item);
  EXPECT_EQ(item->devices, db->holders("f", "a"));
  EXPECT_EQ(item->global.blocks.size(), 1u);
  EXPECT_FALSE(item->local);
  put_local({file("a", 1)});
  EXPECT_EQ(db->need_of("f", "a")->local->info.version, file("a", 1).version);
  put_local({file("a", 3)});
  EXPECT_FALSE(db->need_of("f", "a")) << "we have it";
  EXPECT_FALSE(db->need_of("f", "b")) << "nobody has it";
}

TEST_F(IndexDbTest, LocalFlagsTakeAnEntryOutOfTheGlobalState) {
  FileInfo changed = file("a", 9, 70);
  const std::vector<LocalFile> files = {{changed, kLocalReceiveOnly}};
  ASSERT_TRUE(db->update_local("f", std::span<const LocalFile>(files)));
  put_remote(1, {file("a", 3, 50)});
  EXPECT_EQ(db->get_global("f", "a")->size, 50);
  EXPECT_EQ(db->get_local("f", "a")->flags, kLocalReceiveOnly);
  EXPECT_EQ(db->counts("f").receive_only_changed, (Counts{1, 0, 0, 0, 70}));
  EXPECT_EQ(db->counts("f").local, (Counts{1, 0, 0, 0, 70}));
  EXPECT_EQ(db->counts("f").global, (Counts{1, 0, 0, 0, 50}));
  EXPECT_EQ(needed(NeedKind::kFile), Names{}) << "our version is newer: a revert makes it needed";
  const std::vector<LocalFile> ignored = {{changed, kLocalIgnored}};
  ASSERT_TRUE(db->update_local("f", std::span<const LocalFile>(ignored)));
  EXPECT_EQ(db->counts("f").local, Counts{});
  EXPECT_EQ(db->counts("f").receive_only_changed, Counts{});
}

TEST_F(IndexDbTest, ListsLocalEntriesByName) {
  put_local({file("b", 1), file("a/x", 1), entry("a", FileType::kDirectory, 1), file("c", 1)});
  put_remote(1, {file("a/y", 1)});
  const auto names = [&](std::string_view after, std::size_t limit) {
    Names out;
    for (const LocalFile& f : db->list_local("f", after, limit)) {
      EXPECT_TRUE(f.info.blocks.empty());
      out.push_back(f.info.name);
    }
    return out;
  };
  EXPECT_EQ(names("", 100), (Names{"a", "a/x", "b", "c"}));
  EXPECT_EQ(names("", 2), (Names{"a", "a/x"}));
  EXPECT_EQ(names("a/x", 2), (Names{"b", "c"}));
}

TEST_F(IndexDbTest, FindsRenamedFilesByTheirBlocks) {
  FileInfo gone = file("deleted", 7);
  gone.deleted = true;
  put_local({file("one", 7), file("two", 7), file("three", 8), gone});
  EXPECT_EQ(db->find_local_by_blocks("f", file("new", 7), 10), (Names{"one", "two"}));
  EXPECT_EQ(db->find_local_by_blocks("f", file("new", 7), 1), Names{"one"});
  EXPECT_EQ(db->find_local_by_blocks("f", file("new", 9), 10), Names{});
  EXPECT_EQ(db->find_local_by_blocks("f", file("new", 7, 6), 10), Names{})
      << "same hash, other length";
  EXPECT_EQ(db->find_local_by_blocks("f", entry("dir", FileType::kDirectory, 7), 10), Names{});
}

TEST_F(IndexDbTest, PartialsAndFactsAreKept) {
  const PartialFile partial{version({{1, 2}, {5, 6}}), {std::byte{0xA5}, std::byte{1}}};
  ASSERT_TRUE(db->set_partial("f", "big", partial));
  ASSERT_TRUE(db->set_device_fact(device(1), "lastSeen", "2026-01-01"));
  ASSERT_TRUE(db->set_device_fact(device(1), "lastSeen", "2026-01-02"));
  open();
  ASSERT_TRUE(db->partial("f", "big"));
  EXPECT_EQ(db->partial("f", "big")->version, partial.version);
  EXPECT_EQ(db->partial("f", "big")->have, partial.have);
  ASSERT_TRUE(db->clear_partial("f", "big"));
  ASSERT_TRUE(db->clear_partial("f", "big"));
  EXPECT_FALSE(db->partial("f", "big"));
  EXPECT_EQ(db->device_fact(device(1), "lastSeen"), "2026-01-02");
  EXPECT_FALSE(db->device_fact(device(1), "other"));
  EXPECT_FALSE(db->device_fact(device(2), "lastSeen"));
  EXPECT_TRUE(db->status());
}

TEST_F(IndexDbTest, UnknownFoldersAreRefusedOrEmpty) {
  const std::vector<FileInfo> files = {file("a", 1)};
  const auto local = db->update_local("nope", std::span<const FileInfo>(files));
  ASSERT_FALSE(local);
  EXPECT_EQ(local.error().code, base::Errc::kNotFound);
  EXPECT_FALSE(db->update_remote("nope", device(1), files));
  EXPECT_FALSE(db->drop_remote("nope", device(1)));
  EXPECT_FALSE(db->set_partial("nope", "a", {}));
  EXPECT_FALSE(db->set_remote_index_id("nope", device(1), 1));
  EXPECT_TRUE(db->need("nope", NeedKind::kFile, "", 10).empty());
  EXPECT_EQ(db->counts("nope").global, Counts{});
  EXPECT_EQ(db->max_sequence_local("nope"), 0);
}

TEST_F(IndexDbTest, ADroppedFolderIsForgotten) {
  put_local({file("a", 1)});
  put_remote(1, {file("a", 2)});
  const std::uint64_t before = index_id;
  ASSERT_TRUE(db->drop_folder("f"));
  EXPECT_TRUE(db->drop_folder("f")) << "twice is fine";
  EXPECT_FALSE(db->get_local("f", "a"));
  open();
  EXPECT_NE(index_id, before);
  EXPECT_FALSE(db->get_local("f", "a"));
  EXPECT_EQ(db->counts("f").global, Counts{});
  EXPECT_TRUE(db->need("f", NeedKind::kFile, "", 10).empty());
}

TEST_F(IndexDbTest, ASecondProcessIsRefused) {
  const auto second = IndexDb::open(file_path());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("index.db"), std::string::npos);
  EXPECT_NE(second.error().find("in use by another weft"), std::string::npos) << second.error();
}

TEST(IndexDbOpen, RefusesWhatItCannotUseAndSaysTheRemedy) {
  const TempHome home;
  home.write("index.db", std::string(8192, 'x'));
  const auto damaged = IndexDb::open(home.path() / "index.db");
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().find("damaged; delete it"), std::string::npos) << damaged.error();
  const auto missing = IndexDb::open(home.path() / "none" / "index.db");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().find("cannot be opened; check"), std::string::npos) << missing.error();
}

TEST_F(IndexDbTest, DamageInTheMiddleStopsWritesAndLosesNoTotals) {
  std::vector<FileInfo> files;
  for (int i = 0; i < 3000; ++i) files.push_back(file("name" + std::to_string(i), 1));
  put_local(files);
  db.reset();
  {
    std::fstream raw(file_path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file_path()));
    for (std::int64_t at = 16384; at < size; at += 4096) raw.seekp(at).write("\xFF\xFF\xFF\xFF", 4);
  }
  auto opened = IndexDb::open(file_path());
  if (!opened) {
    EXPECT_NE(opened.error().find("delete it"), std::string::npos) << opened.error();
    return;
  }
  static_cast<void>((*opened)->get_local("f", "name1500"));
  ASSERT_FALSE((*opened)->status());
  EXPECT_EQ((*opened)->status().error().code, base::Errc::kCorrupt);
  const std::vector<FileInfo> more = {file("another", 1)};
  EXPECT_FALSE((*opened)->update_local("f", std::span<const FileInfo>(more)));
}

// A size that a stock peer announces at its start; shows by the test's own duration that nothing is
// quadratic.
TEST_F(IndexDbTest, TwentyThousandFilesFromAPeerAndTaken) {
  std::vector<FileInfo> files;
  for (int i = 0; i < 20'000; ++i)
    files.push_back(with_sequence(
        file("dir" + std::to_string(i % 100) + "/file" + std::to_string(i), 2, i), i + 1));
  for (std::size_t at = 0; at < files.size(); at += 1000)
    ASSERT_TRUE(db->update_remote("f", device(1), std::span(files).subspan(at, 1000)));
  EXPECT_EQ(db->counts("f").need.files, 20'000);
  EXPECT_EQ(db->counts("f").need.bytes, 199'990'000);
  std::size_t seen = 0;
  for (std::string after;;) {
    const auto page = db->need("f", NeedKind::kFile, after, 1000);
    if (page.empty()) break;
    seen += page.size();
    after = page.back();
  }
  EXPECT_EQ(seen, 20'000u);
  for (std::size_t at = 0; at < files.size(); at += 1000)
    ASSERT_TRUE(db->update_local("f", std::span<const FileInfo>(files).subspan(at, 1000)));
  EXPECT_EQ(db->counts("f").need, Counts{});
  EXPECT_EQ(db->counts("f").local, db->counts("f").global);
  ASSERT_TRUE(db->drop_remote("f", device(1)));
  EXPECT_EQ(db->counts("f").global.files, 20'000);
}

}  // namespace
}  // namespace weft::model
