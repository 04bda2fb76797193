// The writing half of config_xml.hh: new elements of version 36, each child explicit, in stock's
// order.
#include <openssl/rand.h>

#include <algorithm>
#include <filesystem>

#include "bep/model/config_reader.hh"
#include "bep/model/config_xml.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

struct Entry {
  const char* name;
  const char* value;
};

void put(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_child(name).text().set(value.c_str());
}
void put_all(pugi::xml_node node, std::span<const Entry> entries) {
  for (const Entry& entry : entries) put(node, entry.name, entry.value);
}
void set(pugi::xml_node node, const char* name, const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

// Everything that would call out to the internet is off: weft does none of it, and a stock program
// started on this home should not surprise its owner.
constexpr Entry kNewOptions[] = {
    {"globalAnnounceServer", "default"},
    {"globalAnnounceEnabled", "false"},
    {"localAnnounceEnabled", "false"},
    {"reconnectionIntervalS", "60"},
    {"relaysEnabled", "false"},
    {"startBrowser", "false"},
    {"natEnabled", "false"},
    {"urAccepted", "-1"},
    {"autoUpgradeIntervalH", "0"},
    {"crashReportingEnabled", "false"},
    {"keepTemporariesH", "24"},
    {"progressUpdateIntervalS", "5"},
    {"maxConcurrentIncomingRequestKiB", "0"},
};

constexpr Entry kNewDeviceChildren[] = {
    {"paused", "false"},    {"autoAcceptFolders", "false"}, {"maxSendKbps", "0"},
    {"maxRecvKbps", "0"},   {"maxRequestKiB", "0"},         {"untrusted", "false"},
    {"remoteGUIPort", "0"},
};

constexpr Entry kNewFolderChildren[] = {
    {"copiers", "0"},
    {"pullerMaxPendingKiB", "0"},
    {"hashers", "0"},
    {"order", "random"},
    {"ignoreDelete", "false"},
    {"scanProgressIntervalS", "0"},
    {"pullerPauseS", "0"},
    {"maxConflicts", "10"},
    {"disableSparseFiles", "false"},
    {"disableTempIndexes", "false"},
    {"paused", "false"},
    {"weakHashThresholdPct", "25"},
    {"markerName", ".stfolder"},
    {"copyOwnershipFromParent", "false"},
    {"modTimeWindowS", "0"},
    {"maxConcurrentWrites", "2"},
    {"disableFsync", "false"},
    {"blockPullOrder", "standard"},
    {"copyRangeMethod", "standard"},
    {"caseSensitiveFS", "false"},
    {"junctionsAsDirs", "false"},
};

// New elements stand after the last of their kind, so the file stays in the order people know.
pugi::xml_node append_beside(pugi::xml_node root, const char* name) {
  pugi::xml_node last;
  for (const auto& child : root.children(name)) last = child;
  if (last) return root.insert_child_after(name, last);
  return std::string_view(name) == "folder" ? root.prepend_child(name) : root.append_child(name);
}

void put_device(pugi::xml_node root, const NewDevice& wanted) {
  pugi::xml_node node = append_beside(root, "device");
  set(node, "id", proto::to_text(wanted.id));
  set(node, "name", wanted.name);
  set(node, "compression", name_of(wanted.compression));
  set(node, "introducer", "false");
  set(node, "skipIntroductionRemovals", "false");
  set(node, "introducedBy", "");
  if (wanted.addresses.empty()) put(node, "address", "dynamic");
  for (const std::string& address : wanted.addresses) put(node, "address", address);
  put_all(node, kNewDeviceChildren);
}

void put_shared_with(pugi::xml_node folder, const base::DeviceId& device) {
  pugi::xml_node last;
  for (const auto& child : folder.children("device")) last = child;
  pugi::xml_node node =
      last ? folder.insert_child_after("device", last) : folder.append_child("device");
  set(node, "id", proto::to_text(device));
  set(node, "introducedBy", "");
  put(node, "encryptionPassword", "");
}

void put_folder(pugi::xml_node root, const NewFolder& wanted) {
  pugi::xml_node node = append_beside(root, "folder");
  set(node, "id", wanted.id);
  set(node, "label", wanted.label);
  set(node, "path", wanted.path);
  set(node, "type", name_of(wanted.type));
  set(node, "rescanIntervalS", "3600");
  set(node, "fsWatcherEnabled", "true");
  set(node, "fsWatcherDelayS", "10");
  set(node, "ignorePerms", "false");
  set(node, "autoNormalize", "true");
  put(node, "filesystemType", "basic");
  for (const base::DeviceId& device : wanted.devices) put_shared_with(node, device);
  pugi::xml_node min_free = node.append_child("minDiskFree");
  set(min_free, "unit", "%");
  min_free.text().set("1");
  put_all(node, kNewFolderChildren);
}

std::string random_api_key() {
  constexpr std::string_view kLetters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  std::string key;
  while (key.size() < 32) {
    unsigned char byte = 0;
    MUST(RAND_bytes(&byte, 1) == 1);
    if (byte < kLetters.size() * (256 / kLetters.size())) key += kLetters[byte % kLetters.size()];
  }
  return key;
}

pugi::xml_node find_by_id(pugi::xml_node root, const char* name, std::string_view id) {
  for (const auto& child : root.children(name))
    if (id == child.attribute("id").value()) return child;
  return {};
}

// Applies `edit` to a valid configuration. `edit` says whether it changed anything; else the file
// is left alone.
template <typename Edit>
ConfigResult<void> edit_config(const std::filesystem::path& home, Edit edit) {
  const auto before = load_config(home);
  if (!before) return tl::unexpected(before.error());
  auto document = ConfigDocument::load(home);
  if (!document) return tl::unexpected(document.error());
  const ConfigResult<bool> changed = edit(*before, *document);
  if (!changed) return tl::unexpected(changed.error());
  if (!*changed) return {};
  return document->save();
}

ConfigResult<void> check_known(const Config& config, const ConfigDocument& document,
                               std::span<const base::DeviceId> devices) {
  for (const base::DeviceId& id : devices)
    if (config.device(id) == nullptr)
      return tl::unexpected(document.file().string() + ": device " + proto::to_text(id) +
                            " is not in the list; add it first by `weft device add`");
  return {};
}

}  // namespace

