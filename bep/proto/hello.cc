#include "bep/proto/hello.hh"

#include <array>

#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "bep/proto/text.hh"
#include "engine/base/must.hh"

namespace weft::proto {
namespace {

constexpr std::size_t kPrefixBytes = 6;            // magic and length
// Of a device's or client's name; longer ones are for nobody.
constexpr std::size_t kNameBytes = 1024;
constexpr std::array<std::uint32_t, 3> kMagicsOld = {0x9F79BC40, 0x00010001, 0x00010000};

HelloDecoded refused(Reason reason) {
  return {HelloDecoded::Outcome::kRefused, reason, 0, {}};
}

bool convert(const bep::Hello& from, Hello& to) {
  const auto text = [](const std::string& value, std::string& out) {
    if (!is_utf8(value)) return false;
    out = cut_utf8(value, kNameBytes);
    return true;
  };
  if (!text(from.device_name(), to.device_name)) return false;
  if (!text(from.client_name(), to.client_name)) return false;
  if (!text(from.client_version(), to.client_version)) return false;
  to.num_connections = from.num_connections();
  to.timestamp_ns = from.timestamp();
  to.weft_version = 0;
  if (from.weft().empty()) return true;
  bep::WeftHello weft;
  if (!weft.ParseFromString(from.weft())) return false;
  to.weft_version = weft.version();
  return true;
}

}  // namespace

std::vector<std::byte> encode_hello(const Hello& hello) {
  bep::Hello message;
  message.set_device_name(std::string(cut_utf8(hello.device_name, kNameBytes)));
  message.set_client_name(std::string(cut_utf8(hello.client_name, kNameBytes)));
  message.set_client_version(std::string(cut_utf8(hello.client_version, kNameBytes)));
  message.set_num_connections(hello.num_connections);
  message.set_timestamp(hello.timestamp_ns);
  if (hello.weft_version != 0) {
    bep::WeftHello weft;
    weft.set_version(hello.weft_version);
    message.set_weft(weft.SerializeAsString());
  }
  const std::string protobuf = message.SerializeAsString();
  MUST(protobuf.size() <= kHelloBytesMax);
  std::vector<std::byte> out(kPrefixBytes + protobuf.size());
  base::ByteWriter writer(out);
  writer.be<std::uint32_t>(kHelloMagic);
  writer.be(static_cast<std::uint16_t>(protobuf.size()));
  writer.put(bytes_of(protobuf));
  MUST(writer.room() == 0);
  return out;
}

HelloDecoded decode_hello(base::Bytes input) {
  // Judged as soon as it is there: a peer that speaks something else may never send a sixth byte.
  if (input.size() < sizeof(std::uint32_t)) return {};
  const auto magic = base::load_be<std::uint32_t>(input.data());
  if (magic != kHelloMagic) {
    for (const std::uint32_t old : kMagicsOld)
      if (magic == old) return refused(Reason::kHelloMagicOld);
    return refused(Reason::kHelloMagicUnknown);
  }
  if (input.size() < kPrefixBytes) return {};
  const std::size_t size = base::load_be<std::uint16_t>(input.data() + sizeof magic);
  if (size > kHelloBytesMax) return refused(Reason::kHelloTooLong);
  if (input.size() < kPrefixBytes + size) return {};
  bep::Hello message;
  if (!message.ParseFromArray(input.data() + kPrefixBytes, static_cast<int>(size)))
    return refused(Reason::kHelloBroken);
  HelloDecoded decoded{HelloDecoded::Outcome::kDone, Reason::kNone, kPrefixBytes + size, {}};
  if (!convert(message, decoded.hello)) return refused(Reason::kHelloBroken);
  return decoded;
}

}  // namespace weft::proto
