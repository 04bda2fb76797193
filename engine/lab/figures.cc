#include "engine/lab/figures.hh"

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::lab {
namespace {

// A link carries again when over kWindow it has half of the rate of the kBefore before it was lost.
constexpr double kWindowS = 0.1, kBeforeS = 0.5, kShare = 0.5;
constexpr double kEventReachS = 1.0;

// When the counter reached `bytes`, between two samples in proportion.
double time_of(const std::vector<Sample>& samples, std::uint64_t Sample::*counter, double bytes) {
  for (std::size_t i = 1; i < samples.size(); ++i) {
    const auto after = static_cast<double>(samples[i].*counter);
    if (after < bytes) continue;
    const auto before = static_cast<double>(samples[i - 1].*counter);
    const double share = after > before ? std::max(0.0, (bytes - before) / (after - before)) : 1;
    return samples[i - 1].at_s + share * (samples[i].at_s - samples[i - 1].at_s);
  }
  return samples.back().at_s;
}

// What the link had received at a time.
double received_by(const std::vector<Sample>& samples, std::size_t link, double at_s) {
  for (std::size_t i = 1; i < samples.size(); ++i) {
    if (samples[i].at_s < at_s) continue;
    const double span = samples[i].at_s - samples[i - 1].at_s;
    const double share = span > 0 ? std::clamp((at_s - samples[i - 1].at_s) / span, 0.0, 1.0) : 1;
    const auto before = static_cast<double>(samples[i - 1].by_link[link]);
    return before + share * (static_cast<double>(samples[i].by_link[link]) - before);
  }
  return static_cast<double>(samples.back().by_link[link]);
}

double rate_between(const std::vector<Sample>& samples, std::size_t link, double from_s, double to_s) {
  return (received_by(samples, link, to_s) - received_by(samples, link, from_s)) / (to_s - from_s);
}

bool is_loss(const Order& order) {
  return order.kind == Order::Kind::kSilence || order.kind == Order::Kind::kLinkDown;
}

std::optional<double> back_after(const std::vector<Sample>& samples, std::size_t link, double lost_s, double healed_s) {
  const double wanted = kShare * rate_between(samples, link, std::max(0.0, lost_s - kBeforeS), lost_s);
  if (wanted <= 0) return std::nullopt;    // it carried nothing before: nothing to come back to
  for (const Sample& sample : samples)
    if (sample.at_s > healed_s && rate_between(samples, link, std::max(healed_s, sample.at_s - kWindowS), sample.at_s) *
                                          std::min(1.0, (sample.at_s - healed_s) / kWindowS) >= wanted)
      return sample.at_s - healed_s;
  return std::nullopt;
}

std::vector<BackInUse> find_back(const Record& record) {
  std::vector<BackInUse> out;
  for (std::size_t i = 0; i < record.orders.size(); ++i) {
    const Given& healed = record.orders[i];
    if (healed.order.kind != Order::Kind::kRestore || healed.order.flap) continue;
    for (std::size_t k = i; k-- > 0;) {
      const Given& lost = record.orders[k];
      if (lost.order.link != healed.order.link || !is_loss(lost.order)) continue;
      out.push_back({healed.order.link, healed.at_s,
                     back_after(record.samples, healed.order.link, lost.at_s, healed.at_s)});
      break;
    }
  }
  return out;
}

double up_between(const Record& record, std::size_t link, bool up, double from_s, double to_s) {
  double sum = 0, since = from_s;
  for (const Given& given : record.orders) {
    if (given.order.kind == Order::Kind::kPolicy || given.order.link != link) continue;
    const double at = std::clamp(given.at_s, from_s, to_s);
    const bool becomes = !is_loss(given.order) && (up || given.order.kind == Order::Kind::kRestore);
    if (up) sum += at - since;
    since = at;
    up = becomes;
  }
  return sum + (up ? to_s - since : 0);
}

void add_waits(const Record& record, Figures& f) {
  for (const Wait& wait : record.waits) {
    if (wait.lasted_s > f.stall_s) {
      f.stall_s = wait.lasted_s;
      f.stall_at_s = wait.began_s - f.first_s;
    }
    const bool touches = std::ranges::any_of(record.orders, [&](const Given& given) {
      return wait.began_s < given.at_s + kEventReachS && wait.began_s + wait.lasted_s > given.at_s;
    });
    if (touches) f.event_stall_s = std::max(f.event_stall_s, wait.lasted_s);
  }
}

}  // namespace

Figures figures_of(const Record& record, const Scenario& scenario, const Run& run) {
  MUST(!record.samples.empty());
  Figures f;
  f.payload = record.payload;
  f.via_link = record.via_link;
  f.duplicate = record.duplicate;
  f.retransmitted = record.retransmitted;
  f.by_link = record.samples.back().by_link;
  const std::vector<Sample>& samples = record.samples;
  const auto verified = static_cast<double>(samples.back().verified);
  const auto received = static_cast<double>(samples.back().received);
  const double first = time_of(samples, &Sample::verified, 1), last = time_of(samples, &Sample::verified, verified);
  f.first_s = first;
  f.seconds = last - first;
  if (f.seconds > 0) {
    f.whole_Bps = verified / f.seconds;
    f.paths_Bps = received / f.seconds;
  }
  f.from_s = time_of(samples, &Sample::received, std::max(1.0, received * scenario.from_percent / 100)) - first;
  f.to_s = time_of(samples, &Sample::received, received * scenario.to_percent / 100) - first;
  if (f.to_s > f.from_s)
    f.goodput_Bps = received * (scenario.to_percent - scenario.from_percent) / 100 / (f.to_s - f.from_s);
  add_waits(record, f);
  f.back = find_back(record);
  f.flaps = static_cast<std::size_t>(
      std::ranges::count_if(record.orders, [](const Given& g) { return g.order.flap && is_loss(g.order); }));
  for (std::size_t link = 0; link < scenario.links.size(); ++link) {
    const bool up = std::ranges::find(run.links, link) != run.links.end();
    f.up_s.push_back(up_between(record, link, up, first, last));
  }
  return f;
}

}  // namespace weft::lab
