// Port::open: checks the configuration, finds the device, gives it queues and buffers, starts it.
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "engine/nic/port_check.hh"
#include "engine/nic/port_inside.hh"
#include "engine/nic/steer.hh"
#include "engine/nic/tap_interface.hh"

namespace weft::nic {
namespace {

constexpr std::uint16_t kRingFrames = 1024;     // 1.2 ms at 10 Gbit/s of 1500-byte frames: one late turn of a core
constexpr std::uint32_t kPoolCache = 256;

using base::Errc;

// The most buffers of one core's pool that can be in use at one time, by holder.
std::uint32_t pool_frames(const PortConfig& config, std::uint32_t cores) noexcept {
  return kRingFrames                                  // posted to the card's receive ring
         + kRingFrames                                // sent, not yet taken back from its transmit ring
         + config.rx_held_max + config.tx_held_max    // the data agent
         + 3 * kBurst                                 // in the hands of rx(), tx() and the driver (memif takes a burst)
         + 2 * config.impair_frames_max               // held back, each way
         + (config.exception.empty() ? 0 : 2 * (HostPath::kRingFrames + kBurst))   // to and from the host's kernel
         + cores * (kPoolCache + kPoolCache / 2);     // resting in caches: any core may have given buffers back
}

std::uint16_t data_room(const PortConfig& config) noexcept {
  return static_cast<std::uint16_t>(buffer_bytes(config.device, config.mtu) + RTE_PKTMBUF_HEADROOM);
}

base::Status make_pools(Port::Inside& inside, std::uint32_t cores, std::string& detail) {
  const int node = rte_eth_dev_socket_id(inside.device.id);
  for (std::uint32_t core = 0; core < cores; ++core) {
    auto side = std::make_unique<PortSide>();
    const std::string name = "weft_" + std::to_string(inside.device.id) + "_" + std::to_string(core);
    side->pool = rte_pktmbuf_pool_create(name.c_str(), pool_frames(inside.config, cores), kPoolCache, 0,
                                         data_room(inside.config), node);
    if (side->pool == nullptr) {
      const std::uint64_t mb = (Port::memory_bytes(inside.config, cores) >> 20) + 1;
      return refuse(detail, inside.config, Errc::kUnavailable,
                    "no memory for its packet buffers; it needs " + std::to_string(mb) +
                        " MB of DPDK's memory: raise memory_mb under [engine] in weft.toml, and start again");
    }
    inside.sides.push_back(std::move(side));
  }
  return {};
}

struct Offloads {
  bool tx_checksums = false;
};

rte_eth_conf configuration_of(const Port::Inside& inside, const rte_eth_dev_info& info, std::uint32_t cores,
                              Offloads& offloads) noexcept {
  rte_eth_conf conf{};
  // Virtual drivers claim a largest frame that they do not keep to; their buffers are set by device arguments.
  if (!inside.device.is_virtual) conf.rxmode.mtu = inside.config.mtu;
  constexpr std::uint64_t kRx = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM;
  constexpr std::uint64_t kTx = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
  conf.rxmode.offloads = info.rx_offload_capa & kRx;
  offloads.tx_checksums = (info.tx_offload_capa & kTx) == kTx;
  if (offloads.tx_checksums) conf.txmode.offloads |= kTx;
  // Allowed: all frames of one transmit queue come from its core's pool and have one owner.
  conf.txmode.offloads |= info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
  if (cores > 1) ask_for_rss(conf, info, inside.config);
  return conf;
}

base::Status configure(Port::Inside& inside, std::uint32_t cores, Offloads& offloads, std::string& detail) {
  const std::uint16_t id = inside.device.id;
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(id, &info) != 0)
    return refuse(detail, inside.config, Errc::kUnavailable, "device does not answer");
  const std::string& interface = inside.device.kernel_interface;
  TRY(check_room({.queues = std::min(info.max_rx_queues, info.max_tx_queues),
                  .mtu_max = inside.device.is_virtual ? std::uint16_t{0} : info.max_mtu,
                  .interface = interface,
                  .interface_mtu = kernel_mtu(interface)},
                 inside.config, cores, detail));
  const rte_eth_conf conf = configuration_of(inside, info, cores, offloads);
  const auto queues = static_cast<std::uint16_t>(cores);
  std::uint16_t rx_frames = kRingFrames, tx_frames = kRingFrames;
  if (rte_eth_dev_configure(id, queues, queues, &conf) != 0 ||
      rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx_frames, &tx_frames) != 0)
    return refuse(detail, inside.config, Errc::kUnavailable,
                  "the driver refused " + std::to_string(cores) + " queue pairs; its log says why");
  const auto node = static_cast<unsigned>(rte_eth_dev_socket_id(id));
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    if (rte_eth_rx_queue_setup(id, queue, rx_frames, node, nullptr, inside.sides[queue]->pool) != 0 ||
        rte_eth_tx_queue_setup(id, queue, tx_frames, node, nullptr) != 0)
      return refuse(detail, inside.config, Errc::kUnavailable,
                    "the driver refused queue " + std::to_string(queue) + "; its log says why");
  }
  rte_ether_addr mac{};
  if (rte_eth_macaddr_get(id, &mac) != 0)
    return refuse(detail, inside.config, Errc::kUnavailable, "device has no MAC address");
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), inside.mac.begin());
  return {};
}

