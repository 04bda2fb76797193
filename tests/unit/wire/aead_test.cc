// Both back ends against NIST's vectors, against each other, and against a forger who flips bits.
#include "engine/wire/aead.hh"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/prng.hh"
#include "tests/unit/wire/hex.hh"

namespace weft::wire {
namespace {

using Buffer = std::vector<std::byte>;

Buffer random_bytes(base::Prng& prng, std::size_t count) {
  Buffer bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(prng.next());
  return bytes;
}

share::PacketKey random_key(base::Prng& prng) {
  share::PacketKey key;
  std::ranges::copy(random_bytes(prng, key.key.size()), key.key.begin());
  std::ranges::copy(random_bytes(prng, key.iv.size()), key.iv.begin());
  return key;
}

// A prepared slot, released at the end.
struct Slot {
  Slot(Aead& owner, const share::PacketKey& raw_key) : aead(owner) { aead.prepare(raw_key, key); }
  ~Slot() { aead.release(key); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  Aead& aead;
  KeySlot key;
};

// Header and head as given, body elsewhere: the sealed packet.
Buffer seal(Slot& slot, std::uint64_t number, base::Bytes header, base::Bytes head,
            base::Bytes body) {
  Buffer packet(kOverheadBytes + head.size() + body.size());
  std::ranges::copy(header, packet.begin());
  std::ranges::copy(head, packet.begin() + kHeaderBytes);
  const auto head_bytes = static_cast<std::uint32_t>(head.size());
  const SealJob job{&slot.key, number, packet.data(), head_bytes, body};
  EXPECT_EQ(job.sealed_bytes(), packet.size());
  slot.aead.seal({&job, 1});
  return packet;
}

// Plaintext, or nothing if it was refused.
std::optional<Buffer> open(Slot& slot, std::uint64_t number, Buffer packet) {
  OpenJob job{&slot.key, number, packet.data(), static_cast<std::uint32_t>(packet.size())};
  slot.aead.open({&job, 1});
  if (!job.ok) return std::nullopt;
  return Buffer(job.plaintext().begin(), job.plaintext().end());
}

class AeadTest : public testing::TestWithParam<AeadKind> {
 protected:
  void SetUp() override {
    auto made = make_aead(GetParam(), kKeysMax);
    if (!made && made.error().code == base::Errc::kUnsupported) GTEST_SKIP() << made.error().text;
    ASSERT_TRUE(made) << made.error().text;
    aead_ = std::move(*made);
  }
  static constexpr std::size_t kKeysMax = 3;
  std::unique_ptr<Aead> aead_;
};

struct NistVector {
  const char *key, *iv, *text, *additional, *sealed;
};
// gcmEncryptExtIV128.rsp of NIST's CAVP, the sections with AADlen = 128 = our header's length.
constexpr NistVector kNistVectors[] = {
    {"c939cc13397c1d37de6ae0e1cb7c423c", "b3d8cc017cbb89b39e0f67e2",
     "c3b3c41f113a31b73d9a5cd432103069", "24825602bd12a984e0092d3e448eda5f",
     "93fe7d9e9bfd10348a5606e5cafa7354" "0032a1dc85f1c9786925a2e71d8272dd"},
    {"599eb65e6b2a2a7fcc40e51c4f6e3257", "d407301cfa29af8525981c17",
     "a6c9e0f248f07a3046ece12125666921", "10e72efe048648d40139477a2016f8ce",
     "1be9359a543fd7ec3c4bc6f3c9395e89" "e2e9c07d4c3c10a6137ca433da42f9a8"},
    {"298efa1ccf29cf62ae6824bfc19557fc", "6f58a93fe1d207fae4ed2f6d",
     "cc38bccd6bc536ad919b1395f5d63801f99f8068d65ca5ac63872daf16b93901",
     "021fafd238463973ffe80256e5b1c6b1",
     "dfce4e9cd291103d7fe4e63351d9e79d3dfd391e3267104658212da96521b7db"
     "542465ef599316f73a7a560509a2d9f2"},
    // gcmDecrypt128.rsp, AADlen = 128: lengths that end within a block.
    {"660eb76f3d8b6ec54e01b8a36263124b", "3d8cf16e262880ddfe0c86eb", "2efbaedfec3cfe4ac32f201fa5",
     "8560b10c011a1d4190eb46a3692daa17",
     "b1ee05f1415a61d7637e97c5f3" "761cb84a963e1db1a4ab2c5f904c09db"},
    {"95bcde70c094f04e3dd8259cafd88ce8", "12cf097ad22380432ff40a5c",
     "32f51e837a9748838925066d69e87180f34a6437e6b396e5643b34cb2ee4f7b1",
     "c783a0cca10a8d9fb8d27d69659463f2",
     "8a023ba477f5b809bddcda8f55e09064d6d88aaec99c1e141212ea5b08503660"
     "562f500dae635d60a769b466e15acd1e"},
    {"bc22f3f05cc40db9311e4192966fee92", "134988e662343c06d3ab83db",
     "337c1bc992386cf0f957617fe4d5ec1218ae1cc40369305518eb177e9b15c1646b142ff71237efaa58790080cd82e884"
     "8b295c",
     "10087e6ed81049b509c31d12fee88c64",
     "4c0168ab95d3a10ef25e5924108389365c67d97778995892d9fd46897384af61fc559212b3267e90fe4df7bfd1fbed46"
     "f4b9ee" "771357958a316f166bd0dacc98ea801a"}};

TEST_P(AeadTest, SealsAsNistDoes) {
  for (const NistVector& v : kNistVectors) {
    share::PacketKey key;
    std::ranges::copy(from_hex(v.key), key.key.begin());
    std::ranges::copy(from_hex(v.iv), key.iv.begin());
    // Packet number n turns IV into IV xor n: give the back end the IV that n turns into NIST's.
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{0x0123456789ABCDEF}}) {
      share::PacketKey turned = key;
      std::byte* const tail = turned.iv.data() + 4;
      base::store_be(tail, base::load_be<std::uint64_t>(tail) ^ number);
      Slot slot(*aead_, turned);
      const Buffer text = from_hex(v.text), header = from_hex(v.additional);
      for (std::size_t split = 0; split <= text.size(); ++split) {
        const Buffer packet = seal(slot, number, header, base::Bytes(text).first(split),
                                   base::Bytes(text).subspan(split));
        ASSERT_EQ(to_hex(packet), std::string(v.additional) + v.sealed) << "split " << split;
        const auto opened = open(slot, number, packet);
        ASSERT_TRUE(opened);
        ASSERT_EQ(*opened, text);
      }
    }
  }
}

TEST_P(AeadTest, EveryFlippedBitIsRefused) {
  base::Prng prng(1);
  Slot slot(*aead_, random_key(prng));
  const Buffer packet = seal(slot, 42, random_bytes(prng, kHeaderBytes), random_bytes(prng, 20),
                             random_bytes(prng, 50));
  ASSERT_TRUE(open(slot, 42, packet));
  for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
    Buffer forged = packet;
    forged[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    ASSERT_FALSE(open(slot, 42, forged)) << "bit " << bit;
  }
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes)
    ASSERT_FALSE(open(slot, 42, Buffer(packet.begin(), packet.begin() + static_cast<long>(bytes))));
  for (unsigned bit = 0; bit < 64; ++bit)
    ASSERT_FALSE(open(slot, 42 ^ (std::uint64_t{1} << bit), packet)) << "number bit " << bit;
}

