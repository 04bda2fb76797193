#include "bep/proto/connection.hh"

#include <algorithm>
#include <utility>

#include "bep/proto/text.hh"
#include "engine/base/must.hh"

namespace weft::proto {
namespace {

// Messages up to this are joined into one buffer, so that a burst of requests is one TLS record.
constexpr std::size_t kSharedBufferBytes = 16u << 10;
constexpr std::size_t kAboutBytesMax = 200;   // of the peer's text in an error

}  // namespace

Connection::Connection(ConnectionConfig config, base::Instant now)
    : config_(std::move(config)), decoder_(config_.limits), started_(now), last_read_(now),
      last_write_(now), now_(now) {
  queue_buffer(encode_hello(config_.hello), now);
}

bool Connection::peer_is_weft() const noexcept {
  return config_.hello.weft_version > 0 && peer_hello_ && peer_hello_->weft_version > 0;
}

void Connection::handle_bytes(base::Bytes bytes, base::Instant now) {
  now_ = now;
  if (state_ == State::kEnded || bytes.empty()) return;
  last_read_ = now;
  counters_.bytes_in += bytes.size();
  if (state_ == State::kHello) append(hello_input_, bytes);
  else decoder_.feed(bytes);
}

base::Instant Connection::next_deadline() const noexcept {
  if (state_ == State::kEnded) return base::kNever;
  if (state_ == State::kHello) return started_ + config_.hello_timeout;
  const base::Instant read = last_read_ + config_.read_timeout;
  // A Ping before our ClusterConfig would be an error at the peer.
  return cluster_config_sent_ ? std::min(read, last_write_ + config_.ping_interval) : read;
}

void Connection::handle_timeout(base::Instant now) {
  now_ = now;
  if (state_ == State::kEnded || now < next_deadline()) return;
  if (state_ == State::kHello) {
    pending_event_ = failure(Reason::kHelloTimeout, {});
    return;
  }
  if (now - last_read_ >= config_.read_timeout) {
    pending_event_ = failure(Reason::kReadTimeout, {});
    return;
  }
  send_ping(now);
}

void Connection::send_ping(base::Instant now) {
  if (state_ == State::kEnded || !cluster_config_sent_) return;
  last_write_ = now;
  // What waits to be written is a sign of life already, once it gets through.
  if (output_bytes_ == 0) queue_message(MessageType::kPing, {}, now);
}

bool Connection::next_event(Event& out) {
  while (!pending_event_) {
    if (state_ == State::kEnded) return false;
    if (state_ == State::kHello) {
      if (!take_hello()) return false;
      continue;
    }
    Frame frame;
    const FrameDecoder::Outcome outcome = decoder_.next(frame);
    counters_.unknown_types_skipped = decoder_.unknown_skipped();
    if (outcome == FrameDecoder::Outcome::kNeedMore) return false;
    if (outcome == FrameDecoder::Outcome::kRefused) {
      pending_event_ = failure(decoder_.reason(), {});
      break;
    }
    ++counters_.messages_in;
    dispatch(frame);
  }
  out = std::move(*pending_event_);
  pending_event_.reset();
  return true;
}

// False: more bytes are needed.
bool Connection::take_hello() {
  HelloDecoded decoded = decode_hello(hello_input_);
  switch (decoded.outcome) {
    case HelloDecoded::Outcome::kNeedMore:
      return false;
    case HelloDecoded::Outcome::kRefused:
      pending_event_ = failure(decoded.reason, {});
      return true;
    case HelloDecoded::Outcome::kDone:
      break;
  }
  peer_hello_ = decoded.hello;
  state_ = State::kClusterConfig;
  decoder_.want_private(peer_is_weft());
  decoder_.feed(base::Bytes(hello_input_).subspan(decoded.used));
  hello_input_ = std::vector<std::byte>();
  pending_event_ = HelloReceived{std::move(decoded.hello)};
  return true;
}

// Sets pending_event_ unless the message is nothing to the caller.
void Connection::dispatch(Frame& frame) {
  if (frame.type == MessageType::kClose) {
    PeerClosed closed;
    const Reason reason = decode_close(frame.payload, closed.reason);
    pending_event_ = reason == Reason::kNone ? Event(std::move(closed)) : failure(reason, {});
    state_ = State::kEnded;
    return;
  }
  if (state_ == State::kClusterConfig && frame.type != MessageType::kClusterConfig) {
    pending_event_ = failure(Reason::kNotClusterConfigFirst, {});
    return;
  }
  switch (frame.type) {
    case MessageType::kClusterConfig: return take_cluster_config(frame);
    case MessageType::kIndex:
    case MessageType::kIndexUpdate: return take_index(frame);
    case MessageType::kRequest: return take_request(frame);
    case MessageType::kResponse: return take_response(frame);
    case MessageType::kDownloadProgress: return take_progress(frame);
    case MessageType::kPing: return;   // its arrival was its message
    default: return take_private(frame);
  }
}

void Connection::take_cluster_config(Frame& frame) {
  ClusterConfigReceived received;
  const Reason reason = decode(frame.payload, received.config);
  if (reason != Reason::kNone) {
    pending_event_ = failure(reason, {});
    return;
  }
  state_ = State::kReady;
  pending_event_ = std::move(received);
}

void Connection::take_index(Frame& frame) {
  IndexReceived received;
  received.update = frame.type == MessageType::kIndexUpdate;
  IndexFaults faults;
  const Reason reason = decode(frame.payload, received.index, faults);
  if (reason != Reason::kNone) {
    pending_event_ = failure(reason, faults.broken_name);
    return;
  }
  received.spoilt = faults.spoilt;
  for (std::size_t i = 0; i < kReasonCount; ++i)
    counters_.reasons.counts[i] += faults.spoilt.counts[i];
  pending_event_ = std::move(received);
}

void Connection::take_request(Frame& frame) {
  RequestReceived received;
  const Reason reason = decode(frame.payload, received.request);
  if (reason == Reason::kNone) pending_event_ = std::move(received);
  else pending_event_ = failure(reason, received.request.name);
}

void Connection::take_response(Frame& frame) {
  ResponseView view;
  const Reason reason = decode_response(frame.payload, view);
  if (reason != Reason::kNone) {
    pending_event_ = failure(reason, {});
    return;
  }
  ResponseReceived received{view.id, view.code, {}};
  received.data.size = view.data.size();
  if (!view.data.empty())
    received.data.offset = static_cast<std::size_t>(view.data.data() - frame.payload.data());
  received.data.storage = std::move(frame.payload);
  pending_event_ = std::move(received);
}

void Connection::take_progress(Frame& frame) {
  DownloadProgressReceived received;
  const Reason reason = decode(frame.payload, received.progress);
  if (reason == Reason::kNone) pending_event_ = std::move(received);
  else pending_event_ = failure(reason, {});
}

void Connection::take_private(Frame& frame) {
  MUST(peer_is_weft());   // the decoder skips them otherwise
  // Decoded here only to refuse nonsense in one place, with a reason and a Close.
  const auto message = decode_private(frame.type, frame.payload);
  if (message) pending_event_ = PrivateReceived{frame.type, std::move(frame.payload)};
  else pending_event_ = failure(Reason::kPrivateBroken, message.error().text);
}

// The end because of `reason`; a Close goes out first where the peer may read it.
Event Connection::failure(Reason reason, std::string_view about) {
  MUST(closes_link(reason));
  counters_.reasons.count(reason);
  std::string text = text_of(reason);
  if (!about.empty()) text += ": " + printable(about, kAboutBytesMax);
  if (sends_close(reason)) queue_message(MessageType::kClose, encode_close(text), now_);
  state_ = State::kEnded;
  return Failed{reason, std::move(text)};
}

void Connection::queue_buffer(std::vector<std::byte> buffer, base::Instant now) {
  if (buffer.empty()) return;
  last_write_ = now;
  output_bytes_ += buffer.size();
  const bool share =
      !output_.empty() && output_.back().size() + buffer.size() <= kSharedBufferBytes;
  if (share) append(output_.back(), buffer);
  else output_.push_back(std::move(buffer));
}

void Connection::queue_message(MessageType type, base::Bytes protobuf, base::Instant now) {
  std::vector<std::byte> buffer;
  encode_message(type, protobuf, config_.compression, buffer);
  queue_buffer(std::move(buffer), now);
  ++counters_.messages_out;
}

bool Connection::next_output(std::vector<std::byte>& out) {
  if (output_.empty()) return false;
  out = std::move(output_.front());
  output_.pop_front();
  MUST(output_bytes_ >= out.size());
  output_bytes_ -= out.size();
  counters_.bytes_out += out.size();
  return true;
}

// After the end nothing goes out any more; before our ClusterConfig nothing may.
bool Connection::may_send() const {
  if (state_ == State::kEnded) return false;
  MUST(cluster_config_sent_);
  return true;
}

void Connection::send_cluster_config(const ClusterConfig& config, base::Instant now) {
  if (state_ == State::kEnded) return;
  std::vector<std::byte> protobuf;
  encode(config, protobuf);
  queue_message(MessageType::kClusterConfig, protobuf, now);
  cluster_config_sent_ = true;
}

void Connection::send_index(bool update, const Index& index, base::Instant now) {
  if (!may_send()) return;
  std::vector<std::byte> protobuf;
  encode(index, protobuf);
  queue_message(update ? MessageType::kIndexUpdate : MessageType::kIndex, protobuf, now);
}

void Connection::send_request(const Request& request, base::Instant now) {
  if (!may_send()) return;
  MUST(request.size > 0);
  MUST(request.hash.size() == sizeof(base::Sha256));
  std::vector<std::byte> protobuf;
  encode(request, protobuf);
  queue_message(MessageType::kRequest, protobuf, now);
}

void Connection::send_response(std::int32_t id, ErrorCode code, std::vector<std::byte> data,
                               base::Instant now) {
  if (!may_send()) return;
  if (code != ErrorCode::kNone) data.clear();
  const ResponseHead head = encode_response_head(id, code, data.size());
  if (config_.compression == Compression::kAlways) {
    const base::Bytes fields = head.fields();
    std::vector<std::byte> protobuf(fields.begin(), fields.end());
    append(protobuf, data);
    queue_message(MessageType::kResponse, protobuf, now);
    return;
  }
  const base::Bytes bytes = head.bytes();
  queue_buffer({bytes.begin(), bytes.end()}, now);
  queue_buffer(std::move(data), now);
  ++counters_.messages_out;
}

void Connection::send_private(const PrivateMessage& message, base::Instant now) {
  if (!may_send()) return;
  MUST(peer_is_weft());
  const std::vector<std::byte> bytes = encode_private(message);
  const auto* open = std::get_if<Open>(&message);
  if (bytes.size() <= kPrivateBytesMax || open == nullptr || open->files.size() < 2) {
    queue_message(type_of(message), bytes, now);
    return;
  }
  // Names and versions are as long as the peer made them. Each file of a batch stands alone.
  const auto middle = open->files.begin() + static_cast<std::ptrdiff_t>(open->files.size() / 2);
  send_private(Open{{open->files.begin(), middle}}, now);
  send_private(Open{{middle, open->files.end()}}, now);
}

void Connection::send_close(std::string_view reason, base::Instant now) {
  if (state_ == State::kEnded) return;
  queue_message(MessageType::kClose, encode_close(reason), now);
  state_ = State::kEnded;
  pending_event_.reset();
}

}  // namespace weft::proto
