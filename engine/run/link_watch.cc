#include "engine/run/link_watch.hh"

#include <algorithm>
#include <chrono>

#include "bep/net/steady.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"

namespace weft::run {

LinkWatch::LinkWatch(boost::asio::io_context& io, net::LinkManager& links, std::vector<base::DeviceId> devices,
                     const health::Settings& settings)
    : links_(links), settings_(settings), timer_(io) {
  for (const base::DeviceId& device : devices) watched_[device] = {};
}

void LinkWatch::start() { arm(); }

void LinkWatch::stop() { timer_.cancel(); }

void LinkWatch::arm() {
  timer_.expires_after(std::chrono::nanoseconds(health::kLinkEvery.ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    look();
    arm();
  });
}

void LinkWatch::look() {
  for (auto& [device, places] : watched_) look_at(device, places);
}

void LinkWatch::look_at(const base::DeviceId& device, std::vector<Watched>& places) {
  std::vector<net::Link*> links = links_.links_of(device);
  for (Watched& place : places) {
    const auto same = std::ranges::find_if(links, [&](const net::Link* link) { return link->number() == place.link; });
    net::Link* const link = same == links.end() ? nullptr : *same;
    if (link != nullptr) links.erase(same);
    else place.link = 0;
    judge(place, link);
    if (link != nullptr) tell(device, place);
  }
  for (net::Link* const link : links) {   // new ones
    const auto free = std::ranges::find(places, 0u, &Watched::link);
    Watched& place = free == places.end() ? places.emplace_back() : *free;
    place.link = link->number();
    judge(place, link);
    tell(device, place);
  }
}

void LinkWatch::judge(Watched& watched, net::Link* link) {
  health::LinkReport report;
  if (link != nullptr) {
    report.connected = true;
    if (const auto figures = link->tcp_figures())
      report = {.connected = true, .rtt = figures->rtt, .rttvar = figures->rttvar, .rtt_min = figures->rtt_min,
                .bytes_sent = figures->bytes_sent, .bytes_again = figures->bytes_again};
  }
  watched.verdict = health::judge(report, watched.memory, settings_);
  if (link == nullptr) return;
  link->set_keep_alive(watched.verdict.keep_alive);
  link->set_score(watched.verdict.score);
}

void LinkWatch::tell(const base::DeviceId& device, Watched& watched) {
  const health::LinkVerdict& now = watched.verdict;
  const health::News news = watched.told.on_verdict(true, now.score, now.degrading, net::steady_now());
  if (news == health::News::kNone) return;
  base::log(base::Subsystem::kLinks, news == health::News::kWorse ? base::LogLevel::kWarn : base::LogLevel::kInfo,
            std::string("link ") + health::text_of(news),
            {{"peer", proto::short_id_text(proto::short_id(device))}, {"score", now.score},
             {"before", watched.told.before()}, {"why", share::name_of(now.reason)}});
}

health::LinkVerdict LinkWatch::verdict_of(const net::Link& link) const {
  const auto found = watched_.find(link.device());
  if (found == watched_.end()) return {};
  const auto place = std::ranges::find(found->second, link.number(), &Watched::link);
  return place == found->second.end() ? health::LinkVerdict{} : place->verdict;
}

}  // namespace weft::run
