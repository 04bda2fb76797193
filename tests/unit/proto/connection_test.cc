#include "bep/proto/connection.hh"

#include <gtest/gtest.h>

#include "bep/proto/pb.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using base::Instant;
using base::seconds;
using test::Buffer;
using test::encoded;
using test::frame;

constexpr Instant kStart{1'000'000};

ConnectionConfig config_of(std::uint32_t weft_version) {
  ConnectionConfig config;
  config.hello.device_name = "here";
  config.hello.weft_version = weft_version;
  return config;
}

Buffer all_output(Connection& connection) {
  Buffer all, one;
  while (connection.next_output(one)) append(all, one);
  return all;
}

std::vector<Event> all_events(Connection& connection) {
  std::vector<Event> events;
  for (Event event; connection.next_event(event);) events.push_back(std::move(event));
  return events;
}

// A connection whose peer has said Hello and, if asked, its ClusterConfig; ours are sent and taken
// away.
Connection opened(bool weft_peer = false, bool cluster_config = true) {
  Connection connection(config_of(kWeftVersion), kStart);
  Hello hello;
  hello.weft_version = weft_peer ? kWeftVersion : 0;
  connection.handle_bytes(encode_hello(hello), kStart);
  if (cluster_config) connection.handle_bytes(frame(MessageType::kClusterConfig, {}), kStart);
  EXPECT_EQ(all_events(connection).size(), cluster_config ? 2u : 1u);
  connection.send_cluster_config({}, kStart);
  (void)all_output(connection);
  return connection;
}

// What the bytes lead to: events by index of the variant and, for Failed, the reason.
struct Seen {
  std::vector<std::size_t> kinds;
  Reason reason = Reason::kNone;
  std::string text;
};
Seen seen(Connection& connection, const Buffer& bytes) {
  connection.handle_bytes(bytes, kStart);
  Seen out;
  for (const Event& event : all_events(connection)) {
    out.kinds.push_back(event.index());
    if (const auto* failed = std::get_if<Failed>(&event)) {
      out.reason = failed->reason;
      out.text = failed->text;
    }
  }
  return out;
}

// The reason of the Close message in `bytes`, "" if there is none.
std::string close_in(const Buffer& bytes) {
  FrameDecoder decoder;
  decoder.feed(bytes);
  std::string reason;
  for (Frame out; decoder.next(out) == FrameDecoder::Outcome::kFrame;)
    if (out.type == MessageType::kClose && decode_close(out.payload, reason) != Reason::kNone)
      ADD_FAILURE() << "our own Close does not decode";
  return reason;
}

Request sample_request() {
  Request request;
  request.id = 4;
  request.folder = "f";
  request.name = "a";
  request.size = 5;
  request.hash = Buffer(32);
  return request;
}

// Moves everything `from` has to say to `to`.
void carry(Connection& from, Connection& to) { to.handle_bytes(all_output(from), kStart); }

