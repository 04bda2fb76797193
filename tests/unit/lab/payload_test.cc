// Files from a seed, and the eye for differences.
#include "engine/lab/payload.hh"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/model/temp_home.hh"


namespace weft::lab {
namespace {

namespace fs = std::filesystem;

class Payload : public ::testing::Test {
 protected:
  void make(const char* name, std::uint64_t bytes, std::uint32_t files, std::uint64_t seed) const {
    const auto made = make_payload(root / name, bytes, files, seed, [] { return true; });
    EXPECT_TRUE(made) << made.error();
  }
  const model::TempHome home;
  const fs::path root = home.path();
};

TEST_F(Payload, IsAsLargeAsAskedAndTheSameForTheSameSeed) {
  make("one", 3'000'001, 3, 5);
  make("two", 3'000'001, 3, 5);
  std::uint64_t bytes = 0, files = 0;
  for (const auto& entry : fs::directory_iterator(root / "one")) {
    bytes += entry.file_size();
    ++files;
  }
  EXPECT_EQ(bytes, 3'000'001u);
  EXPECT_EQ(files, 3u);
  EXPECT_EQ(first_difference(root / "one", root / "two"), "");
  make("three", 3'000'001, 3, 6);
  EXPECT_NE(first_difference(root / "one", root / "three"), "");
}

TEST_F(Payload, ManyFilesHaveFolders) {
  make("many", 4'002, 2001, 1);
  EXPECT_TRUE(fs::exists(root / "many/part-002/file-002000.bin"));
  EXPECT_EQ(first_difference(root / "many", root / "many"), "");
}

TEST_F(Payload, EveryDifferenceIsSeen) {
  make("one", 2'000'000, 2, 5);
  make("two", 2'000'000, 2, 5);
  std::fstream file(root / "two/file-000001.bin", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(999'999);
  file.put('x');
  file.close();
  EXPECT_EQ(first_difference(root / "one", root / "two"), "file-000001.bin has other bytes");
  fs::resize_file(root / "two/file-000001.bin", 999'999);
  EXPECT_EQ(first_difference(root / "one", root / "two"), "file-000001.bin has other bytes");
  fs::remove(root / "two/file-000001.bin");
  EXPECT_EQ(first_difference(root / "one", root / "two"), "file-000001.bin has not arrived");
  EXPECT_EQ(first_difference(root / "two", root / "one"), "file-000001.bin was never sent");
  EXPECT_EQ(first_difference(root / "one", root / "nothing"), "file-000000.bin has not arrived");
  EXPECT_NE(first_difference(root / "no", root / "no"), "");
}

TEST_F(Payload, EndsEarlyWhenTold) {
  const auto made = make_payload(root / "one", 10'000'000, 1, 1, [] { return false; });
  EXPECT_FALSE(made);
}

TEST_F(Payload, AFullPlaceIsASentence) {
  std::ofstream(root / "file") << "x";
  const auto made = make_payload(root / "file" / "below", 10, 1, 1, [] { return true; });
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().find("file-000000.bin: cannot be written"), std::string::npos) << made.error();
}

}  // namespace
}  // namespace weft::lab
