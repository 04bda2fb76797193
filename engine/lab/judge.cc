#include "engine/lab/judge.hh"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace weft::lab {
namespace {

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }
std::string mbit(double Bps) { return fmt::format("{:.1f} Mbit/s", Bps * 8 / 1e6); }
std::string ms(double seconds) { return fmt::format("{:.1f} ms", seconds * 1e3); }
std::string points(double share) { return fmt::format("{:.1f} points", share * 100); }
std::string seconds_text(double seconds) { return fmt::format("{:.2f} s", seconds); }

class Judge {
 public:
  Judge(const Scenario& scenario, const Run& run, const Figures& figures, const Alone& alone)
      : scenario_(scenario), run_(run), f_(figures), alone_(alone) {}

  std::vector<Verdict> all() {
    const Expect& e = run_.expect;
    if (e.goodput_mbit_min)
      at_least("goodput_mbit_min", "goodput", f_.goodput_Bps * 8 / 1e6, *e.goodput_mbit_min,
               [](double v) { return mbit(v * 1e6 / 8); });
    if (e.of_sum_min) of_sum(*e.of_sum_min);
    if (e.of_best_min) of_best(*e.of_best_min);
    if (!e.of_shares.empty()) of_shares();
    if (e.of_up_min) of_up(*e.of_up_min);
    for (const auto& [link, share] : e.link_share_min) {
      const auto paths = static_cast<double>(sum_by_link());
      at_least("link_share_min." + name(link), "share of the payload over " + name(link),
               paths > 0 ? static_cast<double>(f_.by_link[link]) / paths : 0, share, percent, points);
    }
    if (e.stall_ms_max) at_most("stall_ms_max", "longest wait for a block", f_.stall_s, *e.stall_ms_max / 1e3, ms);
    if (e.event_stall_ms_max)
      at_most("event_stall_ms_max", "longest wait for a block in the second after an event", f_.event_stall_s,
              *e.event_stall_ms_max / 1e3, ms);
    if (e.back_in_use_s_max) back_in_use(*e.back_in_use_s_max);
    if (e.duplicate_share_max)
      at_most("duplicate_share_max", "bytes received twice, of the payload",
              static_cast<double>(f_.duplicate) / static_cast<double>(std::max<std::uint64_t>(f_.payload, 1)),
              *e.duplicate_share_max, [](double v) { return fmt::format("{:.2f} %", v * 100); });
    if (e.tls_share_max)
      at_most("tls_share_max", "of the payload went over the TLS link, for want of a path",
              static_cast<double>(f_.via_link) / static_cast<double>(std::max<std::uint64_t>(f_.payload, 1)),
              *e.tls_share_max, percent);
    if (e.seconds_max) at_most("seconds_max", "from the first block to the last", f_.seconds, *e.seconds_max,
                               seconds_text);
    return std::move(out_);
  }

 private:
  using Text = std::string (*)(double);
  const std::string& name(std::size_t link) const { return scenario_.links[link].name; }
  std::uint64_t sum_by_link() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : f_.by_link) sum += bytes;
    return sum;
  }

  void at_least(const std::string& what, const std::string& sentence, double seen, double wanted, Text text,
                Text gap = nullptr) {
    const double apart = seen - wanted;
    out_.push_back({what, sentence, apart >= 0, text(seen), "at least " + text(wanted),
                    (gap != nullptr ? gap : text)(std::abs(apart)) + (apart >= 0 ? " to spare" : " short")});
  }
  void at_most(const std::string& what, const std::string& sentence, double seen, double wanted, Text text) {
    const double apart = wanted - seen;
    out_.push_back({what, sentence, apart >= 0, text(seen), "at most " + text(wanted),
                    text(std::abs(apart)) + (apart >= 0 ? " to spare" : " too much")});
  }
  void cannot(const std::string& what, const std::string& sentence, const std::string& why) {
    out_.push_back({what, sentence, false, why, "a figure", "nothing to compare with"});
  }

  // The links' goodput alone, or false with a verdict where one is missing.
  bool known(const std::string& what, const std::vector<std::size_t>& links) {
    for (const std::size_t link : links)
      if (!alone_.contains(link)) {
        cannot(what, "goodput against links alone", name(link) + " alone gave no figure");
        return false;
      }
    return true;
  }

  void of_sum(double wanted) {
    if (!known("of_sum_min", run_.links)) return;
    double sum = 0;
    for (const std::size_t link : run_.links) sum += alone_.at(link);
    at_least("of_sum_min", fmt::format("goodput of the sum of the links alone ({})", mbit(sum)), f_.goodput_Bps / sum,
             wanted, percent, points);
  }
  void of_best(double wanted) {
    std::vector<std::size_t> links;              // one that is known to be bad need not be measured alone
    std::ranges::copy_if(run_.links, std::back_inserter(links),
                         [&](std::size_t link) { return scenario_.alone(link) != nullptr; });
    if (!known("of_best_min", links)) return;
    const std::size_t best = *std::ranges::max_element(links, {}, [&](std::size_t link) { return alone_.at(link); });
    at_least("of_best_min", fmt::format("goodput of the best link alone ({}, {})", name(best), mbit(alone_.at(best))),
             f_.goodput_Bps / alone_.at(best), wanted, percent, points);
  }
  void of_shares() {
    std::vector<std::size_t> links;
    for (const auto& [link, share] : run_.expect.of_shares) links.push_back(link);
    if (!known("of_shares", links)) return;
    double sum = 0;
    std::string terms;
    for (const auto& [link, share] : run_.expect.of_shares) {
      sum += share * alone_.at(link);
      terms += fmt::format("{}{:g} % of {} alone", terms.empty() ? "" : " + ", share * 100, name(link));
    }
    at_least("of_shares", "goodput against " + terms, f_.goodput_Bps, sum, mbit);
  }
  void of_up(double wanted) {
    if (!known("of_up_min", run_.links)) return;
    double bytes = 0;
    for (const std::size_t link : run_.links) bytes += alone_.at(link) * f_.up_s[link];
    const double could_Bps = f_.seconds > 0 ? bytes / f_.seconds : 0;
    at_least("of_up_min",
             fmt::format("what came over paths, of what the links that were up carry alone ({})", mbit(could_Bps)),
             could_Bps > 0 ? f_.paths_Bps / could_Bps : 0, wanted, percent, points);
  }
  void back_in_use(double wanted) {
    if (f_.back.empty()) return cannot("back_in_use_s_max", "a healed link is back in use",
                                       "no link was healed in time");
    for (const BackInUse& back : f_.back) {
      const std::string sentence = name(back.link) + " carries half of what it had, after it healed";
      const std::string what = "back_in_use_s_max." + name(back.link);
      if (back.after_s) at_most(what, sentence, *back.after_s, wanted, seconds_text);
      else out_.push_back({what, sentence, false, "not before the end", "at most " + seconds_text(wanted), "not seen"});
    }
  }

  const Scenario& scenario_;
  const Run& run_;
  const Figures& f_;
  const Alone& alone_;
  std::vector<Verdict> out_;
};

}  // namespace

std::vector<Verdict> judge(const Scenario& scenario, const Run& run, const Figures& figures, const Alone& alone) {
  return Judge(scenario, run, figures, alone).all();
}

}  // namespace weft::lab
