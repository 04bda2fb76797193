// A daemon that shows fixed values and remembers its orders. rig.hh puts a server in front of it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "bep/model/weft_toml.hh"
#include "engine/run/status_source.hh"

namespace weft::api::test {

[[nodiscard]] base::DeviceId device_of(std::uint8_t filling);   // 32 equal bytes
inline const base::DeviceId kSelf = device_of(1), kPeer = device_of(2), kAway = device_of(3);

// Two folders ("docs" shared with kPeer, "paused one"), a weft (kPeer) with two links and one path of two lanes, an unlinked
// device (kAway), ports "left" and "right".
class FakeDaemon final : public run::StatusSource, public run::CommandSink, public run::PathWishes {
 public:
  FakeDaemon();

  model::Config config_value;
  bool impair_value = true;
  run::SystemStatus system_value;
  run::DatapathStatus datapath_value;
  std::vector<run::PathStatus> paths_value;
  model::FolderStatus docs;
  model::StallLog stalls_value;
  model::WaitLog gaps_value;
  base::Status impair_answer;
  run::BenchShown bench_value;
  base::Status bench_answer;

  [[nodiscard]] std::vector<std::string> orders();               // "scan docs", "shutdown", …
  [[nodiscard]] nic::Impairment last_impairment();
  [[nodiscard]] model::PortConfig last_port();

  [[nodiscard]] const model::Config& config() const override { return config_value; }
  [[nodiscard]] bool impair_allowed() const override { return impair_value; }
  [[nodiscard]] base::Instant now() const override { return base::Instant{5'000'000'000}; }
  [[nodiscard]] run::SystemStatus system_status() const override { return system_value; }
  [[nodiscard]] std::vector<run::DeviceStatus> devices() const override;
  [[nodiscard]] base::Result<model::FolderStatus> folder_status(std::string_view folder) const override;
  [[nodiscard]] base::Result<model::Completion> completion(std::string_view folder,
                                                           const base::DeviceId& device) const override;
  [[nodiscard]] std::vector<model::TransferInfo> transfers() const override;
  [[nodiscard]] run::TransferTotals totals() const override;
  [[nodiscard]] const model::StallLog& stalls() const override { return stalls_value; }
  [[nodiscard]] const model::WaitLog& gaps() const override { return gaps_value; }
  [[nodiscard]] std::vector<run::PathStatus> paths() const override { return paths_value; }
  [[nodiscard]] std::vector<run::SessionStatus> sessions() const override {
    return {{kPeer, {.falls = 5, .failovers = 4, .takeovers = 1, .returns = 3}, steering_value}};
  }
  [[nodiscard]] run::PoolCounters pool() const override {
    return {.places = 16, .present = 3, .parked = 2, .given_up = 1, .refused = 4, .bytes = 5000,
            .begun = {.count = 2, .took = base::milliseconds(500)}, .resumed = {.count = 6, .took = base::milliseconds(60)}};
  }
  [[nodiscard]] run::DatapathStatus datapath() const override { return datapath_value; }
  [[nodiscard]] run::RefusalStatus refusals() const override;
  [[nodiscard]] run::BenchShown bench() const override { return bench_value; }
  [[nodiscard]] base::Status start_bench(const run::BenchWish& wish) override {
    bench_value = {.state = run::BenchState::kOpening, .wish = wish, .why = {}, .times = {}};
    return bench_answer;
  }
  void stop_bench() override { note("stop bench"); }

  [[nodiscard]] base::Status scan(std::string_view folder) override;
  void scan_all() override { note("scan all"); }
  void shutdown() override { note("shutdown"); }
  [[nodiscard]] base::Status may_hand_over() const override {
    if (program_there) return {};
    return base::fail(base::Errc::kIo, "no program");
  }
  void hand_over() override { note("hand over"); }
  bool program_there = true;
  [[nodiscard]] base::Status impair(std::string_view port, const nic::Impairment& impairment) override;
  // Beside a port "left" with two data cores; "broken" could not be opened.
  [[nodiscard]] base::Status add_port(std::string_view lines, std::string& why) override;
  [[nodiscard]] base::Status reopen_port(std::string_view name, std::string& why) override;
  [[nodiscard]] base::Status remove_port(std::string_view name) override;
  [[nodiscard]] base::Status set_policy(share::Policy policy) override;
  [[nodiscard]] run::PathWishes& path_wishes() override { return *this; }
  [[nodiscard]] const run::EventLog& events() const override { return events_value; }
  run::EventLog events_value;
  std::optional<run::SteeringShown> steering_value;

  // ---- run::PathWishes: "left:links" is there, "gone" is not, "two" is twice there; a probe of "slow" has no answer.
  [[nodiscard]] PathError switch_to(const run::PathName& path) override { return wish("switch", path); }
  [[nodiscard]] PathError move(const run::PathName& from, const run::PathName& to) override;
  [[nodiscard]] PathError close(const run::PathName&) override { return PathError::kLastPath; }
  [[nodiscard]] PathError open(const run::PathName&) override { return PathError::kPathExists; }
  [[nodiscard]] PathError unpin(const std::optional<base::DeviceId>& device) override;
  void probe(const run::PathName& path, base::Duration deadline, Probed done) override;

 private:
  PathError wish(const char* what, const run::PathName& path);
  void note(std::string order);
  std::mutex mutex_;
  std::vector<std::string> orders_;
  nic::Impairment impairment_;
  model::PortConfig port_;
};

}  // namespace weft::api::test
