// A scenario of `weft lab`, and behind a form feed (which no TOML may hold) a file of ports to lay over it: a refusal is one
// line that names the file; what is accepted is within every bound, means the same when it is written down and read
// again, makes a weft.toml that weft takes, and can be drawn without end or excess.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "bep/model/weft_toml.hh"
#include "engine/lab/homes.hh"
#include "engine/lab/rest_address.hh"
#include "engine/lab/timeline.hh"
#include "engine/share/policy.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {
namespace {

using namespace lab;
using Do = Event::Do;

constexpr std::uint32_t kFlapsDrawn = 2000;   // the others only take time
constexpr std::array kVerbs = {"silence", "heal", "impair", "link-down", "link-up", "flaps", "policy"};

// ---- a scenario written down: all that its values say, nothing left to a default

class Writer {
 public:
  explicit Writer(const Scenario& scenario) : scenario_(scenario) { out_.precision(17); }

  std::string text() {
    const Scenario& s = scenario_;
    key("title", s.title);
    key("seed", s.seed);
    side("a", s.a);
    side("b", s.b);
    out_ << "[weft]\n";
    key("cores", s.cores);
    key("policy", s.policy);
    out_ << "[measure]\n";
    key("from_percent", s.from_percent);
    key("to_percent", s.to_percent);
    for (const Link& one : s.links) link(one);
    for (const Transfer& one : s.transfers) {
      out_ << "[[transfer]]\n";
      key("direction", one.from_a ? "a-to-b" : "b-to-a");
      key("size_mb", one.size_mb);
      key("files", one.files);
    }
    for (const lab::Run& one : s.runs) run(one);
    return out_.str();
  }

 private:
  void key(const char* name, std::string_view text) {
    out_ << name << " = ";
    quote(text);
    out_ << '\n';
  }
  void key(const char* name, const char* text) { key(name, std::string_view(text)); }
  void key(const char* name, std::uint32_t value) { out_ << name << " = " << value << '\n'; }
  void key(const char* name, double value) { out_ << name << " = " << value + 0.0 << '\n'; }   // -0 is 0
  void key(const char* name, const std::optional<double>& value) {
    if (value) key(name, *value);
  }
  void quote(std::string_view text) {
    out_ << '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') out_ << '\\';
      out_ << c;
    }
    out_ << '"';
  }
  void side(const char* name, const SideSpec& side) {
    if (!side.attached()) return;
    out_ << '[' << name << "]\n";
    key("url", side.url);
    key("api_key", side.api_key);
    key("folder", side.folder);
  }
  void port(const char* name, const PortSpec& port) {
    out_ << "[link." << name << "]\n";
    if (!port.device.empty()) key("device", port.device);
    if (!port.port.empty()) key("port", port.port);
    if (port.address.empty()) return;
    out_ << "address = [";
    for (const std::string& address : port.address) {
      quote(address);
      out_ << ", ";
    }
    out_ << "]\n";
  }
  void shape(const Shape& shape) {
    key("rate_mbit", shape.rate_mbit);
    key("delay_ms", shape.delay_ms);
    key("jitter_ms", shape.jitter_ms);
    key("loss_percent", shape.loss_percent);
    key("queue_ms", shape.queue_ms);
  }
  void link(const Link& link) {
    out_ << "[[link]]\n";
    key("name", link.name);
    key("mtu", link.mtu);
    shape(link.shape);
    port("a", link.a);
    port("b", link.b);
  }
  void links(const std::vector<std::size_t>& links) {
    out_ << "links = [";
    for (const std::size_t index : links) {
      quote(scenario_.links[index].name);
      out_ << ", ";
    }
    out_ << "]\n";
  }
  void run(const lab::Run& run) {
    out_ << "[[run]]\n";
    key("name", run.name);
    links(run.links);
    key("scale", run.scale);
    key("deadline_s", run.deadline_s);
    for (const Event& one : run.events) event(one);
    expect(run.expect);
  }
  void event(const Event& event) {
    out_ << "[[run.event]]\n";
    key("do", kVerbs[static_cast<std::size_t>(event.what)]);
    key("at_s", event.at_s);
    key("at_percent", event.at_percent);
    if (event.what == Do::kPolicy) return key("policy", event.policy);
    links(event.links);
    if (event.what == Do::kImpair) shape(event.shape);
    if (event.what != Do::kFlaps) return;
    key("count", event.count);
    key("seconds", event.seconds);
    key("down_ms_min", event.down_ms_min);
    key("down_ms_max", event.down_ms_max);
    out_ << "by_link_down = " << (event.by_link_down ? "true" : "false") << '\n';
  }
  void expect(const Expect& e) {
    out_ << "[run.expect]\n";
    key("goodput_mbit_min", e.goodput_mbit_min);
    key("of_sum_min", e.of_sum_min);
    key("of_best_min", e.of_best_min);
    key("of_up_min", e.of_up_min);
    key("stall_ms_max", e.stall_ms_max);
    key("event_stall_ms_max", e.event_stall_ms_max);
    key("back_in_use_s_max", e.back_in_use_s_max);
    key("duplicate_share_max", e.duplicate_share_max);
    key("tls_share_max", e.tls_share_max);
    key("seconds_max", e.seconds_max);
    shares("of_shares", e.of_shares);
    shares("link_share_min", e.link_share_min);
  }
  void shares(const char* name, const std::map<std::size_t, double>& shares) {
    out_ << "[run.expect." << name << "]\n";
    for (const auto& [index, share] : shares) {
      quote(scenario_.links[index].name);
      out_ << " = " << share + 0.0 << '\n';
    }
  }

  const Scenario& scenario_;
  std::ostringstream out_;
};

