// The two wefts of a scenario, up and linked: started here as child processes with homes of their own, or found
// running. Blocking; one thread. Life: the constructor's work is start(); stop() or the destructor ends what was
// started here and takes every impairment off what was not.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/lab/child.hh"
#include "engine/lab/homes.hh"
#include "engine/lab/scenario.hh"
#include "engine/lab/side.hh"
#include "engine/lab/stop_signal.hh"

namespace weft::lab {

class Pair {
 public:
  // `directory`: an empty one of our own. Scenario, rest and stop outlive the pair. Errors: a sentence, with the end
  // of a weft's log where one died.
  [[nodiscard]] static ConfigResult<std::unique_ptr<Pair>> start(const Scenario& scenario, Rest& rest, StopSignal& stop,
                                                                 const std::filesystem::path& directory);
  ~Pair();
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  struct End {
    std::optional<Side> side;
    About about;
    std::optional<Child> child;            // none: it is not ours
  };
  [[nodiscard]] End& end(Which which) { return which == Which::kA ? a_ : b_; }
  [[nodiscard]] std::string port_name(Which which, std::size_t link) const;
  // Orders to both ends of a link.
  [[nodiscard]] ConfigResult<void> set_link(std::size_t link, const LinkNow& now);
  // Fails when one of our children has died.
  [[nodiscard]] ConfigResult<void> alive();
  // Calls `true_now` until it says true. Fails at the deadline, when a child dies, when a signal comes, or with its
  // error.
  template <typename Condition>
  [[nodiscard]] ConfigResult<void> wait_until(double seconds, const std::string& what, Condition true_now) {
    const auto begun = std::chrono::steady_clock::now();
    while (true) {
      ConfigResult<bool> now = true_now();
      if (!now) return tl::unexpected(now.error());
      if (*now) return {};
      if (const auto well = alive(); !well) return well;
      if (std::chrono::steady_clock::now() - begun > std::chrono::duration<double>(seconds))
        return tl::unexpected("not within " + std::to_string(static_cast<int>(seconds)) + " s: " + what);
      if (stop_.wait(std::chrono::milliseconds(20))) return tl::unexpected(std::string("interrupted"));
    }
  }
  void stop();

 private:
  Pair(const Scenario& scenario, Rest& rest, StopSignal& stop) : scenario_(scenario), rest_(rest), stop_(stop) {}
  ConfigResult<void> start_both(const std::filesystem::path& directory);
  ConfigResult<void> start_one(Which which, const NewSide& made, const std::filesystem::path& log);
  ConfigResult<void> attach(Which which);
  ConfigResult<void> look_at_both();

  const Scenario& scenario_;
  Rest& rest_;
  StopSignal& stop_;
  End a_, b_;
  bool stopped_ = false;
};

}  // namespace weft::lab
