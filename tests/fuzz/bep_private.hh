// What holds for each of weft's own messages: a bounded value that is written again the same, or an error.
#pragma once

#include "bep/proto/names.hh"
#include "bep/proto/private_messages.hh"
#include "tests/fuzz/bep_values.hh"

namespace weft::fuzz {

// The message if it is one.
template <typename Message>
std::optional<Message> read_private(proto::MessageType type, const std::uint8_t* data, std::size_t size) {
  const auto message = proto::decode_private(type, bytes_of(data, size));
  if (!message) {
    CHECK(message.error().code == base::Errc::kCorrupt && *message.error().text != 0);
    return {};
  }
  understood();
  CHECK(std::holds_alternative<Message>(*message) && proto::type_of(*message) == type);
  const auto again = proto::decode_private(type, proto::encode_private(*message));
  CHECK(again && *again == *message);
  return std::get<Message>(*message);
}

}  // namespace weft::fuzz
