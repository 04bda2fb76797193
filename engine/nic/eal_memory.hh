// Which memory the EAL can have: huge pages when enough free ones of one size are there, ordinary pages otherwise.
// Reads sysfs only; takes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::nic {

struct EalMemory {
  std::vector<std::string> arguments;   // for rte_eal_init
  std::string kind;                     // "huge pages 2M", "huge pages 1G", "ordinary pages"
};

// `sysfs` is "/sys/kernel/mm/hugepages", or a copy of it in a test.
[[nodiscard]] EalMemory choose_memory(const std::string& sysfs, std::uint32_t memory_mb, bool huge_pages);

}  // namespace weft::nic
