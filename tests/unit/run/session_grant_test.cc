// One session with a peer that is played by hand: grants that come twice, as a new link brings them.
#include <gtest/gtest.h>

#include <deque>

#include "engine/run/weft_session.hh"

namespace weft::run {
namespace {

struct PlayedLink final : SessionLink {
  PlayedLink(std::uint64_t number, std::vector<proto::PrivateMessage>& sent) : number_(number), sent_(sent) {}
  [[nodiscard]] std::uint64_t number() const noexcept override { return number_; }
  void send(const proto::PrivateMessage& message) override { sent_.push_back(message); }
  void flush() override {}
  [[nodiscard]] base::Status export_secret(std::string_view label, base::MutableBytes out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(label.size() + number_ + i);
    return {};
  }
  std::uint64_t number_;
  std::vector<proto::PrivateMessage>& sent_;
};

// An engine of one core and one port whose core answers at once, and the control loop around the session.
struct PlayedWorld final : DataSide, SessionHost, model::FileServer {
  PlayedWorld() : channel_(0, wiring(), {.files = 8}) {}
  CoreWiring wiring() {
    CoreWiring w;
    w.commands = &commands;
    w.events = &events;
    w.table = &table;
    w.report = &report;
    return w;
  }
  [[nodiscard]] std::uint32_t cores() const noexcept override { return 1; }
  [[nodiscard]] CoreChannel& channel(std::uint32_t) noexcept override { return channel_; }
  [[nodiscard]] std::uint32_t fetch_slots() const noexcept override { return 8; }
  [[nodiscard]] std::uint32_t requests_max() const noexcept override { return 8; }
  [[nodiscard]] std::uint32_t ports() const noexcept override { return 1; }
  [[nodiscard]] LocalPort local_port(std::uint32_t) const override {
    return {.name = "p0", .address = {.bytes = {10, 0, 0, 1}}, .prefix_bits = 24, .mtu = 1500, .udp_port = 4000};
  }
  [[nodiscard]] bool link_up(std::uint32_t) const noexcept override { return true; }
  void poll_ports(base::Instant) override {}
  [[nodiscard]] base::Result<share::Flow> make_flow(std::uint32_t, const base::IpAddress& to, std::uint16_t a,
                                                    std::uint16_t b) override {
    return share::Flow{.src = {}, .dst = to, .src_udp = a, .dst_udp = b, .neighbour = 0};
  }
  void post(std::function<void()> later) override { posted.push_back(std::move(later)); }
  void on_paths_changed() override {}
  [[nodiscard]] model::FileServer& file_server() override { return *this; }
  [[nodiscard]] base::Instant now() override { return clock; }
  [[nodiscard]] std::uint32_t random_word() override { return ++words; }
  void open_for_peer(const base::DeviceId&, const model::RemoteFile&, model::ServedDone) override {}

  void run_posted() {
    for (; !posted.empty(); posted.pop_front()) posted.front()();
  }
  // The core takes all commands; it answers those about files unless told to keep them.
  void run_core(bool keep_closes = false) {
    channel_.poll();
    share::Command c;
    while (commands.pop_one(c)) {
      share::Event event{.kind = share::Event::Kind::kFileReady, .session = c.session, .number = 0, .detail = 0};
      if (c.kind == share::Command::Kind::kOpenWrite) event.number = c.body.open_write.file;
      else if (c.kind == share::Command::Kind::kCloseFile && !keep_closes)
        event.kind = share::Event::Kind::kFileGone, event.number = c.body.close_file.file;
      else continue;
      ASSERT_TRUE(events.push_one(event));
    }
    channel_.poll();
    run_posted();
  }

