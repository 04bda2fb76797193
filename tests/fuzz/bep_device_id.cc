// Device IDs as people type them: what is accepted names one device, and its canonical text names the same.
#include "bep/proto/device_id.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  DeviceId id{};
  std::ranges::copy(noise(32, 1), id.begin());
  const std::string text = to_text(id);
  out.add("canonical", text);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '-') plain += static_cast<char>(text[i] >= 'A' ? text[i] - 'A' + 'a' : text[i]);
  out.add("lower", plain);
  std::string unchecked;
  for (std::size_t i = 0; i < plain.size(); ++i)
    if (i % 14 != 13) unchecked += plain[i];
  out.add("without-checks", unchecked);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes input = bytes_of(data, size);
  if (size == sizeof(DeviceId)) {                   // as an ID of its own
    DeviceId id;
    std::ranges::copy(input, id.begin());
    const auto back = parse_device_id(to_text(id));
    CHECK(back && *back == id);
    CHECK(id == kEmptyDeviceId || (to_text(id).size() == 63 && to_text(id).starts_with(short_id_text(short_id(id)))));
  }
  const auto id = parse_device_id(text_of(input));
  if (!id) {
    CHECK(id.error().code == weft::base::Errc::kInvalidArgument);
    return 0;
  }
  understood();
  const std::string canonical = to_text(*id);
  const auto again = parse_device_id(canonical);
  CHECK(again && *again == *id);
  if (*id == kEmptyDeviceId) return 0;              // also written as 52 or 56 A's
  // One device, one text: the letters of both are the same.
  const auto letters = [](std::string_view text) {
    std::string out;
    for (char c : text) {
      if (c == '-' || c == ' ' || c == '=') continue;
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      out += c == '0' ? 'O' : c == '1' ? 'I' : c == '8' ? 'B' : c;
    }
    return out;
  };
  const std::string given = letters(text_of(input));
  if (given.size() == 56) CHECK(given == letters(canonical));
  else CHECK(given.size() == 52);
  return 0;
}
