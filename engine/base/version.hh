// The version that links, REST and --version show. One place: the project() line of the top meson.build.
#pragma once

namespace weft::base {

inline constexpr const char* kVersion = WEFT_VERSION;           // "0.1.0"
inline constexpr const char* kVersionText = "v" WEFT_VERSION;   // as Syncthing writes versions

}  // namespace weft::base
