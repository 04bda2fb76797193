// `weft init` and `weft id`: the home directory and who it makes us.
#include <ostream>

#include "bep/model/config_xml.hh"
#include "bep/model/weft_toml.hh"
#include "bep/net/address.hh"
#include "bep/net/home_file.hh"
#include "bep/net/identity.hh"
#include "bep/proto/device_id.hh"
#include "engine/api/server.hh"
#include "engine/cli/commands.hh"
#include "engine/cli/home.hh"

namespace weft::cli {
namespace {

constexpr mode_t kConfigMode = 0600;

base::Result<net::Identity> identity_of(const std::filesystem::path& home, std::string& why) {
  std::error_code ignored;
  const bool there = std::filesystem::exists(home / net::kCertificateFile, ignored) ||
                     std::filesystem::exists(home / net::kKeyFile, ignored);
  return there ? net::Identity::load(home, why) : net::Identity::generate(home, why);
}

// What is wrong with the options, or "".
std::string wrong_option(const InitOptions& options) {
  for (const std::string& address : options.listen) {
    const auto parsed = net::parse_address(address, net::AddressUse::kListen);
    if (!parsed) return "--listen " + address + ": " + parsed.error().text + "; write tcp://0.0.0.0:22000 for example";
  }
  if (!options.gui_address.empty()) {
    api::ServerConfig config;
    config.address = options.gui_address;
    std::string why;
    if (!api::check_config(config, why))
      return "--gui-address " + options.gui_address + ": not host:port; write 127.0.0.1:8384 for example";
  }
  return "";
}

void print_next_steps(const Io& io, const std::filesystem::path& home, const std::string& id) {
  const std::string option = home == default_home() ? "" : " --home " + home.string();
  io.out << "Made " << home.string() << ".\n"
         << "This device's ID is\n\n  " << id << "\n\n"
         << "Next:\n"
         << "  weft device add OTHER-ID --name other --address tcp://HOST:22000" << option << "\n"
         << "  weft folder add NAME PATH --device other" << option << "\n"
         << "  weft serve" << option << "\n"
         << "Ports for the fast datapath: see " << (home / "weft.toml").string() << "\n";
}

}  // namespace

int init_command(const InitOptions& options, const Io& io) {
  if (const std::string wrong = wrong_option(options); !wrong.empty()) return refuse(io, kWrong, wrong);
  std::error_code ignored;
  if (std::filesystem::exists(options.home / "config.xml", ignored))
    return refuse(io, kWrong, options.home.string() +
                                  "/config.xml: exists already; run `weft serve` on it or choose another --home");
  std::string why;
  if (!net::make_home(options.home, why)) return refuse(io, kFailed, why);
  const auto identity = identity_of(options.home, why);
  if (!identity) return refuse(io, kFailed, why);

  model::NewHome wanted;
  wanted.self = identity->id();
  wanted.name = options.name.empty() ? host_name() : options.name;
  if (!options.listen.empty()) wanted.listen = options.listen;
  if (!options.gui_address.empty()) wanted.gui_address = options.gui_address;
  const auto toml = net::write_new_home_file(options.home / "weft.toml", model::weft_toml_example(), kConfigMode, why);
  if (!toml && toml.error().code != base::Errc::kExists) return refuse(io, kFailed, why);
  // Last, because its presence is what makes a directory a home.
  if (const auto made = model::create_config(options.home, wanted); !made) return refuse(io, kFailed, made.error());
  print_next_steps(io, options.home, proto::to_text(identity->id()));
  return kDone;
}

int id_command(const std::filesystem::path& home, const Io& io) {
  std::string why;
  const auto identity = net::Identity::load(home, why);
  if (!identity) return refuse(io, kWrong, why);
  io.out << proto::to_text(identity->id()) << "\n";
  return kDone;
}

}  // namespace weft::cli