// ---- bounds

bool within(double value, double low, double high) { return value >= low && value <= high; }
bool within(const std::optional<double>& value, double high) { return !value || within(*value, 0, high); }

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 32 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

void check_shape(const Shape& shape) {
  CHECK(within(shape.rate_mbit, 0, 1e6) && within(shape.loss_percent, 0, 100));
  CHECK(within(shape.delay_ms, 0, 1e4) && within(shape.jitter_ms, 0, 1e4) && within(shape.queue_ms, 0, 1e4));
}

void check_links(const std::vector<std::size_t>& links, const Scenario& scenario) {
  CHECK(!links.empty() && links.back() < scenario.links.size());
  CHECK(std::ranges::adjacent_find(links, std::greater_equal{}) == links.end());   // ascending, each once
}

void check_side(const SideSpec& side) {
  if (!side.attached()) return;
  CHECK(side.url.starts_with("http://") && !side.api_key.empty());
  const auto at = parse_url(side.url);
  CHECK(at && !at->host.empty() && at->host.find_first_of("[]/") == std::string::npos);
  const int port = std::atoi(at->port.c_str());
  CHECK(port >= 1 && port <= 65535);
}

void check_event(const Event& event, const Scenario& scenario) {
  CHECK(event.at_s.has_value() != event.at_percent.has_value());
  CHECK(within(event.at_s, kSecondsMax) && within(event.at_percent, 100));
  check_shape(event.shape);
  if (event.what == Do::kPolicy) CHECK(event.links.empty() && share::policy_of(event.policy));
  else check_links(event.links, scenario);
  if (event.what != Do::kFlaps) return;
  CHECK(event.count >= 1 && event.count <= kFlapsMax && within(event.seconds, 0.001, kSecondsMax));
  CHECK(event.down_ms_min >= 1 && event.down_ms_min <= event.down_ms_max);
  CHECK(event.down_ms_max * event.count <= event.seconds * 1000 * (1 + 1e-9));
}

