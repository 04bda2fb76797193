#include "bep/model/config.hh"

#include <algorithm>

#include "engine/base/bytes.hh"
#include "engine/base/must.hh"

namespace weft::model {

const DeviceConfig* Config::device(const base::DeviceId& id) const noexcept {
  const auto at =
      std::find_if(devices.begin(), devices.end(), [&](const auto& d) { return d.id == id; });
  return at == devices.end() ? nullptr : &*at;
}

const FolderConfig* Config::folder(std::string_view id) const noexcept {
  const auto at =
      std::find_if(folders.begin(), folders.end(), [&](const auto& f) { return f.id == id; });
  return at == folders.end() ? nullptr : &*at;
}

ConfigResult<void> prepare(Config& config, const base::DeviceId& self,
                           const std::string& own_name) {
  if (config.device(self) == nullptr) {
    DeviceConfig own;
    own.id = self;
    own.name = own_name;
    own.addresses = {"dynamic"};
    config.devices.push_back(std::move(own));
  }
  const auto short_id = [](const base::DeviceId& id) {
    return base::load_be<std::uint64_t>(id.data());
  };
  for (auto a = config.devices.begin(); a != config.devices.end(); ++a)
    for (auto b = a + 1; b != config.devices.end(); ++b)
      if (short_id(a->id) == short_id(b->id))
        return tl::unexpected(
            "config.xml: the devices \"" + a->name + "\" and \"" + b->name +
            "\" share the first 13 characters of their IDs; give one of them a new "
            "certificate");
  for (const DeviceConfig& device : config.devices) {
    const bool unreachable =
        std::all_of(device.addresses.begin(), device.addresses.end(),
                    [](const std::string& address) { return address == "dynamic"; });
    if (device.id != self && unreachable)
      config.notices.push_back("config.xml: <device name=\"" + device.name +
                               "\"> has no address but dynamic, and weft does not discover devices "
                               "yet: only that device can make the connection");
  }
  for (FolderConfig& folder : config.folders) {
    if (std::find(folder.devices.begin(), folder.devices.end(), self) == folder.devices.end())
      folder.devices.push_back(self);
    std::sort(folder.devices.begin(), folder.devices.end());
    folder.devices.erase(std::unique(folder.devices.begin(), folder.devices.end()),
                         folder.devices.end());
  }
  return {};
}

const char* name_of(Compression compression) noexcept {
  switch (compression) {
    case Compression::kNever: return "never";
    case Compression::kMetadata: return "metadata";
    case Compression::kAlways: return "always";
  }
  MUST(!"a compression outside the enum");
  return "";
}

const char* name_of(FolderType type) noexcept {
  switch (type) {
    case FolderType::kSendReceive: return "sendreceive";
    case FolderType::kSendOnly: return "sendonly";
    case FolderType::kReceiveOnly: return "receiveonly";
  }
  MUST(!"a folder type outside the enum");
  return "";
}

const char* name_of(PullOrder order) noexcept {
  switch (order) {
    case PullOrder::kRandom: return "random";
    case PullOrder::kAlphabetic: return "alphabetic";
    case PullOrder::kSmallestFirst: return "smallestFirst";
    case PullOrder::kLargestFirst: return "largestFirst";
    case PullOrder::kOldestFirst: return "oldestFirst";
    case PullOrder::kNewestFirst: return "newestFirst";
  }
  MUST(!"a pull order outside the enum");
  return "";
}

}  // namespace weft::model
