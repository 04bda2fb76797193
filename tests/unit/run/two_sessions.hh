// Two shipped WeftSessions and the world that they ask for (session_world.hh): cores that follow a script, ports without a
// device, a link without a socket that carries shipped messages, a file server, and a clock that the test moves.
//
//   End a: WeftSession - ScriptedCore ...        End b: the same
//             +------- TestLink ==== Wire ==== TestLink -------+
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>

#include "engine/base/log.hh"
#include "engine/base/prng.hh"
#include "engine/run/weft_session.hh"
#include "engine/wire/sha256.hh"
#include "tests/unit/run/scripted_core.hh"

namespace weft::run::test {

constexpr base::Instant kStart{base::seconds(1000).ns};

inline base::IpAddress v4(std::uint8_t net, std::uint8_t host) { return {.bytes = {10, 0, net, host}}; }
inline base::IpAddress v6(std::uint8_t host) {
  base::IpAddress address{.bytes = {0xfd}, .v6 = true};
  address.bytes[15] = host;
  return address;
}

// What is between the two ends of a link.
struct Wire {
  explicit Wire(std::uint64_t n) : number(n) {}
  struct Message {
    proto::MessageType type{};
    std::vector<std::byte> bytes;
  };
  const std::uint64_t number;
  std::deque<Message> to[2];                    // flushed and not heard yet, by end
  bool exporter_broken = false;
  // The oldest message to this end, as it decodes.
  [[nodiscard]] std::optional<proto::PrivateMessage> take(int end) {
    if (to[end].empty()) return std::nullopt;
    const auto decoded = proto::decode_private(to[end].front().type, to[end].front().bytes);
    to[end].pop_front();
    EXPECT_TRUE(decoded.has_value());
    return decoded ? std::optional(*decoded) : std::nullopt;
  }
};

class TestLink final : public SessionLink {
 public:
  TestLink(Wire& wire, int end) : wire_(wire), end_(end) {}
  [[nodiscard]] std::uint64_t number() const noexcept override { return wire_.number; }
  void send(const proto::PrivateMessage& message) override {
    staged_.push_back({proto::type_of(message), proto::encode_private(message)});
  }
  void flush() override {
    for (auto& message : std::exchange(staged_, {})) wire_.to[1 - end_].push_back(std::move(message));
  }
  [[nodiscard]] base::Status export_secret(std::string_view label, base::MutableBytes out) override {
    if (wire_.exporter_broken) return base::fail(base::Errc::kCrypto, "no exporter");
    const std::string text = std::string(label) + std::to_string(wire_.number);
    const base::Sha256 secret = wire::sha256(std::as_bytes(std::span(text)));
    std::copy_n(secret.begin(), out.size(), out.begin());
    return {};
  }

 private:
  Wire& wire_;
  const int end_;
  std::vector<Wire::Message> staged_;
};

class TestData final : public DataSide {
 public:
  TestData(std::uint32_t core_count, const std::vector<LocalPort>& of_ports) {
    MUST(of_ports.size() <= base::kPortsMax);
    for (std::size_t i = 0; i < of_ports.size(); ++i) ports[i].here = of_ports[i];
    for (std::uint32_t i = 0; i < core_count; ++i) script.push_back(std::make_unique<ScriptedCore>(i));
  }
  [[nodiscard]] std::uint32_t cores() const noexcept override { return static_cast<std::uint32_t>(script.size()); }
  [[nodiscard]] CoreChannel& channel(std::uint32_t core) noexcept override { return script[core]->channel; }
  [[nodiscard]] std::uint32_t fetch_slots() const noexcept override { return 256; }
  [[nodiscard]] std::uint32_t requests_max() const noexcept override { return kRequestsMax; }
  [[nodiscard]] std::optional<LocalPort> local_port(std::uint32_t port) const override {
    return ports[port].leaves ? std::nullopt : ports[port].here;
  }
  [[nodiscard]] bool leaving(std::uint32_t port) const noexcept override { return ports[port].leaves; }
  void close_port(std::uint32_t port) override {
    ports[port].here.reset();
    ports[port].leaves = false;
  }
  void poll_ports(base::Instant) override {}
  [[nodiscard]] bool link_up(std::uint32_t port) const noexcept override { return ports[port].up; }
  [[nodiscard]] base::Result<share::Flow> make_flow(std::uint32_t port, const base::IpAddress& remote,
                                                    std::uint16_t local_udp, std::uint16_t remote_udp) override {
    const base::IpAddress& ours = ports[port].here.value().address;
    if (remote.v6 != ours.v6) return base::fail(base::Errc::kUnavailable, "no address of that family");
    return share::Flow{.src = ours, .dst = remote, .src_udp = local_udp, .dst_udp = remote_udp,
                       .neighbour = 0};
  }
  // As the engine: a port that takes the number of another has the next generation.
  void add_port(std::uint32_t number, LocalPort port) {
    MUST(!ports[number].here);
    port.generation = ++ports[number].generation;
    ports[number].here = std::move(port);
  }

