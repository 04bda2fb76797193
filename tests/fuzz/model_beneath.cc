// Paths of incoming files on a real tree that tries to lead astray: links to directories and files outside, links to
// the root's parent, a file where a directory is wanted. Whatever the name, what is opened or made lies beneath the root
// and was reached over no link.
#include <fcntl.h>
#include <sys/stat.h>

#include "bep/model/beneath.hh"
#include "bep/proto/names.hh"
#include "tests/fuzz/fuzz.hh"
#include "tests/fuzz/temp_directory.hh"

namespace weft::fuzz {
namespace {

namespace fs = std::filesystem;
using namespace model;

//   top/outside/secret           top/root/a/b/file     top/root/file
//   top/root/out -> ../outside   top/root/up -> ..     top/root/a/self -> ../a   top/root/stray -> ../outside/secret
class Tree {
 public:
  Tree() {
    fs::create_directories(top_.path() / "outside");
    fs::create_directories(root() / "a/b");
    for (const char* file : {"outside/secret", "root/a/b/file", "root/file"}) {
      const int fd = ::open((top_.path() / file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
      CHECK(fd >= 0);
      ::close(fd);
    }
    fs::create_symlink("../outside", root() / "out");
    fs::create_symlink("..", root() / "up");
    fs::create_symlink("../a", root() / "a/self");
    fs::create_symlink("../outside/secret", root() / "stray");
    auto opened = open_root(root());
    CHECK(opened);
    fd_ = std::move(*opened);
  }
  [[nodiscard]] fs::path root() const { return top_.path() / "root"; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Takes away what open_or_make_parent() made; what is there from the start is on no such way.
  void restore(std::string_view made) {
    const std::string first(made.substr(0, made.find('/')));
    const std::string second(made.substr(0, made.find('/', std::min(made.size(), first.size() + 1))));
    const std::string third(made.substr(0, made.find('/', std::min(made.size(), second.size() + 1))));
    if (first != "a") fs::remove_all(root() / first);
    else if (second != "a/b") fs::remove_all(root() / second);
    else fs::remove_all(root() / third);
    CHECK(fs::exists(root() / "a/b/file"));
  }

 private:
  TempDirectory top_;
  base::UniqueFd fd_;
};

Tree& tree() {
  static Tree the_tree;
  return the_tree;
}

// Where a descriptor really is, as the kernel says.
std::string place_of(int fd) {
  std::error_code error;
  const fs::path place = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
  CHECK(!error);
  return place.string();
}
// Exactly where the name says, link or no link: nothing was followed.
bool is_at(int fd, std::string_view name) {
  const std::string root = tree().root().string();
  return place_of(fd) == (name.empty() ? root : root + "/" + std::string(name));
}

bool fits(std::string_view name) {   // what the kernel can say: else the place in /proc is cut
  return name.size() < 1000;
}

}  // namespace

void make_seeds(Seeds& out) {
  for (const char* name : {"file", "a/b/file", "a/b", "out/secret", "up/outside/secret", "a/self/b/file", "stray",
                           "file/x", "new/dir/x", "a/b/c/d"})
    out.add("name-" + std::to_string(out.all().size()), name);
}

}  // namespace weft::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weft::fuzz;
  const std::string name(text_of(bytes_of(data, size)));
  if (!fits(name)) return 0;
  const int root = tree().fd();
  const bool valid = weft::proto::is_valid_name(name);
  DiskState state;
  if (const auto file = open_file(root, name, state)) {
    CHECK(valid && state.kind == DiskKind::kFile && is_at(file->get(), name));
  }
  if (const auto directory = open_directory(root, name)) CHECK((valid || name.empty()) && is_at(directory->get(), name));
  const auto looked = state_of(root, name);
  CHECK(!looked || valid);
  if (const auto parent = open_parent(root, name)) {
    CHECK(valid && is_at(parent->dir.get(), weft::proto::directory_of(name)));
    CHECK(!parent->base.empty() && parent->base.find('/') == std::string::npos);
  }
  if (!valid) return 0;
  understood();
  bool made = false;
  const auto parent = open_or_make_parent(root, name, made);
  if (parent) CHECK(is_at(parent->dir.get(), weft::proto::directory_of(name)));
  if (made) tree().restore(weft::proto::directory_of(name));
  return 0;
}
