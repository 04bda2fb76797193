// Watches the TLS links: every few seconds the kernel's figures of each become a verdict (health/link_health.hh), which sets
// how often the link is pinged, goes to the log when it turns, and is shown by REST.
// Thread: the control thread. Bounds: one memory per configured device; one getsockopt per link and look.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <vector>

#include "bep/net/link_manager.hh"
#include "health/link_health.hh"
#include "health/score_told.hh"

namespace weft::run {

class LinkWatch {
 public:
  LinkWatch(boost::asio::io_context& io, net::LinkManager& links, std::vector<base::DeviceId> devices,
            const health::Settings& settings);
  void start();
  void stop();
  // Zeros for a device that is not watched.
  [[nodiscard]] health::LinkVerdict verdict_of(const base::DeviceId& device) const;

 private:
  struct Watched {
    health::LinkMemory memory;
    health::LinkVerdict verdict;
    health::ScoreTold told;
  };
  void arm();
  void look();
  static void tell(const base::DeviceId& device, Watched& watched);

  net::LinkManager& links_;
  health::Settings settings_;
  boost::asio::steady_timer timer_;
  std::map<base::DeviceId, Watched> watched_;
};

}  // namespace weft::run
