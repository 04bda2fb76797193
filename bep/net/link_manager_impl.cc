#include "bep/net/link_manager_impl.hh"

#include <algorithm>
#include <utility>

#include "bep/net/duplicate.hh"
#include "bep/net/socket.hh"
#include "bep/net/steady.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"

namespace weft::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::LogLevel;
using base::Subsystem;

constexpr const char* kDefaultCertificateName = "syncthing";
constexpr std::size_t kPendingNameBytesMax = 256;

std::string short_text(const base::DeviceId& id) { return proto::short_id_text(proto::short_id(id)); }

// An ordinary end of a connection that was not ready yet: nobody did anything wrong.
bool is_quiet(CloseReason reason) {
  return reason == CloseReason::kLocal || reason == CloseReason::kDuplicate || reason == CloseReason::kReplaced;
}

}  // namespace

LinkManager::Impl::Impl(asio::io_context& io, LinkManagerConfig config, TlsContext tls, LinkObserver& observer)
    : io_(io), config_(std::move(config)), tls_(std::move(tls)), observer_(observer), prng_(config_.seed),
      remembered_ports_(config_.ports_file) {}

LinkManager::Impl::~Impl() {
  for (const auto& listener : listeners_) listener->stop();
  for (auto& [id, device] : devices_) device.dialer->stop();
  for (auto& [number, entry] : links_) entry.link->abandon();
}