void check_expect(const Expect& e, const lab::Run& run, const Scenario& scenario) {
  CHECK(within(e.goodput_mbit_min, 1e6) && within(e.of_sum_min, 1) && within(e.of_best_min, 100));
  CHECK(within(e.of_up_min, 1) && within(e.stall_ms_max, 1e6) && within(e.event_stall_ms_max, 1e6));
  CHECK(within(e.back_in_use_s_max, kSecondsMax) && within(e.duplicate_share_max, 1) && within(e.tls_share_max, 1));
  CHECK(within(e.seconds_max, kSecondsMax));
  for (const auto* shares : {&e.of_shares, &e.link_share_min})
    for (const auto& [link, share] : *shares) CHECK(link < scenario.links.size() && within(share, 0, 1));
  // What it is compared with comes before it.
  const auto before = [&](std::size_t link) {
    const lab::Run* const alone = scenario.alone(link);
    return alone != nullptr && alone < &run && alone->events.empty() && alone->links == std::vector{link};
  };
  if (e.of_sum_min || e.of_up_min) CHECK(std::ranges::all_of(run.links, before));
  if (e.of_best_min) CHECK(std::ranges::any_of(run.links, before));
  for (const auto& [link, share] : e.of_shares) CHECK(before(link));
}

void check_scenario(const Scenario& s) {
  CHECK(!s.title.empty() && s.cores >= 1 && s.cores <= base::kCoresMax && share::policy_of(s.policy));
  CHECK(within(s.from_percent, 0, 99) && within(s.to_percent, 1, 100) && s.from_percent < s.to_percent);
  CHECK(s.a.attached() == s.b.attached());
  check_side(s.a);
  check_side(s.b);
  CHECK(!s.links.empty() && s.links.size() <= base::kPortsMax);
  std::set<std::string> names;
  for (const Link& link : s.links) {
    CHECK(is_name(link.name) && names.insert(link.name).second);
    CHECK(link.mtu >= model::kMtuMin && link.mtu <= model::kMtuMax);
    check_shape(link.shape);
    CHECK(link.a.device.empty() == link.b.device.empty() && (link.a.device.empty() || !s.a.attached()));
    for (const PortSpec* port : {&link.a, &link.b}) {
      CHECK(port->device.empty() == port->address.empty() && (port->port.empty() || s.a.attached()));
    }
  }
  CHECK(!s.transfers.empty() && s.transfers.size() <= kTransfersMax);
  for (const Transfer& transfer : s.transfers)
    CHECK(within(transfer.size_mb, 0.001, kMegabytesMax) && transfer.files >= 1 && transfer.files <= kFilesMax);
  CHECK(!s.runs.empty() && s.runs.size() <= kRunsMax);
  names.clear();
  for (const lab::Run& run : s.runs) {
    CHECK(is_name(run.name) && names.insert(run.name).second);
    check_links(run.links, s);
    CHECK(within(run.scale, 0.001, 1000) && within(run.deadline_s, 1, kSecondsMax) && run.events.size() <= kEventsMax);
    for (const Event& event : run.events) check_event(event, s);
    check_expect(run.expect, run, s);
  }
}

// ---- what is done with it

void check_made_toml(const Scenario& s) {
  const bool made_up = std::ranges::all_of(s.links, [](const Link& link) { return link.a.device.empty(); });
  if (s.a.attached() || !made_up) return;    // what a device may be called, only DPDK knows
  for (const Which which : {Which::kA, Which::kB}) {
    const auto config = model::parse_weft_toml(weft_toml_of(s, which, "sockets"), "weft.toml");
    CHECK(config && config->impair_allowed && config->engine.cores == s.cores);
    CHECK(config->policy == *share::policy_of(s.policy) && config->ports.size() == s.links.size());
    for (std::size_t i = 0; i < s.links.size(); ++i)
      CHECK(config->ports[i].name == s.links[i].name && config->ports[i].mtu == s.links[i].mtu);
  }
}

