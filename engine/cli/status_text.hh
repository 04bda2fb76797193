// What `weft status` prints, from the daemon's answers. Pure.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace weft::cli {

struct StatusAnswers {
  std::string weft_status;       // /rest/weft/status
  std::string weft_paths;        // /rest/weft/paths
  std::string system_status;     // /rest/system/status
};
// Devices, folders, paths, and last what is not as it should be. Fails on answers that are not of this shape.
[[nodiscard]] tl::expected<std::string, std::string> status_text(const StatusAnswers& answers);

}  // namespace weft::cli
