// The inside of LinkManager: who may connect, which link stays, what happens when one ends.
// link_manager.cc: construction, configuration, listing. link_manager_impl.cc: the life of the links.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bep/net/dialer.hh"
#include "bep/net/link_manager.hh"
#include "bep/net/listener.hh"
#include "bep/net/refusal_log.hh"
#include "bep/net/remembered_ports.hh"
#include "engine/base/prng.hh"

namespace weft::net {

class LinkManager::Impl final : public LinkOwner, public DialerOwner, public ListenerOwner {
 public:
  Impl(boost::asio::io_context& io, LinkManagerConfig config, TlsContext tls, LinkObserver& observer);
  ~Impl() override;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Link, Dialer, Listener
  [[nodiscard]] bool handle_handshaked(Link& link, proto::ConnectionConfig& config) override;
  void handle_hello(Link& link) override;
  void handle_event(Link& link, proto::Event& event) override;
  void handle_drained(Link& link) override;
  void handle_closed(Link& link, CloseReason reason, std::string_view text) override;
  void handle_dialled(Dialer& dialer, boost::asio::ip::tcp::socket socket) override;
  [[nodiscard]] std::int32_t priority_of(const Address& address) override;
  [[nodiscard]] std::size_t dials_left() const override;
  void handle_dialling(int change) override { dialling_ += static_cast<std::size_t>(change); }
  [[nodiscard]] const ReplaceRule& replace_rule() const override { return config_.replace; }
  void handle_record(Dialer& dialer, const std::string& address, const DialRecord& record) override;
  void handle_accepted(boost::asio::ip::tcp::socket socket) override;
  void handle_listening(const std::string& configured, std::uint16_t port) override;

 private:
  friend class LinkManager;
  // Interfaces come and go, but not several times a second.
  static constexpr base::Duration kNetworksFor = base::seconds(1);

  struct Device {
    LinkDevice config;
    std::shared_ptr<Dialer> dialer;
    std::vector<Link*> ready;                 // announced, in that order; some may be on their way out
    std::uint64_t times_connected = 0;
    [[nodiscard]] std::vector<Link*> live() const;
  };
  struct Entry {
    std::shared_ptr<Link> link;
    std::optional<base::DeviceId> expected;   // of a link we dialled
    std::string target;                       // … and by which of its addresses
    bool announced = false;                   // on_link_ready was called and on_link_closed was not
    bool was_ready = false;
  };

  void add_listener(const std::string& text);
  void set_devices(std::vector<LinkDevice> devices);
  [[nodiscard]] Device* find_device(const base::DeviceId& id);
  void add_link(boost::asio::ip::tcp::socket socket, std::optional<base::DeviceId> expected, std::string target);
  [[nodiscard]] const std::vector<Network>& networks();
  [[nodiscard]] std::int32_t priority_of(const Link& link);
  // The links of the device, by number, that end when this new one is let in; nothing: it is not let in.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> whom_it_ends(const Link& link, const Device& device);
  void announce_end(std::uint64_t number);
  void tell_dialer(Device& device);
  void remember_pending(const Link& link);
  void count_and_log(const Link& link, bool was_ready, CloseReason reason, std::string_view text);
  void refuse_socket(boost::asio::ip::tcp::socket& socket, CloseReason reason);

  boost::asio::io_context& io_;
  LinkManagerConfig config_;
  TlsContext tls_;
  LinkObserver& observer_;
  base::Prng prng_;
  RememberedPorts remembered_ports_;
  std::vector<Network> networks_;             // our own, as of networks_at_
  base::Instant networks_at_ = base::Instant{} - kNetworksFor;
  std::map<base::DeviceId, Device> devices_;
  std::map<std::uint64_t, Entry> links_;      // by number: every link until handle_closed
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::vector<ListenerStatus> refused_listeners_;
  std::vector<PendingDevice> pending_;        // oldest first
  std::size_t dialling_ = 0;                  // sockets that are being connected
  CloseCounters counters_{};
  DialCounters dials_;
  HandshakeCounters handshakes_;
  proto::ReasonCounters protocol_counters_;
  LinkTotals closed_totals_;
  RefusalLog refusal_log_;
  std::uint64_t next_number_ = 1;
  bool started_ = false, stopping_ = false;
  std::function<void()> stopped_;
};

}  // namespace weft::net