TEST_P(AeadTest, AnotherKeyOrIvIsRefused) {
  base::Prng prng(2);
  const share::PacketKey key = random_key(prng);
  Buffer packet;
  {
    Slot slot(*aead_, key);
    packet = seal(slot, 7, random_bytes(prng, kHeaderBytes), random_bytes(prng, 40), {});
    ASSERT_TRUE(open(slot, 7, packet));
  }
  for (unsigned bit = 0; bit < 8 * (16 + 12); ++bit) {
    share::PacketKey other = key;
    std::byte& changed = bit < 128 ? other.key[bit / 8] : other.iv[bit / 8 - 16];
    changed ^= static_cast<std::byte>(1u << (bit % 8));
    Slot slot(*aead_, other);
    ASSERT_FALSE(open(slot, 7, packet)) << "bit " << bit;
  }
}

TEST_P(AeadTest, ABurstHoldsGoodAndBadOfSeveralKeys) {
  base::Prng prng(3);
  Slot first(*aead_, random_key(prng)), second(*aead_, random_key(prng));
  std::vector<Buffer> packets, texts;
  std::vector<OpenJob> jobs;
  for (std::uint64_t i = 0; i < 32; ++i) {
    texts.push_back(random_bytes(prng, 1 + prng.below(3000)));
    const std::size_t split = prng.below(static_cast<std::uint32_t>(texts.back().size()) + 1);
    packets.push_back(seal(i % 2 == 0 ? first : second, i, random_bytes(prng, kHeaderBytes),
                           base::Bytes(texts.back()).first(split),
                           base::Bytes(texts.back()).subspan(split)));
    if (i % 5 != 0) continue;
    const auto bytes = static_cast<std::uint32_t>(packets.back().size());
    packets.back()[prng.below(bytes)] ^= std::byte{1};
  }
  for (std::uint64_t i = 0; i < 32; ++i)
    jobs.push_back({i % 2 == 0 ? &first.key : &second.key, i, packets[i].data(),
                    static_cast<std::uint32_t>(packets[i].size()), i % 3 == 0});
  aead_->open(jobs);
  for (std::uint64_t i = 0; i < 32; ++i) {
    ASSERT_EQ(jobs[i].ok, i % 5 != 0) << i;
    if (jobs[i].ok) {
      ASSERT_TRUE(std::ranges::equal(jobs[i].plaintext(), texts[i])) << i;
    }
  }
  aead_->open({});
  aead_->seal({});
}

