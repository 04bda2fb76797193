// /rest/db and /rest/folder: what a folder has, lacks and complains of.
#include <algorithm>

#include "bep/proto/device_id.hh"
#include "engine/api/handlers.hh"
#include "engine/api/json_text.hh"
#include "engine/api/text.hh"

namespace weft::api {
namespace {

constexpr std::size_t kErrorsPerPage = 100;

// The three scopes of Syncthing's folder summary: "globalFiles", "globalBytes", …
void add_counts(Json& json, const std::string& scope, const model::Counts& counts, const char* deletes) {
  json[scope + "Files"] = counts.files;
  json[scope + "Directories"] = counts.directories;
  json[scope + "Symlinks"] = counts.symlinks;
  json[scope + deletes] = counts.deleted;
  json[scope + "Bytes"] = counts.bytes;
  json[scope + "TotalItems"] = counts.files + counts.directories + counts.symlinks + counts.deleted;
}

Json status_json(const model::FolderStatus& status, const model::FolderConfig* folder) {
  const model::FolderCounts& counts = status.counts;
  Json json{{"errors", status.pull_errors}, {"pullErrors", status.pull_errors}, {"invalid", ""}};
  add_counts(json, "global", counts.global, "Deleted");
  add_counts(json, "local", counts.local, "Deleted");
  add_counts(json, "need", counts.need, "Deletes");
  json["inSyncFiles"] = counts.global.files - counts.need.files;
  json["inSyncBytes"] = counts.global.bytes - counts.need.bytes;
  if (folder != nullptr && folder->type == model::FolderType::kReceiveOnly) {
    add_counts(json, "receiveOnlyChanged", counts.receive_only_changed, "Deletes");
    json["receiveOnlyTotalItems"] = json["receiveOnlyChangedTotalItems"];
    json.erase("receiveOnlyChangedTotalItems");
  }
  json["state"] = model::name_of(status.state);
  json["stateChanged"] = rfc3339(status.state_changed_s * 1000);
  json["error"] = status.error;
  json["version"] = status.sequence;
  json["sequence"] = status.sequence;
  json["ignorePatterns"] = false;      // a folder with ignore patterns is refused until weft honours them
  json["watchError"] = "";
  return json;
}

// The fields of several folders add up.
void add(model::Completion& sum, const model::Completion& more) {
  sum.global_bytes += more.global_bytes;
  sum.global_items += more.global_items;
  sum.need_bytes += more.need_bytes;
  sum.need_items += more.need_items;
  sum.need_deletes += more.need_deletes;
}

bool shared_with(const model::FolderConfig& folder, const base::DeviceId& device) {
  return std::ranges::find(folder.devices, device) != folder.devices.end();
}

// Syncthing's word for what the other side does with the folder, as far as this side can know it.
const char* remote_state(const Context& context, const model::FolderConfig* folder, const base::DeviceId& device) {
  if (folder != nullptr && !shared_with(*folder, device)) return "notSharing";
  for (const run::DeviceStatus& link : context.source.devices())
    if (link.device == device) return link.paused ? "paused" : link.connected() ? "valid" : "unknown";
  return "unknown";
}

}  // namespace

Response get_folder_status(const Context& context, const Call& call) {
  const std::string_view id = call.target.value("folder");
  const auto status = context.source.folder_status(id);
  if (!status) return text_response(404, "no such folder");
  return answer_json(status_json(*status, context.source.config().folder(id)));
}

Response get_completion(const Context& context, const Call& call) {
  const std::string_view folder = call.target.value("folder"), device_text = call.target.value("device");
  base::DeviceId device = context.self;
  if (!device_text.empty()) {
    const auto parsed = proto::parse_device_id(device_text);
    if (!parsed) return text_response(400, "device: not a device ID");
    device = *parsed;
  }
  const model::Config& config = context.source.config();
  if (config.device(device) == nullptr && device != context.self) return text_response(404, "no such device");
  model::Completion sum;
  if (!folder.empty()) {
    const auto completion = context.source.completion(folder, device);
    if (!completion) return text_response(404, "no such folder");
    sum = *completion;
  } else {
    for (const model::FolderConfig& one : config.folders)
      if (device == context.self || shared_with(one, device))
        if (const auto completion = context.source.completion(one.id, device)) add(sum, *completion);
  }
  return answer_json(Json{{"completion", model::percent(sum)},
                          {"globalBytes", sum.global_bytes},
                          {"needBytes", sum.need_bytes},
                          {"globalItems", sum.global_items},
                          {"needItems", sum.need_items},
                          {"needDeletes", sum.need_deletes},
                          {"sequence", sum.sequence},
                          {"remoteState", remote_state(context, config.folder(folder), device)}});
}

Response get_folder_errors(const Context& context, const Call& call) {
  const std::string_view id = call.target.value("folder");
  const auto status = context.source.folder_status(id);
  if (!status) return text_response(404, "no such folder");
  Json errors = Json::array();
  for (const model::ItemError& error : status->item_errors) {
    if (errors.size() == kErrorsPerPage) break;
    errors.push_back(Json{{"path", error.name}, {"error", error.text}});
  }
  const Json shown = errors.empty() ? Json() : errors;
  return answer_json(Json{{"folder", id}, {"errors", shown}, {"page", 1}, {"perpage", kErrorsPerPage}});
}

// Answers when the scan is ordered, not when it is done: db/status tells. `sub` is not looked at: the whole folder is
// scanned, which includes it.
Response post_scan(const Context& context, const Call& call) {
  const std::string_view id = call.target.value("folder");
  if (id.empty()) {
    context.sink.scan_all();
    return answer_json(Json::object());
  }
  const base::Status ordered = context.sink.scan(id);
  if (ordered) return answer_json(Json::object());
  if (ordered.error().code == base::Errc::kNotFound) return text_response(404, "no such folder");
  return text_response(500, ordered.error().text);
}

}  // namespace weft::api
