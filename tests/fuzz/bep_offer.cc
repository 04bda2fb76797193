// OFFER: what a peer says of its ports can be used as it stands.
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  Offer offer{.cores = 2, .aeads = {"aes-128-gcm"}, .receiver_index_base = 0xDEADBEEF, .chunk_bytes_max = 1400,
              .requests_max = 64};
  out.add("no-ports", encode_private(offer));
  Offer::Port v4{.prefix_len = 24, .mtu = 1500, .speed_bps = 100'000'000'000, .udp_port_base = 22100, .name = "left"};
  v4.address.bytes = {10, 1, 0, 1};
  Offer::Port v6 = v4;
  v6.address = {{0xFD, 0, 0, 1}, true};
  v6.prefix_len = 64;
  v6.role = 1;
  v6.generation = 7;
  v6.rss_entries = 128;
  offer.ports = {v4, {}, v6};
  offer.session_id_previous.fill(std::byte{3});
  out.add("two-ports", encode_private(offer));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const auto offer = read_private<Offer>(MessageType::kOffer, data, size);
  if (!offer) return 0;
  CHECK(offer->version > 0 && offer->cores <= weft::base::kCoresMax && offer->ports.size() <= weft::base::kPortsMax);
  CHECK(offer->ports.empty() || offer->chunk_bytes_max >= weft::base::kChunkBytesMin);
  for (const Offer::Port& port : offer->ports) {
    if (!port.exists()) {
      CHECK(port == Offer::Port{});
      continue;
    }
    CHECK(port.prefix_len <= (port.address.v6 ? 128u : 32u) && port.mtu >= 1280 && port.mtu <= 65535);
    CHECK(offer->cores >= 1 && port.udp_port_base >= 1 && port.udp_port_base + offer->cores - 1 <= 65535);
    CHECK(port.name.size() <= 64 && is_utf8(port.name));
  }
  CHECK(offer->aeads.size() <= 16);
  return 0;
}
