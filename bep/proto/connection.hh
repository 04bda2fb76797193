// Connection: one BEP link after TLS, without I/O: bytes and time in, events and bytes out.
//
//   handle_bytes(bytes, now)  ->  next_event() until false   the caller reads more only then
//   send_*(..., now)          ->  next_output() until false  and writes; reading goes on meanwhile
//   next_deadline()           ->  handle_timeout(now)        then events and output as above
//
// Order:  Hello both ways, then each side's first message is a ClusterConfig (Close is always
//         allowed, unknown types are skipped), then anything. send_cluster_config() comes before
//         every other send_* but send_close() (MUST).
// End:    PeerClosed or Failed is the last event. Errors of dispatch queue a Close{reason} before
//         Failed is given out: the caller writes what next_output() yields (bounded time), then
//         closes. After the end, send_* do nothing: answers of workers may come late.
// Memory: what handle_bytes() was given, one message (FrameLimits), and the output queue, which
//         only our own sends fill: the caller watches output_bytes_pending().
// Owner:  one thread (control).
// Not here: TLS, sockets, device policy (bep/net), what messages mean (bep/model).
// Source: bep_facts §3, §8, §14.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "bep/proto/framing.hh"
#include "bep/proto/hello.hh"
#include "bep/proto/messages.hh"
#include "bep/proto/private_messages.hh"
#include "bep/proto/reason.hh"
#include "bep/proto/response.hh"
#include "engine/base/bytes.hh"
#include "engine/base/time.hh"

namespace weft::proto {

struct HelloReceived { Hello hello; };
struct ClusterConfigReceived { ClusterConfig config; };
// update false: forget the device's entries of the folder first. `spoilt`: entries turned invalid,
// by reason.
struct IndexReceived { bool update = false; Index index; ReasonCounters spoilt; };
struct RequestReceived { Request request; };
struct ResponseReceived {
  std::int32_t id = 0;
  ErrorCode code = ErrorCode::kNone;
  OwnedBytes data;
};
struct DownloadProgressReceived { DownloadProgress progress; };
// OFFER, OPEN, GRANT or RELEASE from a weft; decode_private() gives the message.
struct PrivateReceived { MessageType type{}; std::vector<std::byte> bytes; };
struct PeerClosed { std::string reason; };
// `text`: text_of(reason) and what it was about ("invalid name: ../x"), one line, bounded, without
// secrets.
struct Failed { Reason reason = Reason::kNone; std::string text; };

using Event =
    std::variant<HelloReceived, ClusterConfigReceived, IndexReceived, RequestReceived,
                 ResponseReceived, DownloadProgressReceived, PrivateReceived, PeerClosed, Failed>;

struct ConnectionConfig {
  Hello hello;                                          // ours; weft_version 0: stock BEP only
  Compression compression = Compression::kMetadata;
  FrameLimits limits{};
  base::Duration hello_timeout = base::seconds(20);
  base::Duration ping_interval = base::seconds(45);     // of write silence
  base::Duration read_timeout = base::seconds(300);     // of read silence
};

struct ConnectionCounters {
  std::uint64_t messages_in = 0, messages_out = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;   // of the BEP stream; out: given to next_output()
  std::uint64_t unknown_types_skipped = 0;
  ReasonCounters reasons;                      // of Failed, and of spoilt index entries
};

class Connection {
 public:
  // Queues our Hello.
  Connection(ConnectionConfig config, base::Instant now);

  void handle_bytes(base::Bytes bytes, base::Instant now);
  void handle_timeout(base::Instant now);
  // From now on; the next deadline may be earlier by it.
  void set_ping_interval(base::Duration interval) noexcept { config_.ping_interval = interval; }
  [[nodiscard]] base::Instant next_deadline() const noexcept;   // kNever after the end

  [[nodiscard]] bool next_event(Event& out);
  // The next buffer to write, in order; small messages share one.
  [[nodiscard]] bool next_output(std::vector<std::byte>& out);
  [[nodiscard]] std::size_t output_bytes_pending() const noexcept { return output_bytes_; }

  void send_cluster_config(const ClusterConfig& config, base::Instant now);
  void send_index(bool update, const Index& index, base::Instant now);
  // MUST: size > 0 and a hash of 32 bytes.
  void send_request(const Request& request, base::Instant now);
  // `data` goes out as it is, without a copy (unless compression is kAlways). Data with an error
  // code is dropped.
  void send_response(std::int32_t id, ErrorCode code, std::vector<std::byte> data,
                     base::Instant now);
  void send_private(const PrivateMessage& message, base::Instant now);   // MUST: peer_is_weft()
  // Before its time; nothing while something else goes out, or before our ClusterConfig.
  void send_ping(base::Instant now);
  // The end on our side; no event follows.
  void send_close(std::string_view reason, base::Instant now);

  [[nodiscard]] bool ended() const noexcept { return state_ == State::kEnded; }
  // Both Hellos carry the weft field.
  [[nodiscard]] bool peer_is_weft() const noexcept;
  [[nodiscard]] const std::optional<Hello>& peer_hello() const noexcept { return peer_hello_; }
  [[nodiscard]] const ConnectionCounters& counters() const noexcept { return counters_; }

 private:
  enum class State : std::uint8_t {
    kHello,          // nothing but Hello may come
    kClusterConfig,  // the peer's first message must be its ClusterConfig
    kReady,
    kEnded,
  };
  bool take_hello();
  void dispatch(Frame& frame);
  void take_cluster_config(Frame& frame);
  void take_index(Frame& frame);
  void take_request(Frame& frame);
  void take_response(Frame& frame);
  void take_progress(Frame& frame);
  void take_private(Frame& frame);
  Event failure(Reason reason, std::string_view about);
  [[nodiscard]] bool may_send() const;
  void queue_message(MessageType type, base::Bytes protobuf, base::Instant now);
  void queue_buffer(std::vector<std::byte> buffer, base::Instant now);

  ConnectionConfig config_;
  State state_ = State::kHello;
  bool cluster_config_sent_ = false;
  std::optional<Hello> peer_hello_;
  std::vector<std::byte> hello_input_;
  FrameDecoder decoder_;
  std::optional<Event> pending_event_;        // found and not yet given out
  std::deque<std::vector<std::byte>> output_;
  std::size_t output_bytes_ = 0;
  base::Instant started_{}, last_read_{}, last_write_{}, now_{};
  ConnectionCounters counters_;
};

}  // namespace weft::proto
