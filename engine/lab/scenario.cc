#include "engine/lab/scenario.hh"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "bep/model/config_file.hh"
#include "bep/model/weft_toml.hh"
#include "engine/lab/rest_address.hh"
#include "engine/lab/scenario_reader.hh"
#include "engine/share/policy.hh"

namespace weft::lab {

using model::TomlErrors;
using model::TomlTable;

namespace {

constexpr std::size_t kFileBytesMax = 1u << 20;
constexpr std::size_t kNameBytesMax = 32;      // as a port's name, which it becomes
constexpr double kRateMbitMax = 1e6, kDelayMsMax = 10'000;   // a terabit; as nic::Port bounds delays

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.';
  });
}

SideSpec read_side(const toml::table* from, const char* name, SideSpec side, TomlErrors& errors) {
  TomlTable table(from, name, errors);
  table.read("url", side.url);
  table.read("api_key", side.api_key);
  table.read("folder", side.folder);
  table.refuse_unknown_keys();
  if (table.has("url") && !parse_url(side.url))
    table.refuse("url", "is \"" + side.url + "\" but must be http://HOST:PORT, where the weft's REST API answers");
  if (side.attached() && side.api_key.empty())
    table.refuse("api_key", "is missing; it stands under <gui> in the config.xml of that weft");
  if (!side.attached() && (table.has("api_key") || table.has("folder")))
    table.refuse(table.has("folder") ? "folder" : "api_key", "is for a weft that runs already; give its url too");
  return side;
}

PortSpec read_port(const toml::table* from, const char* name, PortSpec port, TomlErrors& errors) {
  TomlTable table(from, name, errors);
  table.read("device", port.device);
  std::vector<std::string> address;
  table.read("address", address);
  if (!address.empty()) port.address = address;
  table.read("port", port.port);
  table.refuse_unknown_keys();
  if (!port.device.empty() && port.address.empty())
    table.refuse("address", "is missing; a device wants one, as \"10.1.0.1/24\"");
  if (port.device.empty() && !port.address.empty())
    table.refuse("address", "is for a device; give device too, or leave both out for shared memory");
  return port;
}

// Over what is there: the scenario's defaults, or the scenario's link for a file of ports.
void read_link(TomlTable& table, Link& link, TomlErrors& errors) {
  table.read("mtu", link.mtu, model::kMtuMin, model::kMtuMax);
  read_shape(table, link.shape);
  link.a = read_port(table.table("a"), "link.a", link.a, errors);
  link.b = read_port(table.table("b"), "link.b", link.b, errors);
  table.refuse_unknown_keys();
}

Transfer read_transfer(const toml::table* from, TomlErrors& errors) {
  constexpr std::array kDirections = {"a-to-b", "b-to-a"};
  Transfer transfer;
  TomlTable table(from, "transfer", errors);
  std::size_t direction = 0;
  table.read("direction", direction, kDirections);
  transfer.from_a = direction == 0;
  table.read("size_mb", transfer.size_mb, 0.001, kMegabytesMax);
  table.read("files", transfer.files, 1, kFilesMax);
  table.refuse_unknown_keys();
  if (transfer.size_mb == 0) table.refuse("size_mb", "is missing; write how many megabytes are to be moved");
  return transfer;
}

void read_measure(const toml::table* from, Scenario& scenario, TomlErrors& errors) {
  TomlTable table(from, "measure", errors);
  table.read("from_percent", scenario.from_percent, 0, 99);
  table.read("to_percent", scenario.to_percent, 1, 100);
  table.refuse_unknown_keys();
  if (scenario.to_percent <= scenario.from_percent)
    table.refuse("to_percent", "is not above from_percent; goodput counts between the two");
}

void read_weft(const toml::table* from, Scenario& scenario, TomlErrors& errors) {
  TomlTable table(from, "weft", errors);
  table.read("cores", scenario.cores, 1, base::kCoresMax);
  share::Policy policy{};
  table.read("policy", policy, share::kPolicyNames);
  scenario.policy = share::name_of(policy);
  table.refuse_unknown_keys();
}

