// Names of files as peers write them: what check_name() lets through is safe beneath a root by the letter of its rules,
// and the names made of it (temporary, conflict, for logs) are safe too.
#include "bep/proto/names.hh"
#include "bep/proto/text.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace proto;

// Decodes to code points and encodes them again: shortest forms only, nothing above U+10FFFF, no surrogates.
bool slow_is_utf8(std::string_view text) {
  std::string again;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = first < 0x80 ? 0 : (first >> 5) == 6 ? 1 : (first >> 4) == 14 ? 2 : (first >> 3) == 30 ? 3 : -1;
    if (more < 0 || text.size() - i <= static_cast<std::size_t>(more)) return false;
    std::uint32_t code = more == 0 ? first : first & (0x3Fu >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((next >> 6) != 2) return false;
      code = code << 6 | (next & 0x3Fu);
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    if (code < 0x80) {
      again += static_cast<char>(code);
    } else if (code < 0x800) {
      again += static_cast<char>(0xC0 | code >> 6);
      again += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      again += static_cast<char>(0xE0 | code >> 12);
      again += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      again += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      again += static_cast<char>(0xF0 | code >> 18);
      again += static_cast<char>(0x80 | (code >> 12 & 0x3F));
      again += static_cast<char>(0x80 | (code >> 6 & 0x3F));
      again += static_cast<char>(0x80 | (code & 0x3F));
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return again == text;
}

std::vector<std::string> components_of(std::string_view name) {
  std::vector<std::string> out(1);
  for (const char c : name)
    if (c == '/') out.emplace_back();
    else out.back() += c;
  return out;
}

bool slow_is_valid(std::string_view name) {
  if (name.empty() || name.size() > 32767 * 3 || !slow_is_utf8(name)) return false;
  for (const std::string& component : components_of(name))
    if (component.empty() || component == "." || component == ".." || component.find('\0') != component.npos) return false;
  return true;
}

void check_derived(const std::string& name) {
  const auto components = components_of(name);
  CHECK(base_of(name) == components.back());
  CHECK(directory_of(name).empty() || std::string(directory_of(name)) + "/" + components.back() == name);
  const std::string first = components.front();
  CHECK(is_internal_name(name) == (first == ".stfolder" || first == ".stignore" || first == ".stversions"));

  const std::string temp = temp_name(name);
  CHECK(is_valid_name(temp) && is_temp_name(temp) && directory_of(temp) == directory_of(name));
  CHECK(base_of(temp).size() <= 160);
  if (const auto back = name_of_temp(temp)) CHECK(*back == name);
  else CHECK(components.back().size() > kTempBaseBytesMax || components.back().size() == 64);

  const std::string conflict = conflict_name(name, {2024, 3, 9, 7, 5, 1}, 0x1122334455667788);
  CHECK(is_valid_name(conflict) && is_conflict_name(conflict) && directory_of(conflict) == directory_of(name));
  CHECK(base_of(conflict).size() <= kComponentBytesMax);
}

}  // namespace

void make_seeds(Seeds& out) {
  out.add("plain", "dir/sub/file.txt");
  out.add("temp", "dir/.syncthing.file.txt.tmp");
  out.add("internal", ".stfolder/x");
  out.add("dots", "..a/b../...");
  out.add("utf8", "b\u00fccher/\u6f22\u5b57/\U0001F600.tar.gz");
  out.add("long", "d/" + std::string(250, 'a') + ".ext");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const std::string name(text_of(bytes_of(data, size)));
  CHECK(is_utf8(name) == slow_is_utf8(name));
  CHECK(is_valid_name(name) == slow_is_valid(name));
  CHECK(*text_of(check_name(name)) != 0);
  (void)is_temp_name(name);
  (void)name_of_temp(name);
  for (const std::size_t most : {std::size_t{0}, std::size_t{1}, size / 2, size, size + 1}) {
    const std::string_view cut = cut_utf8(name, most);
    CHECK(cut.size() <= most && name.starts_with(cut));
    if (is_utf8(name)) CHECK(is_utf8(cut) && cut.size() + 4 > std::min(most, size));
    const std::string shown = printable(name, most);
    CHECK(shown.size() <= most && is_utf8(shown) && printable(shown, most) == shown);
    CHECK(std::ranges::none_of(shown, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
    CHECK(shown.find("\u009b") == std::string::npos);   // a control sequence to terminals
  }
  if (!is_valid_name(name)) return 0;
  understood();
  check_derived(name);
  return 0;
}
