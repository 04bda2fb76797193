// A whole UdpPort between bytes on the wire and datagrams: frames of any bytes in buffers of any shape (short ones, with
// little room, in segments), while it sends, resolves next hops and answers. What it hands up is what the slow reading
// finds, in order; what it sends is well-formed and ours; what it learns of a next hop is what ARP or ND said of one; and
// every buffer comes home.
// Starts DPDK's EAL once, on ordinary pages: needs neither root nor huge pages.
#include <rte_mbuf.h>

#include <deque>
#include <memory>
#include <set>

#include "engine/nic/arp.hh"
#include "engine/nic/eal.hh"
#include "engine/nic/encapsulate.hh"
#include "engine/nic/headers.hh"
#include "engine/nic/nd.hh"
#include "engine/nic/udp_port.hh"
#include "tests/fuzz/nic_slow.hh"

namespace weft::fuzz {
namespace {

using namespace nic;

constexpr unsigned kBuffers = 255;
constexpr std::uint16_t kRoom = 2048;

rte_mempool* pool() {
  static rte_mempool* const made = [] {
    auto started = Eal::start({.memory_mb = 64, .huge_pages = false});
    if (!started) {
      std::fprintf(stderr, "the EAL did not start: %s\n", started.error().text);
      std::exit(2);
    }
    static std::unique_ptr<Eal> eal = std::move(*started);
    CHECK(eal->register_thread());
    return rte_pktmbuf_pool_create("fuzz", kBuffers, 0, 0, kRoom + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
  }();
  CHECK(made != nullptr);
  return made;
}

// The queue below: frames wait here, and here lands what is sent.
class WirePort final : public PacketPort {
 public:
  std::deque<rte_mbuf*> in;
  std::vector<Buffer> out;
  std::uint32_t tx_room = ~0u;

  ~WirePort() override {
    for (rte_mbuf* frame : in) rte_pktmbuf_free(frame);
  }
  std::uint32_t rx_burst(std::span<rte_mbuf*> to, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < to.size() && !in.empty(); in.pop_front()) to[count++] = in.front();
    return count;
  }
  std::uint32_t tx_burst(std::span<rte_mbuf*> frames, base::Instant) noexcept override {
    std::uint32_t count = 0;
    for (; count < frames.size() && tx_room > 0; --tx_room) {
      rte_mbuf* frame = frames[count++];
      CHECK(frame->nb_segs == 1 && frame->pkt_len == frame->data_len);
      CHECK(frame->data_off + frame->data_len <= frame->buf_len);
      const auto* first = rte_pktmbuf_mtod(frame, const std::byte*);
      out.emplace_back(first, first + frame->data_len);
      rte_pktmbuf_free(frame);
    }
    return count;
  }
};

class PortRun {
 public:
  explicit PortRun(Choices& in) : in_(in) {
    CHECK(neighbours_.add(kTheirs4) == 0u && neighbours_.add(kTheirs6) == 1u);
    UdpPort::Setup setup;
    setup.port = &wire_;
    setup.pool = pool();
    setup.neighbours = &neighbours_;
    setup.orders = &orders_;
    setup.report = &report_;
    setup.local = {kOurMac, kOurs4, kOurs6, kUdpFirst, kUdpCount};
    port_.emplace(setup);
  }

  void step() {
    understood();
    switch (in_.below(8)) {
      case 0: case 1: case 2: put_raw(); break;
      case 3: put_known(); break;
      case 4: send(); break;
      case 5: wire_.tx_room = in_.below(4) == 3 ? ~0u : in_.below(3); break;
      case 6: now_ += base::milliseconds(std::int64_t{in_.byte()} * in_.byte()); break;
      default: link_up(); break;
    }
    if (wire_.in.size() >= kBurst || in_.flag()) receive();
  }
  void end() {
    while (!wire_.in.empty()) receive();
    CHECK(expected_.empty());
    port_.reset();
    CHECK(rte_mempool_avail_count(pool()) == kBuffers);
  }

