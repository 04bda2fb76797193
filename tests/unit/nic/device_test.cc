// Device strings and the choice of memory: text in, text out.
#include "engine/nic/device.hh"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/nic/eal_memory.hh"

namespace weft::nic {
namespace {

TEST(Device, ArgumentsByKey) {
  const std::string device = "net_memif0,role=server,id=3,socket=/a/b.sock";
  EXPECT_EQ(device_argument(device, "role"), "server");
  EXPECT_EQ(device_argument(device, "socket"), "/a/b.sock");
  EXPECT_EQ(device_argument(device, "sock"), "");
  EXPECT_EQ(device_argument("net_memif0", "role"), "");
  EXPECT_EQ(device_argument("", "role"), "");
}

TEST(Device, CompletesOnlyWhatIsMissing) {
  EXPECT_EQ(complete_device("net_memif0,role=server", 1500, 2), "net_memif0,role=server");
  EXPECT_EQ(complete_device("net_memif0,role=server", 9000, 2), "net_memif0,role=server,bsize=9024");
  EXPECT_EQ(complete_device("net_memif0,bsize=16384", 9000, 2), "net_memif0,bsize=16384");
  EXPECT_EQ(complete_device("net_af_packet0,iface=veth0", 1500, 2), "net_af_packet0,iface=veth0,qpairs=2,framecnt=2048");
  EXPECT_EQ(complete_device("net_af_packet0,iface=veth0,qpairs=4", 9000, 2),
            "net_af_packet0,iface=veth0,qpairs=4,blocksz=12288,framesz=12288");
  EXPECT_EQ(complete_device("net_af_packet0,iface=veth0", 2000, 1),   // with the kernel's header more than 2048
            "net_af_packet0,iface=veth0,qpairs=1,blocksz=4096,framesz=4096");
  EXPECT_EQ(complete_device("0000:01:00.0", 9000, 2), "0000:01:00.0");
}

TEST(Device, ABufferHoldsAWholeFrame) {
  for (std::uint32_t mtu = 1280; mtu <= 9216; ++mtu) {
    const std::uint32_t bytes = buffer_bytes(static_cast<std::uint16_t>(mtu));
    EXPECT_GE(bytes, mtu + 14);
    EXPECT_EQ(bytes % 64, 0u);
  }
  EXPECT_EQ(buffer_bytes(1500), 2048);
  EXPECT_EQ(buffer_bytes("net_memif0", 9000), buffer_bytes(9000));
  EXPECT_EQ(buffer_bytes("net_af_packet0,iface=veth0", 1500), 2048);
  EXPECT_EQ(buffer_bytes("net_af_packet0,iface=veth0", 9000), 12288);   // or its driver refuses the queue
}

class Pci : public testing::Test {
 protected:
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("weft-pci-" + std::to_string(getpid()));
  void TearDown() override { std::filesystem::remove_all(root); }
  void card(const std::string& address, const std::string& driver, const std::string& interface) {
    std::filesystem::create_directories(root / address);
    if (!driver.empty()) std::filesystem::create_symlink("../../../bus/pci/drivers/" + driver, root / address / "driver");
    if (!interface.empty()) std::filesystem::create_directories(root / address / "net" / interface);
  }
};

TEST_F(Pci, SaysWhoHoldsTheCardAndHowToFreeIt) {
  const std::string at = "0000:17:00.0";
  EXPECT_EQ(pci_trouble(root, "eth0"), "");
  EXPECT_EQ(pci_trouble(root, at), "there is no PCI device '0000:17:00.0' in this machine: `lspci -D` lists those there are");
  card(at, "", "");
  EXPECT_EQ(pci_trouble(root, at),
            "PCI device '0000:17:00.0' is bound to no driver; run: dpdk-devbind.py --bind=vfio-pci 0000:17:00.0");
  card("0000:18:00.0", "ixgbe", "eth7");
  EXPECT_EQ(pci_trouble(root, "0000:18:00.0"),
            "PCI device '0000:18:00.0' is bound to the kernel's driver ixgbe; run: ip link set eth7 down; "
            "dpdk-devbind.py --bind=vfio-pci 0000:18:00.0");
  card("0000:19:00.0", "vfio-pci", "");
  EXPECT_NE(pci_trouble(root, "0000:19:00.0").find("is bound to vfio-pci, but DPDK did not take it"), std::string::npos);
}

class Memory : public testing::Test {
 protected:
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("weft-pages-" + std::to_string(getpid()));
  void TearDown() override { std::filesystem::remove_all(root); }
  void pages(const char* size, int free) {
    std::filesystem::create_directories(root / size);
    std::ofstream(root / size / "free_hugepages") << free << "\n";
  }
};

TEST_F(Memory, HugePagesOnlyWhenEnoughAreFree) {
  EXPECT_EQ(choose_memory(root, 256, true).kind, "ordinary pages");   // no such directory
  pages("hugepages-2048kB", 127);
  pages("hugepages-1048576kB", 0);
  EXPECT_EQ(choose_memory(root, 256, true).kind, "ordinary pages");
  pages("hugepages-2048kB", 128);
  EXPECT_EQ(choose_memory(root, 256, true).kind, "huge pages 2M");
  EXPECT_EQ(choose_memory(root, 256, false).kind, "ordinary pages");
  EXPECT_EQ(choose_memory(root, 257, true).kind, "ordinary pages");
  pages("hugepages-1048576kB", 1);
  EXPECT_EQ(choose_memory(root, 257, true).kind, "huge pages 1G");
}

TEST_F(Memory, OrdinaryPagesExcludeInMemory) {
  const auto arguments = choose_memory(root, 64, true).arguments;
  EXPECT_NE(std::find(arguments.begin(), arguments.end(), "--no-huge"), arguments.end());
  EXPECT_EQ(std::find(arguments.begin(), arguments.end(), "--in-memory"), arguments.end());
}

}  // namespace
}  // namespace weft::nic
