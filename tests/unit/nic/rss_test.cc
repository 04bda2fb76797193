#include "engine/nic/rss.hh"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <set>

#include "engine/base/prng.hh"
#include "engine/nic/address.hh"

namespace weft::nic {
namespace {

base::IpAddress ip(const char* text) {
  const auto parsed = parse_ip(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(base::IpAddress{});
}

// Microsoft, "Verifying the RSS hash calculation": the columns with ports.
TEST(Rss, HashesTheMakersVectors) {
  const struct {
    const char *src, *dst;
    std::uint16_t src_udp, dst_udp;
    std::uint32_t hash;
  } vectors[] = {
      {"66.9.149.187", "161.142.100.80", 2794, 1766, 0x51ccc178},
      {"199.92.111.2", "65.69.140.83", 14230, 4739, 0xc626b0ea},
      {"24.19.198.95", "12.22.207.184", 12898, 38024, 0x5c2b394a},
      {"38.27.205.30", "209.142.163.6", 48228, 2217, 0xafc7327f},
      {"153.39.163.191", "202.188.127.2", 44251, 1303, 0x10e828a2},
      {"3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x40207d3d},
      {"3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0xdde51bbf},
      {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x02d1feef},
  };
  for (const auto& v : vectors)
    EXPECT_EQ(rss_hash({.src = ip(v.src), .dst = ip(v.dst), .src_udp = v.src_udp, .dst_udp = v.dst_udp}), v.hash) << v.src;
}

TEST(Rss, HashesAsDpdkDoes) {
  base::Prng dice(4);
  for (int i = 0; i < 1000; ++i) {
    share::Flow flow;
    flow.src.v6 = flow.dst.v6 = i % 2 == 0;
    for (auto* address : {&flow.src, &flow.dst})
      for (std::size_t k = 0; k < (address->v6 ? 16u : 4u); ++k)
        address->bytes[k] = static_cast<std::uint8_t>(dice.next());
    flow.src_udp = static_cast<std::uint16_t>(dice.next());
    flow.dst_udp = static_cast<std::uint16_t>(dice.next());
    std::vector<std::uint32_t> words;               // as rte_softrss wants them: big endian read as numbers
    for (const auto* address : {&flow.src, &flow.dst})
      for (std::size_t k = 0; k < (address->v6 ? 16u : 4u); k += 4)
        words.push_back(std::uint32_t{address->bytes[k]} << 24 | std::uint32_t{address->bytes[k + 1]} << 16 |
                        std::uint32_t{address->bytes[k + 2]} << 8 | address->bytes[k + 3]);
    words.push_back(std::uint32_t{flow.src_udp} << 16 | flow.dst_udp);
    EXPECT_EQ(rss_hash(flow), rte_softrss(words.data(), static_cast<std::uint32_t>(words.size()), kRssKey.data()));
  }
}

TEST(Rss, EveryQueueHasASourcePortNearby) {
  base::Prng dice(5);
  for (const std::uint32_t entries : {64u, 128u, 512u})
    for (const std::uint32_t queues : {2u, 3u, 8u}) {
      share::Flow flow{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2"), .dst_udp = 22100};
      flow.src_udp = static_cast<std::uint16_t>(dice.below(65536));
      std::set<std::uint16_t> ports;
      for (std::uint32_t queue = 0; queue < queues; ++queue) {
        const auto port = source_port_for(flow, entries, queues, queue);
        ASSERT_TRUE(port.has_value());
        share::Flow chosen = flow;
        chosen.src_udp = *port;
        EXPECT_EQ(rss_hash(chosen) % entries % queues, queue);
        ports.insert(*port);
      }
      EXPECT_EQ(ports.size(), queues);
      EXPECT_EQ(source_port_for(flow, entries, queues, queues), std::nullopt);
    }
}

TEST(Rss, TheNumberGoesRoundInThePortsThatNobodyRegisters) {
  share::Flow flow{.src = ip("10.1.0.1"), .dst = ip("10.1.0.2"), .src_udp = 65535, .dst_udp = 22100};
  const std::uint32_t first = rss_hash(flow) % 128 % 4;
  EXPECT_EQ(source_port_for(flow, 128, 4, first), 65535);
  EXPECT_GE(source_port_for(flow, 128, 4, (first + 1) % 4), 49152);
}

TEST(Rss, ATableIsAPowerOfTwo) {
  for (const std::uint32_t entries : {1u, 2u, 128u, 4096u}) EXPECT_TRUE(is_rss_table(entries));
  for (const std::uint32_t entries : {0u, 3u, 96u, 8192u}) EXPECT_FALSE(is_rss_table(entries));
}

}  // namespace
}  // namespace weft::nic
