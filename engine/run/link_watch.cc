#include "engine/run/link_watch.hh"

#include <algorithm>
#include <chrono>

#include "bep/net/steady.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"

namespace weft::run {

LinkWatch::LinkWatch(boost::asio::io_context& io, net::LinkManager& links, std::vector<base::DeviceId> devices,
                     const health::Settings& settings, std::function<void(net::Link&)> on_suspicion)
    : links_(links), settings_(settings), on_suspicion_(std::move(on_suspicion)), timer_(io) {
  for (const base::DeviceId& device : devices) watched_[device] = {};
}

void LinkWatch::start() {
  look_at_ = net::steady_now() + health::kLinkEvery;
  arm();
}

void LinkWatch::stop() { timer_.cancel(); }

void LinkWatch::arm() {
  timer_.expires_after(std::chrono::nanoseconds(kSilenceEvery.ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    look_for_silence();
    if (const base::Instant now = net::steady_now(); now >= look_at_) {
      look_at_ = now + health::kLinkEvery;
      look();
    }
    arm();
  });
}

void LinkWatch::look_for_silence() {
  for (auto& [device, places] : watched_) {
    const std::vector<net::Link*> links = links_.links_of(device);
    for (net::Link* const link : links) {
      if (!link->busy() && !link->suspect()) continue;
      const auto place = std::ranges::find(places, link->number(), &Watched::link);   // none before its first look
      // Where there is no other way to the device, TCP may as well go on trying: it does so sooner than a dialler would.
      const bool no_other_way = links.size() == 1 && links_.ways_to(device) < 2;
      find_silence(*link, place == places.end() ? nullptr : &place->hold, no_other_way);
    }
  }
}

void LinkWatch::find_silence(net::Link& link, health::LinkHold* hold, bool no_other_way) {
  const auto figures = link.tcp_figures();
  if (!figures) return;
  const health::LinkFinding finding =
      health::find_silence({.busy = link.busy(), .unacked = figures->unacked, .heard_ago = figures->heard_ago,
                            .rtt = figures->rtt, .rttvar = figures->rttvar}, link.suspect());
  if (finding == health::LinkFinding::kAsk) return link.ping();
  if (finding == health::LinkFinding::kDead) {
    if (!no_other_way) link.close("the connection is dead", net::CloseReason::kReadTimeout);   // else TCP says when
    return;
  }
  const bool silent = finding == health::LinkFinding::kSuspect;
  const bool held = link.suspect() && hold != nullptr && !hold->may_return(!silent, net::steady_now());
  if (held && !silent) link.ping();   // so that it goes on being heard
  const bool suspect = silent || held;
  if (suspect == link.suspect()) return;
  if (suspect && hold != nullptr) hold->on_suspect();
  link.set_suspect(suspect);
  base::log(base::Subsystem::kLinks, suspect ? base::LogLevel::kWarn : base::LogLevel::kInfo,
            suspect ? "link is silent" : "link is heard again",
            {{"peer", proto::short_id_text(proto::short_id(link.device()))}, {"link", link.number()}, {"local", link.local()},
             {"remote", link.remote()}, {"silent_ms", figures->heard_ago.ms()}});
  on_suspicion_(link);
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
  watched.hold.fade();
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
