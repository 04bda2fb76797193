// Which port each listener had last time (option randomPortPersistence): `weft-ports` in the home directory, a line each:
// the configured address, a space, the port. A file that cannot be read or written costs the memory, not the listener.
// Thread: the control thread. Blocking, a few hundred bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace weft::net {

class RememberedPorts {
 public:
  static constexpr const char* kFile = "weft-ports";

  // An empty path: nothing is read or written.
  explicit RememberedPorts(std::filesystem::path file);
  [[nodiscard]] std::uint16_t of(const std::string& configured) const;   // 0: none
  void remember(const std::string& configured, std::uint16_t port);

 private:
  void read(std::string_view text);

  std::filesystem::path file_;
  std::map<std::string, std::uint16_t> ports_;
};

}  // namespace weft::net
