// Conversions that several codecs of this folder share, and the guards that run before protobuf
// allocates. For .cc files of this folder.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "bep/proto/pb.hh"
#include "bep/proto/version_vector.hh"
#include "bep/proto/wire_fields.hh"
#include "engine/base/bytes.hh"
#include "engine/base/must.hh"

namespace weft::proto {

// How often `field` stands in a message; nullopt if the bytes are broken.
[[nodiscard]] std::optional<std::size_t> count_entries(base::Bytes bytes, std::uint32_t field);
// Calls visit(bytes of each length-delimited `field`) until one says false. False then or on broken
// bytes.
template <typename Visit>
[[nodiscard]] bool for_each_entry(base::Bytes bytes, std::uint32_t field, Visit visit) {
  WireReader reader(bytes);
  for (WireField entry; reader.next(entry);)
    if (entry.number == field && entry.type == WireType::kBytes && !visit(entry.bytes))
      return false;
  return reader.ok();
}
// A Vector's bytes hold no more counters than a vector may have.
[[nodiscard]] bool vector_is_bounded(base::Bytes bytes);

// nullopt: not a version vector (an id twice, too many).
[[nodiscard]] std::optional<VersionVector> from_pb(const bep::Vector& vector);
void to_pb(const VersionVector& version, bep::Vector& out);

template <typename Message> [[nodiscard]] bool parse(base::Bytes bytes, Message& out) {
  // Frames are bounded far below 2 GiB (FrameLimits), which is all that protobuf can count.
  if (bytes.size() > INT32_MAX) return false;
  return out.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}
template <typename Message>
void append_message(const Message& message, std::vector<std::byte>& out) {
  const std::size_t size = message.ByteSizeLong();
  const std::size_t before = out.size();
  out.resize(before + size);
  const bool fits = message.SerializeToArray(out.data() + before, static_cast<int>(size));
  MUST(fits);
}

}  // namespace weft::proto
