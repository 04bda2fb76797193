// The search for a path's packet size, against a path of one true size that changes when the input says so, loses what it
// likes, and a peer that acknowledges what it likes. Checked as it goes: what is called a working size was acknowledged;
// probes are few; a size is left, and a path given up, for losses enough only. At the end the path stays as it is and
// loses nothing: then its size must be found, to the search's step, or that it does not even carry the base.
#include <map>
#include <set>

#include "sched/pmtu.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using sched::Pmtu;

constexpr base::Duration kRtt = base::milliseconds(1);
constexpr std::uint32_t kLargestMin = 512, kCarriesMin = 100;   // below, data is no larger than what says nothing
constexpr std::uint32_t kSmallPacket = 60;

class PmtuRun {
 public:
  explicit PmtuRun(Choices& in)
      : in_(in), largest_(static_cast<std::uint16_t>(kLargestMin + in.below(8500))), carries_(kCarriesMin + in.below(9000)),
        pmtu_(largest_) {
    check();
    CHECK(!pmtu_.probe_due() && pmtu_.next_deadline() == base::kNever);   // nothing goes to an address that is not proved
  }

  void step() {
    understood();
    switch (in_.below(10)) {
      case 0: probe(base::microseconds(in_.number<std::uint16_t>())); break;
      case 1: answer(in_.below(8) != 0); break;
      case 2: now_ += base::milliseconds(in_.byte()); break;
      case 3: now_ += base::milliseconds(10 * std::int64_t{in_.number<std::uint16_t>()}); break;
      case 4: time_out(); break;
      case 5: converse(1 + in_.below(32)); break;
      case 6: settle_one(); break;
      case 7: carries_ = kCarriesMin + in_.below(9000); break;
      case 8: validate(); break;
      default: acknowledge_something(); break;
    }
    check();
  }

  void end() {
    validate();
    const std::uint32_t least = std::min<std::uint32_t>(largest_, Pmtu::kBaseBytes);
    const std::uint32_t goal = std::min<std::uint32_t>(largest_, carries_);
    probes_ = 0;
    rest();                                        // from whatever it believed to an end, or to the base and up again
    if (pmtu_.complete() && pmtu_.next_deadline() != base::kNever) {
      now_ = pmtu_.next_deadline();                // it may have grown since: asked again in time
      rest();
    }
    if (carries_ < least) {
      CHECK(!pmtu_.carries_data());
      return;
    }
    CHECK(pmtu_.carries_data() && pmtu_.complete());
    CHECK(pmtu_.packet_bytes() <= goal && goal - pmtu_.packet_bytes() < Pmtu::kStepBytes);
    CHECK(probes_ <= 3 * probes_of_a_search());
  }

 private:
  // ---- what happens to it

  void validate() {
    pmtu_.on_validated(now_);
    validated_ = true;
    probe_waits_ = false;                          // an old one says nothing any more
    asked_.clear();
    large_lost_.clear();
    base_lost_.clear();
  }

  void probe(base::Duration srtt) {
    if (!pmtu_.probe_due()) return;
    const std::uint32_t bytes = pmtu_.probe_bytes();
    const bool error = !pmtu_.carries_data();
    if (!error) CHECK(++asked_[bytes] <= Pmtu::kProbesMax);
    pmtu_.on_probe_sent(++number_, srtt, now_);
    ++probes_;
    probe_bytes_ = bytes;
    probe_waits_ = true;
    const base::Duration wait = pmtu_.next_deadline() - now_;
    CHECK(!pmtu_.probe_due() && wait >= Pmtu::kProbeWait && wait >= 3 * srtt);
    CHECK(wait <= std::max(3 * srtt, error ? Pmtu::kErrorProbeMax : Pmtu::kProbeWait));
  }

  // The probe arrives, if the path carries it, and so does its acknowledgement.
  void answer(bool arrives) {
    if (arrives && probe_waits_ && probe_bytes_ <= carries_) acknowledge({.first = number_, .last = number_});
  }

