#include "engine/nic/port.hh"

#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "engine/nic/port_inside.hh"

namespace weft::nic {
namespace {

// A memif client knocks again this often while its server is away, and gives a handshake this long.
constexpr base::Duration kKnockEvery = base::milliseconds(250);
constexpr base::Duration kHandshake = base::seconds(1);
constexpr std::uint32_t kDelayUsMax = 10'000'000;

void add(UdpPortStats& sum, const UdpPortStats& one) noexcept {
  sum.packets_in += one.packets_in;
  sum.bytes_in += one.bytes_in;
  sum.packets_out += one.packets_out;
  sum.bytes_out += one.bytes_out;
  sum.answered += one.answered;
  sum.asked += one.asked;
  sum.announced += one.announced;
  sum.tx_refused += one.tx_refused;
  sum.no_buffer += one.no_buffer;
  for (std::size_t i = 0; i < kNicDrops; ++i) sum.drops[i] += one.drops[i];
  sum.impaired.blackholed += one.impaired.blackholed;
  sum.impaired.dropped += one.impaired.dropped;
  sum.impaired.overflow += one.impaired.overflow;
  sum.impaired.delayed += one.impaired.delayed;
}

}  // namespace

bool Port::Inside::start() {
  if (!gated) {
    started = rte_eth_dev_start(device.id) == 0;
    return started;
  }
  bool runs = false;
  const bool was_started = started;
  const bool asked = device_thread.run([&] {
    if (was_started) {
      for (auto& side : sides) close_and_wait(side->gate);
      (void)rte_eth_dev_stop(device.id);
    }
    runs = rte_eth_dev_start(device.id) == 0;
    if (runs)
      for (auto& side : sides) side->gate.open();
  });
  started = asked ? runs : was_started;
  return started;
}

// Stopped and closed in one step. memif's close does not disconnect: a client that came between the two, because its peer had
// gone, kept a callback on a device that was no more, and its next message crashed the process.
void Port::Inside::end_device() {
  const auto end = [&] {
    if (gated)
      for (auto& side : sides) close_and_wait(side->gate);
    if (started) (void)rte_eth_dev_stop(device.id);
    started = false;
    if (probed) close_device(device);
  };
  // Without memory for that request: here, rather than with the pools gone under a device that runs.
  if (!device.memif || !device_thread.run(end)) end();
}

Port::Inside::~Inside() {
  end_device();
  host.reset();                                   // it and the stages give their frames back before the pools go
  for (auto& side : sides) side->stage.reset();
  for (auto& side : sides) {
    if (gated) device_thread.remove(side->gate);
    rte_mempool_free(side->pool);
  }
}

Port::Port(std::unique_ptr<Inside> inside) noexcept : inside_(std::move(inside)) {}
Port::~Port() = default;

const PortConfig& Port::config() const noexcept { return inside_->config; }
const base::Mac& Port::mac() const noexcept { return inside_->mac; }
std::uint32_t Port::cores() const noexcept { return static_cast<std::uint32_t>(inside_->sides.size()); }
std::uint32_t Port::rss_entries() const noexcept { return inside_->rss_entries; }
bool Port::link_up() const noexcept { return inside_->orders.link_up; }
std::uint64_t Port::speed_Bps() const noexcept { return inside_->speed_Bps; }
const Impairment& Port::impairment() const noexcept { return inside_->orders.impairment; }

UdpPort& Port::udp(base::CoreId core) noexcept {
  MUST(base::to_index(core) < inside_->sides.size());
  return *inside_->sides[base::to_index(core)]->udp;
}

base::Result<Flow> Port::make_flow(const base::IpAddress& remote, std::uint16_t local_udp, std::uint16_t remote_udp) {
  const auto& address = remote.v6 ? inside_->config.v6 : inside_->config.v4;
  if (!address) return base::fail(base::Errc::kUnavailable, "the port has no address of the remote's family");
  if (!is_host_address(remote) || remote == address->ip || remote_udp == 0)
    return base::fail(base::Errc::kInvalidArgument, "the remote address or UDP port is none a peer can have");
  base::IpAddress next_hop = remote;
  if (!same_prefix(remote, address->ip, address->prefix_bits)) {
    if (!address->gateway)
      return base::fail(base::Errc::kUnavailable, "the remote is not on the port's wire and the port has no gateway");
    next_hop = *address->gateway;
  }
  const auto slot = inside_->neighbours.add(next_hop);
  if (!slot) return base::fail(base::Errc::kLimit, "the port knows as many next hops as it can");
  return Flow{address->ip, remote, local_udp, remote_udp, *slot};
}

// net_memif's client connects once, when it is started, and never again: a new start is a new try.
void Port::Inside::knock(base::Instant now) {
  if (!device.memif_client || device_link_up(device)) return;
  if (!knock_at) knock_at = started ? now + kHandshake : now;   // open() has just started it
  if (now >= *knock_at) knock_at = now + (start() ? kHandshake : kKnockEvery);
}

void Port::Inside::follow_link() noexcept {
  const bool up = started && device_link_up(device) && !orders.impairment.link_down;
  const bool first = orders.announce_seq == 0;
  if (up == orders.link_up && !first) return;
  orders.link_up = up;
  if (up || first) ++orders.announce_seq;
  for (auto& side : sides) side->orders_pending = true;
  speed_Bps = up ? device_speed_Bps(device) : 0;
}

void Port::Inside::publish_orders() noexcept {
  for (auto& side : sides)
    if (side->orders_pending) side->orders_pending = !side->orders.try_publish(orders);
}

void Port::poll(base::Instant now) {
  inside_->knock(now);
  inside_->follow_link();
  inside_->publish_orders();
}

base::Status Port::set_impairment(const Impairment& impairment) {
  Inside& in = *inside_;
  if (in.config.impair_frames_max == 0)
    return base::fail(base::Errc::kInvalidConfig, "impairment is not allowed on this port by the configuration");
  if (impairment.drop_ppm > 1'000'000)
    return base::fail(base::Errc::kInvalidArgument, "a drop rate is at most 1000000 per million");
  if (std::max({impairment.delay_us, impairment.jitter_us, impairment.queue_us}) > kDelayUsMax)
    return base::fail(base::Errc::kInvalidArgument, "delay, jitter and queue are at most 10 seconds");
  in.orders.impairment = impairment;
  for (auto& side : in.sides) side->orders_pending = true;
  in.publish_orders();
  return {};
}

PortReport Port::report() {
  PortReport out;
  out.link_up = link_up();
  out.speed_Bps = speed_Bps();
  for (auto& side : inside_->sides) {
    side->report.adopt();
    add(out.udp, side->report.current());
  }
  if (inside_->host != nullptr) out.host = inside_->host->stats();
  rte_eth_stats stats{};
  if (rte_eth_stats_get(inside_->device.id, &stats) == 0) {
    out.missed = stats.imissed;
    out.no_mbuf = stats.rx_nombuf;
    out.errors_in = stats.ierrors;
    out.errors_out = stats.oerrors;
  }
  return out;
}

}  // namespace weft::nic
