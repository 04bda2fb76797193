// `weft device add`, `weft folder add`, `weft folder share`: config.xml changed without an editor.
#include <ostream>

#include "bep/model/config_xml.hh"
#include "bep/net/address.hh"
#include "bep/proto/device_id.hh"
#include "engine/cli/commands.hh"

namespace weft::cli {
namespace {

constexpr const char* kRestart = "A daemon that is running takes it up when it is started again.\n";

// An ID as it is, or the name of a device in the configuration.
model::ConfigResult<base::DeviceId> find_device(const model::Config& config, const std::string& text) {
  const model::DeviceConfig* found = nullptr;
  for (const model::DeviceConfig& device : config.devices) {
    if (device.name != text) continue;
    if (found != nullptr)
      return tl::unexpected("--device " + text + ": two devices have this name; give the ID instead");
    found = &device;
  }
  if (found != nullptr) return found->id;
  const auto id = proto::parse_device_id(text);
  if (id && *id != proto::kEmptyDeviceId && config.device(*id) != nullptr) return *id;
  return tl::unexpected("--device " + text + ": no such device in config.xml; add it by `weft device add` first");
}

model::ConfigResult<std::vector<base::DeviceId>> find_devices(const std::filesystem::path& home,
                                                              const std::vector<std::string>& texts) {
  const auto config = model::load_config(home);
  if (!config) return tl::unexpected(config.error());
  std::vector<base::DeviceId> out;
  for (const std::string& text : texts) {
    const auto id = find_device(*config, text);
    if (!id) return tl::unexpected(id.error());
    out.push_back(*id);
  }
  return out;
}

model::FolderType type_of(const std::string& word) {
  if (word == "sendonly") return model::FolderType::kSendOnly;
  if (word == "receiveonly") return model::FolderType::kReceiveOnly;
  return model::FolderType::kSendReceive;      // app.cc lets only the three words through
}

}  // namespace

int device_add_command(const DeviceAddOptions& options, const Io& io) {
  const auto id = proto::parse_device_id(options.id);
  if (!id || *id == proto::kEmptyDeviceId)
    return refuse(io, kWrong, options.id + ": not a device ID; `weft id` on the other machine prints it");
  for (const std::string& address : options.addresses)
    if (const auto parsed = net::parse_address(address, net::AddressUse::kDial); !parsed)
      return refuse(io, kWrong, "--address " + address + ": " + parsed.error().text +
                                    "; write tcp://192.0.2.7:22000 for example");
  model::NewDevice wanted;
  wanted.id = *id;
  wanted.name = options.name;
  wanted.addresses = options.addresses;
  if (const auto added = model::add_device(options.home, wanted); !added) return refuse(io, kWrong, added.error());
  io.out << "Added device " << proto::to_text(*id) << ".\n" << kRestart;
  return kDone;
}

int folder_add_command(const FolderAddOptions& options, const Io& io) {
  const auto devices = find_devices(options.home, options.devices);
  if (!devices) return refuse(io, kWrong, devices.error());
  model::NewFolder wanted;
  wanted.id = options.id;
  wanted.label = options.label;
  wanted.type = type_of(options.type);
  wanted.devices = *devices;
  wanted.path = options.path;
  std::error_code error;
  // The daemon may run in another directory: what the user means is relative to where he stands.
  if (!options.path.empty() && options.path[0] != '~')
    wanted.path = std::filesystem::absolute(options.path, error).lexically_normal().string();
  if (error) return refuse(io, kFailed, options.path + ": " + error.message());
  if (const auto added = model::add_folder(options.home, wanted); !added) return refuse(io, kWrong, added.error());
  io.out << "Added folder " << options.id << " at " << wanted.path << ", shared with " << devices->size()
         << (devices->size() == 1 ? " device.\n" : " devices.\n") << kRestart;
  return kDone;
}

int folder_share_command(const FolderShareOptions& options, const Io& io) {
  const auto devices = find_devices(options.home, options.devices);
  if (!devices) return refuse(io, kWrong, devices.error());
  for (const base::DeviceId& device : *devices)
    if (const auto shared = model::share_folder(options.home, options.id, device); !shared)
      return refuse(io, kWrong, shared.error());
  io.out << "Folder " << options.id << " is shared.\n" << kRestart;
  return kDone;
}

}  // namespace weft::cli
