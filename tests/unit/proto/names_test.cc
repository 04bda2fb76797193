#include "bep/proto/names.hh"

#include <gtest/gtest.h>

#include <vector>

namespace weft::proto {
namespace {

using namespace std::string_view_literals;

TEST(Names, Table) {
  struct Case { std::string_view name; NameFault fault; };
  for (const Case& c : std::vector<Case>{
           {"a", NameFault::kOk},
           {"a/b/c.txt", NameFault::kOk},
           {"..a", NameFault::kOk},
           {"a..", NameFault::kOk},
           {"a/..b/c", NameFault::kOk},
           {"...", NameFault::kOk},
           {".hidden", NameFault::kOk},
           {"a\\b:c", NameFault::kOk},
           {" ", NameFault::kOk},
           {"a\nb", NameFault::kOk},
           {"b\xC3\xBC" "cher", NameFault::kOk},
           {"bu\xCC\x88" "cher", NameFault::kOk},   // not composed: accepted, see names.hh
           {"", NameFault::kEmpty},
           {"/", NameFault::kAbsolute},
           {"/etc/passwd", NameFault::kAbsolute},
           {"..", NameFault::kDotDot},
           {"../x", NameFault::kDotDot},
           {"a/../b", NameFault::kDotDot},
           {"a/..", NameFault::kDotDot},
           {".", NameFault::kDot},
           {"./a", NameFault::kDot},
           {"a/./b", NameFault::kDot},
           {"a/.", NameFault::kDot},
           {"a//b", NameFault::kEmptyComponent},
           {"a/", NameFault::kEmptyComponent},
           {"a\0b"sv, NameFault::kNul},
           {"\0"sv, NameFault::kNul},
           {"a\xFF", NameFault::kNotUtf8},
           {"a\xC3", NameFault::kNotUtf8}}) {
    EXPECT_EQ(check_name(c.name), c.fault) << c.name << ": " << text_of(check_name(c.name));
  }
  EXPECT_EQ(check_name(std::string(kNameBytesMax, 'a')), NameFault::kOk);
  EXPECT_EQ(check_name(std::string(kNameBytesMax + 1, 'a')), NameFault::kTooLong);
}

TEST(Names, Utf8Borders) {
  for (const std::string_view good : {"\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv,
           "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv, "\xF0\x90\x80\x80"sv,
           "\xF4\x8F\xBF\xBF"sv, ""sv})
    EXPECT_TRUE(is_utf8(good));
  for (const std::string_view bad : {"\x80"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xE0\x9F\xBF"sv,
           "\xED\xA0\x80"sv, "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv,
           "\xE2\x82"sv, "\xF0\x90\x80"sv, "\xC2\x20"sv, "\xFE"sv})
    EXPECT_FALSE(is_utf8(bad));
}

TEST(Names, InternalOnesAreAtTheRoot) {
  for (const char* name : {".stfolder", ".stfolder/x", ".stignore", ".stversions",
                           ".stversions/a/b"})
    EXPECT_TRUE(is_internal_name(name)) << name;
  for (const char* name : {".stfolderx", "a/.stfolder", ".stignore2", "stfolder", ".st"})
    EXPECT_FALSE(is_internal_name(name)) << name;
}

TEST(Names, TempNames) {
  EXPECT_EQ(temp_name("short"), ".syncthing.short.tmp");
  EXPECT_EQ(temp_name("a/b/short"), "a/b/.syncthing.short.tmp");
  const std::string longest(145, 'a'), longer(146, 'a');
  EXPECT_EQ(temp_name(longest), ".syncthing." + longest + ".tmp");
  const std::string hashed =
      ".syncthing.915bda2b208601a5fd51e6ad63dae50669038227884d065648a7e2677f87b1cf.tmp";
  EXPECT_EQ(temp_name(longer), hashed);

  EXPECT_EQ(name_of_temp(".syncthing.short.tmp"), "short");
  EXPECT_EQ(name_of_temp("a/b/" + temp_name(longest)), "a/b/" + longest);
  EXPECT_EQ(name_of_temp(hashed), std::nullopt);
  EXPECT_EQ(name_of_temp("short"), std::nullopt);
  EXPECT_EQ(name_of_temp(".syncthing..tmp"), std::nullopt);
  EXPECT_EQ(name_of_temp(".syncthing.tmp"), std::nullopt);

  EXPECT_TRUE(is_temp_name("a/.syncthing.b.tmp"));
  EXPECT_TRUE(is_temp_name("~syncthing~b.tmp"));
  EXPECT_FALSE(is_temp_name(".syncthing.dir/b"));
  EXPECT_FALSE(is_temp_name("syncthing.b.tmp"));
}

TEST(Names, ConflictNames) {
  const ConflictTime when{2024, 3, 9, 7, 5, 1};
  const DeviceId id = parse_device_id("P56IOI7-MZJNU2Y-IQGDREY-DM2MGTI-MGL3BXN-PQ6W5BM-TBBZ4TJ-"
                                      "XZWICQ2").value();
  const std::string mark = ".sync-conflict-20240309-070501-P56IOI7";
  EXPECT_EQ(conflict_name("a.txt", when, short_id(id)), "a" + mark + ".txt");
  EXPECT_EQ(conflict_name("d.x/a.tar.gz", when, short_id(id)), "d.x/a.tar" + mark + ".gz");
  EXPECT_EQ(conflict_name("d.x/a", when, short_id(id)), "d.x/a" + mark);
  EXPECT_EQ(conflict_name(".bashrc", when, short_id(id)), mark + ".bashrc");
  EXPECT_TRUE(is_conflict_name("d/a" + mark + ".txt"));
  EXPECT_FALSE(is_conflict_name("d" + mark + "/a.txt"));
}

TEST(Names, ConflictNamesFitIntoAComponent) {
  const ConflictTime when{2024, 3, 9, 7, 5, 1};
  std::string umlauts;
  while (umlauts.size() < 250) umlauts += "\xC3\xBC";
  for (const std::string& name : {std::string(255, 'a'), std::string(251, 'a') + ".txt",
                                  "a." + std::string(253, 'b'), umlauts + ".tex"}) {
    const std::string conflict = conflict_name("dir/" + name, when, 1);
    EXPECT_LE(base_of(conflict).size(), kComponentBytesMax) << conflict;
    EXPECT_TRUE(is_conflict_name(conflict)) << conflict;
    EXPECT_EQ(check_name(conflict), NameFault::kOk) << conflict;
    EXPECT_EQ(directory_of(conflict), "dir");
  }
}

TEST(Names, Parts) {
  EXPECT_EQ(base_of("a/b/c"), "c");
  EXPECT_EQ(directory_of("a/b/c"), "a/b");
  EXPECT_EQ(base_of("c"), "c");
  EXPECT_EQ(directory_of("c"), "");
}

}  // namespace
}  // namespace weft::proto