// Neighbour discovery asks at our groups' MACs. A card is told which; where it cannot be told, it takes more than
// that, and classify() drops what is not for us. The host's kernel is in groups that we do not know of.
void listen_to_groups(const Port::Inside& inside) noexcept {
  if (!inside.config.exception.empty()) {
    if (rte_eth_allmulticast_enable(inside.device.id) != 0) (void)rte_eth_promiscuous_enable(inside.device.id);
    return;
  }
  if (!inside.config.v6) return;
  rte_ether_addr groups[2];
  const base::Mac wanted[2] = {multicast_mac(solicited_node(inside.config.v6->ip)), multicast_mac(kAllNodes)};
  for (std::size_t i = 0; i < 2; ++i) std::copy(wanted[i].begin(), wanted[i].end(), groups[i].addr_bytes);
  if (rte_eth_dev_set_mc_addr_list(inside.device.id, groups, 2) == 0) return;
  if (rte_eth_allmulticast_enable(inside.device.id) == 0) return;
  (void)rte_eth_promiscuous_enable(inside.device.id);
}

base::Status open_host_path(Port::Inside& inside, std::string& detail) {
  const PortConfig& config = inside.config;
  if (config.exception.empty()) return {};
  TapConfig tap{.interface = config.exception, .mac = inside.mac, .mtu = config.mtu, .v4 = {}, .v6 = {}};
  if (config.v4) tap.v4 = IpPrefix{config.v4->ip, config.v4->prefix_bits};
  if (config.v6) tap.v6 = IpPrefix{config.v6->ip, config.v6->prefix_bits};
  std::string why;
  auto fd = open_tap(tap, why);
  if (!fd) return refuse(detail, config, fd.error().code, why);
  inside.host = std::make_unique<HostPath>(std::move(*fd), static_cast<std::uint32_t>(inside.sides.size()),
                                           *inside.sides.front()->pool);
  return {};
}

bool wants_udp_checksum(const Port::Inside& inside) noexcept {
  return inside.config.udp_checksum.value_or(!inside.device.memif);
}

