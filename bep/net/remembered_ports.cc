#include "bep/net/remembered_ports.hh"

#include <algorithm>
#include <charconv>
#include <utility>

#include "bep/net/home_file.hh"
#include "engine/base/log.hh"

namespace weft::net {

RememberedPorts::RememberedPorts(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code none;
  if (file_.empty() || !std::filesystem::exists(file_, none)) return;
  std::string why;
  const auto text = read_home_file(file_, why);
  if (text) read(*text);
  else base::log(base::Subsystem::kLinks, base::LogLevel::kWarn, "the ports of last time are not known", {{"why", why}});
}

void RememberedPorts::read(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t space = line.rfind(' ');
    if (space == line.npos || space == 0) continue;
    std::uint16_t port = 0;
    const char* const end = line.data() + line.size();
    const auto [at, error] = std::from_chars(line.data() + space + 1, end, port);
    if (error == std::errc{} && at == end && port != 0) ports_[std::string(line.substr(0, space))] = port;
  }
}

std::uint16_t RememberedPorts::of(const std::string& configured) const {
  const auto found = ports_.find(configured);
  return found == ports_.end() ? std::uint16_t{0} : found->second;
}

void RememberedPorts::remember(const std::string& configured, std::uint16_t port) {
  if (file_.empty() || std::exchange(ports_[configured], port) == port) return;
  std::string text, why;
  for (const auto& [name, number] : ports_) text += name + ' ' + std::to_string(number) + '\n';
  if (!replace_home_file(file_, text, 0600, why))
    base::log(base::Subsystem::kLinks, base::LogLevel::kWarn, "the port in use is not remembered", {{"why", why}});
}

}  // namespace weft::net
