// One of a device's links, as its requests see it: what was asked by it, and how quickly it answers.
// Thread: control. Owner: Peer. When it ends, or is given up, what is outstanding ends with kClosed.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "bep/model/link_choice.hh"
#include "bep/model/link_meter.hh"
#include "bep/model/sources.hh"
#include "bep/net/link.hh"
#include "bep/proto/messages.hh"

namespace weft::model {

class PeerLink {
 public:
  static constexpr std::size_t kHeldMax = 16;
  static constexpr std::size_t kHeldBytesMax = 1u << 20;   // of wefts' own messages among them

  explicit PeerLink(net::Link& link) : link_(link) {}
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  void request(const LinkRequest& request, LinkDone done);
  // False: nothing of that number was asked.
  [[nodiscard]] bool handle_response(proto::ResponseReceived& response);
  // For a block of so many bytes.
  [[nodiscard]] LinkView view(std::uint32_t bytes);

  // Ends what is outstanding with kClosed, so that it is asked elsewhere; answers that come late are none of ours any more.
  void give_up();

  [[nodiscard]] net::Link& link() const { return link_; }
  [[nodiscard]] const LinkMeter& meter() const { return meter_; }

  // A full ClusterConfig by a link that is not the primary, and what follows it, until both ends agree. False: too much.
  [[nodiscard]] bool hold(proto::Event event);
  [[nodiscard]] bool holds() const { return !held_.empty(); }
  std::vector<proto::Event> take_held();   // they are held no more

  // The peer has called it secondary: a full ClusterConfig by it is a promotion on purpose.
  bool called_secondary = false;
  bool was_primary = false;      // what comes by it of what a primary carries is late

 private:
  static constexpr base::Duration kRttEvery = base::seconds(1);   // asking the kernel is a system call
  struct Asked {
    std::uint32_t bytes = 0;
    base::Instant at{};
    LinkDone done;
  };

  net::Link& link_;
  LinkMeter meter_;
  base::Instant rtt_at_ = base::Instant{} - kRttEvery;
  std::unordered_map<std::int32_t, Asked> outstanding_;
  std::int32_t next_request_ = 0;
  std::vector<proto::Event> held_;
  std::size_t held_bytes_ = 0;
};

}  // namespace weft::model