  // Whatever a peer could say: of packets that were no probe, of old ones, of the one under way though it never came.
  void acknowledge_something() {
    const std::uint64_t last = number_ + 2 - std::min<std::uint64_t>(number_ + 2, in_.byte());
    acknowledge({.first = last - std::min<std::uint64_t>(last, in_.byte()), .last = last});
  }

  void acknowledge(wire::AckRange range) {
    wire::Ack ack{.largest = range.last};
    CHECK(ack.ranges.try_push(range));
    const std::uint16_t works = pmtu_.packet_bytes();
    const bool due = pmtu_.probe_due(), carries_data = pmtu_.carries_data();
    const base::Instant deadline = pmtu_.next_deadline();
    pmtu_.handle_ack(ack, now_);
    if (probe_waits_ && range.first <= number_ && number_ <= range.last) {
      probe_waits_ = false;
      acknowledged_.insert(probe_bytes_);
      CHECK(pmtu_.packet_bytes() == probe_bytes_ && pmtu_.carries_data());
      asked_.clear();
      large_lost_.clear();
      base_lost_.clear();
    } else {
      CHECK(pmtu_.packet_bytes() == works && pmtu_.probe_due() == due && pmtu_.next_deadline() == deadline &&
            pmtu_.carries_data() == carries_data);
    }
  }

  void time_out() {
    const bool complete = pmtu_.complete(), early = pmtu_.next_deadline() > now_;
    const base::Instant deadline = pmtu_.next_deadline();
    pmtu_.handle_timeout(now_);
    if (early) {
      CHECK(pmtu_.next_deadline() == deadline);
      return;
    }
    probe_waits_ = false;
    if (complete) asked_.clear();                  // from the beginning
    CHECK(pmtu_.next_deadline() > now_);           // or the agent would spin on it
    CHECK(pmtu_.probe_due() || pmtu_.complete());
  }

  void converse(std::uint32_t turns) {
    for (; turns > 0; --turns, now_ += base::milliseconds(10)) {
      if (pmtu_.carries_data()) settle(pmtu_.packet_bytes(), pmtu_.packet_bytes() <= carries_);
      settle(kSmallPacket, true);
    }
  }

  // A packet of any size that may be under way: of an earlier size of the lane, or not full.
  void settle_one() {
    const std::uint32_t bytes = std::min<std::uint32_t>(40 + 8 * in_.byte(), largest_);
    settle(bytes, in_.flag() && bytes <= carries_);
  }

  void settle(std::uint32_t bytes, bool arrived) {
    if (arrived) {
      if (bytes > Pmtu::kBaseBytes) large_lost_.clear();
      if (bytes >= Pmtu::kBaseBytes) base_lost_.clear();
      pmtu_.on_acked(bytes);
      return;
    }
    if (bytes > Pmtu::kBaseBytes) large_lost_.push_back(now_);
    else if (bytes > Pmtu::kSmallBytes) base_lost_.push_back(now_);
    const std::uint16_t works = pmtu_.packet_bytes();
    const bool carried_data = pmtu_.carries_data();
    pmtu_.on_lost(bytes, now_);
    if (carried_data && !pmtu_.carries_data()) {
      CHECK(base_lost_.size() >= Pmtu::kBaseLosses && now_ - base_lost_.front() >= Pmtu::kBlackHoleTime);
    } else if (pmtu_.packet_bytes() != works) {
      CHECK(works > Pmtu::kBaseBytes && pmtu_.packet_bytes() == Pmtu::kBaseBytes);
      CHECK(large_lost_.size() >= Pmtu::kBlackHoleLosses && now_ - large_lost_.front() >= Pmtu::kBlackHoleTime);
    } else {
      return;
    }
    probe_waits_ = false;
    asked_.clear();
    large_lost_.clear();
  }

  // ---- what must hold

