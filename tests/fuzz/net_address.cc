// Addresses of config.xml: what is accepted can be dialled or listened on, and its canonical text means the same.
#include "bep/net/address.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

void make_seeds(Seeds& out) {
  for (const char* text : {"tcp://10.0.0.1:22000", "tcp4://host.example", "tcp6://[fd00::1%25eth0]:22001/", "tcp://:0",
                           "dynamic", "default", "tcp://[::1]"})
    out.add("address-" + std::to_string(out.all().size()), text);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft::net;
  const std::string_view text = text_of(bytes_of(data, size));
  for (const AddressUse use : {AddressUse::kDial, AddressUse::kListen}) {
    const auto address = parse_address(text, use);
    if (!address) {
      CHECK(*address.error().text != 0);
      continue;
    }
    understood();
    const bool tcp = address->kind == Address::Kind::kTcp;
    if (tcp && use == AddressUse::kDial) CHECK(!address->host.empty() && address->port != 0);
    CHECK(address->host.size() <= 255 && address->host.find('\0') == std::string::npos);
    const auto again = parse_address(to_text(*address), use);
    CHECK(again && *again == *address && to_text(*again) == to_text(*address));
  }
  return 0;
}
