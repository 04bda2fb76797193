#include "bep/model/config_xml.hh"

#include <algorithm>

#include "bep/model/config_reader.hh"
#include "bep/proto/device_id.hh"

namespace weft::model {
namespace {

DeviceConfig read_device(ConfigReader& reader, pugi::xml_node node, Config& config) {
  DeviceConfig device;
  device.id = reader.device_id(node);
  device.name = node.attribute("name").value();
  device.cert_name = node.attribute("certName").value();
  const std::string where = "<device name=\"" + device.name + "\">";
  const std::string compression = reader.attribute_or(node, "compression", "metadata");
  if (compression == "always" || compression == "true") device.compression = Compression::kAlways;
  else if (compression == "never" || compression == "false")
    device.compression = Compression::kNever;
  else if (compression != "metadata")
    reader.refuse(node, "compression is \"" + compression + "\"; write metadata, always or never");
  for (const auto& address : node.children("address")) {
    const std::string text = ConfigReader::trimmed(address.child_value());
    if (!text.empty()) device.addresses.push_back(text);
  }
  if (device.addresses.empty()) device.addresses.push_back("dynamic");
  device.paused = reader.boolean(node, "paused", false);
  device.untrusted = reader.boolean(node, "untrusted", false);
  device.connections = reader.number(node, "numConnections", 0, -1, 128);
  if (device.connections == 0) device.connections = kConnectionsChosen;
  else device.connections = std::max(device.connections, 1);
  device.request_kib_max = reader.number(node, "maxRequestKiB", 0, -1, 1 << 30);
  if (!ConfigReader::trimmed(node.child_value("allowedNetwork")).empty())
    reader.refuse(node,
                  "<allowedNetwork> is set, which weft cannot keep to yet; remove it and restrict "
                  "the network with a firewall");
  const bool rates = reader.number(node, "maxSendKbps", 0, 0, INT32_MAX) != 0 ||
                     reader.number(node, "maxRecvKbps", 0, 0, INT32_MAX) != 0;
  notice_if(config, rates, where + " sets a rate limit, which has no effect yet");
  notice_if(config, reader.flag(node, "introducer", false),
            where + " is an introducer, which has no effect yet");
  notice_if(config, reader.boolean(node, "autoAcceptFolders", false),
            where + " sets autoAcceptFolders, which has no effect yet; add its folders by hand");
  return device;
}

FolderType read_folder_type(ConfigReader& reader, pugi::xml_node node) {
  const std::string type = reader.attribute_or(node, "type", "sendreceive");
  if (type == "sendreceive" || type == "readwrite") return FolderType::kSendReceive;
  if (type == "sendonly" || type == "readonly") return FolderType::kSendOnly;
  if (type == "receiveonly") return FolderType::kReceiveOnly;
  if (type == "receiveencrypted")
    reader.refuse(node,
                  "type is receiveencrypted, which weft does not support yet; use another type or "
                  "remove the folder");
  else reader.refuse(node, "type is \"" + type + "\"; write sendreceive, sendonly or receiveonly");
  return FolderType::kSendReceive;
}

PullOrder read_order(ConfigReader& reader, pugi::xml_node node) {
  const std::string text = reader.text_or(node, "order", "random");
  for (const PullOrder order :
       {PullOrder::kRandom, PullOrder::kAlphabetic, PullOrder::kSmallestFirst,
        PullOrder::kLargestFirst, PullOrder::kOldestFirst, PullOrder::kNewestFirst})
    if (text == name_of(order)) return order;
  reader.refuse(node, "<order> is \"" + text +
                          "\"; write random, alphabetic, smallestFirst, largestFirst, "
                          "oldestFirst or newestFirst");
  return PullOrder::kRandom;
}

void read_folder_path(ConfigReader& reader, pugi::xml_node node, FolderConfig& folder) {
  const std::string text = node.attribute("path").value();
  if (text.empty()) {
    reader.refuse(node, "path is empty; write the directory to share");
    return;
  }
  if (const auto path = folder_path_of(text)) folder.path = *path;
  else reader.refuse(node, "path \"" + text + "\" cannot be resolved; write an absolute path");
}

void read_folder_devices(ConfigReader& reader, pugi::xml_node node, FolderConfig& folder,
                         Config& config) {
  for (const auto& child : node.children("device")) {
    const base::DeviceId id = reader.device_id(child);
    if (reader.failed()) return;
    const DeviceConfig* device = config.device(id);
    if (device == nullptr) {
      notice_if(config, true,
                "<folder id=\"" + folder.id + "\"> is shared with " + proto::to_text(id) +
                    ", which is not in the list of devices and is left out");
      continue;
    }
    const bool password = !ConfigReader::trimmed(child.child_value("encryptionPassword")).empty();
    if (password || device->untrusted)
      folder.refusal = "config.xml: <folder id=\"" + folder.id +
                       "\"> would have to be encrypted for device \"" + device->name +
                       "\", which weft does not support yet; stop sharing it with that device";
    folder.devices.push_back(id);
  }
  std::sort(folder.devices.begin(), folder.devices.end());
  folder.devices.erase(std::unique(folder.devices.begin(), folder.devices.end()),
                       folder.devices.end());
}

// 1 % is what stock writes into every home: nobody asked for it.
void read_min_disk_free(ConfigReader& reader, pugi::xml_node node, const FolderConfig& folder,
                        Config& config) {
  const std::string value = reader.text_or(node, "minDiskFree", "1");
  const std::string unit = node.child("minDiskFree").attribute("unit").value();
  const bool usual = value == "0" || (value == "1" && (unit.empty() || unit == "%"));
  notice_if(config, !usual,
            "<folder id=\"" + folder.id + "\"> sets minDiskFree, which has no effect yet: its disk "
            "may be filled");
}

FolderConfig read_folder(ConfigReader& reader, pugi::xml_node node, Config& config) {
  FolderConfig folder;
  folder.id = node.attribute("id").value();
  if (folder.id.empty()) reader.refuse(node, "id is empty; give the folder an id");
  folder.label = node.attribute("label").value();
  read_folder_path(reader, node, folder);
  folder.type = read_folder_type(reader, node);
  read_folder_devices(reader, node, folder, config);
  folder.rescan_interval_s =
      reader.attribute_number(node, "rescanIntervalS", 3600, 0, 365 * 24 * 3600);
  folder.fs_watcher_enabled = reader.flag(node, "fsWatcherEnabled", true);
  folder.fs_watcher_delay_s = reader.attribute_seconds(node, "fsWatcherDelayS", 10);
  if (folder.fs_watcher_delay_s <= 0) folder.fs_watcher_enabled = false;  // as stock
  folder.ignore_perms = reader.flag(node, "ignorePerms", false);
  folder.ignore_delete = reader.boolean(node, "ignoreDelete", false);
  folder.paused = reader.boolean(node, "paused", false);
  folder.marker_name = reader.text_or(node, "markerName", ".stfolder");
  folder.conflicts_max = reader.number(node, "maxConflicts", 10, -1, INT32_MAX);
  folder.fsync = !reader.boolean(node, "disableFsync", false);
  folder.sparse = !reader.boolean(node, "disableSparseFiles", false);
  folder.order = read_order(reader, node);
  folder.copiers = std::max(0, reader.number(node, "copiers", 0, INT32_MIN, 1024));
  folder.hashers = std::max(0, reader.number(node, "hashers", 0, INT32_MIN, 1024));
  folder.puller_pending_kib_max =
      std::max(0, reader.number(node, "pullerMaxPendingKiB", 0, INT32_MIN, 1 << 24));
  folder.puller_pause_s = std::max(0, reader.number(node, "pullerPauseS", 0, INT32_MIN, 24 * 3600));
  folder.mtime_window_s =
      std::max(0, reader.number(node, "modTimeWindowS", 0, INT32_MIN, 24 * 3600));
  read_min_disk_free(reader, node, folder, config);

  if (folder.mtime_window_s > 0)
    folder.refusal = "config.xml: <folder id=\"" + folder.id +
                     "\"> sets modTimeWindowS, which weft does not support yet: files whose times "
                     "differ less would count as changed; set it to 0 if they may";
  if (folder.ignore_delete)
    folder.refusal = "config.xml: <folder id=\"" + folder.id +
                     "\"> sets ignoreDelete, which weft does not support yet: files deleted "
                     "elsewhere would be deleted here; set it to false if they may be";
  const std::string versioning = node.child("versioning").attribute("type").value();
  if (!versioning.empty() && versioning != "none")
    folder.refusal =
        "config.xml: <folder id=\"" + folder.id + "\"> keeps old versions (versioning \"" +
        versioning +
        "\"), which weft does not support yet; remove <versioning> if they may be lost";
  const std::string system = reader.text_or(node, "filesystemType", "basic");
  if (system != "basic")
    folder.refusal = "config.xml: <folder id=\"" + folder.id + "\"> has filesystemType \"" +
                     system + "\"; only basic is supported";
  return folder;
}

void check_devices(ConfigReader& reader, pugi::xml_node node, Config& config) {
  for (const auto& child : node.children("device")) {
    DeviceConfig device = read_device(reader, child, config);
    if (reader.failed()) return;
    if (config.device(device.id) != nullptr)
      reader.refuse(child, "the same id stands in an earlier <device>; remove one of the two");
    config.devices.push_back(std::move(device));
  }
}

void check_folders(ConfigReader& reader, pugi::xml_node node, Config& config) {
  for (const auto& child : node.children("folder")) {
    FolderConfig folder = read_folder(reader, child, config);
    if (reader.failed()) return;
    for (const FolderConfig& other : config.folders) {
      if (other.id == folder.id)
        reader.refuse(child,
                      "the same id stands in an earlier <folder>; give one of the two another id");
      if (other.path == folder.path)
        reader.refuse(child, "the path is already that of folder \"" + other.id +
                                 "\"; give one another path");
    }
    config.folders.push_back(std::move(folder));
  }
  std::sort(config.folders.begin(), config.folders.end(),
            [](const auto& a, const auto& b) { return a.id < b.id; });
}

void read_version(ConfigReader& reader, pugi::xml_node node, Config& config) {
  config.version = reader.attribute_number(node, "version", 0, 0, INT32_MAX);
  if (reader.failed()) return;
  if (config.version > kConfigVersionMax)
    reader.refuse(node, "version " + std::to_string(config.version) +
                            " is newer than weft knows (" + std::to_string(kConfigVersionMax) +
                            "); use a newer weft");
  else if (config.version < kConfigVersionMin)
    reader.refuse(node, "version " + std::to_string(config.version) +
                            " is too old; start Syncthing 1.0 or later "
                            "once on this home, or write version=\"" +
                            std::to_string(kConfigVersionWritten) + "\"");
}

}  // namespace

ConfigResult<Config> load_config(const std::filesystem::path& home) {
  auto document = ConfigDocument::load(home);
  if (!document) return tl::unexpected(document.error());
  ConfigReader reader(*document);
  Config config;
  const pugi::xml_node root = document->root();
  read_version(reader, root, config);
  check_devices(reader, root, config);
  check_folders(reader, root, config);
  read_gui(reader, root.child("gui"), config);
  read_options(reader, root.child("options"), config);
  if (reader.failed()) return tl::unexpected(reader.error());
  return config;
}

}  // namespace weft::model
