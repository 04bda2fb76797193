// Seals and opens packets with AES-128-GCM, a burst per call. Two back ends behind one interface:
// Intel's ipsec-mb (x86; several times quicker on packets) and OpenSSL. Bytes: FORMAT.md §3; both
// give the same ones.
// Threads: one Aead per data core, used by that core alone; so are its KeySlots.
// Heap: only in make_aead(). Cost: one virtual call for any number of packets.
// Not here: choosing keys (keys.hh), counting packets per key, replay.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "engine/base/bytes.hh"
#include "engine/base/result.hh"
#include "engine/share/command.hh"
#include "engine/wire/packet.hh"

namespace weft::wire {

// The names by which an offer lists the AEADs we speak, preferred first. Both back ends speak all
// of them.
inline constexpr std::array<std::string_view, 1> kAeadNames{"aes-128-gcm"};

enum class AeadKind : std::uint8_t { kIpsecMb, kOpenssl };

// One expanded key. Opaque: written by Aead::prepare() only, and only good for the Aead that
// prepared it, before whose end it must be released. Must not move while prepared. A slot serves
// sending or receiving, of one lane and epoch.
struct alignas(64) KeySlot {
  std::array<std::byte, 12> iv{};
  bool prepared = false;
  void* context = nullptr;                        // OpenSSL: borrowed from the Aead until release()
  // ipsec-mb: round keys and powers of the hash key.
  alignas(64) std::array<std::byte, 1024> expanded{};
};

//   packet[0 … 15]                  the encoded header, authenticated in clear
//   packet[16 … 16 + head_bytes)    plaintext frames, sealed in place
//   then body.size() bytes          sealed from `body` (a disk slot) into the packet: the only copy
//   then kTagBytes                  the tag
struct SealJob {
  const KeySlot* key = nullptr;
  std::uint64_t packet_number = 0;                // the one in the header; never twice with one key
  std::byte* packet = nullptr;                    // room for sealed_bytes()
  std::uint32_t head_bytes = 0;
  base::Bytes body{};                             // may be empty; must not overlap the packet
  [[nodiscard]] std::size_t sealed_bytes() const noexcept {
    return kOverheadBytes + head_bytes + body.size();
  }
};

// Opens in place: plaintext at packet + kHeaderBytes, packet_bytes - kOverheadBytes long.
struct OpenJob {
  const KeySlot* key = nullptr;
  std::uint64_t packet_number = 0;                // the one in the header
  std::byte* packet = nullptr;
  std::uint32_t packet_bytes = 0;                 // whole packet; below kPacketBytesMin: not ok
  // Set by open(). When false the packet's content is rubbish: forged or damaged, nothing of it may
  // be used.
  bool ok = false;
  [[nodiscard]] base::Bytes plaintext() const noexcept {
    return {packet + kHeaderBytes, packet_bytes - kOverheadBytes};
  }
};

class Aead {
 public:
  virtual ~Aead() = default;
  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  // The back end's name for logs and doctor: "ipsec-mb" or "openssl".
  [[nodiscard]] virtual const char* name() const noexcept = 0;
  // Expands `key` into `out`; a prepared slot is prepared anew. At most keys_max slots (make_aead)
  // at one time (MUST).
  virtual void prepare(const share::PacketKey& key, KeySlot& out) noexcept = 0;
  // Wipes the slot and gives its resources back. Harmless on a slot that is not prepared.
  virtual void release(KeySlot& slot) noexcept = 0;

  virtual void seal(std::span<const SealJob> jobs) noexcept = 0;
  virtual void open(std::span<OpenJob> jobs) noexcept = 0;

 protected:
  Aead() = default;
};

inline constexpr std::size_t kAeadKeysMax = std::size_t{1} << 20;
// Makes a back end that can hold `keys_max` prepared slots, after it has passed self_test().
// Errors: kUnsupported (not built in, or not for this CPU), kCrypto (self test failed, or OpenSSL
// refuses). REQUIRES: 0 < keys_max <= kAeadKeysMax.
[[nodiscard]] base::Result<std::unique_ptr<Aead>> make_aead(AeadKind kind, std::size_t keys_max);
// ipsec-mb where make_aead() gives it, else OpenSSL.
[[nodiscard]] base::Result<std::unique_ptr<Aead>> best_aead(std::size_t keys_max);

// Seals and opens a known packet and refuses a damaged one. True if all bytes are as they must be.
[[nodiscard]] bool self_test(Aead& aead) noexcept;

}  // namespace weft::wire
