// A port over af_packet and a Linux kernel as its neighbour.
//
//   namespace of the child                      namespace of its thread "kernel side"
//   our port, DPDK af_packet on weft0 ═ veth ═ weft1  10.4.0.2/24 fd00:4::2/64
//   10.4.0.1/24 fd00:4::1/64                     raw ICMP and UDP sockets
//
// The test runs itself as a child in a network namespace of its own, so nothing has to be cleaned up and the
// machine's network is not touched. Needs root; skipped without.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <future>
#include <memory>

#include "engine/nic/checksum.hh"
#include "engine/nic/icmp.hh"
#include "engine/nic/port.hh"
#include "tests/unit/nic/eal_environment.hh"

namespace weft::nic {
namespace {

using namespace test;

void shell(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

// A thread in a namespace of its own with the kernel's end of the veth; the namespace lives as long as the thread.
class KernelSide {
 public:
  KernelSide() {
    std::promise<pid_t> ready;
    thread_ = std::thread([this, &ready] {
      if (unshare(CLONE_NEWNET) != 0) return ready.set_value(0);
      ready.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
      go_.get_future().wait();
      work_();
      stop_.get_future().wait();
    });
    tid_ = ready.get_future().get();
  }
  ~KernelSide() {
    if (!work_) (void)run([] {});   // a test that gave up before
    stop_.set_value();
    thread_.join();
  }
  KernelSide(const KernelSide&) = delete;
  KernelSide& operator=(const KernelSide&) = delete;
  [[nodiscard]] pid_t tid() const { return tid_; }
  [[nodiscard]] std::future<void> run(std::function<void()> work) {
    work_ = [this, work = std::move(work)] { work(); done_.set_value(); };
    go_.set_value();
    return done_.get_future();
  }

 private:
  std::promise<void> go_, done_, stop_;
  std::function<void()> work_;
  pid_t tid_ = 0;
  std::thread thread_;
};

sockaddr_storage socket_address(const base::IpAddress& ip, std::uint16_t udp, socklen_t& bytes) {
  sockaddr_storage out{};
  if (ip.v6) {
    auto& six = reinterpret_cast<sockaddr_in6&>(out);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(udp);
    std::memcpy(&six.sin6_addr, ip.bytes.data(), 16);
    bytes = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(out);
    four.sin_family = AF_INET;
    four.sin_port = htons(udp);
    std::memcpy(&four.sin_addr, ip.bytes.data(), 4);
    bytes = sizeof four;
  }
  return out;
}

// Sends an echo request each 100 ms until its reply comes; the kernel has to find our MAC first.
bool ping(const base::IpAddress& to) {
  const int fd = socket(to.v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, to.v6 ? int{IPPROTO_ICMPV6} : int{IPPROTO_ICMP});
  if (fd < 0) return false;
  const timeval patience{0, 100'000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::byte request[64]{};
  request[0] = std::byte{to.v6 ? kIcmpv6Echo : kIcmpEcho};
  request[4] = std::byte{0x77};
  if (!to.v6) {
    const std::uint16_t sum = checksum_finish(checksum_add(0, request));
    std::memcpy(request + 2, &sum, sizeof sum);   // the kernel sums ICMPv6 itself
  }
  socklen_t bytes = 0;
  const sockaddr_storage address = socket_address(to, 0, bytes);
  bool answered = false;
  for (int tries = 0; tries < 50 && !answered; ++tries) {
    (void)sendto(fd, request, sizeof request, 0, reinterpret_cast<const sockaddr*>(&address), bytes);
    std::byte packet[256];
    const ssize_t got = recv(fd, packet, sizeof packet, 0);
    const std::size_t at = to.v6 ? 0 : 20;
    const std::byte reply{to.v6 ? kIcmpv6EchoReply : kIcmpEchoReply};
    answered = got >= static_cast<ssize_t>(at + 8) && packet[at] == reply && packet[at + 4] == std::byte{0x77};
  }
  close(fd);
  return answered;
}

// An echo server on the kernel's side: sends the first datagram it gets back to where it came from.
bool echo_once(const base::IpAddress& at) {
  const int fd = socket(at.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const timeval patience{10, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  // A veth leaves UDP sums to hardware that does not exist, so that what comes back over it would carry a wrong one;
  // over IPv4 the kernel can be asked for none at all.
  const int none = 1;
  setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &none, sizeof none);
  socklen_t bytes = 0;
  const sockaddr_storage own = socket_address(at, 9000, bytes);
  sockaddr_storage from{};
  socklen_t from_bytes = sizeof from;
  char text[256];
  ssize_t got = -1;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&own), bytes) == 0)
    got = recvfrom(fd, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &from_bytes);
  const bool ok = got > 0 && sendto(fd, text, static_cast<std::size_t>(got), 0, reinterpret_cast<sockaddr*>(&from),
                                    from_bytes) == got;
  close(fd);
  return ok;
}

PortConfig config() {
  PortConfig out;
  out.name = "veth";
  out.device = "net_af_packet0,iface=weft0";
  out.v4 = PortAddress{ipv4(10, 4, 0, 1), 24, {}};
  out.v6 = PortAddress{parse_ip("fd00:4::1").value(), 64, {}};
  out.udp_port = 7000;
  return out;
}

void run_port(Port& port, bool v6, std::future<void>& until, std::uint64_t& returned) {
  const Flow flow = port.make_flow(v6 ? parse_ip("fd00:4::2").value() : ipv4(10, 4, 0, 2), 7000, 9000).value();
  UdpPort& udp = port.udp(base::CoreId(0));
  (void)eventually([&] {
    port.poll(real_now());
    TxSlot slot;
    if (udp.tx_alloc({&slot, 1}) == 1) {
      std::memcpy(slot.payload, "weft", 4);
      const TxItem item{slot.packet, 4, &flow};
      if (udp.tx({&item, 1}, real_now()) == 0) udp.tx_cancel({&slot, 1});
    }
    RxDatagram burst[kBurst];
    const std::uint32_t count = udp.rx(burst, real_now());
    for (std::uint32_t i = 0; i < count; ++i)
      if (burst[i].bytes == 4 && burst[i].src_udp == 9000) ++returned;
    udp.release({burst, count});
    return until.wait_for(std::chrono::seconds(0)) == std::future_status::ready && (v6 || returned > 0);
  }, 30);
}

void one_family(bool v6) {
  KernelSide kernel;
  ASSERT_GT(kernel.tid(), 0);
  const std::string netns = "/proc/" + std::to_string(kernel.tid()) + "/ns/net";
  const std::string in_kernel = "nsenter --net=" + netns + " ";
  ASSERT_NO_FATAL_FAILURE(shell("ip link add weft0 type veth peer name weft1"));
  ASSERT_NO_FATAL_FAILURE(shell("ip link set weft0 up"));
  ASSERT_NO_FATAL_FAILURE(shell("ip link set weft1 netns " + std::to_string(kernel.tid())));
  ASSERT_NO_FATAL_FAILURE(shell(in_kernel + "ip address add 10.4.0.2/24 dev weft1"));
  ASSERT_NO_FATAL_FAILURE(shell(in_kernel + "ip address add fd00:4::2/64 dev weft1 nodad"));
  ASSERT_NO_FATAL_FAILURE(shell(in_kernel + "ip link set weft1 up"));

  std::string detail;
  PortConfig too_big = config();
  too_big.mtu = 9000;
  EXPECT_FALSE(Port::open(eal(), too_big, 1, detail));
  EXPECT_NE(detail.find("ip link set weft0 mtu 9000"), std::string::npos) << detail;
  PortConfig good = config();
  good.device = v6 ? "net_af_packet6,iface=weft0" : "net_af_packet4,iface=weft0";
  auto port = Port::open(eal(), good, 1, detail);
  ASSERT_TRUE(port) << detail;
  ASSERT_TRUE(eventually([&] { (*port)->poll(real_now()); return (*port)->link_up(); }));

  bool pinged = false, echoed = false;
  std::future<void> done = kernel.run([&] {
    pinged = ping(v6 ? config().v6->ip : config().v4->ip);
    echoed = echo_once(v6 ? parse_ip("fd00:4::2").value() : ipv4(10, 4, 0, 2));
  });
  std::uint64_t returned = 0;
  run_port(**port, v6, done, returned);
  EXPECT_TRUE(pinged) << "the kernel's ping was not answered";
  EXPECT_TRUE(echoed) << "the kernel did not take our datagram: next hop or checksum";
  if (!v6) {
    EXPECT_GT(returned, 0u) << "the kernel's datagram did not arrive";
  }
  EXPECT_GT((*port)->udp(base::CoreId(0)).stats().answered, 0u);

  EXPECT_EQ(std::system("ip link set weft0 down"), 0);   // a pulled cable
  EXPECT_TRUE(eventually([&] { (*port)->poll(real_now()); return !(*port)->link_up(); }));
  port->reset();
}

TEST(Child, DISABLED_KernelNeighbourIpv4) { one_family(false); }
TEST(Child, DISABLED_KernelNeighbourIpv6) { one_family(true); }

// Runs one of the above in a network namespace of its own; its output is this test's output.
void run_child(const char* name) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root: network namespaces and raw sockets";
  if (std::system("ip -V >/dev/null 2>&1 && nsenter -V >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs ip and nsenter";
  const pid_t pid = fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(77);
    const std::string filter = std::string("--gtest_filter=Child.DISABLED_") + name;
    execl("/proc/self/exe", "unit_nic", "--gtest_also_run_disabled_tests", filter.c_str(), nullptr);
    _exit(126);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no network namespaces here";
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

TEST(AfPacket, KernelNeighbourIpv4) { run_child("KernelNeighbourIpv4"); }
TEST(AfPacket, KernelNeighbourIpv6) { run_child("KernelNeighbourIpv6"); }

}  // namespace
}  // namespace weft::nic
