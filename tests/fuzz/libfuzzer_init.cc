// Linked into the clang builds beside libFuzzer's main: `fuzz_NAME --write-seeds DIR` writes the seeds and ends.
#include "tests/fuzz/seed_files.hh"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);

int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc == 3 && std::string_view((*argv)[1]) == "--write-seeds")
    std::exit(weft::fuzz::write_seeds((*argv)[2]) ? 0 : 1);
  return 0;
}
