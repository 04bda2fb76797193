#include "bep/model/peer_link.hh"

#include <utility>

#include "bep/net/steady.hh"

namespace weft::model {
namespace {

using base::Errc;

base::Error error_of(proto::ErrorCode code) {
  switch (code) {
    case proto::ErrorCode::kNoSuchFile: return {Errc::kNotFound, 0, "the peer does not have the block any more"};
    case proto::ErrorCode::kInvalidFile: return {Errc::kInvalidArgument, 0, "the peer refuses the file"};
    default: return {Errc::kUnavailable, 0, "the peer cannot read the block"};
  }
}

}  // namespace

PeerLink::~PeerLink() { give_up(); }

void PeerLink::give_up() {
  link_.set_waiting(false);
  for (auto& [id, asked] : std::exchange(outstanding_, {})) {
    meter_.on_answered(asked.bytes, 0, net::steady_now());
    asked.done(base::fail(Errc::kClosed, "the link was closed"));
  }
}

void PeerLink::request(const LinkRequest& request, LinkDone done) {
  proto::Request out;
  do {
    out.id = next_request_;
    next_request_ = next_request_ == INT32_MAX ? 0 : next_request_ + 1;
  } while (outstanding_.contains(out.id));
  out.folder = request.folder;
  out.name = request.name;
  out.offset = request.offset;
  out.size = request.size;
  out.hash.assign(request.hash.begin(), request.hash.end());
  out.block_no = request.block_number;
  const auto bytes = static_cast<std::uint32_t>(request.size);
  outstanding_.emplace(out.id, Asked{bytes, net::steady_now(), std::move(done)});
  link_.set_waiting(true);
  meter_.on_asked(bytes, net::steady_now());
  link_.connection().send_request(out, net::steady_now());
  link_.flush();
}

bool PeerLink::handle_response(proto::ResponseReceived& response) {
  const auto it = outstanding_.find(response.id);
  if (it == outstanding_.end()) return false;
  const Asked asked = std::move(it->second);
  outstanding_.erase(it);
  link_.set_waiting(!outstanding_.empty());
  const bool ok = response.code == proto::ErrorCode::kNone;
  meter_.on_answer_took(net::steady_now() - asked.at);
  meter_.on_answered(asked.bytes, ok ? asked.bytes : 0, net::steady_now());
  if (ok) asked.done(std::move(response.data));
  else asked.done(tl::unexpected<base::Error>(error_of(response.code)));
  return true;
}

bool PeerLink::hold(proto::Event event) {
  if (const auto* own = std::get_if<proto::PrivateReceived>(&event)) held_bytes_ += own->bytes.size();
  if (held_.size() == kHeldMax || held_bytes_ > kHeldBytesMax) return false;
  held_.push_back(std::move(event));
  return true;
}

std::vector<proto::Event> PeerLink::take_held() {
  held_bytes_ = 0;
  return std::exchange(held_, {});
}

LinkView PeerLink::view(std::uint32_t bytes) {
  const base::Instant now = net::steady_now();
  if (now - rtt_at_ >= kRttEvery) {
    rtt_at_ = now;
    if (const auto figures = link_.tcp_figures()) meter_.set_rtt(figures->rtt);
  }
  return {.usable = link_.ready() && !link_.suspect() && !link_.output_full(), .score = link_.score(),
          .outstanding = meter_.outstanding(), .arrival = meter_.arrival(bytes, now)};
}

}  // namespace weft::model
