#include "engine/run/datapath.hh"

#include <openssl/rand.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

#include "bep/net/link.hh"

namespace weft::run {

namespace {

class NetSessionLink final : public SessionLink {
 public:
  NetSessionLink(net::Link& link, base::Clock& clock) : link_(link), clock_(clock) {}
  [[nodiscard]] std::uint64_t number() const noexcept override { return link_.number(); }
  void send(const proto::PrivateMessage& message) override { link_.connection().send_private(message, clock_.now()); }
  void flush() override { link_.flush(); }
  [[nodiscard]] base::Status export_secret(std::string_view label, base::MutableBytes out) override {
    return link_.export_secret(label, {}, out);
  }

 private:
  net::Link& link_;   // valid until on_link_down, which ends this too
  base::Clock& clock_;
};

}  // namespace

Datapath::Datapath(boost::asio::io_context& io, Engine* engine, const base::DeviceId& self, share::Policy policy,
                   const SessionSettings& settings)
    : io_(io), timer_(io), policy_(policy) {
  if (engine == nullptr) return;
  sessions_ = std::make_unique<Sessions>(*engine, *this, self, policy, settings);
  wishes_ = SessionWishes(sessions_.get());
}

Datapath::~Datapath() = default;

void Datapath::start(model::FileServer& server, std::function<void()> on_paths_changed) {
  server_ = &server;
  paths_changed_ = std::move(on_paths_changed);
  if (sessions_ != nullptr) arm();
}

void Datapath::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Datapath::post(std::function<void()> later) {
  boost::asio::post(io_, [this, later = std::move(later)] {
    if (!stopped_) later();
  });
}

void Datapath::on_paths_changed() {
  post([this] {
    if (paths_changed_) paths_changed_();
  });
}

void Datapath::on_event(const char* type, EventData data) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  events_.add(type, std::move(data), std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

std::uint32_t Datapath::random_word() {
  std::uint32_t value = 0;
  MUST(RAND_bytes(reinterpret_cast<unsigned char*>(&value), sizeof value) == 1);
  return value;
}

bool Datapath::usable(const base::DeviceId& device) const { return sessions_ != nullptr && sessions_->usable(device); }

void Datapath::open(const base::DeviceId& device, const model::RemoteFile& file, int fd, bool direct,
                    model::OpenDone done) {
  if (sessions_ != nullptr) {
    sessions_->open(device, file, fd, direct, std::move(done));
    return hasten();
  }
  post([done = std::move(done)] { done(base::fail(base::Errc::kUnavailable, "no ports are configured")); });
}

void Datapath::fetch(const model::BlockOrder& order, model::BlockDone done) {
  MUST(sessions_ != nullptr);
  sessions_->fetch(order, std::move(done));
}

void Datapath::close(std::uint32_t transfer, std::function<void()> gone) {
  MUST(sessions_ != nullptr);
  sessions_->close(transfer, std::move(gone));
}

std::uint32_t Datapath::window_blocks(const base::DeviceId&, std::uint32_t block_bytes) const {
  return sessions_ == nullptr ? 1 : sessions_->window_blocks(block_bytes);
}

void Datapath::on_link_up(net::Link& link) {
  if (sessions_ == nullptr || !link.peer_is_weft()) return;
  sessions_->on_link_up(link.device(), std::make_unique<NetSessionLink>(link, clock_));
  hasten();
}

void Datapath::on_link_down(net::Link& link) {
  if (sessions_ != nullptr) sessions_->on_link_down(link.device());
}

void Datapath::on_private(net::Link& link, int type, base::Bytes bytes) {
  if (sessions_ == nullptr) return;
  if (const auto handled = sessions_->handle_private(link.device(), link.number(), type, bytes); !handled)
    link.close(std::string("protocol error: ") + handled.error().text, net::CloseReason::kProtocol);
  else
    hasten();
}

bool Datapath::set_policy(share::Policy policy) {
  if (sessions_ == nullptr) return false;
  policy_ = policy;
  sessions_->set_policy(policy);
  return true;
}

void Datapath::arm() {
  if (stopped_) return;
  timer_.expires_after(std::chrono::nanoseconds(sessions_->tick_after().ns));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error || stopped_) return;
    sessions_->tick();
    arm();
  });
}

void Datapath::hasten() {
  const std::chrono::nanoseconds after(sessions_->tick_after().ns);
  if (timer_.expiry() > std::chrono::steady_clock::now() + after) arm();
}

std::vector<Sessions::SessionShown> Datapath::sessions() const {
  return sessions_ == nullptr ? std::vector<Sessions::SessionShown>{} : sessions_->shown();
}

std::optional<SteeringShown> Datapath::steering(const base::DeviceId& device) const {
  return sessions_ == nullptr ? std::nullopt : sessions_->steering(device);
}

}  // namespace weft::run