  std::vector<std::unique_ptr<ScriptedCore>> script;
  struct Port {
    std::optional<LocalPort> here;
    bool leaves = false, up = true;
    std::uint32_t generation = 0;
  };
  std::array<Port, base::kPortsMax> ports;
};

// One device: what stands around its session.
class End final : public SessionHost, public model::FileServer {
 public:
  struct Setup {
    std::vector<LocalPort> ports;
    std::uint32_t cores = 1;
  };
  End(const base::Instant& clock, const Setup& setup, std::uint8_t self, std::uint8_t peer)
      : data(setup.cores, setup.ports), clock_(clock), words_(self),
        session(data, *this, base::SessionId{self}, base::DeviceId{std::byte{self}}, base::DeviceId{std::byte{peer}}) {}

  TestData data;
  int paths_changed = 0;
  EventLog events;
  share::PathTable table;
  std::vector<proto::PrivateMessage> heard;     // from the peer, in order

  // The file server: grants everything, or not, or later.
  base::Errc refuse{};                          // with `refusing`
  bool refusing = false, holding = false;
  struct Asked {
    model::RemoteFile file;
    model::ServedDone done;
  };
  std::vector<Asked> asked;                     // of which the answer is held
  std::vector<int> fds_given;
  void answer(Asked& question) {
    if (refusing) return question.done(base::fail(refuse, "as the test wants it"));
    base::UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    fds_given.push_back(fd.get());
    question.done(model::ServedFile{.fd = std::move(fd), .direct = false,
                                    .size = static_cast<std::uint64_t>(question.file.size)});
  }

  // What it tells the model: the transfers by name of the file; errors instead of numbers.
  struct Opened {
    std::uint32_t transfer = 0;                 // ours
    bool called = false;
    base::Result<std::uint32_t> result = 0u;
  };
  // Opens a file of `size` at the peer, whose number is `transfer`.
  std::shared_ptr<Opened> open(std::uint32_t transfer, std::int64_t size = 1 << 20) {
    auto opened = std::make_shared<Opened>();
    opened->transfer = transfer;
    model::RemoteFile file{.folder = "folder", .name = "file" + std::to_string(transfer), .version = {}, .size = size,
                           .block_size = 128 << 10};
    file.version.update(1, 1);
    session.open(transfer, file, 70 + static_cast<int>(transfer), false, [opened](base::Result<std::uint32_t> r) {
      EXPECT_FALSE(opened->called);
      opened->called = true;
      opened->result = std::move(r);
    });
    return opened;
  }
  struct Ended {
    int count = 0;
    base::Status status;
  };
  std::shared_ptr<Ended> fetch(std::uint32_t transfer, std::uint64_t offset = 0) {
    auto ended = std::make_shared<Ended>();
    session.fetch({.transfer = transfer, .offset = offset, .size = 128 << 10, .hash = {}}, [ended](base::Status s) {
      ++ended->count;
      ended->status = s;
    });
    return ended;
  }
  ScriptedCore& core(std::uint32_t i = 0) { return *data.script[i]; }
  template <typename Message> [[nodiscard]] std::vector<Message> heard_of() const {
    std::vector<Message> out;
    for (const auto& message : heard)
      if (const auto* m = std::get_if<Message>(&message)) out.push_back(*m);
    return out;
  }
  // Returns work done.
  std::uint32_t turn() {
    std::uint32_t work = 0;
    for (auto posted = std::exchange(posted_, {}); !posted.empty(); posted.pop_front(), ++work) posted.front()();
    for (auto& core : data.script) {
      work += core->channel.poll();
      work += core->poll(clock_);
      work += core->channel.poll();
    }
    return work;
  }
  void handle(std::uint64_t link, const proto::PrivateMessage& message) {
    heard.push_back(message);
    if (const auto* offer = std::get_if<proto::Offer>(&message)) session.handle_offer(link, *offer);
    if (const auto* open = std::get_if<proto::Open>(&message)) session.handle_open(*open);
    if (const auto* grant = std::get_if<proto::Grant>(&message)) session.handle_grant(*grant);
    if (const auto* release = std::get_if<proto::Release>(&message)) session.handle_release(*release);
    if (const auto* paths = std::get_if<proto::Paths>(&message)) session.handle_paths(link, *paths);
  }

