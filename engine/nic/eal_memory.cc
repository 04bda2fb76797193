#include "engine/nic/eal_memory.hh"

#include <array>
#include <fstream>

namespace weft::nic {
namespace {

struct PageSize {
  const char* directory;
  const char* kind;
  std::uint64_t mb;
};
// The small ones first: a 1G page is often reserved for someone who asked for it.
constexpr std::array kPageSizes{PageSize{"hugepages-2048kB", "huge pages 2M", 2},
                                PageSize{"hugepages-1048576kB", "huge pages 1G", 1024}};

std::uint64_t free_pages(const std::string& directory) {
  std::ifstream file(directory + "/free_hugepages");
  std::uint64_t count = 0;
  return file >> count ? count : 0;
}

}  // namespace

EalMemory choose_memory(const std::string& sysfs, std::uint32_t memory_mb, bool huge_pages) {
  const std::string megabytes = std::to_string(memory_mb);
  if (huge_pages) {
    for (const PageSize& size : kPageSizes) {
      if (free_pages(sysfs + "/" + size.directory) * size.mb < memory_mb) continue;
      // In memory: no hugetlbfs mount and no right to one is needed, and nothing is left behind after a crash.
      return {{"--in-memory", "-m", megabytes}, size.kind};
    }
  }
  return {{"--no-huge", "--no-shconf", "-m", megabytes}, "ordinary pages"};
}

}  // namespace weft::nic
