#include "engine/run/link_watch.hh"

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
  for (auto& [device, watched] : watched_) {
    health::LinkReport report;
    net::Link* const link = links_.link_of(device);
    if (link != nullptr) {
      report.connected = true;
      if (const auto figures = link->tcp_figures())
        report = {.connected = true, .rtt = figures->rtt, .rttvar = figures->rttvar, .rtt_min = figures->rtt_min,
                  .bytes_sent = figures->bytes_sent, .bytes_again = figures->bytes_again};
    }
    watched.verdict = health::judge(report, watched.memory, settings_);
    if (link == nullptr) continue;
    link->set_keep_alive(watched.verdict.keep_alive);   // always: it may be another link than last time
    tell(device, watched);
  }
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

health::LinkVerdict LinkWatch::verdict_of(const base::DeviceId& device) const {
  const auto found = watched_.find(device);
  return found == watched_.end() ? health::LinkVerdict{} : found->second.verdict;
}

}  // namespace weft::run
