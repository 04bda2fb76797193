// A memif server that is killed and comes again, as a process of its own, while this process sends at full speed:
// the client must neither crash (the driver unmaps its rings under us, device_thread.hh) nor stay without link.
// The other way round, a server that closes its port and opens it again, while the client's process knocks.
//
//   this process, client 10.3.0.2 == memif == 10.3.0.1 server, the same binary run as a child
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "engine/nic/port.hh"
#include "tests/unit/nic/eal_environment.hh"

extern char** environ;

namespace weft::nic {
namespace {

using namespace test;

constexpr const char* kSocketVariable = "WEFT_TEST_MEMIF_SOCKET";

PortConfig config_of(bool server, const std::string& socket) {
  PortConfig config;
  config.name = server ? "server" : "client";
  config.device = std::string("net_memif_life,role=") + config.name + ",id=0,socket=" + socket;
  config.v4 = PortAddress{ipv4(10, 3, 0, server ? 1 : 2), 24, {}};
  config.udp_port = 7000;
  return config;
}

// A child: follows its link until it is killed.
TEST(Child, DISABLED_MemifClient) {
  const char* socket = std::getenv(kSocketVariable);
  ASSERT_NE(socket, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string detail;
  auto port = Port::open(eal(), config_of(false, socket), 1, detail);
  ASSERT_TRUE(port) << detail;
  while (getppid() != 1) {
    (*port)->poll(real_now());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// Another: sends every datagram back until it is killed.
TEST(Child, DISABLED_MemifServer) {
  const char* socket = std::getenv(kSocketVariable);
  ASSERT_NE(socket, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string detail;
  auto port = Port::open(eal(), config_of(true, socket), 1, detail);
  ASSERT_TRUE(port) << detail;
  UdpPort& udp = (*port)->udp(base::CoreId(0));
  const Flow back = (*port)->make_flow(ipv4(10, 3, 0, 2), 7000, 7000).value();
  for (std::uint64_t turn = 0; getppid() != 1; ++turn) {
    if (turn % 1000 == 0) (*port)->poll(real_now());
    RxDatagram burst[kBurst];
    const std::uint32_t count = udp.rx(burst, real_now());
    for (std::uint32_t i = 0; i < count; ++i) {
      TxSlot slot;
      if (udp.tx_alloc({&slot, 1}) != 1) break;
      std::memcpy(slot.payload, burst[i].payload, burst[i].bytes);
      const TxItem item{slot.packet, burst[i].bytes, &back};
      if (udp.tx({&item, 1}, real_now()) == 0) udp.tx_cancel({&slot, 1});
    }
    udp.release(std::span(burst).first(count));
    if (count == 0) std::this_thread::yield();
  }
}

pid_t start_child(const std::string& name) {
  char self[] = "/proc/self/exe", disabled[] = "--gtest_also_run_disabled_tests";
  std::string filter = "--gtest_filter=Child.DISABLED_" + name;
  char* const arguments[] = {self, disabled, filter.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, "/proc/self/exe", &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? pid : 0;
}

void kill_and_reap(pid_t pid) {
  kill(pid, SIGKILL);
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, status " << status;
}

// The data core of this side: sends bursts without pause and counts what comes back.
void run_core(UdpPort& udp, const Flow& flow, const std::atomic<bool>& stop, std::atomic<std::uint64_t>& returned) {
  ASSERT_TRUE(eal().register_thread());
  while (!stop) {
    TxSlot slots[kBurst];
    const std::uint32_t count = udp.tx_alloc(slots);
    TxItem items[kBurst];
    for (std::uint32_t i = 0; i < count; ++i) items[i] = {slots[i].packet, 1000, &flow};
    const std::uint32_t taken = udp.tx({items, count}, real_now());
    udp.tx_cancel({slots + taken, count - taken});
    RxDatagram burst[kBurst];
    const std::uint32_t got = udp.rx(burst, real_now());
    udp.release({burst, got});
    returned += got;
  }
  eal().unregister_thread();
}

std::string describe(Port& port) {
  const PortReport report = port.report();
  std::string out = std::string(report.link_up ? " link up" : " no link") +
                    " out " + std::to_string(report.udp.packets_out) + " in " + std::to_string(report.udp.packets_in) +
                    " asked " + std::to_string(report.udp.asked) + " refused " + std::to_string(report.udp.tx_refused) +
                    " no_buffer " + std::to_string(report.udp.no_buffer);
  for (std::size_t i = 0; i < kNicDrops; ++i)
    if (report.udp.drops[i] != 0)
      out += std::string(" ") + name_of(static_cast<NicDrop>(i)) + " " + std::to_string(report.udp.drops[i]);
  return out;
}

TEST(MemifProcesses, ServerKilledUnderTrafficComesAgain) {
  const std::string socket = unique_socket("life");
  setenv(kSocketVariable, socket.c_str(), 1);
  std::string detail;
  auto port = Port::open(eal(), config_of(false, socket), 1, detail);
  ASSERT_TRUE(port) << detail;
  const Flow flow = (*port)->make_flow(ipv4(10, 3, 0, 1), 7000, 7000).value();
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> returned{0};
  std::thread core([&] { run_core((*port)->udp(base::CoreId(0)), flow, stop, returned); });
  for (int life = 0; life < 4; ++life) {
    const pid_t server = start_child("MemifServer");
    ASSERT_GT(server, 0);
    const std::uint64_t before = returned;
    const bool flows = eventually([&] {
      (*port)->poll(real_now());
      (void)(*port)->report();
      return returned >= before + 1000;
    });
    EXPECT_TRUE(flows) << "life " << life << describe(**port);
    kill_and_reap(server);
    EXPECT_TRUE(eventually([&] { (*port)->poll(real_now()); return !(*port)->link_up(); })) << "life " << life;
  }
  stop = true;
  core.join();
}

// DPDK never closes a listener, though it frees what that works on with the last port of the socket: without close_device()'s
// keeper the port cannot be opened again.
TEST(MemifProcesses, AServerClosesItsPortWhileItsClientKnocksAndOpensItAgain) {
  const std::string socket = unique_socket("again");
  setenv(kSocketVariable, socket.c_str(), 1);
  std::unique_ptr<Port> port;
  pid_t client = 0;
  for (int life = 0; life < 3; ++life) {
    std::string detail;
    auto opened = Port::open(eal(), config_of(true, socket), 1, detail);
    ASSERT_TRUE(opened) << detail;
    port = std::move(*opened);
    if (client == 0) client = start_child("MemifClient");
    ASSERT_GT(client, 0);
    EXPECT_TRUE(eventually([&] { port->poll(real_now()); return port->link_up(); })) << "life " << life;
    port.reset();
    std::this_thread::sleep_for(std::chrono::milliseconds(700));   // two knocks
  }
  kill_and_reap(client);
}

}  // namespace
}  // namespace weft::nic
