// What an operator may ask of paths, by the names that people use: "left" (our port, where that says enough), "left:right" (our
// port, the peer's), or a path's number. REST and command line call it; sessions carry it out (migrate/steering.hh).
// Thread: control. Errors: migrate::PathError, with nothing changed.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/base/time.hh"
#include "engine/base/types.hh"
#include "migrate/move.hh"

namespace weft::run {

class Sessions;
class WeftSession;

struct PathName {
  std::string path;
  std::optional<base::DeviceId> device{};   // where several have such a path
};

class PathWishes {
 public:
  using PathError = migrate::PathError;
  using Probed = std::function<void(PathError, base::Duration rtt)>;

  virtual ~PathWishes() = default;
  [[nodiscard]] virtual PathError switch_to(const PathName& path) = 0;
  [[nodiscard]] virtual PathError move(const PathName& from, const PathName& to) = 0;
  [[nodiscard]] virtual PathError close(const PathName& path) = 0;
  [[nodiscard]] virtual PathError open(const PathName& path) = 0;          // "left:right" only
  [[nodiscard]] virtual PathError unpin(const std::optional<base::DeviceId>& device) = 0;   // of all devices, without one
  virtual void probe(const PathName& path, base::Duration deadline, Probed done) = 0;   // `done`: always, now or later
};

class SessionWishes final : public PathWishes {
 public:
  // `sessions` null: no ports, so no datapath. It outlives this.
  explicit SessionWishes(Sessions* sessions) : sessions_(sessions) {}
  [[nodiscard]] PathError switch_to(const PathName& path) override;
  [[nodiscard]] PathError move(const PathName& from, const PathName& to) override;
  [[nodiscard]] PathError close(const PathName& path) override;
  [[nodiscard]] PathError open(const PathName& path) override;
  [[nodiscard]] PathError unpin(const std::optional<base::DeviceId>& device) override;
  void probe(const PathName& path, base::Duration deadline, Probed done) override;

 private:
  struct Found {
    PathError error = PathError::kNone;
    WeftSession* session = nullptr;
    base::PathId path{};
  };
  [[nodiscard]] Found find(const PathName& name) const;

  Sessions* sessions_;
};

}  // namespace weft::run
