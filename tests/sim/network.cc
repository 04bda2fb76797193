#include "tests/sim/network.hh"

#include <algorithm>
#include <cstring>

#include "engine/wire/packet.hh"
#include "tests/sim/sim_port.hh"

namespace weft::sim {

void Network::add_way(PortName from, PortName to) {
  ways_.push_back({.from = from, .to = to, .rates = draw_way(scene_.swarm, scene_.dice)});
}

Way* Network::find(PortName from, PortName to) {
  for (Way& way : ways_)
    if (way.from == from && way.to == to) return &way;
  return nullptr;
}

bool Network::is_lost(Way& way, const Packet& packet) {
  Probes& probes = scene_.probes;
  const WayRates& rates = way.rates;
  Dice& dice = scene_.dice;
  if (scene_.now < way.cut_until) return probes.fire(Probe::way_cut), true;
  if (rates.mtu_payload != 0 && packet.bytes > rates.mtu_payload) return probes.fire(Probe::way_mtu), true;
  if (way.in_burst) {
    if (dice.ppm(rates.burst_leave_ppm)) way.in_burst = false;
  } else if (dice.ppm(rates.burst_enter_ppm)) {
    way.in_burst = true;
    probes.fire(Probe::way_burst);
  }
  if (dice.ppm(way.in_burst ? rates.burst_loss_ppm : rates.loss_ppm)) return probes.fire(Probe::way_lost), true;
  way.free_at = std::max(way.free_at, scene_.now);
  const auto waiting = static_cast<std::uint64_t>((way.free_at - scene_.now).us()) * rates.rate_Bps / 1'000'000;
  if (waiting > rates.queue_bytes) return probes.fire(Probe::way_queue_full), true;
  return false;
}

void Network::send(Packet* packet, PortName from, PortName to) {
  packet->holder = Packet::Holder::kNetwork;
  Way* way = find(from, to);
  if (way == nullptr || is_lost(*way, *packet)) {
    if (way != nullptr) ++way->dropped;
    return pool_.give_back(packet);
  }
  ++way->carried;
  Dice& dice = scene_.dice;
  const WayRates& rates = way->rates;
  way->free_at += base::nanoseconds(static_cast<std::int64_t>(packet->bytes * 1'000'000'000ull / rates.rate_Bps));
  base::Instant due = way->free_at + rates.delay;
  if (rates.jitter.ns > 0) due += dice.time({}, rates.jitter);
  if (dice.ppm(rates.overtaken_ppm)) {
    due += dice.time({}, rates.overtaken_by);
    scene_.probes.fire(Probe::way_overtaken);
  }
  if (dice.ppm(rates.double_ppm)) {
    fly(copy_of(*packet), to, due + dice.time({}, base::microseconds(200)));
    scene_.probes.fire(Probe::way_doubled);
  }
  if (dice.ppm(rates.replay_ppm)) {
    fly(copy_of(*packet), to, due + dice.spread_time(base::milliseconds(1), base::seconds(2)));
    scene_.probes.fire(Probe::way_replayed);
  }
  if (dice.ppm(rates.forged_ppm)) forge(*packet, to, due);
  if (dice.ppm(rates.damage_ppm)) damage(*packet);
  fly(packet, to, due);
}

void Network::damage(Packet& packet) {
  scene_.probes.fire(Probe::way_damaged);
  Dice& dice = scene_.dice;
  if (dice.one_in(4)) {
    packet.bytes = static_cast<std::uint16_t>(dice.below(packet.bytes));
    return;
  }
  // Every second time in the header, where a turned bit names another lane, epoch or number.
  const std::uint32_t at =
      dice.below(dice.one_in(2) ? static_cast<std::uint32_t>(wire::kHeaderBytes) : packet.bytes);
  packet.data[at] ^= static_cast<std::byte>(1u << dice.below(8));
}

void Network::forge(const Packet& like, PortName to, base::Instant due) {
  Packet* packet = copy_of(like);
  Dice& dice = scene_.dice;
  packet->bytes = static_cast<std::uint16_t>(1 + dice.below(300));
  const std::uint32_t kept = dice.one_in(2) ? static_cast<std::uint32_t>(wire::kHeaderBytes) : 0;
  for (std::uint32_t i = kept; i < packet->bytes; ++i) packet->data[i] = static_cast<std::byte>(dice.word());
  scene_.probes.fire(Probe::way_forged);
  fly(packet, to, due);
}

Packet* Network::copy_of(const Packet& packet) {
  Packet* copy = pool_.take();
  copy->holder = Packet::Holder::kNetwork;
  copy->bytes = packet.bytes;
  copy->src_udp = packet.src_udp;
  copy->dst_udp = packet.dst_udp;
  copy->src = packet.src;
  std::memcpy(copy->data.data(), packet.data.data(), packet.bytes);
  return copy;
}

void Network::fly(Packet* packet, PortName to, base::Instant due) {
  flights_.push({.due = due, .order = order_++, .packet = packet, .to = to});
}

SimPort* Network::receiver_of(const Packet& packet, PortName to) {
  const auto core = static_cast<std::uint32_t>(packet.dst_udp - kUdpBase);
  if (core >= kSimCoresMax) return nullptr;
  auto& views = ports_[to.engine][to.port];
  if (scene_.faults_on && scene_.dice.ppm(scene_.swarm.faults.wrong_core_ppm))
    if (SimPort* other = views[scene_.dice.below(kSimCoresMax)]) return other;
  return views[core];
}

void Network::deliver() {
  while (!flights_.empty() && flights_.top().due <= scene_.now) {
    const Flight flight = flights_.top();
    flights_.pop();
    SimPort* port = receiver_of(*flight.packet, flight.to);
    if (port == nullptr) pool_.give_back(flight.packet);
    else port->arrive(flight.packet);
  }
}

}  // namespace weft::sim