LinkManager::Impl::Device* LinkManager::Impl::find_device(const base::DeviceId& id) {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

// ---- new connections ----

void LinkManager::Impl::handle_accepted(tcp::socket socket) {
  boost::system::error_code error;
  const asio::ip::address from = plain_address(socket.remote_endpoint(error).address());
  if (stopping_) return;  // the socket closes itself
  if (error) return refuse_socket(socket, CloseReason::kPeerGone);  // reset before we came to it
  std::size_t all = 0;
  std::size_t same = 0;
  for (const auto& [number, entry] : links_) {
    if (entry.was_ready || entry.link->dialled()) continue;
    ++all;
    if (entry.link->remote_ip() == from) ++same;
  }
  if (all >= config_.handshakes_max) return refuse_socket(socket, CloseReason::kTooManyHandshakes);
  if (same >= config_.handshakes_per_ip_max) return refuse_socket(socket, CloseReason::kTooManyFromAddress);
  add_link(std::move(socket), std::nullopt, {});
}

void LinkManager::Impl::handle_listening(const std::string& configured, std::uint16_t port) {
  if (config_.random_ports) remembered_ports_.remember(configured, port);
}

void LinkManager::Impl::handle_dialled(Dialer& dialer, tcp::socket socket) {
  MUST(!stopping_);
  add_link(std::move(socket), dialer.device(), dialer.handed_over());
}

const std::vector<Network>& LinkManager::Impl::networks() {
  if (const base::Instant now = steady_now(); now - networks_at_ >= kNetworksFor) {
    networks_ = own_networks();
    networks_at_ = now;
  }
  return networks_;
}

std::int32_t LinkManager::Impl::priority_of(const Address& address) {
  return is_lan(address, networks()) ? config_.priority_lan : config_.priority_wan;
}

std::int32_t LinkManager::Impl::priority_of(const Link& link) {
  return is_lan(link.remote_ip(), networks()) ? config_.priority_lan : config_.priority_wan;
}

std::size_t LinkManager::Impl::dials_left() const { return config_.dials_max - std::min(dialling_, config_.dials_max); }

void LinkManager::Impl::handle_record(Dialer& dialer, const std::string& address, const DialRecord& record) {
  ++(record.failures == 0 ? dials_.ready : dials_.failed);
  if (config_.history != nullptr && record.failures <= kFailuresTold)
    config_.history->save(dialer.device(), address, record);
}

void LinkManager::Impl::add_link(tcp::socket socket, std::optional<base::DeviceId> expected, std::string target) {
  const LinkSetup setup{.dialled = expected.has_value(),
                        .number = next_number_++,
                        .expected = expected,
                        .times = config_.times,
                        .limits = config_.limits};
  auto link = std::make_shared<Link>(std::move(socket), tls_, *this, setup);
  links_.emplace(setup.number, Entry{.link = link, .expected = expected, .target = std::move(target)});
  base::log(Subsystem::kLinks, LogLevel::kDebug, "connection",
            {{"link", setup.number}, {"remote", link->remote()}, {"type", link->type()}});
  link->start();
}

void LinkManager::Impl::refuse_socket(tcp::socket& socket, CloseReason reason) {
  ++counters_[static_cast<std::size_t>(reason)];
  boost::system::error_code ignored;
  const std::string remote = endpoint_text(socket.remote_endpoint(ignored));
  socket.close(ignored);
  std::uint64_t left_out = 0;
  if (refusal_log_.allow(reason, steady_now(), left_out))
    base::log(Subsystem::kLinks, LogLevel::kWarn, "connection refused",
              {{"reason", name_of(reason)}, {"remote", remote}, {"not_logged", left_out}});
}

// ---- policy ----

bool LinkManager::Impl::handle_handshaked(Link& link, proto::ConnectionConfig& config) {
  const Entry& entry = links_.at(link.number());
  if (link.device() == config_.identity->id()) {
    link.close("connected to ourselves", CloseReason::kOwnDevice);
    return false;
  }
  if (entry.expected && link.device() != *entry.expected) {
    const std::string text =
        "device ID is " + proto::to_text(link.device()) + ", expected " + proto::to_text(*entry.expected);
    link.close(text, CloseReason::kWrongDevice);
    return false;
  }
  const Device* device = find_device(link.device());
  if (device != nullptr && device->config.paused) {
    link.close("the device is paused", CloseReason::kPaused);
    return false;
  }
  config.hello = config_.hello;
  if (device == nullptr) {
    config.hello.device_name.clear();  // a stranger need not know what we are called
    return true;
  }
  config.compression = device->config.compression;
  config.hello.num_connections = device->config.connections;
  config.hello.timestamp_ns = unix_ms_now() * 1'000'000;
  return true;
}

void LinkManager::Impl::handle_hello(Link& link) {
  Device* device = find_device(link.device());
  if (device == nullptr) {
    remember_pending(link);
    return link.close("unknown device", CloseReason::kUnknownDevice);
  }
  if (device->config.paused) return link.close("the device is paused", CloseReason::kPaused);
  const std::string& wanted = device->config.cert_name;
  if (!link.peer_named(wanted.empty() ? kDefaultCertificateName : wanted))
    return link.close("the certificate has another name than configured", CloseReason::kCertificateName);
  const auto ends = whom_it_ends(link, *device);
  if (!ends) return link.close("a connection to this device exists", CloseReason::kDuplicate);
  for (const std::uint64_t old : *ends) announce_end(old);
  // The observer may have removed or paused the device, or stopped us: then this link is closing like the rest.
  if (link.state() != Link::State::kHello) return;
  device = find_device(link.device());
  MUST(device != nullptr);

  Entry& entry = links_.at(link.number());
  link.accept_hello();
  if (device->ready.empty()) ++device->times_connected;
  device->ready.push_back(&link);
  entry.announced = entry.was_ready = true;
  if (entry.expected) device->dialer->attempt_ready();
  tell_dialer(*device);
  HandshakeCounters::Kind& handshakes = link.resumed() ? handshakes_.resumed : handshakes_.full;
  ++handshakes.count;
  handshakes.took += link.handshake_took();
  const proto::Hello& hello = link.hello();
  base::log(Subsystem::kLinks, LogLevel::kInfo, "link ready",
            {{"link", link.number()}, {"device", short_text(link.device())}, {"name", device->config.name},
             {"remote", link.remote()}, {"type", link.type()}, {"crypto", link.crypto()}, {"resumed", link.resumed()},
             {"client", hello.client_name + " " + hello.client_version}, {"weft", link.peer_is_weft()}});
  observer_.on_link_ready(link, hello);
}

std::vector<Link*> LinkManager::Impl::Device::live() const {
  std::vector<Link*> out;
  std::ranges::copy_if(ready, std::back_inserter(out), [](const Link* link) { return link->ready(); });
  return out;
}

std::optional<std::vector<std::uint64_t>> LinkManager::Impl::whom_it_ends(const Link& link, const Device& device) {
  std::vector<std::uint64_t> ends;
  for (const Link* old : device.ready)
    if (!old->ready()) ends.push_back(old->number());   // on its way out
  const std::int32_t priority = priority_of(link);
  std::vector<Link*> live = device.live();
  std::ranges::sort(live, {}, &Link::heard_at);         // the stalest first
  const std::size_t allowed = links_allowed(device.config.connections, link.hello().num_connections);
  const auto wins_over = [&](Link& existing) {
    return new_link_wins({.rule = config_.replace,
                          .existing_age = steady_now() - existing.ready_since(),
                          .existing_priority = priority_of(existing),
                          .new_priority = priority,
                          .existing_score = existing.score(),
                          .existing_dialled_by_us = existing.dialled(),
                          .new_dialled_by_us = link.dialled(),
                          .both_weft = link.peer_is_weft() && existing.peer_is_weft(),
                          .our_id_is_lower = config_.identity->id() < link.device()});
  };
  if (live.size() >= allowed && !wins_over(*live.front())) return std::nullopt;
  for (std::size_t i = 0; i < live.size(); ++i)
    if (live.size() - i >= allowed || is_better(priority, priority_of(*live[i]), config_.replace))
      ends.push_back(live[i]->number());
  return ends;
}

// The end of a link that yields to a new one is announced before the new one is ready, so that an observer never sees more
// links than a device may have; its socket takes its own time to close.
void LinkManager::Impl::announce_end(std::uint64_t number) {
  const auto found = links_.find(number);
  if (found == links_.end() || !std::exchange(found->second.announced, false)) return;
  const std::shared_ptr<Link> old = found->second.link;
  if (Device* now = find_device(old->device()); now != nullptr) std::erase(now->ready, old.get());
  old->close("replacing connection", CloseReason::kReplaced);
  observer_.on_link_closed(*old, CloseReason::kReplaced, "replacing connection");
}

void LinkManager::Impl::tell_dialer(Device& device) {
  const std::vector<Link*> live = device.live();
  if (live.empty()) return device.dialer->set_links({});
  LinksNow now{.links = live.size(), .wanted = 0, .worst_priority = INT32_MIN};
  const auto ours = static_cast<std::size_t>(std::ranges::count_if(live, &Link::dialled));
  const bool we_are_lower = config_.identity->id() < live.front()->device();
  if (ours == live.size() || (ours > 0 && we_are_lower))   // one side dials, else both would make one too many
    now.wanted = links_allowed(device.config.connections, live.front()->hello().num_connections);
  for (const Link* link : live) now.worst_priority = std::max(now.worst_priority, priority_of(*link));
  device.dialer->set_links(now);
}

void LinkManager::Impl::remember_pending(const Link& link) {
  std::erase_if(pending_, [&](const PendingDevice& p) { return p.id == link.device(); });
  if (pending_.size() == kPendingMax) pending_.erase(pending_.begin());
  std::string name = link.hello().device_name;
  if (name.size() > kPendingNameBytesMax) {
    std::size_t cut = kPendingNameBytesMax;
    while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0) == 0x80) --cut;  // not inside a character
    name.resize(cut);
  }
  pending_.push_back({link.device(), std::move(name), link.remote(), unix_ms_now()});
}

