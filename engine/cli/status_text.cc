// Includes nlohmann-json.
#include "engine/cli/status_text.hh"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/cli/table_text.hh"

namespace weft::cli {
namespace {

using Json = nlohmann::json;

// Answers are trusted to be the daemon's, not its names: those come from files and other machines.
std::string text(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? "" : safe_text(value.get<std::string>());
}
std::uint64_t number(const Json& json, const char* key) { return json.at(key).get<std::uint64_t>(); }

std::string short_id(const std::string& device) { return device.substr(0, 7); }

// Devices by the name the user gave them.
using Names = std::map<std::string, std::string>;
Names names_of(const Json& devices) {
  Names names;
  for (const Json& device : devices) {
    const std::string id = text(device, "device"), name = text(device, "name");
    names[id] = name.empty() ? short_id(id) : name;
  }
  return names;
}
std::string name_of(const Names& names, const std::string& id) {
  const auto found = names.find(id);
  return found == names.end() ? short_id(id) : found->second;
}

bool usable(const Json& path) {
  const std::string state = text(path, "state");
  return state == "active" || state == "standby" || state == "suspect";
}

std::string devices_table(const Json& devices, const Json& paths, const Names& names) {
  if (devices.empty()) return "  none yet: `weft device add ID` adds one\n";
  std::vector<std::vector<std::string>> rows = {{"NAME", "DEVICE", "LINK", "PATHS"}};
  for (const Json& device : devices) {
    const std::string id = text(device, "device");
    std::size_t all = 0, good = 0;
    for (const Json& path : paths) {
      if (text(path, "device") != id) continue;
      ++all;
      if (usable(path)) ++good;
    }
    const auto links = number(device, "links");
    const std::string more = links > 1 ? fmt::format(" and {} more", links - 1) : "";
    const std::string link = device.at("paused").get<bool>()      ? "paused"
                             : device.at("connected").get<bool>() ? "connected " + text(device, "address") + more
                                                                  : "not connected";
    const std::string ways = all > 0 ? fmt::format("{} of {} usable", good, all)
                             : device.at("connected").get<bool>() && !device.at("weft").get<bool>()
                                 ? "none: speaks Syncthing only"
                                 : "none";
    rows.push_back({name_of(names, id), short_id(id), link, ways});
  }
  return table_text(rows);
}

std::string folders_table(const Json& folders) {
  if (folders.empty()) return "  none yet: `weft folder add ID PATH --device NAME` adds one\n";
  std::vector<std::vector<std::string>> rows = {{"ID", "STATE", "DONE", "TO FETCH", "PATH"}};
  for (const Json& folder : folders) {
    const std::string state = folder.at("paused").get<bool>() ? "paused" : text(folder, "state");
    const std::uint64_t items = number(folder, "need_items");
    const std::string need = items == 0 ? "nothing"
                                        : fmt::format("{} in {} items", bytes_text(number(folder, "need_bytes")), items);
    rows.push_back({text(folder, "id"), state, fmt::format("{:.1f} %", folder.at("completion").get<double>()), need,
                    text(folder, "path")});
  }
  return table_text(rows);
}

std::string paths_table(const Json& paths, const Names& names) {
  std::vector<std::vector<std::string>> rows = {
      {"DEVICE", "PORT", "LOCAL", "REMOTE", "STATE", "SCORE", "RTT", "RATE", "LOSS", "IN", "OUT"}};
  for (const Json& path : paths)
    rows.push_back({name_of(names, text(path, "device")), text(path, "port"), text(path, "local"), text(path, "remote"),
                    text(path, "state"), std::to_string(number(path, "score")),
                    micros_text(path.at("rtt_us").get<std::int64_t>()), rate_text(number(path, "rate_Bps")),
                    fmt::format("{} ‰", path.at("loss_permille").get<int>()),
                    bytes_text(number(path, "bytes_in")), bytes_text(number(path, "bytes_out"))});
  return table_text(rows);
}

// --- what is not as it should be, each with what is known of the cause

using Lines = std::vector<std::string>;

void find_listener_faults(const Json& system, Lines& out) {
  for (const auto& [address, listener] : system.at("connectionServiceStatus").items())
    if (const std::string error = text(listener, "error"); !error.empty())
      out.push_back(fmt::format("listener {}: {}", safe_text(address), error));
}

void find_device_faults(const Json& status, const Json& system, const Names& names, Lines& out) {
  bool all_linked = true;
  for (const Json& device : status.at("devices")) {
    if (device.at("connected").get<bool>() || device.at("paused").get<bool>()) continue;
    all_linked = false;
    out.push_back(fmt::format("device {}: no link", name_of(names, text(device, "device"))));
  }
  if (!all_linked)
    for (const auto& [address, dial] : system.at("lastDialStatus").items())
      if (const std::string error = text(dial, "error"); !error.empty())
        out.push_back(fmt::format("dialling {}: {}", safe_text(address), error));
  for (const Json& pending : status.at("pending_devices"))
    out.push_back(fmt::format("unknown device {} ({}) asks to connect from {}: `weft device add` lets it in",
                              text(pending, "device"), text(pending, "name"), text(pending, "address")));
}

void find_folder_faults(const Json& folders, Lines& out) {
  for (const Json& folder : folders) {
    if (const std::string error = text(folder, "error"); !error.empty())
      out.push_back(fmt::format("folder {}: {}", text(folder, "id"), error));
    if (const std::uint64_t errors = number(folder, "pull_errors"); errors > 0)
      out.push_back(fmt::format("folder {}: {} items could not be fetched; /rest/folder/errors names them",
                                text(folder, "id"), errors));
  }
}

void find_path_faults(const Json& status, const Json& paths, const Names& names, Lines& out) {
  for (const Json& path : paths) {
    const std::string state = text(path, "state");
    if (path.at("degrading").get<bool>())
      out.push_back(fmt::format("path {} {} -> {} to {} gets worse: score {}, {}", text(path, "port"), text(path, "local"),
                                text(path, "remote"), name_of(names, text(path, "device")), number(path, "score"),
                                text(path, "score_reason")));
    if (state == "active" || state == "standby") continue;
    const Json& silent = path.at("silent_ms");
    const std::string since = silent.is_null() ? "the other side never answered on it"
                                               : fmt::format("silent for {} ms", silent.get<std::uint64_t>());
    out.push_back(fmt::format("path {} {} -> {} to {}: {}, {}", text(path, "port"), text(path, "local"),
                              text(path, "remote"), name_of(names, text(path, "device")), state, since));
  }
  for (const Json& port : status.at("ports")) {
    if (const std::string error = text(port, "error"); !error.empty()) out.push_back(error + " (the others go on)");
    else if (port.at("leaving").get<bool>()) out.push_back(fmt::format("port {}: is being removed", text(port, "name")));
    else if (!port.at("link_up").get<bool>()) out.push_back(fmt::format("port {}: link is down", text(port, "name")));
    if (number(port, "address_clashes") > 0)
      out.push_back(fmt::format("port {}: another station on its network has the same address; give one of them another",
                                text(port, "name")));
    const Json& impairment = port.at("impairment");
    if (impairment.at("blackhole").get<bool>() || impairment.at("link_down").get<bool>() ||
        impairment.at("drop_rate").get<double>() > 0 || number(impairment, "delay_us") > 0 ||
        number(impairment, "jitter_us") > 0 || number(impairment, "rate_Bps") > 0)
      out.push_back(fmt::format("port {}: impaired on purpose ({})", text(port, "name"), impairment.dump()));
  }
}

Lines find_faults(const Json& status, const Json& paths, const Json& system, const Names& names) {
  Lines out;
  find_listener_faults(system, out);
  find_device_faults(status, system, names, out);
  find_folder_faults(status.at("folders"), out);
  find_path_faults(status, paths, names, out);
  if (const std::string fallback = text(status.at("datapath"), "disk_fallback"); !fallback.empty())
    out.push_back("disk: slower than it could be: " + fallback);
  for (const Json& notice : status.at("notices")) out.push_back(safe_text(notice.get<std::string>()));
  return out;
}

std::string datapath_line(const Json& status) {
  const Json& datapath = status.at("datapath");
  if (!datapath.at("running").get<bool>())
    return "Datapath: off (no ports in weft.toml); files travel over links\n";
  return fmt::format("Datapath: {} core(s), policy {}, AEAD {}, memory {}\n", status.at("cores").size(),
                     text(datapath, "policy"), text(datapath, "aead"), text(datapath, "memory"));
}

std::string compose(const StatusAnswers& answers) {
  const Json status = Json::parse(answers.weft_status), system = Json::parse(answers.system_status);
  const Json paths = Json::parse(answers.weft_paths).at("paths");
  const Names names = names_of(status.at("devices"));
  const Json& totals = status.at("totals");
  std::string out = fmt::format("Device {}\nUp for {}\n", text(status, "my_id"),
                                duration_text(number(status, "uptime_s")));
  out += "\nDevices\n" + devices_table(status.at("devices"), paths, names);
  out += "\nFolders\n" + folders_table(status.at("folders"));
  out += "\n" + datapath_line(status);
  if (!paths.empty()) out += paths_table(paths, names);
  out += fmt::format("\nFetched {}: {} over paths, {} over links; served {} over paths; {} files under way\n",
                     bytes_text(number(totals, "bytes_verified")), bytes_text(number(totals, "bytes_via_paths")),
                     bytes_text(number(totals, "bytes_via_link")), bytes_text(number(totals, "bytes_served")),
                     status.at("transfers").size());
  const Lines faults = find_faults(status, paths, system, names);
  out += faults.empty() ? "\nNothing is amiss.\n" : "\nNot as it should be\n";
  for (const std::string& fault : faults) out += "  - " + fault + "\n";
  return out;
}

}  // namespace

tl::expected<std::string, std::string> status_text(const StatusAnswers& answers) {
  try {
    return compose(answers);
  } catch (const nlohmann::json::exception& error) {
    return tl::unexpected(std::string("the daemon's answer is not understood (another version of weft?): ") +
                          error.what());
  }
}

}  // namespace weft::cli