ConfigResult<void> create_config(const std::filesystem::path& home, const NewHome& wanted) {
  std::error_code error;
  const auto file = home / "config.xml";
  if (std::filesystem::exists(file, error))
    return tl::unexpected(file.string() +
                          ": exists already; remove it or name another directory by --home");
  const ConfigDocument document = ConfigDocument::make_new(home);
  const pugi::xml_node root = document.root();
  put_device(root, {wanted.self, wanted.name, {}, Compression::kMetadata});
  pugi::xml_node gui = pugi::xml_node(root).append_child("gui");
  set(gui, "enabled", "true");
  set(gui, "tls", "false");
  set(gui, "debugging", "false");
  put(gui, "address", wanted.gui_address);
  put(gui, "apikey", random_api_key());
  put(gui, "theme", "default");
  pugi::xml_node options = pugi::xml_node(root).append_child("options");
  // No listener is one empty element: without any element stock would listen on its default.
  if (wanted.listen.empty()) put(options, "listenAddress", "");
  for (const std::string& address : wanted.listen) put(options, "listenAddress", address);
  put_all(options, kNewOptions);
  return document.save();
}

ConfigResult<void> add_device(const std::filesystem::path& home, const NewDevice& wanted) {
  MUST(wanted.id != proto::kEmptyDeviceId);
  return edit_config(
      home, [&](const Config& config, const ConfigDocument& document) -> ConfigResult<bool> {
        if (config.device(wanted.id) != nullptr)
          return tl::unexpected(document.file().string() + ": device " + proto::to_text(wanted.id) +
                                " is in the list already; edit its <device> element to change it");
        put_device(document.root(), wanted);
        return true;
      });
}

ConfigResult<void> add_folder(const std::filesystem::path& home, const NewFolder& wanted) {
  return edit_config(
      home, [&](const Config& config, const ConfigDocument& document) -> ConfigResult<bool> {
        const std::string file = document.file().string();
        if (wanted.id.empty())
          return tl::unexpected(file + ": the folder needs an id; give it one");
        if (wanted.path.empty())
          return tl::unexpected(file + ": folder \"" + wanted.id + "\" needs a path; give it one");
        if (config.folder(wanted.id) != nullptr)
          return tl::unexpected(file + ": folder \"" + wanted.id +
                                "\" exists already; choose another id");
        const auto path = folder_path_of(wanted.path);
        for (const FolderConfig& other : config.folders)
          if (path == other.path)
            return tl::unexpected(file + ": " + wanted.path + " is already folder \"" + other.id +
                                  "\"; share that one instead");
        if (auto known = check_known(config, document, wanted.devices); !known)
          return tl::unexpected(known.error());
        put_folder(document.root(), wanted);
        return true;
      });
}

ConfigResult<void> share_folder(const std::filesystem::path& home, std::string_view folder,
                                const base::DeviceId& device) {
  return edit_config(
      home, [&](const Config& config, const ConfigDocument& document) -> ConfigResult<bool> {
        const FolderConfig* shared = config.folder(folder);
        if (shared == nullptr)
          return tl::unexpected(document.file().string() + ": there is no folder \"" +
                                std::string(folder) + "\"; add it by `weft folder add`");
        if (auto known = check_known(config, document, {&device, 1}); !known)
          return tl::unexpected(known.error());
        if (std::find(shared->devices.begin(), shared->devices.end(), device) !=
            shared->devices.end())
          return false;
        put_shared_with(find_by_id(document.root(), "folder", folder), device);
        return true;
      });
}

}  // namespace weft::model
