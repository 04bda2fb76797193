#include "bep/model/hasher.hh"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "bep/proto/block_size.hh"
#include "engine/base/must.hh"

namespace weft::model {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// One hash at a time; OpenSSL fails here only without memory, which is fatal to us anyway.
class Sha {
 public:
  Sha() : context_(EVP_MD_CTX_new()) { MUST(context_ != nullptr); }
  void begin() { MUST(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1); }
  void add(base::Bytes bytes) { MUST(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1); }
  base::Sha256 end() {
    base::Sha256 hash{};
    unsigned length = 0;
    MUST(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(hash.data()), &length) == 1);
    MUST(length == hash.size());
    return hash;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, FreeContext> context_;
};

base::Status read_exactly(int fd, base::MutableBytes into, std::int64_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + done, into.size() - done,
                                static_cast<off_t>(offset) + static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return base::fail_errno(errno, "cannot read file");
    if (got == 0) return base::fail(base::Errc::kCorrupt, "the file became shorter");
    done += static_cast<std::size_t>(got);
  }
  return {};
}

}  // namespace

base::Sha256 sha256(base::Bytes bytes) {
  thread_local Sha sha;   // a context costs an allocation; workers hash a block at a time, all day
  sha.begin();
  sha.add(bytes);
  return sha.end();
}

bool is_zero_block(const base::Sha256& hash, std::uint32_t size) {
  if (size == 0 || size > base::kBlockBytesMax) return false;
  const std::optional<base::Sha256> zero = proto::zero_block_hash(static_cast<std::int32_t>(size));
  return zero.has_value() && *zero == hash;
}

base::Status hash_turn(int fd, HashProgress& progress, std::size_t bytes_max) {
  MUST(progress.block_size > 0);
  MUST(progress.offset >= 0);
  if (progress.size == 0) {
    if (progress.blocks.empty()) progress.blocks.push_back({0, 0, proto::empty_block_hash()});
    return {};
  }
  const proto::BlockLayout layout{progress.size, progress.block_size};
  std::vector<std::byte> buffer(
      std::min<std::size_t>(kReadBytes, static_cast<std::size_t>(std::min<std::int64_t>(
                                            progress.size, progress.block_size))));
  Sha sha;
  std::size_t turn = 0;
  while (progress.offset < progress.size && (turn == 0 || turn < bytes_max)) {
    const auto index = static_cast<std::int64_t>(progress.blocks.size());
    proto::Block block{layout.offset_of(index), layout.size_of(index), {}};
    MUST(block.offset == progress.offset);
    sha.begin();
    for (std::int32_t at = 0; at < block.size;) {
      const std::size_t piece = std::min(buffer.size(), static_cast<std::size_t>(block.size - at));
      TRY(read_exactly(fd, {buffer.data(), piece}, block.offset + at));
      sha.add({buffer.data(), piece});
      at += static_cast<std::int32_t>(piece);
    }
    block.hash = sha.end();
    progress.blocks.push_back(block);
    progress.offset += block.size;
    turn += static_cast<std::size_t>(block.size);
  }
  return {};
}

}  // namespace weft::model
