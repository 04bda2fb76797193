#include "bep/proto/private_messages.hh"

#include <gtest/gtest.h>

#include <functional>

#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;

Offer sample_offer() {
  Offer offer;
  offer.session_id_previous.fill(std::byte{3});
  offer.cores = 2;
  offer.aeads = {"aes-128-gcm"};
  offer.receiver_index_base = 0xDEADBEEF;
  offer.chunk_bytes_max = 1400;
  offer.requests_max = 64;
  offer.single_path = offer.never_metered = true;
  Offer::Port v4;
  v4.address.bytes = {10, 1, 0, 1};
  v4.prefix_len = 24;
  v4.mtu = 1500;
  v4.speed_bps = 100'000'000'000;
  v4.udp_port_base = 22100;
  v4.name = "left";
  Offer::Port v6 = v4;
  v6.address.v6 = true;
  v6.address.bytes = {0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  v6.prefix_len = 64;
  v6.role = 1;
  v6.to = {"left", "right"};
  v6.generation = 7;
  v6.rss_entries = 128;
  v6.cost = 9;
  v6.metered = true;
  offer.ports = {v4, {}, v6};
  return offer;
}

Open sample_open() {
  Open open;
  for (std::uint32_t i = 0; i < 5; ++i)
    open.files.push_back({i, "abcd", "dir/f" + std::to_string(i),
                          test::version_of({{i + 1, 9}}), 1000 * std::int64_t{i}, 131'072, i});
  return open;
}

Paths sample_paths() {
  return {.number = Paths::kNumberMax, .by_low = true, .pinned = true,
          .paths = {{0, 1, 256, 0}, {63, 3, 256, Paths::kLifeMax}, {9, 2, 1, 7}}};
}

TEST(Private, RoundTrips) {
  Grant grant;
  grant.files = {{1, 77, 0}, {2, 0, grant_error_of(base::Errc::kNotFound)}};
  for (const PrivateMessage& message : std::vector<PrivateMessage>{
           sample_offer(), Offer{}, sample_open(), Open{}, grant, Release{{1, 2, UINT32_MAX}},
           sample_paths(), Paths{}}) {
    const auto decoded = decode_private(type_of(message), encode_private(message));
    ASSERT_TRUE(decoded.has_value()) << decoded.error().text;
    EXPECT_EQ(*decoded, message);
  }
}

TEST(Private, TypesAreAsSpecified) {
  EXPECT_EQ(static_cast<int>(type_of(Offer{})), 1001);
  EXPECT_EQ(static_cast<int>(type_of(Open{})), 1002);
  EXPECT_EQ(static_cast<int>(type_of(Grant{})), 1003);
  EXPECT_EQ(static_cast<int>(type_of(Release{})), 1004);
  EXPECT_EQ(static_cast<int>(type_of(Paths{})), 1005);
  for (const MessageType type : {MessageType{1006}, MessageType::kPing, MessageType{1000}})
    EXPECT_EQ(decode_private(type, {}).error().code, base::Errc::kUnsupported);
}

TEST(Private, ImpossibleOffers) {
  const std::vector<std::function<void(bep::WeftOffer&)>> bends = {
      [](auto& m) { m.set_session_id_previous("short"); },
      [](auto& m) { m.set_version(0); },
      [](auto& m) { m.set_cores(17); },
      [](auto& m) { m.set_cores(0); },
      [](auto& m) { m.set_chunk_bytes_max(255); },
      [](auto& m) { m.mutable_ports(0)->set_address("12345"); },
      [](auto& m) { m.mutable_ports(0)->set_prefix_len(33); },
      [](auto& m) { m.mutable_ports(2)->set_prefix_len(129); },
      [](auto& m) { m.mutable_ports(0)->set_mtu(1279); },
      [](auto& m) { m.mutable_ports(0)->set_mtu(65536); },
      [](auto& m) { m.mutable_ports(0)->set_udp_port_base(0); },
      [](auto& m) { m.mutable_ports(0)->set_udp_port_base(65535); },   // two cores
      [](auto& m) { m.mutable_ports(0)->set_name(std::string(65, 'x')); },
      [](auto& m) { m.mutable_ports(0)->set_name("\xFF"); },
      [](auto& m) { m.mutable_ports(0)->set_cost(kPortCostMax + 1); },
      [](auto& m) { m.add_aeads(std::string(65, 'x')); },
      [](auto& m) { for (int i = 0; i < 16; ++i) m.add_aeads("x"); },
      [](auto& m) { for (int i = 0; i < 1025; ++i) m.add_ports(); }};
  for (std::size_t i = 0; i < bends.size(); ++i) {
    bep::WeftOffer message;
    ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_offer()))));
    bends[i](message);
    const auto decoded =
        decode_private(MessageType::kOffer, bytes_of(message.SerializeAsString()));
    ASSERT_FALSE(decoded.has_value()) << i;
    EXPECT_EQ(decoded.error().code, base::Errc::kCorrupt) << i;
  }
}

