#include "engine/nic/impair.hh"

#include <rte_mbuf.h>

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::nic {
namespace {

bool does_something(const Impairment& i) noexcept {
  return i.blackhole || i.link_down || i.drop_ppm != 0 || i.delay_us != 0 || i.jitter_us != 0 || i.rate_Bps != 0;
}

}  // namespace

ImpairStage::ImpairStage(PacketPort& below, std::uint32_t frames_max, std::uint64_t seed)
    : below_(below), frames_max_(frames_max), prng_(seed) {
  MUST(frames_max > 0);
  tx_.ring = std::make_unique<Held[]>(frames_max);
  rx_.ring = std::make_unique<Held[]>(frames_max);
}

ImpairStage::~ImpairStage() {
  for (Way* way : {&tx_, &rx_})
    for (std::uint32_t i = 0; i < way->count; ++i) rte_pktmbuf_free(way->ring[(way->first + i) % frames_max_].frame);
}

void ImpairStage::set(const Impairment& impairment) noexcept {
  MUST(impairment.drop_ppm <= 1'000'000);
  impairment_ = impairment;
  if (impairment.seed != 0) prng_ = base::Prng(impairment.seed);
  const bool something = does_something(impairment);
  tx_.impaired = something && (impairment.link_down || impairment.direction != Direction::kRx);
  rx_.impaired = something && (impairment.link_down || impairment.direction != Direction::kTx);
  for (Way* way : {&tx_, &rx_}) {
    way->rate_free = {};
    if (way->impaired) continue;
    for (std::uint32_t i = 0; i < way->count; ++i) way->ring[(way->first + i) % frames_max_].due = {};
    way->last_due = {};
  }
}

void ImpairStage::lose(rte_mbuf* frame, std::uint64_t& counter) noexcept {
  rte_pktmbuf_free(frame);
  ++counter;
}

void ImpairStage::admit(Way& way, rte_mbuf* frame, base::Instant now) noexcept {
  base::Instant due = now;
  if (way.impaired) {
    if (impairment_.blackhole || impairment_.link_down) return lose(frame, stats_.blackholed);
    if (impairment_.drop_ppm != 0 && prng_.below(1'000'000) < impairment_.drop_ppm) return lose(frame, stats_.dropped);
    if (impairment_.rate_Bps != 0) {
      const base::Instant start = std::max(now, way.rate_free);
      if (start - now > base::microseconds(impairment_.queue_us)) return lose(frame, stats_.overflow);
      const std::uint64_t bytes = rte_pktmbuf_pkt_len(frame);
      way.rate_free = start + base::nanoseconds(static_cast<std::int64_t>(bytes * 1'000'000'000 / impairment_.rate_Bps));
      due = way.rate_free;
    }
    due += base::microseconds(impairment_.delay_us);
    if (impairment_.jitter_us != 0) due += base::microseconds(prng_.below(impairment_.jitter_us + 1));
  }
  if (way.count == frames_max_) return lose(frame, stats_.overflow);
  due = std::max(due, way.last_due);
  way.last_due = due;
  if (due > now) ++stats_.delayed;
  way.ring[(way.first + way.count) % frames_max_] = {frame, due};
  ++way.count;
}

std::uint32_t ImpairStage::peek_due(const Way& way, std::span<rte_mbuf*> out, base::Instant now) const noexcept {
  const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(out.size(), way.count));
  std::uint32_t count = 0;
  for (; count < most; ++count) {
    const Held& held = way.ring[(way.first + count) % frames_max_];
    if (held.due > now) break;
    out[count] = held.frame;
  }
  return count;
}

void ImpairStage::drop_front(Way& way, std::uint32_t count) const noexcept {
  MUST(count <= way.count);
  way.first = (way.first + count) % frames_max_;
  way.count -= count;
}

void ImpairStage::send_due(base::Instant now) noexcept {
  rte_mbuf* burst[kBurst];
  // Bounded: one turn of the ring at most, and a port below that takes less ends it.
  for (std::uint32_t sent = 0; sent <= frames_max_;) {
    const std::uint32_t count = peek_due(tx_, burst, now);
    if (count == 0) return;
    const std::uint32_t taken = below_.tx_burst({burst, count}, now);
    drop_front(tx_, taken);
    if (taken < count) return;
    sent += taken;
  }
}

std::uint32_t ImpairStage::tx_burst(std::span<rte_mbuf*> frames, base::Instant now) noexcept {
  if (!tx_.impaired && tx_.count == 0) [[likely]] return below_.tx_burst(frames, now);
  for (rte_mbuf* frame : frames) admit(tx_, frame, now);
  send_due(now);
  return static_cast<std::uint32_t>(frames.size());
}

std::uint32_t ImpairStage::rx_burst(std::span<rte_mbuf*> out, base::Instant now) noexcept {
  if (tx_.count != 0) send_due(now);
  if (!rx_.impaired && rx_.count == 0) [[likely]] return below_.rx_burst(out, now);
  rte_mbuf* burst[kBurst];
  const std::uint32_t arrived = below_.rx_burst(burst, now);
  for (std::uint32_t i = 0; i < arrived; ++i) admit(rx_, burst[i], now);
  const std::uint32_t count = peek_due(rx_, out, now);
  drop_front(rx_, count);
  return count;
}

base::Instant ImpairStage::next_deadline() const noexcept {
  base::Instant next = below_.next_deadline();
  for (const Way* way : {&tx_, &rx_})
    if (way->count != 0) next = std::min(next, way->ring[way->first].due);
  return next;
}

}  // namespace weft::nic
