// Includes nlohmann-json: a weft that was started here says in its log where its API listens.
#include "engine/lab/pair.hh"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bep/model/config_xml.hh"
#include "engine/lab/rest_address.hh"

namespace weft::lab {

namespace fs = std::filesystem;

namespace {

constexpr double kStartS = 30, kLinkS = 30;
constexpr std::chrono::milliseconds kEndPatience{10'000};
constexpr std::size_t kLogLines = 12;

const char* name_of(Which which) { return which == Which::kA ? "a" : "b"; }
const SideSpec& spec_of(const Scenario& scenario, Which which) { return which == Which::kA ? scenario.a : scenario.b; }

// nullopt while the log does not say it.
std::optional<RestAddress> api_address_in(const fs::path& log) {
  std::ifstream in(log);
  for (std::string line; std::getline(in, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("message", "") != "api listens") continue;
    return parse_address(json.value("address", ""));
  }
  return std::nullopt;
}

}  // namespace

ConfigResult<std::unique_ptr<Pair>> Pair::start(const Scenario& scenario, Rest& rest, StopSignal& stop,
                                                const fs::path& directory) {
  std::unique_ptr<Pair> pair(new Pair(scenario, rest, stop));
  ConfigResult<void> done;
  if (scenario.a.attached()) {
    done = pair->attach(Which::kA);
    if (done) done = pair->attach(Which::kB);
  } else {
    done = pair->start_both(directory);
  }
  if (done) done = pair->look_at_both();
  if (!done) return tl::unexpected(done.error());
  return pair;
}

Pair::~Pair() { stop(); }

ConfigResult<void> Pair::attach(Which which) {
  const SideSpec& spec = spec_of(scenario_, which);
  const RestAddress at = parse_url(spec.url).value();   // scenario.cc has looked at it
  end(which).side.emplace(rest_, name_of(which), at.host, at.port, spec.api_key, spec.folder);
  return {};
}

ConfigResult<void> Pair::start_both(const fs::path& directory) {
  const std::string sockets = "weft-lab-" + std::to_string(::getpid());
  const auto made_a = make_side(scenario_, Which::kA, directory / "a", sockets);
  if (!made_a) return tl::unexpected(made_a.error());
  const auto made_b = make_side(scenario_, Which::kB, directory / "b", sockets);
  if (!made_b) return tl::unexpected(made_b.error());
  if (auto done = introduce(*made_a, scenario_.a, made_b->id, ""); !done) return done;
  if (auto done = start_one(Which::kA, *made_a, directory / "a" / "log.txt"); !done) return done;
  std::string address;
  auto listens = wait_until(kStartS, "side a listens", [&]() -> ConfigResult<bool> {
    const auto found = a_.side->listen_address();
    if (!found) return tl::unexpected(found.error());
    address = *found;
    return !address.empty();
  });
  if (!listens) return listens;
  if (auto done = introduce(*made_b, scenario_.b, made_a->id, address); !done) return done;
  return start_one(Which::kB, *made_b, directory / "b" / "log.txt");
}

ConfigResult<void> Pair::start_one(Which which, const NewSide& made, const fs::path& log) {
  auto child = Child::start(kOwnExecutable, {"weft", "serve", "--home", made.home.string(), "--log-format", "json"},
                            log);
  if (!child) return tl::unexpected(child.error());
  End& here = end(which);
  here.child.emplace(std::move(*child));
  std::optional<RestAddress> at;
  auto up = wait_until(kStartS, std::string("side ") + name_of(which) + " says where its API listens",
                       [&]() -> ConfigResult<bool> {
    at = api_address_in(log);
    return at.has_value();
  });
  if (!up) return up;
  const auto config = model::load_config(made.home);
  if (!config) return tl::unexpected(config.error());
  here.side.emplace(rest_, name_of(which), at->host, at->port, config->gui.api_key, spec_of(scenario_, which).folder);
  return {};
}

// Both answer, may be impaired, have the ports and the folder, and are linked.
ConfigResult<void> Pair::look_at_both() {
  for (const Which which : {Which::kA, Which::kB}) {
    End& here = end(which);
    auto about = here.side->about();
    if (!about) return tl::unexpected(about.error());
    here.about = std::move(*about);
    const std::string side = std::string("side ") + name_of(which);
    if (scenario_.impair && !here.about.impair_allowed)
      return tl::unexpected(side + " does not allow impairment: set impair = true under [lab] in its weft.toml and "
                                   "restart it");
    if (here.about.folder_path.empty())
      return tl::unexpected(side + " has no folder \"" + spec_of(scenario_, which).folder +
                            "\": add it there by `weft folder add`, shared with the other side");
    for (std::size_t i = 0; i < scenario_.links.size(); ++i)
      if (std::ranges::find(here.about.ports, port_name(which, i)) == here.about.ports.end())
        return tl::unexpected(side + " has no port \"" + port_name(which, i) +
                              "\" in its weft.toml; name the right one by " +
                              name_of(which) + " = { port = \"…\" } under link \"" + scenario_.links[i].name + "\"");
  }
  if (a_.about.device == b_.about.device)
    return tl::unexpected(std::string("sides a and b are one and the same weft; give two urls"));
  return wait_until(kLinkS, "the two sides are linked", [&] { return a_.side->has_link_to(b_.about.device); });
}

std::string Pair::port_name(Which which, std::size_t link) const {
  const Link& one = scenario_.links[link];
  const std::string& name = which == Which::kA ? one.a.port : one.b.port;
  return name.empty() ? one.name : name;
}

ConfigResult<void> Pair::set_link(std::size_t link, const LinkNow& now) {
  for (const Which which : {Which::kA, Which::kB})
    if (auto done = end(which).side->impair(port_name(which, link), now); !done) return done;
  return {};
}

ConfigResult<void> Pair::alive() {
  for (const Which which : {Which::kA, Which::kB}) {
    auto& child = end(which).child;
    if (child && !child->running())
      return tl::unexpected(std::string("side ") + name_of(which) + " " + child->fate() + "; its log ends with\n" +
                            end_of_log(child->log(), kLogLines));
  }
  return {};
}

void Pair::stop() {
  if (std::exchange(stopped_, true)) return;
  for (End* here : {&a_, &b_}) {
    if (!here->side) {
      if (here->child) here->child->terminate();
      continue;
    }
    if (here->child) {
      if (!here->side->shutdown()) here->child->terminate();
    } else if (here->about.impair_allowed) {
      for (std::size_t i = 0; i < scenario_.links.size(); ++i)
        (void)here->side->impair(port_name(here == &a_ ? Which::kA : Which::kB, i), {});
    }
  }
  for (End* here : {&a_, &b_})
    if (here->child) here->child->end(kEndPatience);
}

}  // namespace weft::lab
