#include "engine/lab/homes.hh"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bep/model/config_xml.hh"
#include "bep/net/home_file.hh"
#include "bep/net/identity.hh"

namespace weft::lab {

namespace fs = std::filesystem;

namespace {

constexpr mode_t kConfigMode = 0600;

// Texts come from a checked file, but may hold what TOML escapes.
std::string toml_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string port_text(const Scenario& scenario, std::size_t index, Which which, const std::string& sockets) {
  const Link& link = scenario.links[index];
  const PortSpec& port = which == Which::kA ? link.a : link.b;
  std::string device = port.device;
  std::vector<std::string> addresses;
  for (const std::string& address : port.address) addresses.push_back(toml_text(address));
  if (device.empty()) {
    device = fmt::format("net_memif{},role={},id=0,socket={}-{}", index, which == Which::kA ? "server" : "client",
                         sockets,
                         index);
    addresses = {toml_text(fmt::format("10.{}.0.{}/24", index + 1, which == Which::kA ? 1 : 2))};
  }
  return fmt::format("\n[[port]]\nname = {}\ndevice = {}\naddress = [{}]\nmtu = {}\n", toml_text(link.name),
                     toml_text(device),
                     fmt::join(addresses, ", "), link.mtu);
}

}  // namespace

std::string weft_toml_of(const Scenario& scenario, Which which, const std::string& sockets) {
  std::string out = fmt::format("[engine]\ncores = {}\n\n[scheduler]\npolicy = {}\n\n[lab]\nimpair = {}\nbench = {}\n",
                                scenario.cores, toml_text(scenario.policy), scenario.impair, scenario.bench);
  for (std::size_t i = 0; i < scenario.links.size(); ++i) out += port_text(scenario, i, which, sockets);
  return out;
}

ConfigResult<NewSide> make_side(const Scenario& scenario, Which which, const fs::path& directory,
                                const std::string& sockets) {
  NewSide side;
  side.home = directory / "home";
  side.folder = directory / "folder";
  std::string why;
  std::error_code error;
  if (!net::make_home(side.home, why)) return tl::unexpected(why);
  fs::create_directories(side.folder / ".stfolder", error);
  if (error) return tl::unexpected(side.folder.string() + ": cannot be made: " + error.message());
  const auto identity = net::Identity::generate(side.home, why);
  if (!identity) return tl::unexpected(why);
  side.id = identity->id();
  model::NewHome wanted;
  wanted.self = side.id;
  wanted.name = which == Which::kA ? "lab-a" : "lab-b";
  wanted.listen = {"tcp://127.0.0.1:0"};
  wanted.gui_address = "127.0.0.1:0";
  if (const auto made = model::create_config(side.home, wanted); !made) return tl::unexpected(made.error());
  if (!net::write_new_home_file(side.home / "weft.toml", weft_toml_of(scenario, which, sockets), kConfigMode, why))
    return tl::unexpected(why);
  return side;
}

ConfigResult<void> introduce(const NewSide& side, const SideSpec& spec, const base::DeviceId& other,
                             const std::string& address) {
  model::NewDevice device;
  device.id = other;
  device.name = "other";
  if (!address.empty()) device.addresses = {address};
  if (const auto added = model::add_device(side.home, device); !added) return tl::unexpected(added.error());
  model::NewFolder folder;
  folder.id = spec.folder;
  folder.path = side.folder.string();
  folder.devices = {other};
  return model::add_folder(side.home, folder);
}

}  // namespace weft::lab
