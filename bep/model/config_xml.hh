// config.xml read (load_config) and, only when the user asks, written (create_config, add_device,
// add_folder, share_folder). Called by `weft init`, `weft device`, `weft folder` and before
// `weft serve` starts anything.
//
// Reading: versions 28 … 52; a missing element has Syncthing's documented default; unknown elements
//          are ignored, wrong ones refused. A stock home loads as it is.
// Writing: the document is edited in place, so whatever we do not know stays; new elements are
//          those of version 36, every one explicit, because stock 1.19 reads a missing folder
//          element as zero. The file is replaced in one rename, mode 0600 (it holds the API key).
// Errors:  one sentence each: file, element, remedy. Nothing is changed by a call that fails.
// Threads: any one thread; blocking file access.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bep/model/config.hh"

namespace weft::model {

// Reads home/config.xml. STGUIADDRESS and STGUIAPIKEY override the file, as for stock.
// The result still wants prepare() (config.hh).
[[nodiscard]] ConfigResult<Config> load_config(const std::filesystem::path& home);

struct NewHome {
  base::DeviceId self{};
  std::string name;  // of this device; the host's name is a good choice
  std::vector<std::string> listen = {"tcp://0.0.0.0:22000"};
  std::string gui_address = "127.0.0.1:8384";
};
// Writes a new config.xml with a random API key and with everything off that would call out to the
// internet (announce, relays, NAT, usage and crash reports). Refuses when one exists. The directory
// must exist.
[[nodiscard]] ConfigResult<void> create_config(const std::filesystem::path& home,
                                               const NewHome& wanted);

struct NewDevice {
  base::DeviceId id{};
  std::string name;
  std::vector<std::string> addresses;  // empty = "dynamic"
  Compression compression = Compression::kMetadata;
};
// Refuses an id that is already there.
[[nodiscard]] ConfigResult<void> add_device(const std::filesystem::path& home,
                                            const NewDevice& wanted);

struct NewFolder {
  std::string id;  // not empty, not in use
  std::string label;
  std::string path;  // as the user wrote it, `~` allowed
  FolderType type = FolderType::kSendReceive;
  std::vector<base::DeviceId> devices;  // each must be in the list of devices
};
[[nodiscard]] ConfigResult<void> add_folder(const std::filesystem::path& home,
                                            const NewFolder& wanted);

// Shares an existing folder with one more device of the list. Already shared is not an error.
[[nodiscard]] ConfigResult<void> share_folder(const std::filesystem::path& home,
                                              std::string_view folder,
                                              const base::DeviceId& device);

}  // namespace weft::model
