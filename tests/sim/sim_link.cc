#include "tests/sim/sim_link.hh"

#include <algorithm>
#include <cstring>

#include "engine/wire/sha256.hh"
#include "tests/sim/sim_engine.hh"

namespace weft::sim {

class SimSessionLink final : public run::SessionLink {
 public:
  SimSessionLink(SimLink& link, std::size_t end, std::uint64_t number) : link_(link), end_(end), number_(number) {}
  [[nodiscard]] std::uint64_t number() const noexcept override { return number_; }
  void send(const proto::PrivateMessage& message) override { link_.send(end_, message); }
  void flush() override { link_.flush(end_); }
  [[nodiscard]] base::Status export_secret(std::string_view label, base::MutableBytes out) override {
    // As a TLS exporter: both ends of this link, and no other link of the world, get the same.
    std::vector<std::byte> input(24 + label.size());
    const std::uint64_t words[3] = {
        link_.scene_.swarm.seed, number_,
        std::uint64_t{link_.ends_[0].engine->number()} << 8 | link_.ends_[1].engine->number()};
    std::memcpy(input.data(), words, sizeof words);
    std::memcpy(input.data() + sizeof words, label.data(), label.size());
    const base::Sha256 hash = wire::sha256(input);
    MUST(out.size() <= hash.size());
    std::memcpy(out.data(), hash.data(), out.size());
    return {};
  }

 private:
  SimLink& link_;
  const std::size_t end_;
  const std::uint64_t number_;
};

SimLink::SimLink(Scene& scene, IndexBook& indexes, SimEngine& a, SimEngine& b) : scene_(scene), indexes_(indexes) {
  ends_[0].engine = &a;
  ends_[1].engine = &b;
}

void SimLink::come_up() {
  for (std::size_t i = 0; i < 2; ++i) end(i);  // who has not noticed yet notices now
  ++serial_;
  up_ = true;
  resumes_ = 0;
  delay_ = scene_.dice.spread_time(base::microseconds(50), base::milliseconds(5));
  scene_.note({Who::Kind::kLink, ends_[0].engine->number(), ends_[1].engine->number()}, "comes up", serial_);
  for (std::size_t i = 0; i < 2; ++i) {
    proto::ConnectionConfig config;
    config.hello = {.device_name = "sim", .client_version = "1", .weft_version = 1};
    ends_[i].connection.emplace(config, ends_[i].engine->clock());
    flush(i);
  }
}

void SimLink::lose(base::Duration gone) {
  if (up_) {
    scene_.probes.fire(Probe::link_lost);
    scene_.note({Who::Kind::kLink, ends_[0].engine->number(), ends_[1].engine->number()}, "is lost", serial_);
  }
  up_ = false;
  up_at_ = scene_.now + gone;
  for (End& e : ends_) {
    e.input.clear();
    if (e.connection && e.gone_at == base::kNever)
      e.gone_at = scene_.now + scene_.dice.spread_time(base::microseconds(10), base::milliseconds(300));
  }
}

void SimLink::on_engine_died(const SimEngine& engine) {
  for (End& e : ends_) {
    if (e.engine != &engine) continue;
    lose({});
    e.connection.reset();  // its sessions went with the engine: nobody is told
    e.told = false;
    e.gone_at = base::kNever;
  }
}

void SimLink::end(std::size_t at) {
  End& e = ends_[at];
  e.input.clear();
  e.gone_at = base::kNever;
  if (std::exchange(e.told, false)) e.engine->on_link_down(ends_[1 - at].engine->device());
  e.connection.reset();
}

base::Instant SimLink::poll() {
  const bool both = ends_[0].engine->alive() && ends_[1].engine->alive();
  if (!up_ && both && scene_.now >= up_at_) come_up();
  for (std::size_t i = 0; i < 2; ++i) {
    if (scene_.now >= ends_[i].gone_at) end(i);
    take_input(i);
  }
  return next_due();
}

base::Instant SimLink::next_due() const {
  const bool both = ends_[0].engine->alive() && ends_[1].engine->alive();
  base::Instant due = !up_ && both ? up_at_ : base::kNever;
  for (const End& e : ends_) {
    due = std::min(due, e.gone_at);
    if (!e.input.empty()) due = std::min(due, e.input.front().first);
  }
  return due;
}

void SimLink::flush(std::size_t from) {
  End& e = ends_[from];
  if (!e.connection) return;
  std::vector<std::byte> out;
  while (e.connection->next_output(out)) {
    if (!up_) continue;  // into a broken pipe
    base::Instant due = scene_.now + delay_;
    auto& input = ends_[1 - from].input;
    if (!input.empty()) due = std::max(due, input.back().first);
    // TCP keeps bytes in order and keeps nothing else together.
    const std::size_t cut =
        scene_.dice.one_in(3) ? 1 + scene_.dice.below(static_cast<std::uint32_t>(out.size())) : out.size();
    input.emplace_back(due, std::vector<std::byte>(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(cut)));
    if (cut < out.size())
      input.emplace_back(due + delay_,
                         std::vector<std::byte>(out.begin() + static_cast<std::ptrdiff_t>(cut), out.end()));
    ends_[1 - from].engine->wake_links();
  }
}

void SimLink::take_input(std::size_t at) {
  End& e = ends_[at];
  while (e.connection && !e.input.empty() && e.input.front().first <= scene_.now) {
    const std::vector<std::byte> bytes = std::move(e.input.front().second);
    e.input.pop_front();
    e.connection->handle_bytes(bytes, e.engine->clock());
    proto::Event event;
    while (e.connection && e.connection->next_event(event)) handle(at, event);
    flush(at);
  }
}

void SimLink::handle(std::size_t at, proto::Event& event) {
  End& e = ends_[at];
  const base::DeviceId& peer = ends_[1 - at].engine->device();
  if (std::holds_alternative<proto::HelloReceived>(event)) {
    e.connection->send_cluster_config({}, e.engine->clock());
    e.told = true;
    e.engine->on_link_up(peer, std::make_unique<SimSessionLink>(*this, at, serial_));
  } else if (auto* message = std::get_if<proto::PrivateReceived>(&event)) {
    const auto handled = e.engine->on_private(peer, serial_, static_cast<int>(message->type), message->bytes);
    if (!handled) scene_.checks.fail("messages decode", "e%u: %s", e.engine->number(), handled.error().text);
  } else if (const auto* failed = std::get_if<proto::Failed>(&event)) {
    scene_.checks.fail("messages decode", "e%u: the link failed: %s", e.engine->number(), failed->text.c_str());
  }
}

void SimLink::send(std::size_t from, const proto::PrivateMessage& message) {
  End& e = ends_[from];
  if (!e.connection) return;
  if (const auto* offer = std::get_if<proto::Offer>(&message)) {
    e.base_offered = offer->receiver_index_base;
    const End& other = ends_[1 - from];
    if (other.told) indexes_.pair(e.base_offered, other.base_offered);
    if (offer->session_id_previous != std::array<std::byte, 16>{} && ++resumes_ == 2)
      scene_.probes.fire(Probe::session_resumed);
    // A peer that says it twice must not get a second session under one secret.
    if (scene_.faults_on && scene_.dice.ppm(scene_.swarm.faults.offer_twice_ppm)) {
      scene_.probes.fire(Probe::offer_twice);
      e.connection->send_private(message, e.engine->clock());
    }
  }
  e.connection->send_private(message, e.engine->clock());
}

}  // namespace weft::sim
