// Whatever a peer sends, a Connection either goes on or ends with a reason; it never crashes, and
// what it holds stays near what it was fed. Seeds are fixed and printed on failure.
#include <gtest/gtest.h>

#include "bep/proto/connection.hh"
#include "bep/proto/names.hh"
#include "tests/unit/proto/support.hh"

namespace weft::proto {
namespace {

using test::Buffer;
using test::encoded;
using test::frame;

constexpr base::Instant kStart{1};

// Feeds in random steps and checks what every run must keep to.
void feed_and_check(Connection& connection, const Buffer& bytes, base::Prng& prng) {
  bool ended = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t step = std::min<std::size_t>(1 + prng.below(500), bytes.size() - at);
    connection.handle_bytes(base::Bytes(bytes).subspan(at, step), kStart);
    at += step;
    for (Event event; connection.next_event(event);) {
      EXPECT_FALSE(ended) << "an event after the last one";
      if (const auto* failed = std::get_if<Failed>(&event)) {
        EXPECT_TRUE(closes_link(failed->reason));
        EXPECT_FALSE(failed->text.empty());
        EXPECT_EQ(connection.counters().reasons.of(failed->reason), 1u);
        ended = true;
      }
      if (std::holds_alternative<PeerClosed>(event)) ended = true;
      if (const auto* index = std::get_if<IndexReceived>(&event)) {
        for (const FileInfo& file : index->index.files) EXPECT_TRUE(is_valid_name(file.name));
      }
    }
  }
  EXPECT_EQ(connection.ended(), ended);
}

Connection opened() {
  ConnectionConfig config;
  config.hello.weft_version = kWeftVersion;
  Connection connection(config, kStart);
  Hello hello;
  hello.weft_version = kWeftVersion;
  connection.handle_bytes(encode_hello(hello), kStart);
  connection.handle_bytes(frame(MessageType::kClusterConfig, {}), kStart);
  for (Event event; connection.next_event(event);) {}
  return connection;
}

Buffer noise(base::Prng& prng, std::size_t size) {
  Buffer bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(prng.below(256));
  return bytes;
}

// A stream of every kind of valid message.
Buffer valid_stream(base::Prng& prng) {
  Index index;
  index.folder = "f";
  for (int i = 0; i < 5; ++i)
    index.files.push_back(test::file_of("d/f" + std::to_string(i), prng.below(700'000), prng));
  Request request;
  request.folder = "f";
  request.name = "d/f0";
  request.size = 100;
  request.hash = noise(prng, 32);
  ClusterConfig config;
  config.folders.resize(2);
  config.folders[0].id = "f";
  config.folders[0].devices.resize(2);
  DownloadProgress progress;
  progress.updates.push_back({false, "a", test::version_of({{1, 2}}), {1, 2, 3}, 131'072});
  Open open;
  open.files.push_back({1, "f", "d/f0", test::version_of({{1, 2}}), 5, 131'072, 0});
  Buffer stream = frame(MessageType::kClusterConfig, encoded(config), Compression::kAlways);
  append(stream, frame(MessageType::kIndex, encoded(index), Compression::kAlways));
  append(stream, frame(MessageType::kIndexUpdate, encoded(index)));
  append(stream, frame(MessageType::kRequest, encoded(request)));
  append(stream, frame(MessageType::kResponse, test::hex("0805 1203616263")));
  append(stream, frame(MessageType::kDownloadProgress, encoded(progress)));
  append(stream, frame(MessageType::kOpen, encode_private(open)));
  append(stream, frame(MessageType::kGrant, encode_private(Grant{{{1, 2, 0}}})));
  append(stream, frame(MessageType::kPing, {}));
  append(stream, frame(MessageType::kClose, encode_close("bye")));
  return stream;
}

TEST(Garbage, PureNoise) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    Connection fresh(ConnectionConfig{}, kStart);
    feed_and_check(fresh, noise(prng, 4 + prng.below(2000)), prng);
    EXPECT_TRUE(fresh.ended()) << "noise has no magic";
    Connection connection = opened();
    feed_and_check(connection, noise(prng, prng.below(5000)), prng);
  }
}

TEST(Garbage, NoiseInValidFrames) {
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    constexpr std::int32_t kTypes[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 1001, 1002, 1003, 1004, 1005};
    const auto type = static_cast<MessageType>(kTypes[prng.below(std::size(kTypes))]);
    Connection connection = opened();
    feed_and_check(connection, frame(type, noise(prng, prng.below(400))), prng);
  }
}

TEST(Garbage, ValidStreamsWithFlippedBits) {
  std::uint64_t ended_with_reason = 0;
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    Buffer stream = valid_stream(prng);
    for (std::uint32_t n = 1 + prng.below(4); n > 0; --n)
      stream[prng.below(static_cast<std::uint32_t>(stream.size()))] ^=
          static_cast<std::byte>(1u << prng.below(8));
    Connection connection = opened();
    feed_and_check(connection, stream, prng);
    for (const std::uint64_t count : connection.counters().reasons.counts)
      ended_with_reason += count;
  }
  EXPECT_GT(ended_with_reason, 100u) << "the flips must hit something";
}

TEST(Garbage, CutOrSplicedStreams) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    base::Prng prng(seed);
    Buffer stream = valid_stream(prng);
    const auto size = static_cast<std::uint32_t>(stream.size());
    const std::uint32_t from = prng.below(size), count = prng.below(size - from);
    if (prng.chance(2)) {
      stream.erase(stream.begin() + from, stream.begin() + from + count);
    } else {
      const Buffer piece(stream.begin() + from, stream.begin() + from + count);
      stream.insert(stream.begin() + prng.below(size), piece.begin(), piece.end());
    }
    Connection connection = opened();
    feed_and_check(connection, stream, prng);
  }
}

TEST(Garbage, TheStreamItselfIsFine) {
  base::Prng prng(1);
  Connection connection = opened();
  const Buffer stream = valid_stream(prng);
  feed_and_check(connection, stream, prng);
  for (const std::uint64_t count : connection.counters().reasons.counts) EXPECT_EQ(count, 0u);
  EXPECT_EQ(connection.counters().messages_in, 11u);
}

}  // namespace
}  // namespace weft::proto
