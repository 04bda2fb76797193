// Names of files on the wire and on disk: which are legal, which are ours alone, temp and
// conflict names.
// Normalisation: BEP says NFC. We have no Unicode tables (no ICU): any valid UTF-8 is accepted and
// kept byte for byte; two spellings of one name are then two files.
// Pure functions. Source: bep_facts §10, §13.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bep/proto/device_id.hh"

namespace weft::proto {

// The longest path of any system that announces names: Windows' 32 767 UTF-16 units, three bytes
// each. Names that this machine cannot open are legal and fail when they are opened.
inline constexpr std::size_t kNameBytesMax = 32767 * 3;
inline constexpr std::size_t kComponentBytesMax = 255;   // NAME_MAX; conflict names keep to it
inline constexpr std::size_t kTempBaseBytesMax = 145;    // longer ones are hashed in temp names

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;   // shortest forms only, no surrogates

// What is wrong with a wire name; kOk if it may be joined to a folder's root.
enum class NameFault : std::uint8_t {
  kOk, kEmpty, kTooLong, kNotUtf8, kNul, kAbsolute, kDot, kDotDot, kEmptyComponent,
};
// A legal name is relative, clean ('/' between components, none of them "", "." or ".."), valid
// UTF-8, without NUL. Components such as "..a" or "a.." are ordinary names; so are '\\' and ':'.
[[nodiscard]] NameFault check_name(std::string_view name) noexcept;
[[nodiscard]] const char* text_of(NameFault fault) noexcept;
[[nodiscard]] inline bool is_valid_name(std::string_view name) noexcept {
  return check_name(name) == NameFault::kOk;
}

// .stfolder, .stignore, .stversions at the folder's root and everything below them: never announced
// nor served.
[[nodiscard]] bool is_internal_name(std::string_view name) noexcept;

// Last component begins with ".syncthing." or "~syncthing~".
[[nodiscard]] bool is_temp_name(std::string_view name) noexcept;
// Same directory; ".syncthing." + base + ".tmp", or with the base's SHA-256 in hex if it is too
// long.
[[nodiscard]] std::string temp_name(std::string_view name);
// The name that temp_name() was given; nullopt if it is none of ours or was hashed.
[[nodiscard]] std::optional<std::string> name_of_temp(std::string_view temp);

// Local broken-down time of a conflict; the caller asks the clock and the time zone.
struct ConflictTime {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;   // month and day from 1
};
// <base>.sync-conflict-YYYYMMDD-HHMMSS-SHORTID<ext>, ext = from the last dot of the last component.
// A component that would pass kComponentBytesMax is shortened in front of the suffix, so that the
// loser of a conflict can always be kept.
[[nodiscard]] std::string conflict_name(std::string_view name, const ConflictTime& when,
                                        ShortId modified_by);
[[nodiscard]] bool is_conflict_name(std::string_view name) noexcept;

// Last component, and everything before it without the slash ("" at the root).
[[nodiscard]] std::string_view base_of(std::string_view name) noexcept;
[[nodiscard]] std::string_view directory_of(std::string_view name) noexcept;

}  // namespace weft::proto
