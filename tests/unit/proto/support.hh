// What the tests of this folder share: hex, golden cases, and small valid values.
#pragma once

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "bep/proto/block_size.hh"
#include "bep/proto/file_info.hh"
#include "bep/proto/framing.hh"
#include "bep/proto/text.hh"
#include "engine/base/prng.hh"

namespace weft::proto::test {

using Buffer = std::vector<std::byte>;

inline Buffer hex(std::string_view text) {
  Buffer out;
  std::string digits;
  for (const char c : text)
    if (c != ' ') digits += c;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return out;
}

inline Buffer golden(const std::string& name) {
  std::ifstream file(WEFT_GOLDEN "/bep_wire.txt");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + " ")) return hex(std::string_view(line).substr(name.size()));
  return {};
}

inline base::Sha256 random_hash(base::Prng& prng) {
  base::Sha256 hash;
  for (std::byte& byte : hash) byte = static_cast<std::byte>(prng.below(256));
  return hash;
}

inline VersionVector version_of(std::vector<VersionVector::Counter> counters) {
  return VersionVector::from_counters(std::move(counters)).value();
}

// A valid file of `size` bytes.
inline FileInfo file_of(std::string name, std::int64_t size, base::Prng& prng) {
  FileInfo file;
  file.name = std::move(name);
  file.size = size;
  file.permissions = 0644;
  file.modified_s = 1'600'000'000 + prng.below(1000);
  file.modified_ns = static_cast<std::int32_t>(prng.below(1'000'000'000));
  file.modified_by = prng.next();
  file.version = version_of({{prng.next() | 1, 1 + prng.below(100)}});
  file.sequence = 1 + prng.below(1000);
  file.block_size = block_size_for(size);
  const BlockLayout layout{size, file.block_size};
  for (std::int64_t i = 0; i < layout.count(); ++i)
    file.blocks.push_back({layout.offset_of(i), layout.size_of(i), random_hash(prng)});
  file.blocks_hash = blocks_hash_of(file.blocks);
  return file;
}

inline Buffer frame(MessageType type, base::Bytes protobuf,
                    Compression policy = Compression::kNever) {
  Buffer out;
  encode_message(type, protobuf, policy, out);
  return out;
}

template <typename Message> Buffer encoded(const Message& message) {
  Buffer out;
  encode(message, out);
  return out;
}

}  // namespace weft::proto::test
