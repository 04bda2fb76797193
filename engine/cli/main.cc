// The weft command. Everything it can do: engine/cli/app.cc.
#include <iostream>

#include "engine/cli/app.hh"

int main(int argc, char** argv) { return weft::cli::run_app(argc, argv, {std::cout, std::cerr}); }
