#include "bep/model/toml_reader.hh"

#include <algorithm>
#include <sstream>

namespace weft::model {
namespace {

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string_view> did_you_mean(std::string_view word,
                                             std::span<const std::string_view> known) {
  if (word.size() > 64) return std::nullopt;  // quadratic work on a word nobody typed
  const std::size_t far = word.size() <= 4 ? 1 : 2;
  std::optional<std::string_view> best;
  std::size_t best_distance = far + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void TomlErrors::refuse(std::uint32_t line, const std::string& what) {
  if (!first.empty()) return;
  first = file + (line > 0 ? ":" + std::to_string(line) : "") + ": " + what;
  // What it quotes is the file's: one line, and no orders to the terminal.
  std::ranges::replace_if(first, is_control, '?');
}

std::optional<toml::table> parse_toml(std::string_view text, TomlErrors& errors) {
  try {
    return toml::parse(text, errors.file);
  } catch (const toml::parse_error& error) {
    errors.refuse(error.source().begin.line,
                  "not valid TOML (" + std::string(error.description()) + "); correct this line");
    return std::nullopt;
  }
}

const toml::node* TomlTable::ask(const char* key) {
  known_.push_back(key);
  return table_ == nullptr ? nullptr : table_->get(key);
}

std::uint32_t TomlTable::line_of(const char* key) const {
  if (table_ == nullptr) return 0;
  const toml::node* node = table_->get(key);
  return node != nullptr ? node->source().begin.line : table_->source().begin.line;
}

void TomlTable::refuse(const char* key, const std::string& what) {
  errors_.refuse(line_of(key), (name_.empty() ? "" : name_ + ".") + key + " " + what);
}

void TomlTable::read(const char* key, bool& out) {
  const toml::node* node = ask(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_boolean()) out = value->get();
  else refuse(key, "must be true or false, without quotes");
}

void TomlTable::read(const char* key, std::string& out) {
  const toml::node* node = ask(key);
  if (node == nullptr) return;
  if (const auto* value = node->as_string()) to_text(*value, key, out);
  else refuse(key, "must be a text in quotes");
}

void TomlTable::read(const char* key, std::vector<std::string>& out) {
  const toml::node* node = ask(key);
  if (node == nullptr) return;
  std::string text;
  if (const auto* value = node->as_string()) {
    if (to_text(*value, key, text)) out = {text};
    return;
  }
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    refuse(key, "must be a text in quotes or a list of them");
    return;
  }
  for (const toml::node& item : *list) {
    const auto* value = item.as_string();
    if (value == nullptr) {
      refuse(key, "must hold texts in quotes only");
      return;
    }
    if (!to_text(*value, key, text)) return;
    out.push_back(text);
  }
}

void TomlTable::read(const char* key, std::uint32_t& out, std::uint32_t min, std::uint32_t max) {
  const toml::node* node = ask(key);
  if (node != nullptr) static_cast<void>(to_number(*node, key, min, max, out));
}

void TomlTable::read(const char* key, double& out, double min, double max) {
  const toml::node* node = ask(key);
  if (node == nullptr) return;
  const std::optional<double> value = node->value<double>();  // of a whole number as well
  if (node->is_number() && value && *value >= min && *value <= max) {
    out = *value;
    return;
  }
  std::ostringstream wanted;
  if (node->is_number() && value) wanted << "is " << *value << " but ";
  wanted << "must be a number from " << min << " to " << max;
  refuse(key, wanted.str());
}

const toml::table* TomlTable::table(const char* key) {
  const toml::node* node = ask(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) refuse(key, "must be a table, as { key = value }");
  return node->as_table();
}

std::vector<const toml::table*> TomlTable::tables(const char* key) {
  std::vector<const toml::table*> out;
  const toml::node* node = ask(key);
  if (node == nullptr) return out;
  const toml::array* list = node->as_array();
  if (list == nullptr || !list->is_array_of_tables()) {
    const std::string whole = (name_.empty() ? "" : name_ + ".") + key;
    refuse(key, "must be written as [[" + whole + "]], with two brackets, once per " + key);
    return out;
  }
  for (const toml::node& item : *list) out.push_back(item.as_table());
  return out;
}

void TomlTable::read(const char* key, std::vector<std::uint32_t>& out, std::uint32_t max) {
  const toml::node* node = ask(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) {
    refuse(key, "must be a list of numbers, as [1, 2]");
    return;
  }
  for (const toml::node& item : *list) {
    std::uint32_t value = 0;
    if (!to_number(item, key, 0, max, value)) return;
    out.push_back(value);
  }
}

bool TomlTable::to_number(const toml::node& node, const char* key, std::uint32_t min,
                          std::uint32_t max, std::uint32_t& out) {
  const auto* value = node.as_integer();
  if (value != nullptr && value->get() >= min && value->get() <= max) {
    out = static_cast<std::uint32_t>(value->get());
    return true;
  }
  const std::string found = value != nullptr ? "is " + std::to_string(value->get()) + " but " : "";
  refuse(key, found + "must be a whole number from " + std::to_string(min) + " to " +
                  std::to_string(max));
  return false;
}

bool TomlTable::to_text(const toml::value<std::string>& value, const char* key, std::string& out) {
  if (std::ranges::any_of(value.get(), is_control)) {
    refuse(key, "holds a line break or another control character; remove it");
    return false;
  }
  out = value.get();
  return true;
}

bool TomlTable::read_choice(const char* key, std::size_t& index,
                            std::span<const char* const> names) {
  std::string text;
  const bool given = has(key);
  read(key, text);
  if (!given || !errors_.first.empty()) return false;
  for (index = 0; index < names.size(); ++index)
    if (text == names[index]) return true;
  std::string all;
  for (const char* name : names) all += (all.empty() ? "" : ", ") + quoted(name);
  refuse(key, "is " + quoted(text) + " but must be one of " + all);
  return false;
}

void TomlTable::refuse_unknown_keys() {
  if (table_ == nullptr) return;
  for (const auto& [key, node] : *table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    const auto meant = did_you_mean(key.str(), known_);
    const std::string whole =
        name_.empty() ? std::string(key.str()) : name_ + "." + std::string(key.str());
    errors_.refuse(key.source().begin.line, whole + " is not known; " +
                                                (meant ? "did you mean " + quoted(*meant) + "?"
                                                       : "remove it or correct its name"));
    return;
  }
}

}  // namespace weft::model
