// Device IDs: the SHA-256 of a certificate, its text with check characters, and the short ID.
// Pure functions. The bytes themselves are base::DeviceId. Source: bep_facts §2.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::proto {

using base::DeviceId;
using ShortId = std::uint64_t;   // first 8 bytes, big-endian; in version vectors and modified_by

inline constexpr DeviceId kEmptyDeviceId{};   // "no device"; its text is ""

// Of the certificate's DER bytes exactly as found: re-encoding a certificate changes the device.
[[nodiscard]] DeviceId device_id_of_certificate(base::Bytes der);

// 63 characters: 8 groups of 7 joined by '-'; "" for the empty ID.
[[nodiscard]] std::string to_text(const DeviceId& id);
// Accepts any case, '-' and spaces anywhere, 0/1/8 for O/I/B, with (56) or without (52) check
// characters.
// Errors: kInvalidArgument. The empty string is the empty ID.
[[nodiscard]] base::Result<DeviceId> parse_device_id(std::string_view text);

[[nodiscard]] ShortId short_id(const DeviceId& id) noexcept;
// The 7 characters that stand for it in conflict names, logs and REST ("P56IOI7").
[[nodiscard]] std::string short_id_text(ShortId id);
// The check character over base32 characters; Syncthing's own variant of Luhn's sum. 0 if one is
// not base32.
[[nodiscard]] char luhn32(std::string_view base32) noexcept;

}  // namespace weft::proto