TEST(Connection, TwoOfThemTalk) {
  Connection a(config_of(kWeftVersion), kStart), b(config_of(kWeftVersion), kStart);
  carry(a, b);
  carry(b, a);
  auto events = all_events(a);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<HelloReceived>(events[0]).hello.device_name, "here");
  EXPECT_EQ(all_events(b).size(), 1u);
  EXPECT_TRUE(a.peer_is_weft());

  ClusterConfig config;
  config.folders.push_back({.id = "f", .label = "label", .devices = {}});
  a.send_cluster_config(config, kStart);
  b.send_cluster_config({}, kStart);
  base::Prng prng(1);
  Index index;
  index.folder = "f";
  index.files = {test::file_of("a", 300'000, prng)};
  a.send_index(false, index, kStart);
  a.send_index(true, index, kStart);
  a.send_request(sample_request(), kStart);
  a.send_private(Release{{5}}, kStart);
  carry(a, b);
  events = all_events(b);
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(std::get<ClusterConfigReceived>(events[0]).config, config);
  EXPECT_FALSE(std::get<IndexReceived>(events[1]).update);
  EXPECT_EQ(std::get<IndexReceived>(events[1]).index, index);
  EXPECT_TRUE(std::get<IndexReceived>(events[2]).update);
  EXPECT_EQ(std::get<RequestReceived>(events[3]).request, sample_request());
  const auto& release = std::get<PrivateReceived>(events[4]);
  EXPECT_EQ(decode_private(release.type, release.bytes).value(), PrivateMessage(Release{{5}}));

  const Buffer data(200'000, std::byte{9});
  b.send_response(4, ErrorCode::kNone, data, kStart);
  b.send_response(0, ErrorCode::kNoSuchFile, data, kStart);
  b.send_close("done", kStart);
  EXPECT_TRUE(b.ended());
  carry(b, a);
  events = all_events(a);
  ASSERT_EQ(events.size(), 4u);
  const auto& response = std::get<ResponseReceived>(events[1]);
  EXPECT_EQ(response.id, 4);
  EXPECT_TRUE(std::equal(response.data.bytes().begin(), response.data.bytes().end(), data.begin(),
                         data.end()));
  EXPECT_EQ(std::get<ResponseReceived>(events[2]).code, ErrorCode::kNoSuchFile);
  EXPECT_EQ(std::get<ResponseReceived>(events[2]).data.size, 0u);
  EXPECT_EQ(std::get<PeerClosed>(events[3]).reason, "done");
  EXPECT_TRUE(a.ended());
}

TEST(Connection, ResponsesAreNotCopied) {
  Connection connection = opened();
  Buffer data(500'000, std::byte{1});
  const std::byte* at = data.data();
  connection.send_response(7, ErrorCode::kNone, std::move(data), kStart);
  EXPECT_GT(connection.output_bytes_pending(), 500'000u);
  Buffer head, body;
  ASSERT_TRUE(connection.next_output(head));
  ASSERT_TRUE(connection.next_output(body));
  EXPECT_LT(head.size(), 48u);
  EXPECT_EQ(body.data(), at);
  EXPECT_EQ(connection.output_bytes_pending(), 0u);
}

TEST(Connection, ResponsesArePackedWhenAsked) {
  ConnectionConfig config = config_of(0);
  config.compression = Compression::kAlways;
  Connection connection(config, kStart);
  connection.send_cluster_config({}, kStart);
  (void)all_output(connection);
  connection.send_response(7, ErrorCode::kNone, Buffer(100'000), kStart);
  const Buffer bytes = all_output(connection);
  EXPECT_LT(bytes.size(), 2000u);
  Connection peer = opened();
  peer.handle_bytes(bytes, kStart);
  const auto events = all_events(peer);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<ResponseReceived>(events[0]).data.bytes().size(), 100'000u);
}

// What each message does in each state. Rows: message. Columns: before Hello's end is not a state
// in which messages can be told apart, so: waiting for ClusterConfig, ready.
TEST(Connection, OrderTable) {
  const auto kind = [](const Event& event) { return event.index(); };
  const std::size_t config = kind(ClusterConfigReceived{}), index = kind(IndexReceived{}),
                    request = kind(RequestReceived{}), response = kind(ResponseReceived{}),
                    progress = kind(DownloadProgressReceived{}), closed = kind(PeerClosed{}),
                    failed = kind(Failed{}), weft = kind(PrivateReceived{});
  constexpr std::size_t kNothing = 99;
  struct Row {
    Buffer bytes;
    bool weft_peer;
    std::size_t first, ready;
  };
  const Buffer release = frame(MessageType::kRelease, test::hex("0a0101"));
  const std::vector<Row> rows = {
      {frame(MessageType::kClusterConfig, {}), false, config, config},
      {frame(MessageType::kIndex, {}), false, failed, index},
      {frame(MessageType::kIndexUpdate, {}), false, failed, index},
      {frame(MessageType::kRequest, encoded(sample_request())), false, failed, request},
      {frame(MessageType::kResponse, {}), false, failed, response},
      {frame(MessageType::kDownloadProgress, {}), false, failed, progress},
      {frame(MessageType::kPing, {}), false, failed, kNothing},
      {frame(MessageType::kClose, {}), false, closed, closed},
      {frame(static_cast<MessageType>(8), {}), false, kNothing, kNothing},
      {frame(static_cast<MessageType>(100'000), Buffer(1000)), false, kNothing, kNothing},
      {release, false, kNothing, kNothing},
      {release, true, failed, weft},
      {frame(MessageType::kPaths, {}), true, failed, weft},
      {frame(static_cast<MessageType>(1006), {}), true, kNothing, kNothing},
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const bool ready : {false, true}) {
      SCOPED_TRACE(testing::Message() << "row " << i << (ready ? " ready" : " first"));
      Connection connection = opened(rows[i].weft_peer, ready);
      const Seen got = seen(connection, rows[i].bytes);
      const std::size_t wanted = ready ? rows[i].ready : rows[i].first;
      if (wanted == kNothing) {
        EXPECT_TRUE(got.kinds.empty());
      } else {
        ASSERT_EQ(got.kinds.size(), 1u);
        EXPECT_EQ(got.kinds[0], wanted);
      }
      EXPECT_EQ(connection.ended(), wanted == failed || wanted == closed);
      if (wanted == failed) {
        EXPECT_EQ(got.reason, Reason::kNotClusterConfigFirst);
        EXPECT_EQ(close_in(all_output(connection)), text_of(Reason::kNotClusterConfigFirst));
      }
    }
  }
}

TEST(Connection, DispatchErrorsSayClose) {
  base::Prng prng(1);
  Index bad_name;
  bad_name.folder = "f";
  bad_name.files = {test::file_of("../../x\n", 5, prng)};
  Request bad_range = sample_request();
  bad_range.offset = -1;
  bep::ClusterConfig short_id;
  short_id.add_folders()->add_devices()->set_id("short");
  struct Case { Buffer bytes; Reason reason; const char* text; };
  for (const Case& c : std::vector<Case>{
           {frame(MessageType::kIndex, encoded(bad_name)), Reason::kNameInvalid,
            "protocol error: invalid file name: ../../x?"},
           {frame(MessageType::kRequest, encoded(bad_range)), Reason::kRequestRange,
            "protocol error: request with an impossible range: a"},
           {frame(MessageType::kClusterConfig, bytes_of(short_id.SerializeAsString())),
            Reason::kDeviceIdLength, "protocol error: a device ID is not 32 bytes long"},
           {frame(MessageType::kOpen, test::hex("0a0208")), Reason::kPrivateBroken,
            "protocol error: weft message does not decode: weft message does not decode"}}) {
    Connection connection = opened(true);
    const Seen got = seen(connection, c.bytes);
    EXPECT_EQ(got.text, c.text);
    EXPECT_EQ(got.reason, c.reason);
    EXPECT_EQ(close_in(all_output(connection)), c.text);
    EXPECT_EQ(connection.counters().reasons.of(c.reason), 1u);
  }
}

TEST(Connection, StreamErrorsSayNothing) {
  for (const char* bytes : {"ffff", "0002 0806 80000000", "0004 0801 1001 00000003 000000",
                            "0002 0801 00000002 1205"}) {
    Connection connection = opened();
    const Seen got = seen(connection, test::hex(bytes));
    ASSERT_EQ(got.kinds.size(), 1u) << bytes;
    EXPECT_TRUE(closes_link(got.reason));
    EXPECT_TRUE(all_output(connection).empty()) << bytes;
    EXPECT_TRUE(connection.ended());
    // Deaf and dumb from now on.
    EXPECT_TRUE(seen(connection, frame(MessageType::kClose, {})).kinds.empty());
    connection.send_request(sample_request(), kStart);
    connection.send_close("x", kStart);
    EXPECT_TRUE(all_output(connection).empty());
    EXPECT_EQ(connection.next_deadline(), base::kNever);
  }
}

TEST(Connection, HelloErrors) {
  Connection connection(config_of(0), kStart);
  const Seen got = seen(connection, test::hex("474554202f20"));   // "GET / "
  EXPECT_EQ(got.reason, Reason::kHelloMagicUnknown);
  EXPECT_TRUE(connection.ended());
}

TEST(Connection, EverythingInOneReadAndByteByByte) {
  Buffer stream = encode_hello({});
  append(stream, frame(MessageType::kClusterConfig, {}));
  append(stream, frame(MessageType::kPing, {}));
  append(stream, frame(MessageType::kRequest, encoded(sample_request())));
  Connection whole(config_of(0), kStart), slow(config_of(0), kStart);
  const Seen at_once = seen(whole, stream);
  EXPECT_EQ(at_once.kinds.size(), 3u);
  std::vector<std::size_t> kinds;
  for (const std::byte byte : stream)
    for (const std::size_t kind : seen(slow, {byte}).kinds) kinds.push_back(kind);
  EXPECT_EQ(kinds, at_once.kinds);
  EXPECT_EQ(whole.counters().messages_in, 3u);
  EXPECT_EQ(whole.counters().bytes_in, stream.size());
}

TEST(Connection, HelloTimeout) {
  Connection connection(config_of(0), kStart);
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(20));
  connection.handle_timeout(kStart + seconds(19));
  EXPECT_TRUE(all_events(connection).empty());
  connection.handle_timeout(kStart + seconds(20));
  const auto events = all_events(connection);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<Failed>(events[0]).reason, Reason::kHelloTimeout);
  EXPECT_EQ(connection.next_deadline(), base::kNever);
}

TEST(Connection, PingsAfterWriteSilenceOnly) {
  Connection connection = opened();
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(45));
  connection.send_request(sample_request(), kStart + seconds(30));
  (void)all_output(connection);
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(75));
  connection.handle_timeout(kStart + seconds(75));
  EXPECT_EQ(all_output(connection), test::golden("ping"));
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(120));
  // While output waits for a slow peer, no Ping is added to it.
  connection.send_request(sample_request(), kStart + seconds(76));
  const std::size_t pending = connection.output_bytes_pending();
  connection.handle_timeout(kStart + seconds(130));
  EXPECT_EQ(connection.output_bytes_pending(), pending);
  EXPECT_GT(connection.next_deadline(), kStart + seconds(130));
}

TEST(Connection, HowOftenItPingsMayChangeUnderWay) {
  Connection connection = opened();
  connection.set_ping_interval(seconds(5));
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(5));
  connection.handle_timeout(kStart + seconds(5));
  EXPECT_EQ(all_output(connection), test::golden("ping"));
  connection.set_ping_interval(seconds(120));
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(125));
}

TEST(Connection, NoPingBeforeOurClusterConfig) {
  Connection connection(config_of(0), kStart);
  connection.handle_bytes(encode_hello({}), kStart);
  EXPECT_EQ(all_events(connection).size(), 1u);
  EXPECT_EQ(connection.next_deadline(), kStart + seconds(300));
}

TEST(Connection, ReadTimeout) {
  Connection connection = opened();
  connection.handle_bytes(frame(MessageType::kPing, {}), kStart + seconds(100));
  EXPECT_TRUE(all_events(connection).empty());
  Instant now = kStart;
  std::vector<Event> events;
  while (events.empty()) {
    now = connection.next_deadline();
    ASSERT_NE(now, base::kNever);
    connection.handle_timeout(now);
    (void)all_output(connection);
    events = all_events(connection);
  }
  EXPECT_EQ(now, kStart + seconds(400));
  EXPECT_EQ(std::get<Failed>(events[0]).reason, Reason::kReadTimeout);
}

TEST(Connection, SmallMessagesShareABuffer) {
  Connection connection = opened();
  for (int i = 0; i < 100; ++i) connection.send_request(sample_request(), kStart);
  Buffer first, second;
  ASSERT_TRUE(connection.next_output(first));
  EXPECT_FALSE(connection.next_output(second));
  EXPECT_EQ(connection.counters().bytes_out,
            first.size() + encode_hello(config_of(kWeftVersion).hello).size() + 6);
}

TEST(Connection, LongOpensGoOutInParts) {
  Connection connection = opened(true), peer = opened(true);
  Open open;
  for (std::uint32_t i = 0; i < 200; ++i)
    open.files.push_back({i, "f", std::string(90'000, 'x'), {}, 1, 131'072, 0});
  connection.send_private(open, kStart);
  peer.handle_bytes(all_output(connection), kStart);
  Open all;
  for (const Event& event : all_events(peer)) {
    const auto& part = std::get<PrivateReceived>(event);
    EXPECT_LE(part.bytes.size(), kPrivateBytesMax);
    const PrivateMessage message = decode_private(part.type, part.bytes).value();
    const auto& files = std::get<Open>(message).files;
    all.files.insert(all.files.end(), files.begin(), files.end());
  }
  EXPECT_EQ(all, open);
}

TEST(Connection, SpoiltEntriesAreCountedAndGivenOut) {
  base::Prng prng(1);
  Index index;
  index.files = {test::file_of("a", 5, prng), test::file_of("b", 5, prng)};
  index.files[0].blocks[0].size = 4;
  Connection connection = opened();
  connection.handle_bytes(frame(MessageType::kIndex, encoded(index)), kStart);
  const auto events = all_events(connection);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<IndexReceived>(events[0]).spoilt.of(Reason::kBlockLayout), 1u);
  EXPECT_EQ(connection.counters().reasons.of(Reason::kBlockLayout), 1u);
  EXPECT_FALSE(connection.ended());
}

TEST(ConnectionDeath, OurOwnMistakesAbort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  Connection early(config_of(kWeftVersion), kStart);
  EXPECT_DEATH(early.send_index(false, {}, kStart), "cluster_config_sent_");
  Connection stock = opened(false);
  EXPECT_DEATH(stock.send_private(Release{}, kStart), "peer_is_weft");
  Request no_hash = sample_request();
  no_hash.hash.clear();
  EXPECT_DEATH(stock.send_request(no_hash, kStart), "hash");
}

}  // namespace
}  // namespace weft::proto
