#include "bep/net/link_manager.hh"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <set>
#include <utility>

#include "bep/net/dial_source.hh"
#include "bep/net/link_manager_impl.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"
#include "engine/base/must.hh"
#include "engine/base/random_seed.hh"

namespace weft::net {
namespace {

using base::Errc;
using base::fail;

base::Status check_listeners(const std::vector<std::string>& listen, std::string& why) {
  for (const std::string& text : listen) {
    const base::Result<Address> address = parse_address(text, AddressUse::kListen);
    // quic and relay stand in every stock home: they are left out with a line, not refused.
    if (!address && address.error().code == Errc::kUnsupported) continue;
    const base::Status usable =
        address ? check_listen_host(*address) : base::Status(tl::unexpected<base::Error>(address.error()));
    if (usable) continue;
    why = "listenAddress \"" + text + "\": " + usable.error().text;
    return fail(Errc::kInvalidConfig, usable.error().text);
  }
  return {};
}

base::Status check_devices(const std::vector<LinkDevice>& devices, std::string& why) {
  std::set<base::DeviceId> seen;
  if (devices.size() > LinkManager::kDevicesMax) {
    why = "more than 1024 devices are configured; remove some";
    return fail(Errc::kLimit, "too many devices");
  }
  for (const LinkDevice& device : devices) {
    const std::string id = proto::to_text(device.id);
    if (!seen.insert(device.id).second) {
      why = "device " + id + " is configured twice; remove one";
      return fail(Errc::kInvalidConfig, "a device is configured twice");
    }
    if (device.addresses.size() > LinkManager::kAddressesPerDeviceMax) {
      why = "device " + id + " has more than 16 addresses; remove some";
      return fail(Errc::kLimit, "too many addresses of a device");
    }
    for (const std::string& text : device.addresses) {
      const base::Result<Address> address = parse_address(text, AddressUse::kDial);
      if (address || address.error().code == Errc::kUnsupported) continue;
      why = "device " + id + ", address \"" + text + "\": " + address.error().text;
      return fail(Errc::kInvalidConfig, address.error().text);
    }
  }
  return {};
}

}  // namespace

base::Result<std::unique_ptr<LinkManager>> LinkManager::make(boost::asio::io_context& io, LinkManagerConfig config,
                                                             LinkObserver& observer, std::string& why) {
  MUST(config.identity != nullptr);
  MUST(!config.redial.empty());
  TRY(check_listeners(config.listen, why));
  TRY(check_devices(config.devices, why));
  TlsContext tls = TRY(TlsContext::make(*config.identity, why));
  if (config.seed == 0) config.seed = base::random_seed();
  std::vector<LinkDevice> devices = std::move(config.devices);
  auto impl = std::make_unique<Impl>(io, std::move(config), std::move(tls), observer);
  MUST(impl->config_.dial_from.size() <= kSourcesMax);
  for (const std::string& text : impl->config_.listen) impl->add_listener(text);
  impl->set_devices(std::move(devices));
  return std::unique_ptr<LinkManager>(new LinkManager(std::move(impl)));
}

LinkManager::LinkManager(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LinkManager::~LinkManager() = default;

void LinkManager::Impl::add_listener(const std::string& text) {
  const base::Result<Address> address = parse_address(text, AddressUse::kListen);
  if (!address) {
    refused_listeners_.push_back({.configured = text, .actual = {}, .error = address.error().text});
    base::log(base::Subsystem::kLinks, base::LogLevel::kInfo, "listener left out",
              {{"address", text}, {"why", address.error().text}});
    return;
  }
  std::optional<PortChoice> choice;
  if (config_.random_ports)
    choice.emplace(*config_.random_ports, remembered_ports_.of(text), prng_.next());
  listeners_.push_back(std::make_shared<Listener>(io_, *this, text, *address, choice));
  if (config_.passed != nullptr) listeners_.back()->take_from(*config_.passed);
}

void LinkManager::Impl::set_devices(std::vector<LinkDevice> devices) {
  std::map<base::DeviceId, Device> wanted;
  for (LinkDevice& config : devices) {
    if (config.id == config_.identity->id() || wanted.size() == kDevicesMax) continue;
    const base::DeviceId id = config.id;
    auto node = devices_.extract(id);
    Device device = node.empty() ? Device{} : std::move(node.mapped());
    if (!device.dialer)
      device.dialer = std::make_shared<Dialer>(io_, *this, id, Backoff(config_.redial, prng_.next()),
                                               config_.dial_times);
    const bool changed = device.config.addresses != config.addresses || device.config.paused != config.paused;
    device.config = std::move(config);
    device.dialer->set_addresses(device.config.paused ? std::vector<std::string>{} : device.config.addresses, config_.dial_from);
    if (config_.history != nullptr)
      for (const Dialer::Target& target : device.dialer->targets())
        device.dialer->set_record(target.text, config_.history->of(id, target.text));
    if (changed && started_ && !stopping_) device.dialer->dial_now();  // a new address need not wait for the back-off
    std::erase_if(pending_, [&](const PendingDevice& p) { return p.id == id; });
    wanted.insert_or_assign(id, std::move(device));
  }
  for (auto& [id, gone] : devices_) gone.dialer->stop();
  devices_ = std::move(wanted);
  for (auto& [number, entry] : links_) {
    if (entry.link->device() == base::DeviceId{}) continue;  // its device ID will be checked when it is known
    const Device* device = find_device(entry.link->device());
    if (device == nullptr) entry.link->close("the device was removed", CloseReason::kLocal);
    else if (device->config.paused) entry.link->close("the device was paused", CloseReason::kPaused);
  }
  if (!started_ || stopping_) return;
  for (auto& [id, device] : devices_) device.dialer->start();
}

void LinkManager::start() {
  MUST(!impl_->started_);
  impl_->started_ = true;
  for (const auto& listener : impl_->listeners_) listener->start();
  for (auto& [id, device] : impl_->devices_) device.dialer->start();
}

void LinkManager::stop(std::function<void()> done) {
  impl_->stopping_ = true;
  for (const auto& listener : impl_->listeners_) listener->stop();
  for (auto& [id, device] : impl_->devices_) device.dialer->stop();
  for (auto& [number, entry] : impl_->links_) entry.link->close("shutting down", CloseReason::kLocal);
  if (!done) return;
  if (!impl_->links_.empty()) impl_->stopped_ = std::move(done);
  else boost::asio::post(impl_->io_, std::move(done));
}

std::vector<Link*> LinkManager::links_of(const base::DeviceId& device) {
  const Impl::Device* found = impl_->find_device(device);
  return found == nullptr ? std::vector<Link*>{} : found->live();
}

Link* LinkManager::link_of(const base::DeviceId& device) {
  const std::vector<Link*> links = links_of(device);
  return links.empty() ? nullptr : links.front();
}

std::vector<Link*> LinkManager::links() {
  std::vector<Link*> all;
  for (const auto& [id, device] : impl_->devices_) {
    const std::vector<Link*> some = device.live();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void LinkManager::close_device(const base::DeviceId& device, std::string_view text) {
  for (auto& [number, entry] : impl_->links_)
    if (entry.link->device() == device) entry.link->close(text, CloseReason::kLocal);
}

void LinkManager::dial_now(const base::DeviceId& device) {
  Impl::Device* found = impl_->find_device(device);
  if (found != nullptr && impl_->started_ && !impl_->stopping_) found->dialer->dial_now();
}

void LinkManager::pass_listeners(PassedSockets& next) {
  for (const auto& listener : impl_->listeners_) listener->pass_to(next);
}

std::size_t LinkManager::ways_to(const base::DeviceId& device) const {
  const Impl::Device* found = impl_->find_device(device);
  if (found == nullptr) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(found->dialer->targets(), [](const Dialer::Target& target) { return target.address.has_value(); }));
}

void LinkManager::set_devices(std::vector<LinkDevice> devices) { impl_->set_devices(std::move(devices)); }

std::vector<ListenerStatus> LinkManager::listeners() const {
  std::vector<ListenerStatus> all;
  for (const auto& listener : impl_->listeners_)
    all.push_back({listener->configured(), listener->actual(), listener->port(), listener->error()});
  all.insert(all.end(), impl_->refused_listeners_.begin(), impl_->refused_listeners_.end());
  return all;
}

std::vector<DialStatus> LinkManager::dial_status() const {
  std::vector<DialStatus> all;
  for (const auto& [id, device] : impl_->devices_)
    for (const Dialer::Target& target : device.dialer->targets())
      all.push_back({id, target.text, target.tried_unix_ms, target.ok, target.error});
  return all;
}

const DialCounters& LinkManager::dials() const { return impl_->dials_; }
const HandshakeCounters& LinkManager::handshakes() const { return impl_->handshakes_; }

std::uint64_t LinkManager::times_connected(const base::DeviceId& device) const {
  const Impl::Device* found = impl_->find_device(device);
  return found == nullptr ? 0 : found->times_connected;
}

const std::vector<PendingDevice>& LinkManager::pending() const { return impl_->pending_; }
const CloseCounters& LinkManager::counters() const { return impl_->counters_; }
const proto::ReasonCounters& LinkManager::protocol_counters() const { return impl_->protocol_counters_; }

LinkTotals LinkManager::totals() const {
  LinkTotals totals = impl_->closed_totals_;
  for (const auto& [number, entry] : impl_->links_) {
    totals.bytes_in += entry.link->bytes_in();
    totals.bytes_out += entry.link->bytes_out();
  }
  return totals;
}

std::size_t LinkManager::handshaking() const {
  return static_cast<std::size_t>(std::count_if(impl_->links_.begin(), impl_->links_.end(), [](const auto& item) {
    return !item.second.was_ready;
  }));
}

}  // namespace weft::net
