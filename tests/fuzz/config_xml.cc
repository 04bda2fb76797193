// config.xml: read, and edited as `weft device` and `weft folder` do: what could be read before can be read after, with
// the addition and without any other change.
#include <fcntl.h>

#include "bep/model/config_xml.hh"
#include "bep/proto/device_id.hh"
#include "tests/fuzz/fuzz.hh"
#include "tests/fuzz/temp_directory.hh"

namespace weft::fuzz {
namespace {

using namespace model;

const std::filesystem::path& home() {
  static const TempDirectory directory;
  return directory.path();
}

void write_config(base::Bytes text) {
  const int fd = ::open((home() / "config.xml").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  CHECK(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(fd);
}

base::DeviceId id_of(std::uint8_t filling) {
  base::DeviceId id;
  id.fill(std::byte{filling});
  return id;
}

std::string words(const DeviceConfig& device) {
  std::string out = proto::to_text(device.id) + "|" + device.name + "|" + device.cert_name + "|" + name_of(device.compression);
  for (const std::string& address : device.addresses) out += "|" + address;
  for (const int n : {int{device.paused}, device.connections, int{device.untrusted}, device.request_kib_max})
    out += "|" + std::to_string(n);
  return out;
}
std::string words(const FolderConfig& folder) {
  std::string out = folder.id + "|" + folder.label + "|" + folder.path.string() + "|" + name_of(folder.type) + "|" +
                    folder.marker_name + "|" + name_of(folder.order);
  for (const base::DeviceId& id : folder.devices) out += "|" + proto::to_text(id);
  for (const int n : {folder.rescan_interval_s, int{folder.fs_watcher_enabled}, folder.fs_watcher_delay_s,
                      int{folder.ignore_perms}, int{folder.ignore_delete}, int{folder.paused}, folder.conflicts_max,
                      int{folder.fsync}, int{folder.sparse}, folder.copiers, folder.hashers,
                      folder.puller_pending_kib_max, folder.puller_pause_s, folder.mtime_window_s})
    out += "|" + std::to_string(n);
  return out + "|" + folder.refusal;
}
// Everything that an edit must leave alone.
std::vector<std::string> words(const Config& config) {
  std::vector<std::string> out;
  for (const DeviceConfig& device : config.devices) out.push_back("device " + words(device));
  for (const FolderConfig& folder : config.folders) out.push_back("folder " + words(folder));
  out.push_back("gui " + config.gui.address + "|" + config.gui.api_key + "|" + config.gui.user);
  for (const std::string& address : config.options.listen_addresses) out.push_back("listen " + address);
  const OptionsConfig& o = config.options;
  std::string numbers = "options";
  for (const int n : {o.reconnection_interval_s, o.keep_temporaries_h, o.progress_update_interval_s,
                      o.incoming_request_kib_max, o.session_park_s, int{o.multipath_enabled}})
    numbers += "|" + std::to_string(n);
  out.push_back(numbers);
  for (const std::string& notice : config.notices) out.push_back("notice " + notice);
  std::ranges::sort(out);
  return out;
}

Config load_again() {
  auto config = load_config(home());
  CHECK(config);
  return std::move(*config);
}

void check_values(const Config& config) {
  CHECK(config.version >= kConfigVersionMin && config.version <= kConfigVersionMax);
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    CHECK(config.devices[i].id != proto::kEmptyDeviceId && !config.devices[i].addresses.empty());
    CHECK(config.device(config.devices[i].id) == &config.devices[i]);
  }
  for (std::size_t i = 0; i < config.folders.size(); ++i) {
    const FolderConfig& folder = config.folders[i];
    CHECK(!folder.id.empty() && folder.path.is_absolute() && config.folder(folder.id) == &folder);
    CHECK(i == 0 || config.folders[i - 1].id < folder.id);
    for (const base::DeviceId& id : folder.devices) CHECK(config.device(id) != nullptr);
  }
  CHECK(config.options.reconnection_interval_s >= 5);
}

// Each edit adds one thing; the rest reads as before.
void check_edits(const Config& before) {
  const NewDevice device{.id = id_of(0xD1), .name = "n\u00e4me <&\"'>", .addresses = {"tcp://10.0.0.9:22000"}};
  const bool device_known = before.device(device.id) != nullptr;
  CHECK(add_device(home(), device).has_value() == !device_known);
  const Config with_device = load_again();
  CHECK(with_device.devices.size() == before.devices.size() + (device_known ? 0 : 1));
  if (!device_known) CHECK(with_device.device(device.id)->name == device.name);

  const NewFolder folder{.id = "fuzz <&>", .label = "\u00fc", .path = "/srv/fuzz/d1", .devices = {}};
  const bool free = before.folder(folder.id) == nullptr &&
                    std::ranges::none_of(before.folders, [](const auto& f) { return f.path == "/srv/fuzz/d1"; });
  CHECK(add_folder(home(), folder).has_value() == free);
  if (free) {
    CHECK(share_folder(home(), folder.id, device.id));
    CHECK(share_folder(home(), folder.id, device.id));      // again: no error, no second entry
  }
  Config after = load_again();
  if (free) {
    const FolderConfig* added = after.folder(folder.id);
    CHECK(added != nullptr && added->devices == std::vector{device.id} && added->label == folder.label);
    std::erase_if(after.folders, [&](const FolderConfig& f) { return f.id == folder.id; });
  }
  if (!device_known) std::erase_if(after.devices, [&](const DeviceConfig& d) { return d.id == device.id; });
  // A folder that was shared with the device before it was known is so no longer in vain.
  if (!device_known && words(after) != words(before)) {
    for (FolderConfig& f : after.folders) std::erase(f.devices, device.id);
    std::erase_if(after.notices, [](const std::string&) { return true; });
    Config plain = before;
    plain.notices.clear();
    CHECK(words(after) == words(plain));
  }
}

}  // namespace

void make_seeds(Seeds& out) {
  std::filesystem::remove(home() / "config.xml");
  CHECK(create_config(home(), {.self = id_of(1), .name = "self"}));
  const auto add = [&](const char* name) {
    std::string text;
    std::FILE* file = std::fopen((home() / "config.xml").c_str(), "rb");
    CHECK(file != nullptr);
    char piece[4096];
    for (std::size_t got; (got = std::fread(piece, 1, sizeof piece, file)) > 0;) text.append(piece, got);
    std::fclose(file);
    // The key is drawn anew each time; a seed is not.
    const std::size_t key = text.find("<apikey>");
    CHECK(key != std::string::npos);
    text.replace(key + 8, text.find('<', key + 8) - key - 8, "key");
    out.add(name, text);
  };
  add("new");
  CHECK(add_device(home(), {.id = id_of(2), .name = "peer", .addresses = {"tcp://10.0.0.2:22000"}}));
  CHECK(add_folder(home(), {.id = "docs", .label = "Documents", .path = "/srv/docs", .devices = {id_of(2)}}));
  CHECK(share_folder(home(), "docs", id_of(1)));
  add("shared");
  out.add("sparse", "<?xml version=\"1.0\"?><!-- c --><configuration version=\"28\"><device id=\"" + proto::to_text(id_of(3)) +
                        "\"><address>dynamic</address></device><gui enabled=\"false\"/><folder id=\"a\" path=\"~/a\""
                        " fsWatcherDelayS=\"0.5\"><versioning type=\"simple\"/></folder></configuration>");
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  write_config(bytes_of(data, size));
  auto config = load_config(home());
  if (!config) {
    CHECK(config.error().starts_with((home() / "config.xml").string()));
    return 0;
  }
  understood();
  check_values(*config);
  check_edits(*config);
  if (prepare(*config, id_of(0xEE), "own name")) {
    CHECK(config->device(id_of(0xEE)) != nullptr);
    for (const FolderConfig& folder : config->folders)
      CHECK(std::ranges::find(folder.devices, id_of(0xEE)) != folder.devices.end());
  }
  return 0;
}
