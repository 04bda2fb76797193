// Where blocks can come from now: for every device the better of datapath and link, with how much may still be
// asked of each. One table for all folders, because the windows belong to the device.
// Threads: control. Bounds: kLinkWindowBytes outstanding per device on links (what stock serves at one time);
// Fabric::window_blocks on the datapath.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/proto/response.hh"
#include "engine/base/result.hh"
#include "engine/base/types.hh"

namespace weft::model {

inline constexpr std::uint64_t kLinkWindowBytes = std::uint64_t{32} << 20;

struct LinkRequest {
  std::string folder, name;
  std::int64_t offset = 0;
  std::int32_t size = 0;
  base::Sha256 hash{};
  std::int32_t block_number = 0;
};
using LinkDone = std::function<void(base::Result<proto::OwnedBytes>)>;

// The part of a peer that a puller needs. kClosed: the link went away. kNotFound, kUnavailable, kInvalidArgument:
// the peer's answer 2, 1, 3. The bytes are NOT verified.
class LinkSource {
 public:
  virtual ~LinkSource() = default;
  [[nodiscard]] virtual bool serves(const std::string& folder) const = 0;
  virtual void request(const LinkRequest& request, LinkDone done) = 0;
};

enum class Way : std::uint8_t { kNone, kFabric, kLink };

class Sources {
 public:
  explicit Sources(Fabric& fabric) : fabric_(fabric) {}
  // Called after every returned(): whoever waits for room, in whatever folder, may ask again. It must not ask from
  // inside the call (post it).
  void set_on_room(std::function<void()> on_room) { on_room_ = std::move(on_room); }
  void set_link(const base::DeviceId& device, LinkSource* link);    // nullptr: gone
  // The datapath when it is usable, else the link when it serves the folder.
  [[nodiscard]] Way way(const base::DeviceId& device, const std::string& folder) const;
  // May one more block of this size be asked for? `load` orders devices: less is better.
  [[nodiscard]] bool has_room(const base::DeviceId& device, Way way, std::uint32_t bytes) const;
  // The device takes not even one more block of the smallest size by the way that way() prefers, or there is no way.
  [[nodiscard]] bool is_full(const base::DeviceId& device) const;
  [[nodiscard]] std::uint64_t load(const base::DeviceId& device) const;
  void taken(const base::DeviceId& device, Way way, std::uint32_t bytes);
  void returned(const base::DeviceId& device, Way way, std::uint32_t bytes);
  [[nodiscard]] LinkSource* link(const base::DeviceId& device) const;
  // Nothing more is asked for, of anybody.
  void hold() { held_ = true; }
  [[nodiscard]] bool idle() const;                                  // nothing is on its way
  [[nodiscard]] Fabric& fabric() const { return fabric_; }

 private:
  struct Entry {
    LinkSource* link = nullptr;
    std::uint64_t link_bytes = 0;      // outstanding
    std::uint64_t fabric_blocks = 0;
    std::uint64_t fabric_bytes = 0;
  };
  Fabric& fabric_;
  std::map<base::DeviceId, Entry> entries_;
  std::function<void()> on_room_;
  bool held_ = false;
};

}  // namespace weft::model
