// A port's VLAN: tags on and off, and everything above untouched by it.
#include "engine/nic/vlan_stage.hh"

#include <gtest/gtest.h>

#include "tests/unit/nic/wire.hh"

namespace weft::nic {
namespace {

using namespace test;

constexpr base::Instant kNow{};

FrameBytes tagged(FrameBytes frame, std::uint16_t tci) {
  std::byte tag[4];
  base::store_be(tag, std::uint16_t{0x8100});
  base::store_be(tag + 2, tci);
  frame.insert(frame.begin() + 12, tag, tag + 4);
  return frame;
}

struct Vlan : testing::Test {
  Pool pool;
  Wire wire;
  VlanStage stage{wire, 100};
  const FrameBytes plain = datagram(bob_to_alice(false), "hello");

  std::vector<FrameBytes> received() {
    std::vector<FrameBytes> out;
    rte_mbuf* frames[kBurst];
    const std::uint32_t count = stage.rx_burst(frames, kNow);
    for (std::uint32_t i = 0; i < count; ++i) {
      out.push_back(bytes_of(frames[i]));
      rte_pktmbuf_free(frames[i]);
    }
    return out;
  }
  void arrives(const FrameBytes& bytes) { wire.in.push_back(pool.frame(bytes)); }
};

TEST_F(Vlan, TakesItsOwnTagOffAndDropsAllOthers) {
  arrives(tagged(plain, 100));
  arrives(plain);
  arrives(tagged(plain, 101));
  arrives(tagged(plain, 0));
  arrives(tagged(plain, 0xE000 | 100));       // priority 7: the same VLAN
  arrives(FrameBytes(13, std::byte{1}));
  arrives(tagged(FrameBytes(13, std::byte{1}), 100));   // torn within the header behind the tag
  EXPECT_EQ(received(), (std::vector<FrameBytes>{plain, plain}));
  EXPECT_EQ(stage.others(), 5u);
}

TEST_F(Vlan, BelievesADeviceThatTookTheTagOff) {
  for (const std::uint16_t vlan : {std::uint16_t{100}, std::uint16_t{101}}) {
    arrives(plain);
    wire.in.back()->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
    wire.in.back()->vlan_tci = vlan;
  }
  EXPECT_EQ(received(), (std::vector<FrameBytes>{plain}));
  EXPECT_EQ(stage.others(), 1u);
}

TEST_F(Vlan, TagsWhatLeavesAndGivesBackUntaggedWhatIsRefused) {
  rte_mbuf* frames[] = {pool.frame(plain), pool.frame(plain)};
  frames[1]->ol_flags = frames[0]->ol_flags = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
  frames[1]->l2_len = frames[0]->l2_len = kEthernetBytes;
  wire.tx_room = 1;
  ASSERT_EQ(stage.tx_burst(frames, kNow), 1u);
  EXPECT_EQ(bytes_of(wire.out.front()), tagged(plain, 100));
  EXPECT_EQ(wire.out.front()->l2_len, kEthernetBytes + kVlanTagBytes);
  EXPECT_EQ(bytes_of(frames[1]), plain);
  EXPECT_EQ(frames[1]->l2_len, kEthernetBytes);
  wire.tx_room = 1;
  ASSERT_EQ(stage.tx_burst({frames + 1, 1}, kNow), 1u);
  EXPECT_EQ(bytes_of(wire.out.back()), tagged(plain, 100));
}

}  // namespace
}  // namespace weft::nic
