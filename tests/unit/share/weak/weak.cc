#include "tests/unit/share/weak/weak.hh"

#include <algorithm>

namespace weft::weak {
namespace {

struct FaultFound {};  // thrown by Trial::threads() to leave the program

}  // namespace

void Trial::threads(std::initializer_list<std::function<void()>> bodies) {
  if (!machine_.run(bodies)) throw FaultFound{};
}

void Trial::check(bool good, const char* what) {
  if (good) return;
  machine_.fail(what);
  throw FaultFound{};  // outside of the bodies; inside, fail() does not return
}

Result explore(const Program& program, const std::optional<Weakened>& weakened,
               std::uint64_t executions_max) {
  const std::optional<Site> site = weakened ? std::optional(weakened->site) : std::nullopt;
  const std::memory_order order = weakened ? weakened->order : std::memory_order_relaxed;
  Result result;
  Choices choices;
  std::vector<std::unique_ptr<Fiber>> fibers;
  do {
    if (++result.executions > executions_max) {
      result.fault = "more than " + std::to_string(executions_max) + " executions";
      return result;
    }
    Machine machine(choices, fibers, site, order);
    Trial trial(machine);
    try {
      program(trial);
    } catch (const FaultFound&) {
      result.fault = machine.fault() + "\n" + machine.trace();
    }
    result.sites.insert(machine.sites().begin(), machine.sites().end());
  } while (result.fault.empty() && choices.advance());
  return result;
}

std::vector<std::memory_order> weaker(Kind kind, std::memory_order order) {
  using enum std::memory_order;
  switch (order) {
    case seq_cst:
      return {kind == Kind::kLoad ? acquire : kind == Kind::kStore ? release : acq_rel};
    case acq_rel: return {acquire, release};
    case acquire: case release: return {relaxed};
    default: return {};
  }
}

std::vector<std::string> unnoticed_weakenings(const std::vector<Program>& programs,
                                              const std::set<Site>& sites) {
  std::vector<std::string> unnoticed;
  for (const Site& site : sites) {
    for (const std::memory_order order : weaker(site.kind, site.order)) {
      const auto notices = [&](const Program& program) {
        return !explore(program, Weakened{site, order}).fault.empty();
      };
      if (std::ranges::none_of(programs, notices))
        unnoticed.push_back(text_of(site) + " as " + text_of(order));
    }
  }
  return unnoticed;
}

}  // namespace weft::weak
