// Wraps Intel's ipsec-mb: the direct (not multi-buffer) GCM calls, one packet at a time. They are
// quick because each call has the whole packet in registers and eight AES lanes of the same packet.
#define NO_COMPAT_IMB_API_053   // without it the header claims short names for itself
#include <intel-ipsec-mb.h>

#include <memory>
#include <new>

#include "engine/base/must.hh"
#include "engine/base/prefetch.hh"
#include "engine/wire/aead_backends.hh"

namespace weft::wire {
namespace {

static_assert(sizeof(gcm_key_data) <= sizeof(KeySlot::expanded));
static_assert(alignof(gcm_key_data) <= 64);

// A body up to this size is copied behind the head and sealed with it by one call; a larger one is
// sealed out of place by a second update. Measured (AVX-512, body in or out of cache): 1000 B 75
// against 98 ns, 1400 B 88 against 113 ns, 8900 B 415–800 against 389–570 ns: below, the start and
// end of a call cost more than the copy, above, it is the other way round.
constexpr std::size_t kCopiedBodyBytesMax = 2048;

// Looks at all 16 bytes whatever they are: an early exit would tell a forger how far he got.
bool tags_equal(const std::byte* a, const std::byte* b) noexcept {
  std::uint64_t a_words[2], b_words[2];
  static_assert(sizeof a_words == kTagBytes);
  std::memcpy(a_words, a, kTagBytes);
  std::memcpy(b_words, b, kTagBytes);
  return ((a_words[0] ^ b_words[0]) | (a_words[1] ^ b_words[1])) == 0;
}

class IpsecMbAead final : public Aead {
 public:
  explicit IpsecMbAead(IMB_MGR* manager) noexcept : manager_(manager) {}
  ~IpsecMbAead() override {
    imb_clear_mem(&context_, sizeof context_);
    free_mb_mgr(manager_);
  }

  [[nodiscard]] const char* name() const noexcept override { return "ipsec-mb"; }

  void prepare(const share::PacketKey& key, KeySlot& out) noexcept override {
    auto* expanded = new (out.expanded.data()) gcm_key_data;
    IMB_AES128_GCM_PRE(manager_, key.key.data(), expanded);
    out.iv = key.iv;
    out.prepared = true;
  }

  void release(KeySlot& slot) noexcept override {
    imb_clear_mem(slot.expanded.data(), slot.expanded.size());
    imb_clear_mem(slot.iv.data(), slot.iv.size());
    slot.prepared = false;
  }

  void seal(std::span<const SealJob> jobs) noexcept override {
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      const SealJob& job = jobs[i];
      MUST(job.key->prepared);
      MUST(job.head_bytes + job.body.size() > 0);
      MUST(job.sealed_bytes() <= kPacketBytesMax);
      if (i + 1 < jobs.size()) base::prefetch_for_read(jobs[i + 1].body);   // it lies in a slot: far from the cache
      if (job.body.size() <= kCopiedBodyBytesMax) seal_in_place(job);
      else seal_out_of_place(job);
    }
  }

  void open(std::span<OpenJob> jobs) noexcept override {
    for (OpenJob& job : jobs) {
      MUST(job.key->prepared);
      job.ok = false;
      if (job.packet_bytes < kPacketBytesMin || job.packet_bytes > kPacketBytesMax) continue;
      const Nonce nonce = make_nonce(*job.key, job.packet_number);
      const std::size_t bytes = job.packet_bytes - kOverheadBytes;
      std::byte* const text = job.packet + kHeaderBytes;
      std::array<std::byte, kTagBytes> tag;
      IMB_AES128_GCM_DEC(manager_, expanded_of(*job.key), &context_, raw(text), raw(text), bytes,
                         nonce.data(), raw(job.packet), kHeaderBytes, raw(tag.data()), kTagBytes);
      job.ok = tags_equal(tag.data(), text + bytes);
    }
  }

 private:
  static const gcm_key_data* expanded_of(const KeySlot& key) noexcept {
    return std::launder(reinterpret_cast<const gcm_key_data*>(key.expanded.data()));
  }

  void seal_in_place(const SealJob& job) noexcept {
    const Nonce nonce = make_nonce(*job.key, job.packet_number);
    std::byte* const text = job.packet + kHeaderBytes;
    const std::size_t bytes = job.head_bytes + job.body.size();
    if (!job.body.empty()) std::memcpy(text + job.head_bytes, job.body.data(), job.body.size());
    IMB_AES128_GCM_ENC(manager_, expanded_of(*job.key), &context_, raw(text), raw(text), bytes,
                       nonce.data(), raw(job.packet), kHeaderBytes, raw(text + bytes), kTagBytes);
  }

  void seal_out_of_place(const SealJob& job) noexcept {
    const Nonce nonce = make_nonce(*job.key, job.packet_number);
    const gcm_key_data* const key = expanded_of(*job.key);
    std::byte* const text = job.packet + kHeaderBytes;
    std::byte* const body = text + job.head_bytes;
    IMB_AES128_GCM_INIT(manager_, key, &context_, nonce.data(), raw(job.packet), kHeaderBytes);
    if (job.head_bytes > 0) {
      IMB_AES128_GCM_ENC_UPDATE(manager_, key, &context_, raw(text), raw(text), job.head_bytes);
    }
    IMB_AES128_GCM_ENC_UPDATE(manager_, key, &context_, raw(body), raw(job.body.data()),
                              job.body.size());
    IMB_AES128_GCM_ENC_FINALIZE(manager_, key, &context_, raw(body + job.body.size()), kTagBytes);
  }

  IMB_MGR* const manager_;
  gcm_context_data context_{};
};

}  // namespace

std::unique_ptr<Aead> make_ipsec_mb_aead() {
  IMB_MGR* const manager = alloc_mb_mgr(0);
  if (manager == nullptr) return nullptr;
  auto aead = std::make_unique<IpsecMbAead>(manager);
  IMB_ARCH arch = IMB_ARCH_NONE;
  init_mb_mgr_auto(manager, &arch);
  // Without AES instructions the library emulates them, far slower than OpenSSL does it.
  if (imb_get_errno(manager) != 0 || arch < IMB_ARCH_SSE) return nullptr;
  return aead;
}

}  // namespace weft::wire