std::vector<Link> read_all_links(TomlTable& root, TomlErrors& errors) {
  std::vector<Link> links;
  for (const toml::table* from : root.tables("link")) {
    TomlTable table(from, "link", errors);
    Link link;
    link.line = from->source().begin.line;
    table.read("name", link.name);
    if (!is_name(link.name)) table.refuse("name", "must be there: at most 32 letters, digits, '-', '_' or '.'");
    if (find_link(links, link.name) != kMissing)
      table.refuse("name", "\"" + link.name + "\" is already that of an earlier link; choose another");
    read_link(table, link, errors);
    links.push_back(std::move(link));
  }
  if (links.empty()) errors.refuse(0, "there is no [[link]]; write one for each path between the two sides");
  if (links.size() > base::kPortsMax)
    root.refuse("link", "stands " + std::to_string(links.size()) + " times; at most " +
                            std::to_string(base::kPortsMax) + " ports are possible");
  return links;
}

// Where both kinds of side and of port meet.
void check_sides(const Scenario& scenario, TomlErrors& errors) {
  if (scenario.a.attached() != scenario.b.attached())
    errors.refuse(0, std::string(scenario.a.attached() ? "b" : "a") +
                         " has no url but the other side has one; a weft that runs already does not know one that is "
                         "made for the occasion: start both yourself and give both urls, or give none");
  for (const Link& link : scenario.links) {
    if (link.a.device.empty() != link.b.device.empty())
      errors.refuse(link.line, "link \"" + link.name +
                    "\" has a device at one end only; give both, or none for shared memory");
    if (scenario.a.attached() && !link.a.device.empty())
      errors.refuse(link.line, "link \"" + link.name +
                    "\" names a device, but the sides run already; name their ports by port = "
                       "\"…\" instead");
    if (!scenario.a.attached() && !(link.a.port + link.b.port).empty())
      errors.refuse(link.line, "link \"" + link.name +
                    "\" names a port, but the sides are started here; give device and address");
  }
}

void read_runs(TomlTable& root, Scenario& scenario, TomlErrors& errors) {
  const auto tables = root.tables("run");
  if (tables.empty()) errors.refuse(0, "there is no [[run]]; write at least one");
  if (tables.size() > kRunsMax) root.refuse("run", "stands more than " + std::to_string(kRunsMax) + " times");
  for (const toml::table* from : tables) {
    if (!errors.first.empty()) return;
    Run run = read_run(from, scenario, errors);
    const bool twin = std::ranges::any_of(scenario.runs, [&](const Run& other) { return other.name == run.name; });
    if (!is_name(run.name) || twin)
      TomlTable(from, "run", errors)
          .refuse("name", twin ? "\"" + run.name + "\" is already that of an earlier run; choose another"
                               : "must be there: at most 32 letters, digits, '-', '_' or '.'");
    scenario.runs.push_back(std::move(run));
  }
}

// Expectations that compare want something to compare with, and before them.
void check_comparisons(const Scenario& scenario, TomlErrors& errors) {
  for (const Run& run : scenario.runs) {
    const Expect& e = run.expect;
    std::set<std::size_t> wanted;
    if (e.of_sum_min || e.of_up_min) wanted.insert(run.links.begin(), run.links.end());
    for (const auto& [link, share] : e.of_shares) wanted.insert(link);
    if (e.of_best_min) {
      std::ranges::copy_if(run.links, std::inserter(wanted, wanted.end()),
                           [&](std::size_t link) { return scenario.alone(link) != nullptr; });
      if (wanted.empty()) wanted.insert(run.links[0]);
    }
    for (const std::size_t link : wanted) {
      const Run* const alone = scenario.alone(link);
      const std::string& name = scenario.links[link].name;
      if (alone == nullptr || alone >= &run)
        errors.refuse(run.line, "run \"" + run.name + "\" is compared with link \"" + name +
                                    "\" alone, but no earlier [[run]] has links = [\"" + name +
                                    "\"] and no events; add one");
    }
  }
}

