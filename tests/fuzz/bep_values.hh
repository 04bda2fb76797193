// Small valid values of BEP's messages, for seeds.
#pragma once

#include "bep/proto/block_size.hh"
#include "bep/proto/messages.hh"
#include "engine/base/prng.hh"
#include "tests/fuzz/fuzz.hh"

namespace weft::fuzz {

inline std::vector<std::byte> noise(std::size_t size, std::uint64_t seed) {
  base::Prng prng(seed);
  std::vector<std::byte> out(size);
  for (std::byte& byte : out) byte = static_cast<std::byte>(prng.next());
  return out;
}

inline proto::VersionVector small_version() { return proto::VersionVector::from_counters({{0x11, 3}, {0x22, 7}}).value(); }

inline proto::FileInfo file_of(std::string name, std::int64_t size) {
  proto::FileInfo file;
  file.name = std::move(name);
  file.size = size;
  file.permissions = 0644;
  file.modified_s = 1'700'000'000;
  file.modified_ns = 123'456'789;
  file.modified_by = 0x11;
  file.version = small_version();
  file.sequence = 9;
  file.block_size = proto::block_size_for(size);
  const proto::BlockLayout layout{size, file.block_size};
  for (std::int64_t i = 0; i < layout.count(); ++i) {
    proto::Block block{layout.offset_of(i), layout.size_of(i), {}};
    std::ranges::copy(noise(32, static_cast<std::uint64_t>(i)), block.hash.begin());
    file.blocks.push_back(block);
  }
  file.blocks_hash = proto::blocks_hash_of(file.blocks);
  return file;
}

// One entry of each kind.
inline proto::Index small_index() {
  proto::Index index{.folder = "default", .files = {}, .last_sequence = 9, .prev_sequence = 3};
  index.files = {file_of("a.txt", 1000), file_of("dir/two blocks", 200'000), file_of("empty", 0)};
  proto::FileInfo directory{.name = "dir", .type = proto::FileType::kDirectory, .permissions = 0755};
  directory.version = small_version();
  proto::FileInfo link{.name = "link", .type = proto::FileType::kSymlink, .symlink_target = "a.txt"};
  proto::FileInfo gone{.name = "gone", .deleted = true, .sequence = 8};
  index.files.insert(index.files.end(), {directory, link, gone});
  return index;
}

inline proto::ClusterConfig small_cluster_config() {
  proto::ClusterConfig config;
  config.folders.resize(2);
  config.folders[0] = {.id = "default", .label = "Default Folder"};
  config.folders[1] = {.id = "second", .paused = true};
  proto::ClusterDevice device{.name = "peer", .addresses = {"tcp://10.0.0.1:22000", "dynamic"}, .max_sequence = 42,
                              .index_id = 0x1234567890};
  device.id.fill(std::byte{0x5A});
  config.folders[0].devices = {device, device};
  return config;
}

inline proto::Request small_request() {
  return {.id = 7, .folder = "default", .name = "dir/two blocks", .offset = 131'072, .size = 68'928,
          .hash = noise(32, 1), .block_no = 1};
}

inline proto::DownloadProgress small_progress() {
  return {.folder = "default", .updates = {{false, "a.txt", small_version(), {0, 1, 5}, 131'072},
                                           {true, "dir/two blocks", small_version(), {}, 0}}};
}

template <typename Message> Buffer encoded(const Message& message) {
  Buffer out;
  encode(message, out);
  return out;
}

}  // namespace weft::fuzz
