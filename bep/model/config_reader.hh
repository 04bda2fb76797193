// What config_xml.cc, config_options.cc and config_edit.cc share; the only header that shows
// pugixml.
// ConfigDocument: config.xml as a tree, with line numbers, and its replacement on disk.
// ConfigReader: typed reading with defaults; the first refusal is kept and everything after it is
// noise, so the caller reads a whole element and asks failed() once.
// Threads: any one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

#include "bep/model/config.hh"
#include "engine/base/types.hh"

namespace weft::model {

inline constexpr std::size_t kConfigBytesMax =
    16u << 20;  // thousands of folders; more is not a config.xml

class ConfigDocument {
 public:
  // An empty <configuration version="36"> for a new home.
  static ConfigDocument make_new(const std::filesystem::path& home);
  [[nodiscard]] static ConfigResult<ConfigDocument> load(const std::filesystem::path& home);

  [[nodiscard]] pugi::xml_node root() const { return tree_->child("configuration"); }
  // "config.xml:12: <folder id="docs">", for the start of a refusal.
  [[nodiscard]] std::string place_of(pugi::xml_node node) const;
  // Replaces the file: temporary file, fsync, rename.
  [[nodiscard]] ConfigResult<void> save() const;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

 private:
  ConfigDocument() : tree_(std::make_unique<pugi::xml_document>()) {}
  std::filesystem::path file_;
  std::string text_;                          // as read: offsets of nodes point into it
  std::unique_ptr<pugi::xml_document> tree_;  // not movable by itself without touching nodes
};

// A folder's path as written in the file, made absolute and clean, `~` expanded by HOME. nullopt:
// HOME is not set, or the current directory is gone.
[[nodiscard]] std::optional<std::filesystem::path> folder_path_of(const std::string& text);

class ConfigReader {
 public:
  explicit ConfigReader(const ConfigDocument& document) : document_(document) {}

  // Child elements. Absent or empty: the default.
  [[nodiscard]] std::string text_or(pugi::xml_node node, const char* child,
                                    std::string fallback) const;
  [[nodiscard]] bool boolean(pugi::xml_node node, const char* child, bool fallback);
  [[nodiscard]] std::int32_t number(pugi::xml_node node, const char* child, std::int32_t fallback,
                                    std::int32_t min, std::int32_t max);
  // Attributes, in the same way.
  [[nodiscard]] std::string attribute_or(pugi::xml_node node, const char* name,
                                         std::string fallback) const;
  [[nodiscard]] bool flag(pugi::xml_node node, const char* name, bool fallback);
  [[nodiscard]] std::int32_t attribute_number(pugi::xml_node node, const char* name,
                                              std::int32_t fallback, std::int32_t min,
                                              std::int32_t max);
  // Seconds that may have a fraction ("0.5", as 2.x writes); rounded up.
  [[nodiscard]] std::int32_t attribute_seconds(pugi::xml_node node, const char* name,
                                               std::int32_t fallback);
  // The attribute `id` of a <device>: must be there and be a device ID.
  [[nodiscard]] base::DeviceId device_id(pugi::xml_node node);

  // `what` says the trouble and the remedy. Only the first one counts.
  void refuse(pugi::xml_node node, const std::string& what);
  [[nodiscard]] bool failed() const { return !error_.empty(); }
  [[nodiscard]] const std::string& error() const { return error_; }

  [[nodiscard]] static std::string trimmed(std::string_view text);

 private:
  struct Wanted {  // what a value is called in a refusal, and its bounds
    std::string what;
    std::int32_t min = 0, max = 0;
  };
  bool to_boolean(pugi::xml_node node, const std::string& what, const std::string& text,
                  bool fallback);
  std::int32_t to_number(pugi::xml_node node, const Wanted& wanted, const std::string& text,
                         std::int32_t fallback);

  const ConfigDocument& document_;
  std::string error_;
};

// Adds to `notices` what is set in the file and has no effect yet.
void notice_if(Config& config, bool set, const std::string& what);
// The parts of load_config() that stand in config_options.cc.
void read_gui(ConfigReader& reader, pugi::xml_node node, Config& config);
void read_options(ConfigReader& reader, pugi::xml_node node, Config& config);

}  // namespace weft::model
