#include "bep/model/config_reader.hh"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "bep/model/config_file.hh"
#include "bep/proto/device_id.hh"

namespace weft::model {
namespace {

struct StringWriter : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override {
    text.append(static_cast<const char*>(data), size);
  }
};

std::size_t line_at(std::string_view text, std::ptrdiff_t offset) {
  const auto end =
      std::min(text.size(), static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0)));
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
}

}  // namespace

ConfigDocument ConfigDocument::make_new(const std::filesystem::path& home) {
  ConfigDocument document;
  document.file_ = home / "config.xml";
  document.tree_->append_child("configuration")
      .append_attribute("version")
      .set_value(kConfigVersionWritten);
  return document;
}

ConfigResult<ConfigDocument> ConfigDocument::load(const std::filesystem::path& home) {
  ConfigDocument document;
  document.file_ = home / "config.xml";
  const std::string name = document.file_.string();
  auto text = read_config_file(document.file_, kConfigBytesMax,
                               "run `weft init --home " + home.string() +
                                   "` to make one, or name another directory by --home");
  if (!text) return tl::unexpected(text.error());
  document.text_ = std::move(*text);
  // Comments and the like are kept for save().
  constexpr unsigned kOptions = pugi::parse_default | pugi::parse_comments | pugi::parse_pi |
                                pugi::parse_declaration | pugi::parse_doctype;
  const auto parsed = document.tree_->load_buffer(document.text_.data(), document.text_.size(),
                                                  kOptions, pugi::encoding_utf8);
  if (!parsed)
    return tl::unexpected(name + ":" + std::to_string(line_at(document.text_, parsed.offset)) +
                          ": not well-formed XML (" + parsed.description() +
                          "); correct this line or restore the file from a backup");
  if (!document.root())
    return tl::unexpected(name +
                          ":1: has no <configuration> element; restore the file from a backup");
  return document;
}

std::string ConfigDocument::place_of(pugi::xml_node node) const {
  std::string place =
      file_.string() + ":" + std::to_string(line_at(text_, node.offset_debug())) + ": ";
  // A device inside a folder is named by both.
  const pugi::xml_node parent = node.parent();
  if (std::string_view(parent.name()) == "folder")
    place += std::string("<folder id=\"") + parent.attribute("id").value() + "\"> ";
  place += std::string("<") + node.name();
  if (const auto id = node.attribute("id")) place += std::string(" id=\"") + id.value() + "\"";
  return place + ">";
}

ConfigResult<void> ConfigDocument::save() const {
  StringWriter out;
  tree_->save(out, "    ", pugi::format_indent | pugi::format_no_declaration, pugi::encoding_utf8);
  return write_config_file(file_, out.text);
}

std::optional<std::filesystem::path> folder_path_of(const std::string& text) {
  std::filesystem::path path(text);
  if (text == "~" || text.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (home == nullptr || *home == 0) return std::nullopt;
    path = std::filesystem::path(home) / (text.size() > 2 ? text.substr(2) : "");
  }
  std::error_code error;
  path = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return std::nullopt;
  // "/srv/f/" and "/srv/f" are one place.
  return path.has_filename() || path == path.root_path() ? path : path.parent_path();
}

std::string ConfigReader::trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

std::string ConfigReader::text_or(pugi::xml_node node, const char* child,
                                  std::string fallback) const {
  std::string text = trimmed(node.child_value(child));
  return text.empty() ? std::move(fallback) : text;
}

std::string ConfigReader::attribute_or(pugi::xml_node node, const char* name,
                                       std::string fallback) const {
  std::string text = trimmed(node.attribute(name).value());
  return text.empty() ? std::move(fallback) : text;
}

bool ConfigReader::boolean(pugi::xml_node node, const char* child, bool fallback) {
  return to_boolean(node, std::string("<") + child + ">", trimmed(node.child_value(child)),
                    fallback);
}

bool ConfigReader::flag(pugi::xml_node node, const char* name, bool fallback) {
  return to_boolean(node, name, trimmed(node.attribute(name).value()), fallback);
}

std::int32_t ConfigReader::number(pugi::xml_node node, const char* child, std::int32_t fallback,
                                  std::int32_t min, std::int32_t max) {
  return to_number(node, {std::string("<") + child + ">", min, max},
                   trimmed(node.child_value(child)), fallback);
}

std::int32_t ConfigReader::attribute_number(pugi::xml_node node, const char* name,
                                            std::int32_t fallback, std::int32_t min,
                                            std::int32_t max) {
  return to_number(node, {name, min, max}, trimmed(node.attribute(name).value()), fallback);
}

std::int32_t ConfigReader::attribute_seconds(pugi::xml_node node, const char* name,
                                             std::int32_t fallback) {
  const std::string text = trimmed(node.attribute(name).value());
  if (text.empty()) return fallback;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() ||
      !(value >= -1e6 && value <= 1e6)) {
    refuse(node, std::string(name) + " is \"" + text + "\"; write a number of seconds");
    return fallback;
  }
  return static_cast<std::int32_t>(std::ceil(value));
}

base::DeviceId ConfigReader::device_id(pugi::xml_node node) {
  const std::string text = trimmed(node.attribute("id").value());
  const auto id = proto::parse_device_id(text);
  if (id && *id != proto::kEmptyDeviceId) return *id;
  refuse(node, "id \"" + text +
                   "\" is not a device ID; copy the 63 characters that `weft id` or the other "
                   "device shows");
  return {};
}

void ConfigReader::refuse(pugi::xml_node node, const std::string& what) {
  if (error_.empty()) error_ = document_.place_of(node) + ": " + what;
}

bool ConfigReader::to_boolean(pugi::xml_node node, const std::string& what, const std::string& text,
                              bool fallback) {
  if (text.empty()) return fallback;
  // What stock's parser takes.
  for (const char* yes : {"true", "True", "TRUE", "t", "T", "1"})
    if (text == yes) return true;
  for (const char* no : {"false", "False", "FALSE", "f", "F", "0"})
    if (text == no) return false;
  refuse(node, what + " is \"" + text + "\"; write true or false");
  return fallback;
}

std::int32_t ConfigReader::to_number(pugi::xml_node node, const Wanted& wanted,
                                     const std::string& text, std::int32_t fallback) {
  if (text.empty()) return fallback;
  std::int64_t value = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (whole && value >= wanted.min && value <= wanted.max) return static_cast<std::int32_t>(value);
  refuse(node, wanted.what + " is \"" + text + "\"; write a whole number from " +
                   std::to_string(wanted.min) + " to " + std::to_string(wanted.max));
  return fallback;
}

}  // namespace weft::model