  std::vector<share::Command> command_slots{64};
  std::vector<share::Event> event_slots{8192};
  share::SpscRing<share::Command> commands{command_slots};
  share::SpscRing<share::Event> events{event_slots};
  share::Snapshot<share::PathTable> table;
  share::Snapshot<share::CoreReport> report;
  CoreChannel channel_;
  std::deque<std::function<void()>> posted;
  base::Instant clock{base::seconds(100).ns};
  std::uint32_t words = 0;
};

class SessionGrant : public testing::Test {
 protected:
  // A link comes up and the peer's OFFER, which names the session before as ours does.
  void link_up(std::uint64_t number) {
    sent_.clear();
    session_.on_link_up(std::make_unique<PlayedLink>(number, sent_));
    proto::Offer offer = std::get<proto::Offer>(sent_.front());
    offer.ports[0].address.bytes[3] = 2;
    session_.handle_offer(number, offer);
    world_.run_core();
    sent_.clear();
  }
  // The peer answers on the one path.
  void path_up() {
    share::PathTable table;
    for (int i = 0; i < 3 && !session_.usable(); ++i, world_.clock += base::milliseconds(10)) {
      session_.tick(table, world_.clock);
      auto& report = *report_;
      report.at = world_.clock;
      report.lane_count = 1;
      report.lanes[0] = {};
      report.lanes[0].validated = true;
      report.lanes[0].lane_epoch = 1;
      report.lanes[0].probe_seq_answered = table.paths[0][0].probe_seq;
      report.lanes[0].unanswered_since = base::kNever;
      report.lanes[0].srtt = report.lanes[0].rtt_min = base::milliseconds(1);
      ASSERT_TRUE(world_.report.try_publish(report));
      world_.run_core();
    }
    ASSERT_TRUE(session_.usable());
  }
  template <typename Message> std::vector<Message> sent() {
    std::vector<Message> found;
    for (const auto& message : sent_)
      if (const auto* one = std::get_if<Message>(&message)) found.push_back(*one);
    return found;
  }
  std::vector<proto::PrivateMessage> sent_;   // by the present link
  PlayedWorld world_;
  std::unique_ptr<share::CoreReport> report_ = std::make_unique<share::CoreReport>();
  WeftSession session_{world_, world_, base::SessionId{0}, {std::byte{1}}, {std::byte{2}}};
};

TEST_F(SessionGrant, AGrantSaidAgainForATransferThatCloses) {
  link_up(1);
  path_up();
  bool opened = false, gone = false;
  session_.open(7, {.folder = "f", .name = "n", .version = {}, .size = 10, .block_size = 10}, 99, false,
                [&](base::Result<std::uint32_t> r) { opened = r.has_value(); });
  world_.run_posted();
  ASSERT_EQ(sent<proto::Open>().size(), 1u);
  session_.handle_grant({{{.open_id = 7, .handle = 0x10003, .error = 0}}});
  world_.run_core();
  ASSERT_TRUE(opened);

  session_.close(7, [&] { gone = true; });
  world_.run_core(/*keep_closes=*/true);
  ASSERT_EQ(sent<proto::Release>().size(), 1u);   // and it is lost with its link:
  session_.on_link_down();
  link_up(2);
  ASSERT_FALSE(gone);
  // The peer resumes and says again what it has granted. It must hear that nobody wants it.
  session_.handle_grant({{{.open_id = 7, .handle = 0x10003, .error = 0}}});
  world_.run_posted();
  ASSERT_EQ(sent<proto::Release>().size(), 1u);
  EXPECT_EQ(sent<proto::Release>()[0].handles, std::vector<std::uint32_t>{0x10003});
}

TEST_F(SessionGrant, AGrantSaidAgainForATransferInUseIsNoNews) {
  link_up(1);
  path_up();
  session_.open(7, {.folder = "f", .name = "n", .version = {}, .size = 10, .block_size = 10}, 99, false,
                [](base::Result<std::uint32_t>) {});
  world_.run_posted();
  session_.handle_grant({{{.open_id = 7, .handle = 0x10003, .error = 0}}});
  world_.run_core();
  session_.on_link_down();
  link_up(2);
  session_.handle_grant({{{.open_id = 7, .handle = 0x10003, .error = 0}}});
  world_.run_posted();
  EXPECT_TRUE(sent<proto::Release>().empty());
}

}  // namespace
}  // namespace weft::run
