// The `weft` command: arguments in, exit code out. Called by main() and by tests.
#pragma once

#include "engine/cli/commands.hh"

namespace weft::cli {

[[nodiscard]] int run_app(int argc, const char* const* argv, const Io& io);

}  // namespace weft::cli