void make_udp_ports(Port::Inside& inside, const Offloads& offloads) {
  const PortConfig& config = inside.config;
  const auto cores = static_cast<std::uint16_t>(inside.sides.size());
  UdpPort::Setup setup;
  setup.id = config.id;
  setup.neighbours = &inside.neighbours;
  setup.local.mac = inside.mac;
  if (config.v4) setup.local.v4 = config.v4->ip;
  if (config.v6) setup.local.v6 = config.v6->ip;
  setup.local.udp_first = config.udp_port;
  setup.local.udp_count = cores;
  setup.mtu = config.mtu;
  setup.checksum_offload = offloads.tx_checksums;
  setup.udp_checksum_v4 = wants_udp_checksum(inside);
  for (std::uint16_t core = 0; core < cores; ++core) {
    PortSide& side = *inside.sides[core];
    side.queue.emplace(inside.device.id, core, inside.gated ? &side.gate : nullptr);
    setup.port = &*side.queue;
    if (config.impair_frames_max != 0) {
      side.stage = std::make_unique<ImpairStage>(*side.queue, config.impair_frames_max, config.seed + core);
      setup.port = side.stage.get();
    }
    if (config.vlan != 0) setup.port = &side.vlan.emplace(*setup.port, config.vlan);
    setup.stage = side.stage.get();
    setup.vlan = side.vlan ? &*side.vlan : nullptr;
    setup.host = inside.host.get();
    setup.core = core;
    setup.pool = side.pool;
    setup.orders = &side.orders;
    setup.report = &side.report;
    side.udp.emplace(setup);
  }
}

}  // namespace

// What one object costs where pages are 4 KiB: DPDK lets none cross a page that it could fit into.
static std::uint32_t on_ordinary_pages(std::uint32_t object) noexcept {
  constexpr std::uint32_t kPage = 4096;
  return object <= kPage ? kPage / (kPage / object) : object + kPage;
}

std::uint64_t Port::memory_bytes(const PortConfig& config, std::uint32_t cores) noexcept {
  const std::uint32_t object = on_ordinary_pages(rte_mempool_calc_obj_size(
      static_cast<std::uint32_t>(sizeof(rte_mbuf)) + data_room(config), 0, nullptr));
  constexpr std::uint64_t kRings = 256u << 10;   // descriptors of both rings, and the driver's own, per core
  const std::uint64_t frames = pool_frames(config, cores);
  // 1/16 more for the pool's ring of pointers and for what is lost between pages.
  return cores * (frames * object * 17 / 16 + kRings);
}

base::Result<std::unique_ptr<Port>> Port::open(Eal& eal, const PortConfig& config, std::uint32_t cores,
                                               std::string& detail) {
  TRY(check_port(config, cores, detail));
  auto inside = std::make_unique<Inside>(*eal.device_thread_, config);
  base::Result<Device> device = base::fail(Errc::kUnavailable, "DPDK has no memory for an alarm");
  const auto find = [&] { device = find_device(config, cores, detail); };
  if (!config.device.starts_with("net_memif")) find();
  else if (!inside->device_thread.run(find)) detail = device.error().text;
  if (!device) {
    detail = "port '" + config.name + "': " + detail;
    return tl::unexpected(device.error());
  }
  inside->device = *device;
  inside->probed = true;
  TRY(make_pools(*inside, cores, detail));
  Offloads offloads;
  TRY(configure(*inside, cores, offloads, detail));

  TRY(open_host_path(*inside, detail));

  inside->gated = inside->device.memif;
  if (inside->gated) {
    for (auto& side : inside->sides) {
      side->gate.close();   // until the device runs
      inside->device_thread.add(side->gate);
    }
  }
  make_udp_ports(*inside, offloads);
  if (!inside->start() && !inside->device.memif_client)
    return refuse(detail, config, Errc::kUnavailable, "the driver did not start the device; its log says why");
  if (!tell_tap_ends_apart(inside->device, inside->mac))
    return refuse(detail, config, Errc::kUnavailable, "the MAC of the kernel's end, interface " +
                  inside->device.tap_interface + ", cannot be changed; it needs CAP_NET_ADMIN (root)");
  listen_to_groups(*inside);
  if (!inside->device.is_virtual) inside->rss_entries = steer(inside->device.id, config, cores);
  inside->follow_link();
  inside->publish_orders();
  return std::unique_ptr<Port>(new Port(std::move(inside)));
}

}  // namespace weft::nic
