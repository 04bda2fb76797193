#include "engine/nic/steer.hh"

#include <rte_flow.h>

#include "engine/base/bytes.hh"
#include "engine/nic/port.hh"

namespace weft::nic {
namespace {

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

}  // namespace

bool steer(std::uint16_t dpdk_port, const PortConfig& config, std::uint32_t cores) noexcept {
  if (cores == 1) return true;
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

}  // namespace weft::nic