Scenario read_all(const toml::table& from, TomlErrors& errors) {
  Scenario scenario;
  scenario.file = errors.file;
  TomlTable root(&from, "", errors);
  root.read("title", scenario.title);
  if (scenario.title.empty()) errors.refuse(0, "title is missing; say in a few words what is tried");
  root.read("seed", scenario.seed, 0, UINT32_MAX);
  scenario.a = read_side(root.table("a"), "a", {}, errors);
  scenario.b = read_side(root.table("b"), "b", {}, errors);
  read_weft(root.table("weft"), scenario, errors);
  read_measure(root.table("measure"), scenario, errors);
  scenario.links = read_all_links(root, errors);
  for (const toml::table* transfer : root.tables("transfer"))
    scenario.transfers.push_back(read_transfer(transfer, errors));
  if (scenario.transfers.empty() || scenario.transfers.size() > kTransfersMax)
    errors.refuse(0, "there must be one to " + std::to_string(kTransfersMax) + " [[transfer]]; say what is moved");
  if (errors.first.empty()) read_runs(root, scenario, errors);
  root.refuse_unknown_keys();
  check_sides(scenario, errors);
  if (errors.first.empty()) check_comparisons(scenario, errors);   // each run has links now
  return scenario;
}

ConfigResult<std::string> read_file(const std::filesystem::path& file, const char* what) {
  return model::read_config_file(file, kFileBytesMax, std::string("name a file of ") + what);
}

}  // namespace

std::size_t find_link(std::span<const Link> links, const std::string& name) {
  const auto found = std::ranges::find(links, name, &Link::name);
  return found == links.end() ? kMissing : static_cast<std::size_t>(found - links.begin());
}

void read_shape(TomlTable& table, Shape& shape) {
  table.read("rate_mbit", shape.rate_mbit, 0, kRateMbitMax);
  table.read("delay_ms", shape.delay_ms, 0, kDelayMsMax);
  table.read("jitter_ms", shape.jitter_ms, 0, kDelayMsMax);
  table.read("loss_percent", shape.loss_percent, 0, 100);
  table.read("queue_ms", shape.queue_ms, 0, kDelayMsMax);
}

const Run* Scenario::alone(std::size_t link) const noexcept {
  const auto found = std::ranges::find_if(
      runs, [&](const Run& run) { return run.events.empty() && run.links.size() == 1 && run.links[0] == link; });
  return found == runs.end() ? nullptr : &*found;
}

double Scenario::payload_bytes(const Run& run) const noexcept {
  double sum = 0;
  for (const Transfer& transfer : transfers) sum += transfer.size_mb;
  return sum * run.scale * 1e6;
}

ConfigResult<Scenario> parse_scenario(std::string_view text, const std::string& file) {
  TomlErrors errors{file, {}};
  Scenario scenario;
  if (const auto root = model::parse_toml(text, errors)) scenario = read_all(*root, errors);
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  return scenario;
}

ConfigResult<void> parse_ports(std::string_view text, const std::string& file, Scenario& scenario) {
  TomlErrors errors{file, {}};
  const auto from = model::parse_toml(text, errors);
  if (!from) return tl::unexpected(errors.first);
  TomlTable root(&*from, "", errors);
  scenario.a = read_side(root.table("a"), "a", scenario.a, errors);
  scenario.b = read_side(root.table("b"), "b", scenario.b, errors);
  for (const toml::table* table : root.tables("link")) {
    TomlTable link(table, "link", errors);
    std::string name;
    link.read("name", name);
    const std::size_t index = find_link(scenario.links, name);
    if (index == kMissing) {
      link.refuse("name", "is \"" + name + "\", which is no link of " + scenario.file + "; correct it or remove it");
    } else {
      scenario.links[index].line = table->source().begin.line;
      read_link(link, scenario.links[index], errors);
    }
  }
  root.refuse_unknown_keys();
  check_sides(scenario, errors);
  if (!errors.first.empty()) return tl::unexpected(errors.first);
  return {};
}

ConfigResult<Scenario> read_scenario(const std::filesystem::path& file) {
  const auto text = read_file(file, "a scenario, as those in bench/scenarios");
  if (!text) return tl::unexpected(text.error());
  return parse_scenario(*text, file.string());
}

ConfigResult<void> read_ports(const std::filesystem::path& file, Scenario& scenario) {
  const auto text = read_file(file, "ports: [[link]] with name, a and b");
  if (!text) return tl::unexpected(text.error());
  return parse_ports(*text, file.string(), scenario);
}

}  // namespace weft::lab