 private:
  // In one buffer or two, with as much room behind it as the input wants.
  void put(const Buffer& bytes) {
    const auto first_bytes = static_cast<std::uint16_t>(in_.below(4) == 0 ? in_.byte() % (bytes.size() + 1) : bytes.size());
    rte_mbuf* const frame = rte_pktmbuf_alloc(pool());
    CHECK(frame != nullptr);
    if (in_.flag()) frame->data_off = static_cast<std::uint16_t>(frame->buf_len - first_bytes);   // no room at all
    frame->data_len = first_bytes;
    frame->pkt_len = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(rte_pktmbuf_mtod(frame, void*), bytes.data(), first_bytes);
    if (first_bytes < bytes.size()) {
      rte_mbuf* const more = rte_pktmbuf_alloc(pool());
      CHECK(more != nullptr);
      more->data_len = static_cast<std::uint16_t>(bytes.size() - first_bytes);
      std::memcpy(rte_pktmbuf_mtod(more, void*), bytes.data() + first_bytes, more->data_len);
      frame->next = more;
      frame->nb_segs = 2;
      // Joined where it fits; else it is dropped.
      if (rte_pktmbuf_tailroom(frame) < more->data_len) {
        wire_.in.push_back(frame);
        return;
      }
    }
    wire_.in.push_back(frame);
    if (const auto slow = slow_datagram(bytes, view_)) {
      const base::Bytes payload = base::Bytes(bytes).subspan(slow->offset, slow->bytes);
      expected_.push_back({Buffer(payload.begin(), payload.end()), slow->src_udp, slow->dst_udp});
    }
    note_macs(bytes);
  }
  // Which MACs a frame may teach: any in it. What may be learnt of whom is checked by address when it is.
  void note_macs(const Buffer& bytes) {
    for (std::size_t i = 0; i + 6 <= bytes.size(); ++i) {
      base::Mac mac;
      std::memcpy(mac.data(), &bytes[i], 6);
      macs_.insert(mac);
    }
  }

  void put_raw() {
    Buffer bytes(1 + in_.below(120));
    const bool mend = in_.flag();
    if (in_.flag()) {
      write_ethernet(bytes.size() >= 14 ? bytes.data() : (bytes.resize(14), bytes.data()), kOurMac, kTheirMac, kTypeIpv4);
      const base::Bytes rest = in_.bytes(bytes.size() - 12);
      std::ranges::copy(rest, bytes.begin() + 12);
    } else {
      std::ranges::copy(in_.bytes(bytes.size()), bytes.begin());
    }
    if (mend) mend_sums(bytes);
    put(bytes);
  }
  // A frame of an honest neighbour, perhaps with a byte changed.
  void put_known() {
    Buffer frame;
    const bool v6 = in_.flag();
    switch (in_.below(5)) {
      case 0: frame.resize(kArpFrameBytes); write_arp_request(frame, kTheirMac, kTheirs4, kOurs4); break;
      case 1: frame.resize(kArpFrameBytes); write_arp(frame, {false, kTheirMac, kOurMac, kTheirs4, kOurs4}, kOurMac); break;
      case 2: frame.resize(kNdFrameBytes); write_solicit(frame, kTheirMac, kTheirs6, kOurs6); break;
      case 3: frame.resize(kNdFrameBytes); write_advert(frame, kTheirMac, kTheirs6, kOurMac, kOurs6); break;
      default: {
        const auto to = static_cast<std::uint16_t>(kUdpFirst + in_.below(3));
        const Flow flow{v6 ? kTheirs6 : kTheirs4, v6 ? kOurs6 : kOurs4, 9000, to, 0};
        frame.assign(header_bytes(v6) + in_.below(60), std::byte{0x77});
        encapsulate(frame, flow, kTheirMac, kOurMac, ChecksumBy::kSoftware);
        break;
      }
    }
    if (in_.flag()) frame[in_.byte() % frame.size()] ^= static_cast<std::byte>(1 + in_.byte());
    if (in_.flag()) mend_sums(frame);
    put(frame);
  }

