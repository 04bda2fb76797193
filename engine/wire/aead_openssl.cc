// Wraps OpenSSL's EVP AES-128-GCM: the back end that every machine has.
// Contexts are made once and keyed anew, because making one allocates and keying one does not
// (tests/unit/wire/heap_test.cc counts).
#include <openssl/evp.h>

#include <memory>
#include <utility>

#include "engine/base/must.hh"
#include "engine/wire/aead_backends.hh"

namespace weft::wire {
namespace {

class OpensslAead final : public Aead {
 public:
  OpensslAead(std::unique_ptr<EVP_CIPHER_CTX*[]> contexts, std::size_t count) noexcept
      : all_(std::move(contexts)), count_(count), free_count_(count) {}
  ~OpensslAead() override {
    MUST(free_count_ == count_);   // a slot that is still prepared would point into freed memory
    for (std::size_t i = 0; i < count_; ++i) EVP_CIPHER_CTX_free(all_[i]);
  }

  [[nodiscard]] const char* name() const noexcept override { return "openssl"; }

  void prepare(const share::PacketKey& key, KeySlot& out) noexcept override {
    if (!out.prepared) {
      MUST(free_count_ > 0);
      out.context = all_[--free_count_];
    }
    set_key(context_of(out), key.key);
    out.iv = key.iv;
    out.prepared = true;
  }

  void release(KeySlot& slot) noexcept override {
    if (!slot.prepared) return;
    MUST(free_count_ < count_);
    set_key(context_of(slot), {});   // overwrites the round keys
    all_[free_count_++] = context_of(slot);
    slot.context = nullptr;
    slot.iv = {};
    slot.prepared = false;
  }

  void seal(std::span<const SealJob> jobs) noexcept override {
    for (const SealJob& job : jobs) {
      MUST(job.key->prepared);
      MUST(job.head_bytes + job.body.size() > 0);
      MUST(job.sealed_bytes() <= kPacketBytesMax);
      seal_one(job);
    }
  }

  void open(std::span<OpenJob> jobs) noexcept override {
    for (OpenJob& job : jobs) {
      MUST(job.key->prepared);
      job.ok = false;
      if (job.packet_bytes < kPacketBytesMin || job.packet_bytes > kPacketBytesMax) continue;
      job.ok = open_one(job);
    }
  }

 private:
  static EVP_CIPHER_CTX* context_of(const KeySlot& key) noexcept {
    return static_cast<EVP_CIPHER_CTX*>(key.context);
  }
  static void set_key(EVP_CIPHER_CTX* context, const std::array<std::byte, 16>& key) noexcept {
    MUST(EVP_EncryptInit_ex2(context, nullptr, raw(key.data()), nullptr, nullptr) == 1);
  }

  static void seal_one(const SealJob& job) noexcept {
    EVP_CIPHER_CTX* const context = context_of(*job.key);
    const Nonce nonce = make_nonce(*job.key, job.packet_number);
    std::byte* const text = job.packet + kHeaderBytes;
    std::byte* const body = text + job.head_bytes;
    std::byte* const tag = body + job.body.size();
    const int head_bytes = static_cast<int>(job.head_bytes);
    const int body_bytes = static_cast<int>(job.body.size());
    int written = 0;
    MUST(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
    MUST(EVP_EncryptUpdate(context, nullptr, &written, raw(job.packet), kHeaderBytes) == 1);
    if (head_bytes > 0)
      MUST(EVP_EncryptUpdate(context, raw(text), &written, raw(text), head_bytes) == 1);
    if (body_bytes > 0)
      MUST(EVP_EncryptUpdate(context, raw(body), &written, raw(job.body.data()), body_bytes) == 1);
    MUST(EVP_EncryptFinal_ex(context, raw(tag), &written) == 1);
    MUST(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) == 1);
  }

  static bool open_one(const OpenJob& job) noexcept {
    EVP_CIPHER_CTX* const context = context_of(*job.key);
    const Nonce nonce = make_nonce(*job.key, job.packet_number);
    std::byte* const text = job.packet + kHeaderBytes;
    const int bytes = static_cast<int>(job.packet_bytes - kOverheadBytes);
    std::byte* const tag = text + bytes;
    int written = 0;
    MUST(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
    MUST(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1);
    MUST(EVP_DecryptUpdate(context, nullptr, &written, raw(job.packet), kHeaderBytes) == 1);
    MUST(EVP_DecryptUpdate(context, raw(text), &written, raw(text), bytes) == 1);
    return EVP_DecryptFinal_ex(context, raw(tag), &written) == 1;   // writes nothing in GCM
  }

  // all_[0 … free_count_) are free; the rest of the array is stale, those contexts are in slots.
  std::unique_ptr<EVP_CIPHER_CTX*[]> all_;
  const std::size_t count_;
  std::size_t free_count_;
};

}  // namespace

std::unique_ptr<Aead> make_openssl_aead(std::size_t keys_max) {
  EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  if (cipher == nullptr) return nullptr;
  auto contexts = std::make_unique<EVP_CIPHER_CTX*[]>(keys_max);   // all nullptr
  bool ok = true;
  for (std::size_t i = 0; i < keys_max && ok; ++i) {
    contexts[i] = EVP_CIPHER_CTX_new();
    ok = contexts[i] != nullptr &&
         EVP_EncryptInit_ex2(contexts[i], cipher, nullptr, nullptr, nullptr) == 1;
  }
  EVP_CIPHER_free(cipher);   // each context holds its own reference
  auto aead = std::make_unique<OpensslAead>(std::move(contexts), keys_max);
  if (!ok) return nullptr;   // frees the contexts made so far; freeing nullptr is nothing
  return aead;
}

}  // namespace weft::wire