TEST(Private, ImpossiblePaths) {
  const std::vector<std::function<void(bep::WeftPaths&)>> bends = {
      [](auto& m) { m.set_number(Paths::kNumberMax + 1); },
      [](auto& m) { m.mutable_paths(0)->set_path(base::kPathsMax); },
      [](auto& m) { m.mutable_paths(0)->set_use(4); },
      [](auto& m) { m.mutable_paths(0)->set_part(257); },
      [](auto& m) { m.mutable_paths(1)->set_path(0); },
      [](auto& m) { m.mutable_paths(0)->set_life(Paths::kLifeMax + 1); },
      [](auto& m) { for (int i = 0; i < 1025; ++i) m.add_paths(); }};
  for (std::size_t i = 0; i < bends.size(); ++i) {
    bep::WeftPaths message;
    ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_paths()))));
    bends[i](message);
    const auto decoded = decode_private(MessageType::kPaths, bytes_of(message.SerializeAsString()));
    ASSERT_FALSE(decoded.has_value()) << i;
    EXPECT_EQ(decoded.error().code, base::Errc::kCorrupt) << i;
  }
}

TEST(Private, APlaceWithoutAnAddressIsNoPort) {
  bep::WeftOffer message;
  ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_offer()))));
  message.mutable_ports(0)->clear_address();
  const auto decoded = decode_private(MessageType::kOffer, bytes_of(message.SerializeAsString()));
  ASSERT_TRUE(decoded.has_value());
  const Offer& offer = std::get<Offer>(*decoded);
  ASSERT_EQ(offer.ports.size(), 3u);
  EXPECT_FALSE(offer.ports[0].exists() || offer.ports[1].exists());
  EXPECT_EQ(offer.ports[2], sample_offer().ports[2]);
}

TEST(Private, APortNamesNoMorePartnersThanThereMayBePorts) {
  bep::WeftOffer message;
  ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_offer()))));
  for (std::size_t names = 0; names <= base::kPortsMax + 1; ++names) {
    EXPECT_EQ(decode_private(MessageType::kOffer, bytes_of(message.SerializeAsString())).has_value(),
              names <= base::kPortsMax) << names;
    message.mutable_ports(0)->add_to("left");
  }
  message.mutable_ports(0)->clear_to();
  message.mutable_ports(0)->add_to("\xFF");
  EXPECT_FALSE(decode_private(MessageType::kOffer, bytes_of(message.SerializeAsString())).has_value());
}

TEST(Private, PortsBeyondTheBoundAreNotRead) {
  bep::WeftOffer message;
  ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_offer()))));
  for (int i = 0; i < 20; ++i) *message.add_ports() = message.ports(0);
  const auto decoded = decode_private(MessageType::kOffer, bytes_of(message.SerializeAsString()));
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(std::get<Offer>(*decoded).ports.size(), base::kPortsMax);
}

TEST(Private, ImpossibleOpens) {
  const std::vector<std::function<void(bep::WeftOpenFile&)>> bends = {
      [](auto& m) { m.set_folder("\xFF"); },
      [](auto& m) { m.set_name("../x"); },
      [](auto& m) { m.set_name(std::string(kNameBytesMax + 1, 'x')); },
      [](auto& m) { m.set_size(-1); },
      [](auto& m) { m.set_block_size(0); },
      [](auto& m) { m.set_block_size(-1); },
      [](auto& m) { m.set_block_size((16 << 20) + 1); },
      [](auto& m) { m.set_core(16); },
      [](auto& m) { *m.mutable_version()->add_counters() = m.version().counters(0); },
      [](auto& m) { for (int i = 0; i < 1001; ++i) m.mutable_version()->add_counters(); }};
  for (std::size_t i = 0; i < bends.size(); ++i) {
    bep::WeftOpen message;
    ASSERT_TRUE(message.ParseFromString(string_of(encode_private(sample_open()))));
    bends[i](*message.mutable_files(2));
    EXPECT_FALSE(
        decode_private(MessageType::kOpen, bytes_of(message.SerializeAsString())).has_value()) << i;
  }
}

TEST(Private, EntriesAreBounded) {
  Buffer entries;
  for (std::size_t i = 0; i < kPrivateEntriesMax; ++i) append(entries, test::hex("0a00"));
  EXPECT_TRUE(decode_private(MessageType::kGrant, entries).has_value());
  append(entries, test::hex("0a00"));
  EXPECT_FALSE(decode_private(MessageType::kGrant, entries).has_value());
  EXPECT_FALSE(decode_private(MessageType::kOpen, entries).has_value());
  // Handles packed into one field.
  bep::WeftRelease release;
  for (std::uint32_t i = 0; i <= kPrivateEntriesMax; ++i) release.add_handles(i);
  const std::string bytes = release.SerializeAsString();
  EXPECT_FALSE(decode_private(MessageType::kRelease, bytes_of(bytes)).has_value());
}

TEST(Private, GrantErrorsMapBothWays) {
  for (const base::Errc code : {base::Errc::kInvalidArgument, base::Errc::kNotFound,
                                base::Errc::kUnavailable}) {
    EXPECT_GT(grant_error_of(code), 0u);
    EXPECT_EQ(errc_of_grant_error(grant_error_of(code)), code);
  }
  EXPECT_EQ(errc_of_grant_error(9999), base::Errc::kUnavailable);
}

}  // namespace
}  // namespace weft::proto
