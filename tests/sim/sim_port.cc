#include "tests/sim/sim_port.hh"

#include <algorithm>
#include <cstring>

#include "engine/wire/packet.hh"

namespace weft::sim {

using Holder = Packet::Holder;

base::IpAddress address_of(PortName name) { return {.bytes = {10, name.engine, name.port, 1}, .v6 = false}; }

PortName port_of(const base::IpAddress& address) { return {address.bytes[1], address.bytes[2]}; }

SimPort::SimPort(Scene& scene, Network& network, PortShared& shared, std::uint8_t core)
    : scene_(scene), network_(network), shared_(shared), core_(core) {
  network_.attach(shared.name, core, this);
}

SimPort::~SimPort() {
  network_.attach(shared_.name, core_, nullptr);
  for (Packet* packet : queue_) network_.pool().give_back(packet);
  for (Packet* packet : shared_.held) network_.pool().give_back(packet);
  shared_.held.clear();
}

void SimPort::hold(Packet* packet, Holder holder) {
  packet->holder = holder;
  packet->engine = shared_.name.engine;
  packet->port = shared_.name.port;
  packet->core = core_;
  packet->held_at = static_cast<std::uint32_t>(shared_.held.size());
  shared_.held.push_back(packet);
}

void SimPort::let_go(Packet* packet) {
  Packet* last = shared_.held.back();
  shared_.held[packet->held_at] = last;
  last->held_at = packet->held_at;
  shared_.held.pop_back();
}

Packet* SimPort::checked(void* opaque, Holder holder, const char* where) {
  auto* packet = static_cast<Packet*>(opaque);
  if (packet->holder != holder || packet->engine != shared_.name.engine || packet->port != shared_.name.port)
    scene_.checks.fail("buffer with two owners",
                       "e%u port %u core %u: %s of a packet held by %d of e%u port %u core %u", shared_.name.engine,
                       shared_.name.port, core_, where, static_cast<int>(packet->holder), packet->engine,
                       packet->port, packet->core);
  return packet;
}

void SimPort::arrive(Packet* packet) {
  if (scene_.now < shared_.down_until) return network_.pool().give_back(packet);
  if (queue_.size() >= scene_.swarm.limits.rx_ring) {
    scene_.probes.fire(Probe::rx_ring_full);
    ++scene_.packets_refused;
    return network_.pool().give_back(packet);
  }
  packet->holder = Holder::kPort;
  queue_.push_back(packet);
}

std::uint32_t SimPort::rx(std::span<share::RxDatagram> out, base::Instant) noexcept {
  std::uint32_t count = 0;
  while (count < std::min<std::size_t>(out.size(), share::kBurst) && !queue_.empty()) {
    Packet* packet = queue_.front();
    queue_.pop_front();
    hold(packet, Holder::kReceiver);
    out[count++] = {.payload = packet->data.data(),
                    .bytes = packet->bytes,
                    .dst_udp = packet->dst_udp,
                    .src_udp = packet->src_udp,
                    .port = base::PortId{shared_.name.port},
                    .src = packet->src,
                    .packet = packet};
  }
  return count;
}

void SimPort::release(std::span<const share::RxDatagram> datagrams) noexcept {
  for (const share::RxDatagram& datagram : datagrams) {
    Packet* packet = checked(datagram.packet, Holder::kReceiver, "release");
    if (scene_.checks.failed()) return;
    let_go(packet);
    network_.pool().give_back(packet);
  }
}

std::uint32_t SimPort::tx_alloc(std::span<share::TxSlot> out) noexcept {
  std::uint32_t count = 0;
  for (; count < out.size() && sending_ < scene_.swarm.limits.tx_pool; ++count, ++sending_) {
    Packet* packet = network_.pool().take();
    hold(packet, Holder::kSender);
    out[count] = {.payload = packet->data.data(), .room = kPacketRoom, .packet = packet};
  }
  scene_.probes.fire_if(count < out.size(), Probe::tx_pool_dry);
  return count;
}

void SimPort::tx_cancel(std::span<const share::TxSlot> slots) noexcept {
  for (const share::TxSlot& slot : slots) {
    Packet* packet = checked(slot.packet, Holder::kSender, "tx_cancel");
    if (scene_.checks.failed()) return;
    let_go(packet);
    --sending_;
    network_.pool().give_back(packet);
  }
}

std::uint32_t SimPort::tx(std::span<const share::TxItem> items, base::Instant) noexcept {
  const auto room = static_cast<std::uint32_t>(std::min<std::size_t>(items.size(), scene_.swarm.limits.tx_ring));
  // A ring that is being emptied has more or less room each time.
  const std::uint32_t taken = room > 1 && scene_.dice.one_in(8) ? scene_.dice.below(room + 1) : room;
  scene_.probes.fire_if(taken < items.size(), Probe::tx_refused);
  for (const share::TxItem& item : items.first(taken)) {
    Packet* packet = checked(item.packet, Holder::kSender, "tx");
    if (scene_.checks.failed()) return taken;
    let_go(packet);
    --sending_;
    send(packet, item);
  }
  return taken;
}

void SimPort::send(Packet* packet, const share::TxItem& item) {
  const PortName to = port_of(item.flow->dst);
  packet->bytes = item.bytes;
  packet->src_udp = item.flow->src_udp;
  packet->dst_udp = item.flow->dst_udp;
  packet->src = item.flow->src;
  ++scene_.packets;
  std::uint64_t tag = 0;
  std::memcpy(&tag, packet->data.data() + packet->bytes - sizeof tag, sizeof tag);
  scene_.note({Who::Kind::kPort, shared_.name.engine, shared_.name.port}, "sends (bytes, tag)", packet->bytes, tag);
  if (scene_.now < shared_.down_until) return network_.pool().give_back(packet);
  network_.send(packet, shared_.name, to);
}

}  // namespace weft::sim