TEST_P(AeadTest, SlotsAreReusedWithoutEnd) {
  base::Prng prng(4);
  const Buffer header = random_bytes(prng, kHeaderBytes), text = random_bytes(prng, 33);
  for (int round = 0; round < 100; ++round) {
    Slot a(*aead_, random_key(prng)), b(*aead_, random_key(prng)), c(*aead_, random_key(prng));
    const Buffer old = seal(b, 1, header, text, {});
    aead_->prepare(random_key(prng), b.key);   // anew, without a release
    ASSERT_FALSE(open(b, 1, old));
    ASSERT_TRUE(open(b, 2, seal(b, 2, header, text, {})));
    ASSERT_TRUE(open(a, 2, seal(a, 2, header, text, {})));
    ASSERT_TRUE(open(c, 2, seal(c, 2, header, {}, text)));
  }
}

TEST_P(AeadTest, ReleaseWipesTheSlotAndMayBeCalledTwice) {
  base::Prng prng(5);
  KeySlot slot;
  aead_->prepare(random_key(prng), slot);
  EXPECT_TRUE(slot.prepared);
  aead_->release(slot);
  EXPECT_FALSE(slot.prepared);
  EXPECT_EQ(slot.context, nullptr);
  const auto is_zero = [](std::byte b) { return b == std::byte{0}; };
  EXPECT_TRUE(std::ranges::all_of(slot.iv, is_zero));
  EXPECT_TRUE(std::ranges::all_of(slot.expanded, is_zero));
  aead_->release(slot);
}

TEST_P(AeadTest, AReleasedContextHasForgottenItsKey) {
  if (GetParam() != AeadKind::kOpenssl) GTEST_SKIP() << "only OpenSSL keeps keys outside the slot";
  base::Prng prng(7);
  KeySlot slot;
  aead_->prepare(random_key(prng), slot);
  Buffer packet(kOverheadBytes + 30);
  const SealJob sealing{&slot, 1, packet.data(), 30, {}};
  aead_->seal({&sealing, 1});
  const KeySlot stale = slot;   // same IV, and the context that goes back to the pool
  Buffer before = packet;
  OpenJob job{&stale, 1, before.data(), static_cast<std::uint32_t>(before.size())};
  aead_->open({&job, 1});
  EXPECT_TRUE(job.ok);
  aead_->release(slot);
  job.packet = packet.data();
  aead_->open({&job, 1});
  EXPECT_FALSE(job.ok);
}

TEST_P(AeadTest, PassesItsSelfTestAndHasAName) {
  EXPECT_TRUE(self_test(*aead_));
  EXPECT_STREQ(aead_->name(), GetParam() == AeadKind::kIpsecMb ? "ipsec-mb" : "openssl");
}

INSTANTIATE_TEST_SUITE_P(BackEnds, AeadTest,
                         testing::Values(AeadKind::kIpsecMb, AeadKind::kOpenssl),
                         [](const auto& back_end) {
                           return back_end.param == AeadKind::kIpsecMb ? "ipsec_mb" : "openssl";
                         });

