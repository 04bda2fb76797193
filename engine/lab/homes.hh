// The homes of two wefts that know each other and share one folder, made from nothing in a temporary directory: what
// `weft init`, `device add` and `folder add` would write, and a weft.toml with the scenario's ports. Blocking; any one
// thread. Everything listens on loopback, at ports the kernel chooses.
#pragma once

#include <filesystem>
#include <string>

#include "engine/lab/scenario.hh"

namespace weft::lab {

enum class Which : std::uint8_t { kA, kB };

// weft.toml of one side. `sockets` begins the names of the memif sockets of this pair. Pure.
[[nodiscard]] std::string weft_toml_of(const Scenario& scenario, Which which, const std::string& sockets);

struct NewSide {
  std::filesystem::path home, folder;      // made here
  base::DeviceId id{};
};
// Identity, config.xml without the other side, weft.toml, an empty folder.
[[nodiscard]] ConfigResult<NewSide> make_side(const Scenario& scenario, Which which,
                                              const std::filesystem::path& directory,
                                              const std::string& sockets);
// Tells `side` of the other one, and where to dial it ("": it dials us), and shares the folder with it.
[[nodiscard]] ConfigResult<void> introduce(const NewSide& side, const SideSpec& spec, const base::DeviceId& other,
                                           const std::string& address);

}  // namespace weft::lab
