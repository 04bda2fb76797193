// DPDK's devices without a cable: a ring in this process, which brings back what is sent, and a recorded capture, which is
// replayed and whose answers are recorded.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/nic/arp.hh"
#include "engine/nic/port.hh"
#include "tests/unit/nic/eal_environment.hh"
#include "tests/unit/nic/frames.hh"

namespace weft::nic {
namespace {

using namespace test;

std::unique_ptr<Port> open_port(const std::string& device, std::string& why) {
  PortConfig config;
  config.name = "virtual";
  config.device = device;
  config.v4 = PortAddress{kAlice4, 24, {}};
  config.udp_port = 7000;
  auto port = Port::open(eal(), config, 1, why);
  return port ? std::move(*port) : nullptr;
}

void turn(Port& port) {
  port.poll(real_now());
  RxDatagram got[kBurst];
  UdpPort& udp = port.udp(base::CoreId{0});
  udp.release({got, udp.rx(got, real_now())});
}

std::uint64_t drops(Port& port, NicDrop reason) {
  return port.udp(base::CoreId{0}).stats().drops[static_cast<std::size_t>(reason)];
}

TEST(VirtualDevices, ARingBringsBackWhatItIsSent) {
  std::string why;
  const auto port = open_port("net_ring_loop", why);
  ASSERT_NE(port, nullptr) << why;
  // Our announcements, which are known for our own.
  EXPECT_TRUE(eventually([&] {
    turn(*port);
    return drops(*port, NicDrop::kOwnMac) > 0;
  }));
}

// The pcap file format: a header of 24 bytes, then per frame 16 bytes and the frame, in the writer's byte order.
struct Capture : testing::Test {
  std::filesystem::path in = std::filesystem::temp_directory_path() / ("weft-in-" + std::to_string(getpid()) + ".pcap");
  std::filesystem::path out = std::filesystem::temp_directory_path() / ("weft-out-" + std::to_string(getpid()) + ".pcap");
  void TearDown() override {
    std::filesystem::remove(in);
    std::filesystem::remove(out);
  }
  void record(const std::vector<FrameBytes>& frames) const {
    std::ofstream file(in, std::ios::binary);
    const auto word = [&](std::uint32_t value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
    for (const std::uint32_t value : {0xA1B2C3D4u, 4u << 16 | 2u, 0u, 0u, 65535u, 1u}) word(value);
    for (const FrameBytes& frame : frames) {
      const auto bytes = static_cast<std::uint32_t>(frame.size());
      for (const std::uint32_t value : {1u, 0u, bytes, bytes}) word(value);
      file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
    }
  }
  [[nodiscard]] std::vector<FrameBytes> recorded() const {
    std::ifstream file(out, std::ios::binary);
    std::vector<FrameBytes> frames;
    file.ignore(24);
    for (std::uint32_t head[4]; file.read(reinterpret_cast<char*>(head), sizeof head);) {
      FrameBytes& frame = frames.emplace_back(head[2]);
      file.read(reinterpret_cast<char*>(frame.data()), head[2]);
    }
    return frames;
  }
};

TEST_F(Capture, IsReplayedAndAnswered) {
  FrameBytes asks(kArpFrameBytes), other(kArpFrameBytes);
  write_arp_request(asks, kBobMac, kBob4, kAlice4);
  write_arp_request(other, kBobMac, kBob4, ipv4(10, 1, 0, 77));
  record({asks, other, FrameBytes(20, std::byte{1}), asks});
  std::string why;
  auto port = open_port("net_pcap_replay,rx_pcap=" + in.string() + ",tx_pcap=" + out.string(), why);
  ASSERT_NE(port, nullptr) << why;
  EXPECT_TRUE(eventually([&] {
    turn(*port);
    return port->udp(base::CoreId{0}).stats().answered == 2;
  }));
  EXPECT_EQ(drops(*port, NicDrop::kArpNotWanted), 1u);
  EXPECT_EQ(drops(*port, NicDrop::kSource), 1u);         // twenty bytes of nonsense, from a group's address
  const base::Mac mac = port->mac();
  port.reset();                                          // closes the file
  std::size_t replies = 0;
  for (const FrameBytes& frame : recorded()) {
    const auto arp = parse_arp(base::Bytes(frame).subspan(kEthernetBytes));
    ASSERT_TRUE(arp.has_value());
    if (arp->request) continue;                          // an announcement
    ++replies;
    EXPECT_EQ(arp->sender_mac, mac);
    EXPECT_EQ(arp->sender_ip, kAlice4);
    EXPECT_EQ(arp->target_mac, kBobMac);
  }
  EXPECT_EQ(replies, 2u);
}

}  // namespace
}  // namespace weft::nic
