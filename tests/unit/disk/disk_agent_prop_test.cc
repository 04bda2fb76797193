// Random extents against a byte array: what was written is what is read, in every mode of the
// agent.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "agent_bench.hh"
#include "engine/disk/file_open.hh"
#include "temp_dir.hh"

namespace weft::disk {
namespace {

using test::AgentBench;

struct Mode {
  bool direct, register_buffers, register_files;
};

class DiskAgentModel : public testing::TestWithParam<std::tuple<Mode, std::uint64_t>> {};

// One extent per slot of the file, so that the jobs of one batch never overlap.
struct Extent {
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};

Extent random_extent(base::Prng& random, std::uint32_t place, std::size_t size, bool direct) {
  const std::uint64_t start = std::uint64_t{place} * base::kSlotBytes;
  const auto room =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(base::kSlotBytes, size - start));
  if (!direct) {
    const std::uint32_t skip = random.below(room);
    return {start + skip, 1 + random.below(room - skip)};
  }
  const std::uint32_t pages = (room + base::kDirectAlignment - 1) / base::kDirectAlignment;
  const std::uint32_t skip = random.below(pages);
  const std::uint32_t take = 1 + random.below(pages - skip);
  const std::uint32_t end = std::min(room, (skip + take) * base::kDirectAlignment);
  return {start + skip * base::kDirectAlignment, end - skip * base::kDirectAlignment};
}

TEST_P(DiskAgentModel, ReadsBackWhatWasWritten) {
  const auto& [mode, seed] = GetParam();
  base::Prng random(seed);
  const std::uint32_t places = 8;
  const std::size_t size = (places - 1) * base::kSlotBytes + 1 + random.below(base::kSlotBytes);
  SCOPED_TRACE(testing::Message() << "seed " << seed << ", size " << size);

  const test::TempDir dir;
  auto file = open_temp_for_write(dir.fd(), "f", size, TempFile::kFresh,
                                  {.direct_bytes_min = mode.direct ? 1 : kNeverDirect});
  ASSERT_TRUE(file);
  if (mode.direct && !file->direct) GTEST_SKIP() << "this file system refuses O_DIRECT";

  AgentBench bench({.files = 4,
                    .depth = 1 + random.below(8),
                    .register_buffers = mode.register_buffers,
                    .register_files = mode.register_files});
  EXPECT_EQ(bench.agent().files_registered(), mode.register_files);
  ASSERT_EQ(bench.install(3, file->fd.get(), file->direct), 0);

  std::vector<std::byte> model(size);
  for (int round = 0; round < 40; ++round) {
    std::array<std::uint16_t, 16> slots;
    std::iota(slots.begin(), slots.end(), std::uint16_t{0});
    for (std::uint32_t i = 15; i > 0; --i) std::swap(slots[i], slots[random.below(i + 1)]);
    struct Asked {
      std::uint64_t cookie;
      Extent extent;
      std::uint16_t slot;
      bool write;
    };
    std::vector<Asked> asked;
    for (std::uint32_t place = 0; place < places; ++place) {
      if (random.chance(3)) continue;
      const Extent extent = random_extent(random, place, size, mode.direct);
      const std::uint16_t slot = slots[place];
      const bool write = random.chance(2);
      for (std::byte& byte : bench.slot(slot)) byte = static_cast<std::byte>(random.next() & 0xFF);
      if (write) {
        std::copy_n(bench.slot(slot).begin(), extent.length,
                    model.begin() + static_cast<std::ptrdiff_t>(extent.offset));
      }
      const share::DiskJob job = write
                                     ? AgentBench::write(3, slot, extent.offset, extent.length)
                                     : AgentBench::read(3, slot, extent.offset, extent.length);
      asked.push_back({bench.submit(job), extent, slot, write});
    }
    for (const Asked& one : asked) {
      ASSERT_EQ(bench.wait(one.cookie), static_cast<std::int32_t>(one.extent.length));
      ASSERT_TRUE(std::equal(bench.slot(one.slot).begin(),
                             bench.slot(one.slot).begin() + one.extent.length,
                             model.begin() + static_cast<std::ptrdiff_t>(one.extent.offset)))
          << (one.write ? "write" : "read") << " at " << one.extent.offset;
    }
  }
  ASSERT_EQ(bench.remove(3), 0);
  ASSERT_EQ(::ftruncate(file->fd.get(), static_cast<off_t>(size)), 0);
  EXPECT_EQ(dir.read("f"), model);
}

INSTANTIATE_TEST_SUITE_P(
    Modes, DiskAgentModel,
    testing::Combine(testing::Values(Mode{false, true, true}, Mode{true, true, true},
                                     Mode{false, false, true}, Mode{true, false, false},
                                     Mode{false, false, false}),
                     testing::Values(11u, 12u, 13u)));

}  // namespace
}  // namespace weft::disk
