// ClusterConfig: within its bounds, never more of anything than protobuf would make of it, and written again the same.
#include "bep/proto/names.hh"
#include "bep/proto/pb.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

using namespace proto;

void make_seeds(Seeds& out) {
  out.add("two-folders", encoded(small_cluster_config()));
  out.add("secondary", encoded(ClusterConfig{.folders = {}, .secondary = true}));
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const weft::base::Bytes input = bytes_of(data, size);
  ClusterConfig config;
  const Reason reason = decode(input, config);
  if (reason != Reason::kNone) {
    CHECK(closes_link(reason));
    return 0;
  }
  understood();
  weft::bep::ClusterConfig slow;
  CHECK(slow.ParseFromArray(data, static_cast<int>(size)));
  CHECK(static_cast<std::size_t>(slow.folders_size()) == config.folders.size() && config.folders.size() <= kFoldersMax);
  std::size_t devices = 0, addresses = 0;
  for (std::size_t i = 0; i < config.folders.size(); ++i) {
    const ClusterFolder& folder = config.folders[i];
    CHECK(is_utf8(folder.id) && is_utf8(folder.label) && folder.id == slow.folders(static_cast<int>(i)).id());
    devices += folder.devices.size();
    for (const ClusterDevice& device : folder.devices) {
      CHECK(is_utf8(device.name) && is_utf8(device.cert_name));
      CHECK(std::ranges::all_of(device.addresses, [](const std::string& address) { return is_utf8(address); }));
      addresses += device.addresses.size();
    }
  }
  CHECK(devices <= kFolderDevicesMax && addresses <= kAddressesMax);
  ClusterConfig again;
  CHECK(decode(encoded(config), again) == Reason::kNone && again == config);
  return 0;
}
