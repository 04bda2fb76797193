// Watches the TLS links: every few seconds the kernel's figures of each become a verdict (health/link_health.hh), which sets
// how often the link is pinged, goes to the log when it turns, counts when it has a rival (net/duplicate.hh), and is shown.
// Thread: the control thread. Bounds: one memory per link and, for what falls leave behind, per configured device that lost
// one; one getsockopt per link and look.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <vector>

#include "bep/net/link_manager.hh"
#include "health/link_health.hh"
#include "health/link_silence.hh"
#include "health/score_told.hh"

namespace weft::run {

class LinkWatch {
 public:
  // Busy links are looked at this often for their silence.
  static constexpr base::Duration kSilenceEvery = base::milliseconds(250);

  // `on_suspicion`: suspect() of a link turned.
  LinkWatch(boost::asio::io_context& io, net::LinkManager& links, std::vector<base::DeviceId> devices,
            const health::Settings& settings, std::function<void(net::Link&)> on_suspicion);
  void start();
  void stop();
  // Zeros for a link that was not looked at yet.
  [[nodiscard]] health::LinkVerdict verdict_of(const net::Link& link) const;

 private:
  // The memory of one place among a device's links: a link that falls leaves it to the one that comes instead.
  struct Watched {
    std::uint64_t link = 0;            // number; 0: none at present
    health::LinkMemory memory;
    health::LinkVerdict verdict;
    health::ScoreTold told;
    health::LinkHold hold{health::kLinkEvery};
  };
  void arm();
  void look();
  void look_for_silence();
  void find_silence(net::Link& link, health::LinkHold* hold, bool no_other_way);
  void look_at(const base::DeviceId& device, std::vector<Watched>& places);
  void judge(Watched& watched, net::Link* link);
  static void tell(const base::DeviceId& device, Watched& watched);

  net::LinkManager& links_;
  health::Settings settings_;
  std::function<void(net::Link&)> on_suspicion_;
  boost::asio::steady_timer timer_;
  base::Instant look_at_{};              // the next full look
  std::map<base::DeviceId, std::vector<Watched>> watched_;
};

}  // namespace weft::run
