// The main of a fuzzer without libFuzzer: runs inputs that are known, each once, in order of their names.
//   fuzz_NAME FILE-OR-DIRECTORY...     the fuzzer's own seeds, then every file named
//   fuzz_NAME --write-seeds DIR        the seeds as files
// Exit code 1 when a seed is no longer understood or a file cannot be read; a finding aborts with its input's name on
// the last line but one of stderr.
#include <unistd.h>

#include <iterator>
#include <memory>

#include "tests/fuzz/seed_files.hh"

namespace weft::fuzz {
namespace {

namespace fs = std::filesystem;

// A copy that ends with its allocation, so that a sanitizer sees any read beyond it.
void run_one(const std::string& name, base::Bytes bytes) {
  std::fprintf(stderr, "%s\n", name.c_str());
  const auto copy = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy_n(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), copy.get());
  LLVMFuzzerTestOneInput(copy.get(), bytes.size());
}

std::vector<fs::path> files_of(const fs::path& named) {
  if (!fs::is_directory(named)) return {named};
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(named)) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

int replay(int argc, char** argv) {
  Seeds seeds;
  make_seeds(seeds);
  for (const Seeds::Seed& seed : seeds.all()) {
    const std::uint64_t before = understood_count;
    run_one("seed " + seed.name, seed.bytes);
    if (understood_count > before) continue;
    std::fprintf(stderr, "this seed is not understood any more: mend make_seeds()\n");
    return 1;
  }
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    if (!fs::exists(argv[i])) {
      std::fprintf(stderr, "%s: is not there\n", argv[i]);
      return 1;
    }
    for (const fs::path& file : files_of(argv[i])) {
      std::ifstream in(file, std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
      if (!in.good() && !in.eof()) {
        std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
        return 1;
      }
      run_one(file.filename().string(), bytes_of(text));
      ++count;
    }
  }
  std::printf("%zu seeds and %zu files, %llu understood\n", seeds.all().size(), count,
              static_cast<unsigned long long>(understood_count));
  return 0;
}

}  // namespace
}  // namespace weft::fuzz

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--write-seeds") return weft::fuzz::write_seeds(argv[2]) ? 0 : 1;
  return weft::fuzz::replay(argc, argv);
}
