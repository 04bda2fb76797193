// An Aead that hides nothing and still refuses every packet that was changed: a keyed 128-bit sum over header and text.
// Many times quicker than AES on a machine without it, so that most worlds spend their time in the code under test;
// every fourth world runs on real AES-GCM. For simulation only: it is no cryptography.
#pragma once

#include <cstring>
#include <memory>

#include "engine/base/must.hh"
#include "engine/wire/aead.hh"
#include "engine/wire/packet.hh"

namespace weft::sim {

class NullAead final : public wire::Aead {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "null"; }
  void prepare(const share::PacketKey& key, wire::KeySlot& out) noexcept override {
    std::memcpy(out.expanded.data(), key.key.data(), key.key.size());
    out.iv = key.iv;
    out.prepared = true;
  }
  void release(wire::KeySlot& slot) noexcept override {
    slot.expanded = {};
    slot.iv = {};
    slot.prepared = false;
  }
  void seal(std::span<const wire::SealJob> jobs) noexcept override {
    for (const wire::SealJob& job : jobs) {
      MUST(job.key->prepared);
      MUST(job.head_bytes + job.body.size() > 0);
      std::byte* text = job.packet + wire::kHeaderBytes;
      if (!job.body.empty()) std::memcpy(text + job.head_bytes, job.body.data(), job.body.size());
      const std::size_t bytes = wire::kHeaderBytes + job.head_bytes + job.body.size();
      const Tag tag = sum(*job.key, job.packet_number, {job.packet, bytes});
      std::memcpy(job.packet + bytes, &tag, sizeof tag);
    }
  }
  void open(std::span<wire::OpenJob> jobs) noexcept override {
    for (wire::OpenJob& job : jobs) {
      MUST(job.key->prepared);
      job.ok = false;
      if (job.packet_bytes < wire::kPacketBytesMin || job.packet_bytes > wire::kPacketBytesMax) continue;
      const std::size_t bytes = job.packet_bytes - wire::kTagBytes;
      const Tag tag = sum(*job.key, job.packet_number, {job.packet, bytes});
      job.ok = std::memcmp(job.packet + bytes, &tag, sizeof tag) == 0;
    }
  }

 private:
  struct Tag {
    std::uint64_t a = 0, b = 0;
  };
  static_assert(sizeof(Tag) == wire::kTagBytes);

  static Tag sum(const wire::KeySlot& key, std::uint64_t number, base::Bytes bytes) noexcept {
    Tag tag;
    std::memcpy(&tag, key.expanded.data(), sizeof tag);
    std::uint64_t iv = 0;
    std::memcpy(&iv, key.iv.data(), sizeof iv);
    tag.a ^= iv + bytes.size();
    tag.b ^= number;
    const auto mix = [&tag](std::uint64_t word) {
      tag.a = (tag.a ^ word) * 0x9E3779B97F4A7C15u;
      tag.a ^= tag.a >> 32;
      tag.b = (tag.b + word) * 0xC2B2AE3D27D4EB4Fu ^ tag.b >> 29;
    };
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + at, sizeof word);
      mix(word);
    }
    std::uint64_t last = 0;
    if (at < bytes.size()) std::memcpy(&last, bytes.data() + at, bytes.size() - at);
    mix(last);
    return tag;
  }
};

}  // namespace weft::sim
