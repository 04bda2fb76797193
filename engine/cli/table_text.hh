// Columns of text, and numbers as people read them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weft::cli {

// Each column as wide as its widest cell (in characters of UTF-8), two spaces between, indented by two.
// The first row is the heading.
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows);

[[nodiscard]] std::string bytes_text(std::uint64_t bytes);            // "1.4 GiB"
[[nodiscard]] std::string rate_text(std::uint64_t bytes_per_second);  // "112.3 MB/s"
[[nodiscard]] std::string micros_text(std::int64_t us);               // "85 us", "1.24 ms", "-" for 0
[[nodiscard]] std::string duration_text(std::uint64_t seconds);       // "2 d 3 h", "12 min", "5 s"
// Control characters become '?': names come from files and from other machines, and this goes to a terminal.
[[nodiscard]] std::string safe_text(const std::string& text);

}  // namespace weft::cli