TEST(Aead, BackEndsGiveTheSameBytesAndOpenEachOther) {
  auto quick = make_aead(AeadKind::kIpsecMb, 1);
  if (!quick) GTEST_SKIP() << quick.error().text;
  auto portable = make_aead(AeadKind::kOpenssl, 1);
  ASSERT_TRUE(portable);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    base::Prng prng(seed);
    const share::PacketKey key = random_key(prng);
    Slot a(**quick, key), b(**portable, key);
    const std::uint64_t number = prng.next() >> 2;
    const Buffer header = random_bytes(prng, kHeaderBytes);
    // Around every edge: nothing, one block, the copied-body limit, a jumbo frame, the largest.
    const std::uint32_t head_max[] = {1, 16, 64, 1400};
    const std::uint32_t body_max[] = {1, 20, 1400, 2060, 9000, 64'000};
    const Buffer head = random_bytes(prng, prng.below(head_max[prng.below(4)] + 1));
    const Buffer body =
        random_bytes(prng, prng.below(body_max[prng.below(6)] + 1) + (head.empty() ? 1u : 0u));
    const Buffer sealed = seal(a, number, header, head, body);
    ASSERT_EQ(seal(b, number, header, head, body), sealed) << "seed " << seed;
    Buffer text = head;
    text.insert(text.end(), body.begin(), body.end());
    ASSERT_EQ(open(a, number, sealed), text) << "seed " << seed;
    ASSERT_EQ(open(b, number, sealed), text) << "seed " << seed;
  }
}

TEST(Aead, BestIsOneThatWorks) {
  auto best = best_aead(1);
  ASSERT_TRUE(best) << best.error().text;
  EXPECT_TRUE(self_test(**best));
  const bool has_ipsec_mb = make_aead(AeadKind::kIpsecMb, 1).has_value();
  EXPECT_STREQ((*best)->name(), has_ipsec_mb ? "ipsec-mb" : "openssl");
}

// A back end that forgets to check the tag must not get through its self test.
class Forgetful final : public Aead {
 public:
  explicit Forgetful(Aead& real) : real_(real) {}
  [[nodiscard]] const char* name() const noexcept override { return "forgetful"; }
  void prepare(const share::PacketKey& key, KeySlot& out) noexcept override {
    real_.prepare(key, out);
  }
  void release(KeySlot& slot) noexcept override { real_.release(slot); }
  void seal(std::span<const SealJob> jobs) noexcept override { real_.seal(jobs); }
  void open(std::span<OpenJob> jobs) noexcept override {
    real_.open(jobs);
    for (OpenJob& job : jobs) job.ok = true;
  }

 private:
  Aead& real_;
};
// One whose additional data is not the header: seals something else.
class Deaf final : public Aead {
 public:
  explicit Deaf(Aead& real) : real_(real) {}
  [[nodiscard]] const char* name() const noexcept override { return "deaf"; }
  void prepare(const share::PacketKey& key, KeySlot& out) noexcept override {
    real_.prepare(key, out);
  }
  void release(KeySlot& slot) noexcept override { real_.release(slot); }
  void seal(std::span<const SealJob> jobs) noexcept override {
    for (SealJob job : jobs) {
      std::array<std::byte, kHeaderBytes> header;
      std::copy_n(job.packet, kHeaderBytes, header.begin());
      std::fill_n(job.packet, kHeaderBytes, std::byte{0});
      real_.seal({&job, 1});
      std::ranges::copy(header, job.packet);
    }
  }
  void open(std::span<OpenJob> jobs) noexcept override {
    for (OpenJob& job : jobs) std::fill_n(job.packet, kHeaderBytes, std::byte{0});
    real_.open(jobs);
  }

 private:
  Aead& real_;
};

TEST(Aead, SelfTestSeesWrongBackEnds) {
  auto real = best_aead(2);
  ASSERT_TRUE(real);
  Forgetful forgetful(**real);
  EXPECT_FALSE(self_test(forgetful));
  Deaf deaf(**real);
  EXPECT_FALSE(self_test(deaf));
}

using AeadDeathTest = AeadTest;

TEST_P(AeadDeathTest, AnEmptyPacketAndAnUnpreparedKeyAreBugs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  base::Prng prng(6);
  Slot slot(*aead_, random_key(prng));
  EXPECT_DEATH(seal(slot, 1, random_bytes(prng, kHeaderBytes), {}, {}), "head_bytes");
  Buffer packet(kPacketBytesMin);
  KeySlot empty;
  OpenJob job{&empty, 1, packet.data(), static_cast<std::uint32_t>(packet.size())};
  EXPECT_DEATH(aead_->open({&job, 1}), "prepared");
}

INSTANTIATE_TEST_SUITE_P(BackEnds, AeadDeathTest,
                         testing::Values(AeadKind::kIpsecMb, AeadKind::kOpenssl));

}  // namespace
}  // namespace weft::wire
