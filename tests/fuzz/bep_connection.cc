// A whole BEP link, without its socket: whatever a peer's stream says, the Connection goes on or ends with a reason, gives
// the same events however the stream is cut, and what it writes itself is a stream that a peer can follow.
// Input: one byte of switches, one that cuts, then the stream behind both Hellos (or from the Hello on).
#include "bep/proto/connection.hh"
#include "bep/proto/names.hh"
#include "tests/fuzz/bep_private.hh"

namespace weft::fuzz {
namespace {

using namespace proto;

enum : unsigned { kStock = 1, kFromHello = 2, kPackAll = 4 };
constexpr base::Instant kStart{1'000'000'000};

Connection connection_for(unsigned switches) {
  ConnectionConfig config;
  config.hello.device_name = "us";
  config.hello.weft_version = (switches & kStock) != 0 ? 0 : kWeftVersion;
  if ((switches & kPackAll) != 0) config.compression = Compression::kAlways;
  config.limits = {.index_bytes_max = 200'000, .cluster_config_bytes_max = 100'000, .response_bytes_max = 50'000,
                   .private_bytes_max = 50'000, .other_bytes_max = 20'000};
  Connection connection(config, kStart);
  if ((switches & kFromHello) != 0) return connection;
  connection.handle_bytes(encode_hello({.device_name = "peer", .weft_version = kWeftVersion}), kStart);
  Event event;
  CHECK(connection.next_event(event) && std::holds_alternative<HelloReceived>(event));
  return connection;
}

// An event as bytes, to compare; also what must hold of it.
struct Describe {
  Buffer out;
  unsigned switches;
  bool& ended;

  void add(base::Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
  void add(std::string_view text) { add(bytes_of(text)); }

  void operator()(const HelloReceived& e) { add(encode_hello(e.hello)); }
  void operator()(const ClusterConfigReceived& e) { add(encoded(e.config)); }
  void operator()(const IndexReceived& e) {
    for (const FileInfo& file : e.index.files) CHECK(is_valid_name(file.name));
    add(e.update ? "update" : "index");
    add(encoded(e.index));
  }
  void operator()(const RequestReceived& e) {
    CHECK(is_valid_name(e.request.name) && e.request.size >= 0);
    add(encoded(e.request));
  }
  void operator()(const ResponseReceived& e) {
    CHECK(e.data.offset + e.data.size <= e.data.storage.size());
    add(std::to_string(e.id) + " " + std::to_string(static_cast<int>(e.code)));
    add(e.data.bytes());
  }
  void operator()(const DownloadProgressReceived& e) { add(encoded(e.progress)); }
  void operator()(const PrivateReceived& e) {
    CHECK((switches & kStock) == 0 && is_private(e.type));
    CHECK(decode_private(e.type, e.bytes).has_value());
    add(e.bytes);
  }
  void operator()(const PeerClosed& e) {
    ended = true;
    add(e.reason);
  }
  void operator()(const Failed& e) {
    ended = true;
    CHECK(closes_link(e.reason) && !e.text.empty() && e.text.size() <= 500 && is_utf8(e.text));
    CHECK(std::ranges::none_of(e.text, [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    add(e.text);
  }
};

struct Run {
  std::vector<Buffer> events;
  Buffer written;
  ConnectionCounters counters;
};

void take_output(Connection& connection, Buffer& written) {
  for (std::vector<std::byte> out; connection.next_output(out);) written.insert(written.end(), out.begin(), out.end());
  CHECK(connection.output_bytes_pending() == 0);
}

Run run(base::Bytes stream, unsigned switches, std::size_t step) {
  Run result;
  Connection connection = connection_for(switches);
  take_output(connection, result.written);
  connection.send_cluster_config(small_cluster_config(), kStart);
  bool ended = false;
  for (std::size_t at = 0; at < stream.size(); at += step) {
    connection.handle_bytes(stream.subspan(at, std::min(step, stream.size() - at)), kStart);
    for (Event event; connection.next_event(event);) {
      CHECK(!ended);
      Describe describe{{std::byte{static_cast<std::uint8_t>(event.index())}}, switches, ended};
      std::visit(describe, event);
      result.events.push_back(std::move(describe.out));
      if (const auto* request = std::get_if<RequestReceived>(&event))
        connection.send_response(request->request.id, ErrorCode::kNone, noise(300, 1), kStart);
    }
    CHECK(connection.ended() == ended);
    take_output(connection, result.written);
  }
  CHECK((connection.next_deadline() == base::kNever) == ended);
  result.counters = connection.counters();
  return result;
}

// The peer reads all that we wrote; it may find our Close in it, but nothing it must refuse.
void check_written(const Run& result, unsigned switches) {
  Connection peer = connection_for((switches & ~static_cast<unsigned>(kStock)) | kFromHello);
  peer.handle_bytes(result.written, kStart);
  for (Event event; peer.next_event(event);) CHECK(!std::holds_alternative<Failed>(event));
}

}  // namespace

void make_seeds(Seeds& out) {
  const auto message = [](Buffer& to, MessageType type, base::Bytes protobuf, Compression policy) {
    encode_message(type, protobuf, policy, to);
  };
  for (const unsigned switches : {0u, unsigned{kStock}, unsigned{kFromHello}, unsigned{kPackAll}}) {
    const Compression policy = switches == kPackAll ? Compression::kAlways : Compression::kNever;
    Buffer input{std::byte{static_cast<std::uint8_t>(switches)}, std::byte{20}};
    const Buffer hello = encode_hello({.device_name = "peer", .weft_version = kWeftVersion});
    if ((switches & kFromHello) != 0) input.insert(input.end(), hello.begin(), hello.end());
    message(input, MessageType::kClusterConfig, encoded(small_cluster_config()), policy);
    message(input, MessageType::kIndex, encoded(small_index()), policy);
    message(input, MessageType::kIndexUpdate, encoded(small_index()), policy);
    message(input, MessageType::kRequest, encoded(small_request()), policy);
    message(input, MessageType::kResponse, bytes_of("\x08\x05\x12\x03" "abc"), policy);
    message(input, MessageType::kDownloadProgress, encoded(small_progress()), policy);
    message(input, MessageType::kPing, {}, policy);
    message(input, MessageType::kGrant, encode_private(Grant{{{1, 2, 0}}}), policy);
    message(input, MessageType{77}, bytes_of("nobody knows this type"), policy);
    message(input, MessageType::kClose, encode_close("bye"), policy);
    out.add("all-" + std::to_string(switches), input);
  }
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  if (size < 3) return 0;
  const unsigned switches = data[0];
  const weft::base::Bytes stream = bytes_of(data + 2, size - 2);
  const Run whole = run(stream, switches, stream.size());
  if (!whole.events.empty()) understood();
  const Run pieces = run(stream, switches, 1 + data[1]);
  CHECK(whole.events == pieces.events && whole.written == pieces.written);
  CHECK(whole.counters.messages_in == pieces.counters.messages_in);
  CHECK(whole.counters.reasons.counts == pieces.counters.reasons.counts);
  CHECK(whole.counters.unknown_types_skipped == pieces.counters.unknown_types_skipped);
  check_written(whole, switches);
  return 0;
}
