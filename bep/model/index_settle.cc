#include "bep/model/index_settle.hh"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "bep/model/index_db.hh"
#include "bep/proto/device_id.hh"
#include "engine/base/log.hh"

namespace weft::model {
namespace {

namespace fs = std::filesystem;
using base::LogLevel;
using base::Subsystem;

std::string cannot_write(const FolderConfig& folder, base::Error error) {
  return "the index of folder \"" + folder.id + "\" cannot be brought up to date (" + error.text +
         "); mend that and start weft again";
}

base::Status forget_unshared(const FolderConfig& folder, IndexDb& index) {
  for (const base::DeviceId& device : index.remote_devices(folder.id)) {
    if (std::ranges::find(folder.devices, device) != folder.devices.end()) continue;
    // The id goes first: entries without an id are dropped at the next chance, an id without entries would count as
    // a complete index.
    TRY(index.set_remote_index_id(folder.id, device, 0));
    TRY(index.drop_remote(folder.id, device));
    base::log(Subsystem::kFolders, LogLevel::kInfo, "forgot the index of a device that does not share the folder any more",
              {{"folder", folder.id}, {"device", proto::to_text(device)}});
  }
  return {};
}

bool is_elsewhere(const std::string& before, const fs::path& now) {
  if (before.empty() || before == now.string()) return false;
  std::error_code error;           // one of the two is not there: then they are not known to be the same
  return !fs::equivalent(before, now, error);
}

// The sentence of its refusal, or nothing.
std::string settle_path(const FolderConfig& folder, IndexDb& index) {
  const std::string before = index.folder_path(folder.id);
  if (is_elsewhere(before, folder.path) && !index.list_local(folder.id, "", 1).empty()) {
    const std::string marker = (folder.path / folder.marker_name).string();
    std::error_code error;
    if (!fs::exists(marker, error))
      return "folder path changed from " + before + " and " + marker + " is missing; is the disk mounted? If the new "
             "path is right, create the marker directory and start weft again: the folder is then indexed anew, and "
             "what is not there is not taken for deleted";
    if (const base::Status dropped = index.drop_folder(folder.id); !dropped)
      return cannot_write(folder, dropped.error());
    base::log(Subsystem::kFolders, LogLevel::kWarn, "the folder's path changed: it is indexed anew",
              {{"folder", folder.id}, {"before", before}, {"now", folder.path.string()}});
  }
  base::Status kept;
  if (const auto ensured = index.ensure_folder(folder.id); !ensured) kept = tl::unexpected(ensured.error());
  if (kept && before != folder.path.string()) kept = index.set_folder_path(folder.id, folder.path.string());
  return kept ? std::string{} : cannot_write(folder, kept.error());
}

}  // namespace

void settle_index(Config& config, IndexDb& index) {
  for (const std::string& id : index.folder_ids()) {
    if (config.folder(id) != nullptr) continue;
    const base::Status dropped = index.drop_folder(id);
    if (dropped) base::log(Subsystem::kFolders, LogLevel::kInfo, "forgot the index of a folder that left the configuration",
                           {{"folder", id}});
    else
      base::log(Subsystem::kFolders, LogLevel::kError, "cannot forget the index of a folder that left the configuration",
                {{"folder", id}, {"error", dropped.error().text}});
  }
  for (FolderConfig& folder : config.folders) {
    if (const base::Status done = forget_unshared(folder, index); !done)
      folder.refusal = cannot_write(folder, done.error());
    if (folder.paused || !folder.refusal.empty()) continue;
    folder.refusal = settle_path(folder, index);
  }
}

}  // namespace weft::model