// All orders of a run: each flap goes down and comes up, and at the end nothing is left.
void check_timeline(const Scenario& s, const lab::Run& run) {
  std::size_t wanted = 0;
  for (const Event& event : run.events)
    wanted += event.what == Do::kFlaps ? 2 * std::size_t{event.count} : std::max<std::size_t>(event.links.size(), 1);
  if (wanted > kFlapsDrawn) return;
  Timeline timeline(run.events, s.seed);
  std::size_t orders = 0;
  // Each part of a hundred takes effect when somebody looks, so the last flaps end a day after the last look but one.
  for (const auto& [seconds, percent] : {std::pair{0.0, 0.0}, {kSecondsMax / 2, 50.0}, {2 * kSecondsMax, 100.0},
                                         {4 * kSecondsMax, 100.0}})
    for (const Order& order : timeline.take_due(seconds, percent)) {
      CHECK(order.kind == Order::Kind::kPolicy || order.link < s.links.size());
      CHECK(!text_of(order, s).empty());
      ++orders;
    }
  CHECK(orders == wanted && timeline.done());
}

void check_accepted(const Scenario& scenario) {
  check_scenario(scenario);
  const std::string written = Writer(scenario).text();
  const auto again = parse_scenario(written, "again.toml");
  CHECK(again && Writer(*again).text() == written);
  check_made_toml(scenario);
  for (const lab::Run& run : scenario.runs) check_timeline(scenario, run);
}

void check_refusal(const std::string& error, const std::string& file) {
  CHECK(error.starts_with(file + ":") && error.size() > file.size() + 2);
  CHECK(std::ranges::none_of(error, [](char c) { return c >= 0 && c < ' '; }));
}

}  // namespace

void make_seeds(Seeds& out) {
  std::string shipped;
  for (const auto& entry : std::filesystem::directory_iterator(WEFT_SCENARIOS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    shipped.assign(std::istreambuf_iterator<char>(in), {});
    CHECK(in.good() || in.eof());
    out.add(entry.path().stem().string(), shipped);
  }
  const std::string two =
      "title = 't'\nseed = 3\n[weft]\ncores = 2\npolicy = 'ecf'\n[measure]\nfrom_percent = 1\nto_percent = 99.5\n[[link]]\n"
      "name = 'a'\nmtu = 9000\njitter_ms = 1e-1\n[[link]]\nname = 'b'\n[[transfer]]\nsize_mb = 1\ndirection = 'b-to-a'\n"
      "[[run]]\nname = 'x'\nlinks = 'a'\n[[run]]\nname = 'y'\nlinks = ['b']\n[[run]]\nname = 'z'\ndeadline_s = 5\n";
  const std::string events =
      "[[run.event]]\nat_s = 1\ndo = 'policy'\npolicy = 'redundant'\n[[run.event]]\nat_percent = 5\ndo = 'impair'\nloss_percent"
      " = 2\nlinks = 'b'\n[[run.event]]\nat_s = 0\ndo = 'flaps'\ncount = 3\nseconds = 0.3\ndown_ms_min = 100\ndown_ms_max = 100\n"
      "by_link_down = true\n[run.expect]\nof_up_min = 1\nof_best_min = 2\nback_in_use_s_max = 1\nevent_stall_ms_max = 5\n"
      "link_share_min = { b = 0.1 }\n";
  out.add("events", two + events);
  out.add("cards", two + "\f[[link]]\nname = 'b'\na = { device = '0000:17:00.0', address = '10.1.0.1/24' }\n"
                         "b = { device = 'net_ring0', address = ['10.1.0.2/24', 'fd00::2/64'] }\n");
  out.add("attached", two + "\f[a]\nurl = 'http://[::1]:8384'\napi_key = 'k'\n[b]\nurl = 'http://b:1/'\napi_key = 'l'\n"
                            "folder = 'f'\n[[link]]\nname = 'a'\nrate_mbit = 5\na.port = 'east'\n");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  using namespace weft;
  const std::string_view text = text_of(bytes_of(data, size));
  const std::size_t end = text.find('\f');
  auto scenario = lab::parse_scenario(text.substr(0, end), "a.toml");
  if (!scenario) {
    check_refusal(scenario.error(), "a.toml");
    return 0;
  }
  understood();
  check_accepted(*scenario);
  if (end == text.npos) return 0;
  if (const auto laid = lab::parse_ports(text.substr(end + 1), "ports.toml", *scenario); !laid)
    check_refusal(laid.error(), "ports.toml");
  else check_accepted(*scenario);
  return 0;
}
