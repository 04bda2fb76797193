// One measurement of the datapath to one peer: made-up data is fetched as fast as it goes for so long, by the same sessions,
// paths and cores as files are, beside whatever else they carry. What it comes from is the peer's matter (bench_files.hh);
// here it goes to memory (hashed or not) or to files without a name on our disk, which are verified and synced.
//
//   kNone -> kOpening -> kWarming -> kRunning -> kEnding (what is under way; fsync) -> kDone
//                 any of them -> kEnding -> kFailed
//
// Thread: control. Bounds: one at a time; kFiles files, the session's window of blocks, kTimesMax times of blocks kept.
// Not here: what cores and paths did meanwhile (/rest/weft/meter, asked before and after); the words for people (cli).
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bep/model/fabric.hh"
#include "bep/model/workers.hh"
#include "engine/base/time.hh"
#include "engine/run/bench_shown.hh"

namespace weft::run {

class BenchRun {
 public:
  static constexpr std::uint32_t kFiles = 4;       // at once: spread over the cores, as transfers are
  static constexpr base::Duration kWarmUp = base::seconds(1);
  static constexpr std::size_t kTimesMax = std::size_t{4} << 20;

  // All outlive this. `directory`: where a file to write to goes.
  BenchRun(model::Fabric& fabric, base::Clock& clock, model::Workers& workers, std::filesystem::path directory, bool direct);
  // kUnavailable: one is under way, or there is no usable path to the device. kInvalidArgument: seconds or block_bytes.
  // Then kOpening; what comes after that is shown, not returned.
  [[nodiscard]] base::Status start(const BenchWish& wish);
  void stop();                         // before its time; kDone then
  [[nodiscard]] BenchShown shown() const;

 private:
  struct File {
    base::UniqueFd fd;                 // on the disk, else none
    bool direct = false;
    std::uint32_t transfer = 0;
    bool open = false;
    std::uint64_t next = 0;            // offset
    std::uint32_t asked = 0;
  };
  [[nodiscard]] static bool is_under_way(BenchState state) noexcept;
  void make_files();
  void open(std::uint32_t file);
  void on_opened(std::uint32_t file, base::Result<std::uint32_t> transfer);
  void fill();
  void order(std::uint32_t file);
  void on_block(std::uint32_t file, base::Instant ordered, const base::Status& status);
  void go_to(BenchState state);
  void end(std::string why);
  void close_files();
  void on_closed();
  void finish();
  void arm(base::Duration after);
  void on_timer();

  model::Fabric& fabric_;
  base::Clock& clock_;
  model::Workers& workers_;
  const std::filesystem::path directory_;
  const bool direct_;
  boost::asio::steady_timer timer_;
  BenchState state_ = BenchState::kNone;
  BenchWish wish_;
  std::vector<File> files_;
  base::Sha256 hash_{};                // of every block, for they are alike
  std::uint64_t size_ = 0;             // of a file of the source and of the target
  std::uint32_t pending_ = 0;          // opens or closes that are not answered
  std::uint32_t outstanding_ = 0;      // blocks
  std::string why_;
  base::Instant began_{}, ended_{};
  std::uint64_t bytes_ = 0;
  std::vector<std::uint32_t> times_us_;          // while it runs
  std::optional<BenchShown::Times> times_;       // of the one that ended
  base::Duration synced_{};
};

}  // namespace weft::run
