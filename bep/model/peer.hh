// The BEP session with one device over its links: ClusterConfig, index exchange, requests both ways.
// Of several links (Syncthing 1.25 and later) one is the primary: it alone carries the full ClusterConfig, the index and what
// wefts say to each other; the others say "secondary" and carry requests. The first is the primary; when it ends, another is.
// The ends may disagree for a moment. A full ClusterConfig by another link than ours says so. By one that was a secondary it
// is a promotion on purpose, and a stock peer's word counts; where two wefts began with different ones, the lower ID's does,
// and what came by the other's is kept (PeerLink::kHeldMax) until ours has ended.
// What was asked by a link that is suspect is asked again by the others; where all are, it waits. A primary stays one until it
// ends: stock promotes at no other time, and says nothing of its index by a link that we alone have promoted.
// Requests go by any link (link_choice.hh); an answer goes back by the link that its request came by.
// Rules (facts of BEP implementations):
//   - our ClusterConfig lists both ends in every folder shared with the device, each with index id and highest
//     sequence as we know them; it goes out as soon as the primary is ready;
//   - start rule: index is sent from the sequence that the peer says it has of us, when it means the same index id,
//     else from the start, and only once the peer's ClusterConfig lists the folder, unpaused, with us in it;
//   - receive rule: what the peer says of its own index id decides whether what we stored of it still counts;
//   - an index for a folder that was not in our ClusterConfig closes the link with stock's words.
// A peer's ClusterConfig may come again at any time: the exchange then starts anew from what it says.
// Threads: control. Bounds: index messages of at most kIndexFilesPerMessage files and about kIndexBytesPerMessage,
// sent only while the link's output is not full; requests out: bounded by Sources; requests in: serve.hh.
// Lifetime: made with the first link, destroyed after the last; what is outstanding by a link that ends, ends with kClosed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bep/model/config.hh"
#include "bep/model/link_choice.hh"
#include "bep/model/peer_link.hh"
#include "bep/model/serve.hh"
#include "bep/model/sources.hh"
#include "bep/net/link.hh"
#include "bep/proto/messages.hh"

namespace weft::model {

class IndexDb;

inline constexpr std::size_t kIndexFilesPerMessage = 1000;
inline constexpr std::size_t kIndexBytesPerMessage = 250u << 10;

// What a peer needs of the model around it.
class PeerHost {
 public:
  virtual ~PeerHost() = default;
  // Root of a folder that runs and is shared with the device, or -1.
  [[nodiscard]] virtual int root_for(const base::DeviceId& device, const std::string& folder) const = 0;
  // The device's index of the folder changed, or it became ready to serve it.
  virtual void on_remote_index(const std::string& folder) = 0;
  // The device asked for bytes, by their hash, that are not in the file.
  virtual void on_not_found(const proto::Request& request) = 0;
  // Another link is the primary now, and our ClusterConfig went out on it; `before` may be null, or ending.
  virtual void on_primary(net::Link* before, net::Link& now) = 0;
  // A weft's own message, by the primary.
  virtual void on_private(net::Link& link, const proto::PrivateReceived& message) = 0;
};

struct PeerCounters {
  std::uint64_t index_messages_in = 0, index_entries_in = 0;
  std::uint64_t index_messages_out = 0, index_entries_out = 0;
  std::uint64_t requests_out = 0, responses_in = 0;
  std::uint64_t responses_unknown = 0;         // id never asked or already answered
};

class Peer : public LinkSource {
 public:
  Peer(const base::DeviceId& device, const Config& config, const base::DeviceId& self, LinkStrategy strategy, IndexDb& index,
       Workers& workers, PeerHost& host);
  ~Peer() override;
  // Ready, and of this device. Sends our ClusterConfig.
  void add_link(net::Link& link);
  void remove_link(net::Link& link);           // it ended; nothing when it is not one of ours
  void handle(net::Link& link, proto::Event& event);
  void on_output_drained(net::Link& link);
  void on_suspicion();                         // suspect() of a link turned
  // Our index of the folder has news: sends what the peer has not.
  void on_local_index(const std::string& folder);

  [[nodiscard]] bool serves(const std::string& folder) const override;
  void request(const LinkRequest& request, LinkDone done) override;

  [[nodiscard]] const base::DeviceId& device() const { return device_; }
  [[nodiscard]] net::Link* primary() const { return primary_; }   // null: no link
  [[nodiscard]] const LinkMeter* meter_of(const net::Link& link) const;   // null: it is none of this device's
  [[nodiscard]] const PeerCounters& counters() const { return counters_; }
  [[nodiscard]] const ServeCounters& serve_counters() const { return server_.counters(); }

 private:
  // Our sending of one folder's index to this peer.
  struct Exchange {
    std::uint64_t index_id = 0;    // ours
    bool shared = false;           // the peer has said that it has the folder, unpaused
    bool ready = false;            // … by the present primary
    bool update = false;           // next message is an IndexUpdate
    std::int64_t sent = 0;         // highest sequence sent or known to be there
  };
  [[nodiscard]] PeerLink* find(std::uint64_t number) const;
  [[nodiscard]] PeerLink& best() const;        // a ready one that is not suspect, if there is
  void promote(net::Link& link);
  void handle_of_primary(proto::Event& event);
  void handle_of_other(PeerLink& link, proto::Event& event);
  void on_cluster_config(const proto::ClusterConfig& config);
  void on_folder(const proto::ClusterFolder& folder);
  void on_index(proto::IndexReceived& received);
  void send_index(const std::string& folder, Exchange& exchange);
  void send_answer(std::uint64_t link, std::int32_t id, ServeAnswer answer);
  [[nodiscard]] proto::ClusterConfig our_cluster_config();

  const base::DeviceId device_;
  const Config& config_;
  base::DeviceId self_;
  IndexDb& index_;
  PeerHost& host_;
  RequestServer server_;
  std::vector<std::unique_ptr<PeerLink>> links_;   // in the order they became ready
  net::Link* primary_ = nullptr;
  LinkChoice choice_;
  std::vector<LinkView> views_;                    // of one choice
  std::map<std::string, Exchange> exchanges_;      // folders of our ClusterConfig
  PeerCounters counters_;
};

// The pure half of the rules, for tests: from which sequence to send, and with which message.
struct IndexStart {
  bool update = false;
  std::int64_t after = 0;
};
[[nodiscard]] IndexStart index_start(const proto::ClusterDevice& theirs_about_us, std::uint64_t our_index_id,
                                     std::int64_t our_max_sequence);
// The entry as it goes out: what others must not use is invalid, and a receive-only change has no version.
[[nodiscard]] proto::FileInfo entry_for_peer(const proto::FileInfo& info, std::uint32_t flags);

}  // namespace weft::model
