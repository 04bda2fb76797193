#include "engine/lab/timeline.hh"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/must.hh"

namespace weft::lab {
namespace {

using Do = Event::Do;

// Uniform in [low, high], in steps of a thousandth of the span: enough for times.
double between(base::Prng& dice, double low, double high) { return low + (high - low) * dice.below(1001) / 1000.0; }

Order::Kind kind_of(Do what) {
  switch (what) {
    case Do::kSilence: return Order::Kind::kSilence;
    case Do::kLinkDown: return Order::Kind::kLinkDown;
    case Do::kHeal: case Do::kLinkUp: return Order::Kind::kRestore;
    case Do::kImpair: return Order::Kind::kImpair;
    case Do::kPolicy: return Order::Kind::kPolicy;
    case Do::kFlaps: break;
  }
  MUST(false);   // drawn, not ordered
  return Order::Kind::kSilence;
}

}  // namespace

std::string text_of(const Order& order, const Scenario& scenario) {
  if (order.kind == Order::Kind::kPolicy) return "policy " + order.policy;
  const std::string& name = scenario.links[order.link].name;
  switch (order.kind) {
    case Order::Kind::kSilence: return name + " goes silent";
    case Order::Kind::kLinkDown: return name + "'s link goes down";
    case Order::Kind::kRestore: return name + " is restored";
    default: break;
  }
  return fmt::format("{} becomes {:g} Mbit/s, {:g} ms, {:g} % loss", name, order.shape.rate_mbit, order.shape.delay_ms,
                     order.shape.loss_percent);
}

std::vector<Flap> plan_flaps(const Event& event, base::Prng& dice) {
  MUST(event.what == Do::kFlaps);
  MUST(!event.links.empty());
  std::vector<Flap> out;
  const double part_s = event.seconds / event.count;
  for (std::uint32_t i = 0; i < event.count; ++i) {
    const std::size_t link = event.links[dice.below(static_cast<std::uint32_t>(event.links.size()))];
    // The reader has seen to it that the longest fits; rounding may still make it the last bit too long.
    const double down_s = std::min(between(dice, event.down_ms_min, event.down_ms_max) / 1000, part_s);
    const double begin = part_s * i + between(dice, 0, part_s - down_s);
    out.push_back({link, begin, begin + down_s});
  }
  return out;
}

Timeline::Timeline(std::span<const Event> events, std::uint64_t seed)
    : waiting_(events.begin(), events.end()), dice_(seed) {}

void Timeline::draw(const Event& event, double from_s) {
  if (event.what == Do::kFlaps) {
    const auto down = event.by_link_down ? Order::Kind::kLinkDown : Order::Kind::kSilence;
    for (const Flap& flap : plan_flaps(event, dice_)) {
      drawn_.push_back({from_s + flap.down_s,
                        {.kind = down, .link = flap.link, .flap = true, .shape = {}, .policy = {}}});
      drawn_.push_back({from_s + flap.up_s,
                        {.kind = Order::Kind::kRestore, .link = flap.link, .flap = true, .shape = {},
                                             .policy = {}}});
    }
  } else if (event.what == Do::kPolicy) {
    drawn_.push_back({from_s, {.kind = Order::Kind::kPolicy, .shape = {}, .policy = event.policy}});
  } else {
    for (const std::size_t link : event.links)
      drawn_.push_back({from_s, {.kind = kind_of(event.what), .link = link, .shape = event.shape, .policy = {}}});
  }
  std::ranges::stable_sort(drawn_, [](const Timed& x, const Timed& y) { return x.at_s < y.at_s; });
}

std::vector<Order> Timeline::take_due(double seconds, double percent) {
  for (std::size_t i = 0; i < waiting_.size();) {
    const Event& event = waiting_[i];
    const bool due = event.at_s ? *event.at_s <= seconds : *event.at_percent <= percent;
    if (!due) {
      ++i;
      continue;
    }
    // Seconds count from when they were meant, not from when somebody looked.
    draw(event, event.at_s ? *event.at_s : seconds);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<Order> out;
  const auto later = std::ranges::find_if(drawn_, [&](const Timed& timed) { return timed.at_s > seconds; });
  for (auto due = drawn_.begin(); due != later; ++due) out.push_back(std::move(due->order));
  drawn_.erase(drawn_.begin(), later);
  return out;
}

}  // namespace weft::lab