// ---- ready links ----

void LinkManager::Impl::handle_event(Link& link, proto::Event& event) { observer_.on_message(link, event); }

void LinkManager::Impl::handle_drained(Link& link) { observer_.on_output_drained(link); }

// ---- the end of a link ----

void LinkManager::Impl::handle_closed(Link& link, CloseReason reason, std::string_view text) {
  const auto found = links_.find(link.number());
  MUST(found != links_.end());
  const Entry entry = found->second;  // keeps the link alive to the end of this function
  links_.erase(found);
  count_and_log(link, entry.was_ready, reason, text);
  Device* device = find_device(link.device());
  if (device != nullptr) std::erase(device->ready, &link);
  if (entry.announced) observer_.on_link_closed(link, reason, text);

  // The observer may have changed the devices.
  if (device = find_device(link.device()); entry.was_ready && device != nullptr) {
    if (steady_now() - link.ready_since() >= config_.stable_after) device->dialer->forget_backoff();
    device->dialer->link_gone(entry.target);
    tell_dialer(*device);
  }
  if (entry.expected && !entry.was_ready) {
    if (device = find_device(*entry.expected); device != nullptr) device->dialer->attempt_failed(std::string(text));
  }
  if (stopping_ && links_.empty() && stopped_) std::exchange(stopped_, nullptr)();
}

void LinkManager::Impl::count_and_log(const Link& link, bool was_ready, CloseReason reason, std::string_view text) {
  ++counters_[static_cast<std::size_t>(reason)];
  closed_totals_.bytes_in += link.bytes_in();
  closed_totals_.bytes_out += link.bytes_out();
  if (const proto::ReasonCounters* reasons = link.protocol_reasons(); reasons != nullptr)
    for (std::size_t i = 0; i < proto::kReasonCount; ++i) protocol_counters_.counts[i] += reasons->counts[i];
  if (was_ready) {
    base::log(Subsystem::kLinks, LogLevel::kInfo, "link closed",
              {{"link", link.number()}, {"device", short_text(link.device())}, {"reason", name_of(reason)},
               {"text", text}, {"bytes_in", link.bytes_in()}, {"bytes_out", link.bytes_out()}});
    return;
  }
  std::uint64_t left_out = 0;
  if (!is_quiet(reason) && !refusal_log_.allow(reason, steady_now(), left_out)) return;
  const bool has_device = link.device() != base::DeviceId{};
  base::log(Subsystem::kLinks, is_quiet(reason) ? LogLevel::kDebug : LogLevel::kWarn, "connection refused",
            {{"link", link.number()}, {"reason", name_of(reason)}, {"text", text}, {"remote", link.remote()},
             {"type", link.type()}, {"device", has_device ? proto::to_text(link.device()) : "unknown"},
             {"not_logged", left_out}});
}

}  // namespace weft::net
