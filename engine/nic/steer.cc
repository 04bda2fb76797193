#include "engine/nic/steer.hh"

#include <rte_flow.h>

#include <algorithm>
#include <array>

#include "engine/base/bytes.hh"
#include "engine/nic/port.hh"
#include "engine/nic/rss.hh"

namespace weft::nic {
namespace {

constexpr std::uint8_t kKeyRoom = 64;   // the longest keys are of 52 bytes

bool add_rule(std::uint16_t dpdk_port, bool v6, std::uint16_t udp, std::uint16_t queue) noexcept {
  rte_flow_attr attributes{};
  attributes.ingress = 1;
  rte_flow_item_udp wanted{}, mask{};
  wanted.hdr.dst_port = base::swap_to_be(udp);
  mask.hdr.dst_port = 0xFFFF;
  rte_flow_item pattern[4]{};
  pattern[0].type = RTE_FLOW_ITEM_TYPE_ETH;
  pattern[1].type = v6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4;
  pattern[2].type = RTE_FLOW_ITEM_TYPE_UDP;
  pattern[2].spec = &wanted;
  pattern[2].mask = &mask;
  pattern[3].type = RTE_FLOW_ITEM_TYPE_END;
  rte_flow_action_queue to_queue{queue};
  rte_flow_action actions[2]{};
  actions[0].type = RTE_FLOW_ACTION_TYPE_QUEUE;
  actions[0].conf = &to_queue;
  actions[1].type = RTE_FLOW_ACTION_TYPE_END;
  rte_flow_error ignored{};
  return rte_flow_validate(dpdk_port, &attributes, pattern, actions, &ignored) == 0 &&
         rte_flow_create(dpdk_port, &attributes, pattern, actions, &ignored) != nullptr;
}

// True when all rules are in place. On a refusal those made so far are taken back.
bool add_rules(std::uint16_t dpdk_port, const PortConfig& config, std::uint32_t cores) noexcept {
  for (std::uint32_t core = 0; core < cores; ++core) {
    for (const bool v6 : {false, true}) {
      if (!(v6 ? config.v6 : config.v4)) continue;
      const auto udp = static_cast<std::uint16_t>(config.udp_port + core);
      if (add_rule(dpdk_port, v6, udp, static_cast<std::uint16_t>(core))) continue;
      rte_flow_error ignored{};
      rte_flow_flush(dpdk_port, &ignored);
      return false;
    }
  }
  return true;
}

std::uint64_t hash_of(const PortConfig& config) noexcept {
  return (config.v4 ? std::uint64_t{RTE_ETH_RSS_NONFRAG_IPV4_UDP} : 0) |
         (config.v6 ? std::uint64_t{RTE_ETH_RSS_NONFRAG_IPV6_UDP} : 0);
}

// Entry i names queue i modulo `cores`. Returns the number of entries, 0 when the card refuses.
std::uint32_t fill_table(std::uint16_t dpdk_port, std::uint32_t cores) noexcept {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(dpdk_port, &info) != 0 || !is_rss_table(info.reta_size)) return 0;
  std::array<rte_eth_rss_reta_entry64, kRssTableMax / RTE_ETH_RETA_GROUP_SIZE> table{};
  for (std::uint32_t i = 0; i < info.reta_size; ++i) {
    rte_eth_rss_reta_entry64& group = table[i / RTE_ETH_RETA_GROUP_SIZE];
    group.mask |= std::uint64_t{1} << i % RTE_ETH_RETA_GROUP_SIZE;
    group.reta[i % RTE_ETH_RETA_GROUP_SIZE] = static_cast<std::uint16_t>(i % cores);
  }
  return rte_eth_dev_rss_reta_update(dpdk_port, table.data(), info.reta_size) == 0 ? info.reta_size : 0;
}

// What the driver made of the request: some take a key or a kind of packet and say nothing when they do not.
bool hashes_as_asked(std::uint16_t dpdk_port, const PortConfig& config) noexcept {
  std::array<std::uint8_t, kKeyRoom> key{};
  rte_eth_rss_conf conf{.rss_key = key.data(), .rss_key_len = kKeyRoom, .rss_hf = 0};
  return rte_eth_dev_rss_hash_conf_get(dpdk_port, &conf) == 0 && (conf.rss_hf & hash_of(config)) == hash_of(config) &&
         std::equal(kRssKey.begin(), kRssKey.end(), key.begin());
}

}  // namespace

void ask_for_rss(rte_eth_conf& conf, const rte_eth_dev_info& info, const PortConfig& config) noexcept {
  const std::uint64_t wanted = hash_of(config);
  if ((info.flow_type_rss_offloads & wanted) != wanted) return;
  conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
  conf.rx_adv_conf.rss_conf.rss_hf = wanted;
  if (info.hash_key_size < kRssKey.size() || info.hash_key_size > kKeyRoom) return;
  // Longer keys than ours are of cards that hash more than addresses and ports: the rest of it is zeros.
  static std::array<std::uint8_t, kKeyRoom> key = [] {
    std::array<std::uint8_t, kKeyRoom> out{};
    std::copy(kRssKey.begin(), kRssKey.end(), out.begin());
    return out;
  }();
  conf.rx_adv_conf.rss_conf.rss_key = key.data();
  conf.rx_adv_conf.rss_conf.rss_key_len = info.hash_key_size;
}

std::uint32_t steer(std::uint16_t dpdk_port, const PortConfig& config, std::uint32_t cores) noexcept {
  if (cores == 1 || add_rules(dpdk_port, config, cores) || !hashes_as_asked(dpdk_port, config)) return 0;
  return fill_table(dpdk_port, cores);
}

}  // namespace weft::nic
