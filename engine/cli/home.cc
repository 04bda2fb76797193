#include "engine/cli/home.hh"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ostream>

#include "bep/model/config_xml.hh"
#include "engine/cli/commands.hh"

namespace weft::cli {

namespace {
constexpr const char* kBelowHome = ".local/state/weft";
}

int refuse(const Io& io, int code, const std::string& sentence) {
  io.err << "weft: " << sentence << "\n";
  return code;
}

std::filesystem::path default_home() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::filesystem::path(value == nullptr ? "" : value);
  };
  // XDG: a path that is not absolute counts as not set.
  if (const auto state = variable("XDG_STATE_HOME"); state.is_absolute()) return state / "weft";
  const auto user = variable("HOME");
  if (user.is_absolute()) return user / kBelowHome;
  const passwd* const entry = ::getpwuid(::getuid());   // a service manager may set no HOME
  return std::filesystem::path(entry == nullptr ? "/" : entry->pw_dir) / kBelowHome;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "weft";
  return name.data();   // cut names still end: the last byte is never written
}

model::ConfigResult<Home> load_home(const std::filesystem::path& home) {
  auto config = model::load_config(home);
  if (!config) return tl::unexpected(config.error());
  auto weft = model::load_weft_toml(home);
  if (!weft) return tl::unexpected(weft.error());
  std::string why;
  auto identity = net::Identity::load(home, why);
  if (!identity) return tl::unexpected(why);
  if (const auto prepared = model::prepare(*config, identity->id(), host_name()); !prepared)
    return tl::unexpected(prepared.error());
  return Home{std::move(*config), std::move(*weft), std::move(*identity)};
}

}  // namespace weft::cli