 private:
  [[nodiscard]] base::Instant now() override { return clock_; }
  [[nodiscard]] std::uint32_t random_word() override { return static_cast<std::uint32_t>(words_.next()); }
  void post(std::function<void()> later) override { posted_.push_back(std::move(later)); }
  void on_paths_changed() override { ++paths_changed; }
  void on_event(const char* type, EventData of) override { events.add(type, std::move(of), clock_.ns / 1'000'000); }
  [[nodiscard]] model::FileServer& file_server() override { return *this; }
  void open_for_peer(const base::DeviceId&, const model::RemoteFile& file, model::ServedDone done) override {
    if (holding) return asked.push_back({file, std::move(done)});
    post([this, question = Asked{file, std::move(done)}]() mutable { answer(question); });
  }

  const base::Instant& clock_;
  base::Prng words_;
  std::deque<std::function<void()>> posted_;

 public:
  WeftSession session;
};

inline LocalPort port_of(const char* name, const base::IpAddress& address) {
  return {.name = name, .address = address, .prefix_bits = address.v6 ? 64u : 24u, .mtu = 1500,
          .speed_Bps = 1'250'000'000, .udp_port = 22100};
}

inline End::Setup two_ports(std::uint8_t host, std::uint32_t cores = 1) {
  return {.ports = {port_of("p0", v4(0, host)), port_of("p1", v4(1, host))}, .cores = cores};
}

// `a` has the lower device ID.
class World {
 public:
  explicit World(const End::Setup& setup_a = two_ports(1), const End::Setup& setup_b = two_ports(2))
      : a(now, setup_a, 1, 2), b(now, setup_b, 2, 1) {
    base::configure_log(base::all_at(base::LogLevel::kError), base::LogFormat::kText);   // hundreds of paths come and go here
  }

  void link_up() {
    wire = std::make_unique<Wire>(++links_);
    a.session.on_link_up(std::make_unique<TestLink>(*wire, 0));
    b.session.on_link_up(std::make_unique<TestLink>(*wire, 1));
    settle();
  }
  void link_down() {
    a.session.on_link_down();
    b.session.on_link_down();
    wire.reset();
    settle();
  }
  // What is under way without time passing: posted calls, cores, the link. `deaf`: hears nothing of it.
  void settle(const End* deaf = nullptr) {
    for (std::uint32_t work = 1; work > 0;) {
      work = a.turn() + b.turn();
      if (wire != nullptr) work += carry(0, a, deaf == &a) + carry(1, b, deaf == &b);
    }
  }
  void run(base::Duration time) {
    for (const base::Instant end = now + time; now < end;) {
      now += base::milliseconds(10);
      settle();
      for (End* end_of : {&a, &b}) {
        end_of->session.tick(end_of->table, now);
        for (auto& core : end_of->data.script) EXPECT_TRUE(core->channel.try_publish(end_of->table));
      }
      settle();
    }
  }
  // A session with paths that carry.
  void connect() {
    link_up();
    run(base::milliseconds(50));
    ASSERT_TRUE(a.session.usable());
    ASSERT_TRUE(b.session.usable());
  }
  // A file of b opened by a.
  void open(std::uint32_t transfer) {
    const auto opened = a.open(transfer);
    settle();
    ASSERT_TRUE(opened->called);
    ASSERT_TRUE(opened->result.has_value());
  }
  void set_answering(bool answering) {
    for (End* end : {&a, &b})
      for (auto& core : end->data.script) core->answering = answering;
  }

  base::Instant now = kStart;
  End a, b;
  std::unique_ptr<Wire> wire;                   // of the present link

 private:
  // Returns messages carried.
  std::uint32_t carry(int number, End& end, bool deaf) {
    std::uint32_t count = 0;
    for (; const auto message = wire->take(number); ++count)
      if (!deaf) end.handle(wire->number, *message);
    return count;
  }
  std::uint64_t links_ = 0;
};

}  // namespace weft::run::test