  void receive() {
    share::RxDatagram datagrams[share::kBurst];
    const std::uint32_t count = port_->rx({datagrams, 1 + in_.below(share::kBurst)}, now_);
    for (std::uint32_t i = 0; i < count; ++i) {
      CHECK(!expected_.empty());
      const Expected& want = expected_.front();
      CHECK(std::ranges::equal(base::Bytes(datagrams[i].payload, datagrams[i].bytes), want.payload));
      CHECK(datagrams[i].src_udp == want.src_udp && datagrams[i].dst_udp == want.dst_udp);
      expected_.pop_front();
    }
    port_->release({datagrams, count});
    check_learnt();
    check_sent();
  }
  void check_learnt() {
    for (std::uint32_t slot = 0; slot < 2; ++slot) {
      base::Mac mac;
      if (!neighbours_.get(slot, mac)) continue;
      CHECK((mac[0] & 1) == 0 && macs_.contains(mac));
    }
  }
  // Everything that leaves is from us, of a sound length, and any IP in it has the right sums.
  void check_sent() {
    for (Buffer& frame : wire_.out) {
      CHECK(frame.size() >= 42 && read_mac(frame.data() + 6) == kOurMac);
      const unsigned type = word_at(frame, 12);
      CHECK(type == kTypeArp || type == kTypeIpv4 || type == kTypeIpv6);
      if (type == kTypeArp) {
        const auto arp = parse_arp(base::Bytes(frame).subspan(kEthernetBytes));
        CHECK(arp && arp->sender_mac == kOurMac && arp->sender_ip == kOurs4);
        continue;
      }
      Buffer mended = frame;
      mend_sums(mended);
      CHECK(mended == frame);
      CHECK(read_ip(frame.data() + kEthernetBytes + (type == kTypeIpv6 ? 8 : 12), type == kTypeIpv6) ==
            (type == kTypeIpv6 ? kOurs6 : kOurs4));
    }
    wire_.out.clear();
  }

  void send() {
    const bool v6 = in_.flag();
    const Flow flow{v6 ? kOurs6 : kOurs4, v6 ? kTheirs6 : kTheirs4, kUdpFirst, 9000, v6 ? 1u : 0u};
    share::TxSlot slots[4];
    const std::uint32_t count = port_->tx_alloc(slots);
    share::TxItem items[4];
    for (std::uint32_t i = 0; i < count; ++i) {
      std::memset(slots[i].payload, 0x33, 50);
      items[i] = {slots[i].packet, 50, &flow};
    }
    const std::uint32_t taken = port_->tx({items, count}, now_);
    CHECK(taken <= count);
    port_->tx_cancel({slots + taken, count - taken});
    check_sent();
  }
  void link_up() {
    (void)orders_.try_publish({.link_up = in_.below(4) != 0, .announce_seq = ++announced_});
  }

  struct Expected {
    Buffer payload;
    unsigned src_udp = 0, dst_udp = 0;
  };
  Choices& in_;
  const LocalView view_{kOurMac, kOurs4, kOurs6, kUdpFirst, kUdpCount};
  WirePort wire_;
  share::Neighbours neighbours_;
  share::Snapshot<PortOrders> orders_;
  share::Snapshot<UdpPortStats> report_;
  std::optional<UdpPort> port_;
  base::Instant now_{base::seconds(100).ns};
  std::deque<Expected> expected_;
  std::set<base::Mac> macs_;
  std::uint32_t announced_ = 0;
};

}  // namespace

void make_seeds(Seeds& out) {
  out.add("resolve-and-send", std::string_view("\3\0\1\0\0\0\1\1\5\4\0\1\2\4\1\1\3\0\3\0\0\0\1\1\4\1\1\2\6\100\100\1\1", 33));
  out.add("answers", std::string_view("\3\0\0\0\0\0\1\1\5\3\0\2\0"
                                      "\0\0\1\1\5\3\0\4\0\50\0\0\0\1\1\3\1\4\1\50\0\0\0\1\1\7\3\1\1", 43));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return weft::fuzz::drive<weft::fuzz::PortRun>({data, size}, 3000);
}