  void check() {
    const std::uint32_t works = pmtu_.packet_bytes();
    CHECK(pmtu_.largest() == largest_ && works <= largest_);
    CHECK(works == std::min<std::uint32_t>(largest_, Pmtu::kBaseBytes) || acknowledged_.contains(works));
    if (!validated_) CHECK(pmtu_.carries_data() && !pmtu_.complete() && pmtu_.next_deadline() == base::kNever);
    if (!pmtu_.carries_data()) {
      CHECK(works <= Pmtu::kBaseBytes);            // whatever it carried once: the base is what it must show
      if (pmtu_.probe_due()) CHECK(pmtu_.probe_bytes() == works);
    } else if (pmtu_.probe_due()) {
      CHECK(pmtu_.probe_bytes() > works && pmtu_.probe_bytes() <= largest_);
    }
    CHECK(!pmtu_.probe_due() || !pmtu_.complete());
    if (validated_) CHECK(pmtu_.probe_due() || pmtu_.complete() || pmtu_.next_deadline() < base::kNever);   // never stuck
    if (pmtu_.complete() && works < largest_) CHECK(pmtu_.next_deadline() < base::kNever);
  }

  // Long enough to see that a size fails, to search, and to see that the base fails: from any state, on a quiet path.
  void rest() {
    for (int turn = 0; turn < 700; ++turn) {
      if (pmtu_.next_deadline() <= now_) time_out();
      probe(kRtt);
      now_ += kRtt;
      answer(true);
      converse(1);
      check();
    }
  }

  // The largest, and halves of what lies between it and the base, each as often as may be.
  [[nodiscard]] std::uint32_t probes_of_a_search() const {
    std::uint32_t sizes = 1;
    for (std::uint32_t range = largest_; range > Pmtu::kStepBytes; range /= 2) ++sizes;
    return Pmtu::kProbesMax * sizes;
  }

  Choices& in_;
  std::uint16_t largest_;
  std::uint32_t carries_;
  Pmtu pmtu_;
  base::Instant now_{base::seconds(100).ns};
  bool validated_ = false, probe_waits_ = false;
  std::uint64_t number_ = 0;                       // of the last probe
  std::uint32_t probe_bytes_ = 0, probes_ = 0;
  std::set<std::uint32_t> acknowledged_;           // sizes of probes
  std::map<std::uint32_t, std::uint32_t> asked_;   // times, in this search
  std::vector<base::Instant> large_lost_, base_lost_;   // since one of that kind arrived
};

}  // namespace

void make_seeds(Seeds& out) {
  const std::string ether("\3\300", 2), jumbo("\41\14", 2);      // 1472 and 8972
  const auto carries = [](std::uint32_t bytes) {
    const std::uint32_t n = bytes - kCarriesMin;
    return std::string{static_cast<char>(n >> 8), static_cast<char>(n & 0xFF)};
  };
  std::string tries;
  for (int i = 0; i < 40; ++i) tries += std::string("\0\3\350\1\1\2\36\4", 8);   // probe, answer if it came, 30 ms, timeout
  std::string talk;
  for (int i = 0; i < 4; ++i) talk += std::string("\5\37", 2);
  out.add("all-of-it", ether + carries(1472) + "\10" + tries);
  out.add("some-of-it", jumbo + carries(5000) + "\10" + tries);
  out.add("black-hole", ether + carries(1472) + "\10" + tries + "\7" + carries(1300) + talk + tries);
  out.add("below-the-base", ether + carries(700) + "\10" + talk + tries + "\7" + carries(1400) + tries);
  out.add("grown", jumbo + carries(1500) + "\10" + tries + "\7" + carries(8000) + "\3\360\140\4" + tries);
  out.add("liar", ether + carries(1200) + "\10" + std::string("\0\3\350\11\2\1", 6) + talk);
  // Packets of less than the base are lost before enough of the largest are.
  std::string uneven;
  for (int i = 0; i < 6; ++i) uneven += std::string("\6\144\0\6\2\1\2\62", 8);
  out.add("uneven", ether + carries(1472) + "\10" + tries + "\7" + carries(700) + uneven + "\7" + carries(1300) + tries);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return weft::fuzz::drive<weft::fuzz::PmtuRun>({data, size}, 2000);
}
