// Typed reading of one TOML table, for weft.toml and the laboratory's scenarios: every key is asked
// for by name, and a key nobody asked for is refused. The first refusal is kept. Only this header
// and the readers of these files show toml++ (it compiles slowly). Threads: any one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

namespace weft::model {

// The refusal that all tables of one file share.
struct TomlErrors {
  std::string file;
  std::string first;  // empty: none yet
  // "FILE:LINE: KEY WHAT" in one line; line 0 is left out.
  void refuse(std::uint32_t line, const std::string& what);
};

// The whole text, or nothing with the refusal in `errors`.
[[nodiscard]] std::optional<toml::table> parse_toml(std::string_view text, TomlErrors& errors);

class TomlTable {
 public:
  // `name` as in the file ("engine"), for messages. A null table reads as empty: all defaults.
  TomlTable(const toml::table* table, std::string name, TomlErrors& errors)
      : table_(table), name_(std::move(name)), errors_(errors) {}

  void read(const char* key, bool& out);
  void read(const char* key, std::string& out);
  void read(const char* key, std::vector<std::string>& out);  // one string or a list of strings
  void read(const char* key, std::uint32_t& out, std::uint32_t min, std::uint32_t max);
  void read(const char* key, double& out, double min, double max);  // whole numbers too
  void read(const char* key, std::vector<std::uint32_t>& out, std::uint32_t max);
  // One of `names`; the index of the one found goes through `out`.
  template <typename Enum>
  void read(const char* key, Enum& out, std::span<const char* const> names) {
    std::size_t index = 0;
    if (read_choice(key, index, names)) out = static_cast<Enum>(index);
  }
  // A table inside this one; null when it is absent.
  [[nodiscard]] const toml::table* table(const char* key);
  // [[key]], once per table; none when it is absent.
  [[nodiscard]] std::vector<const toml::table*> tables(const char* key);
  // To be called last.
  void refuse_unknown_keys();

  void refuse(const char* key, const std::string& what);  // at the key's line, or the table's
  [[nodiscard]] bool has(const char* key) const {
    return table_ != nullptr && table_->contains(key);
  }
  [[nodiscard]] std::uint32_t line_of(const char* key) const;

 private:
  const toml::node* ask(const char* key);  // notes the key as known
  bool read_choice(const char* key, std::size_t& index, std::span<const char* const> names);
  bool to_number(const toml::node& node, const char* key, std::uint32_t min, std::uint32_t max,
                 std::uint32_t& out);
  // Texts are names, devices, addresses: they are shown in one line and written to files again.
  bool to_text(const toml::value<std::string>& value, const char* key, std::string& out);

  const toml::table* table_;
  std::string name_;
  TomlErrors& errors_;
  std::vector<std::string_view> known_;
};

// The known word that `word` was probably meant to be: at most two letters apart, or one for short
// words.
[[nodiscard]] std::optional<std::string_view> did_you_mean(std::string_view word,
                                                           std::span<const std::string_view> known);

}  // namespace weft::model
