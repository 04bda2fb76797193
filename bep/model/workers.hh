// The worker pool: blocking file work of the model runs here, its results come back to the control thread.
// Threads: run() and stop() from the control thread. `job` runs on a worker and must touch nothing of control's;
// `done(result)` runs on the control thread, later, never from inside run().
// Bounds:  the queue itself has none: every caller bounds what it has outstanding (scanner: one job per worker;
//          a device's requests: kServeBytesMax and kServeReadsMax; transfers: kTransfersMax).
// Turns:   a job works on at most ~64 MiB and then comes back, so that a huge file cannot starve small ones and
//          progress needs no shared counter.
// Stop:    waits for jobs that have begun, drops the others, and after it no `done` is ever called: owners of
//          the state that a `done` refers to stop the workers first.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <memory>
#include <utility>

namespace weft::model {

// What one job may read, hash or write before it comes back.
inline constexpr std::size_t kTurnBytes = std::size_t{64} << 20;
// Threads of run_waiting().
inline constexpr std::size_t kWaitingThreads = 4;

class Workers {
 public:
  Workers(boost::asio::io_context& control, std::size_t threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // job: () -> R (not void), done: (R) -> void. Both may be move-only.
  template <typename Job, typename Done> void run(Job job, Done done) {
    run_in(pool_, std::move(job), std::move(done));
  }
  // For jobs that wait for the disk most of their time (fsync): many at a time cost no CPU, and none of the others waits
  // behind them.
  template <typename Job, typename Done> void run_waiting(Job job, Done done) {
    run_in(waiting_, std::move(job), std::move(done));
  }
  void stop();
  [[nodiscard]] bool stopped() const { return !*open_; }
  [[nodiscard]] boost::asio::io_context& control() const { return control_; }
  [[nodiscard]] std::size_t threads() const { return threads_; }     // of run()

 private:
  template <typename Job, typename Done> void run_in(boost::asio::thread_pool& pool, Job job, Done done) {
    if (stopped()) return;
    boost::asio::post(pool, [control = &control_, open = open_,
                              job = std::move(job), done = std::move(done)]() mutable {
      auto result = job();
      boost::asio::post(*control, [open = std::move(open), done = std::move(done),
                                   result = std::move(result)]() mutable {
        if (*open) done(std::move(result));
      });
    });
  }

  boost::asio::io_context& control_;
  boost::asio::thread_pool pool_, waiting_;
  std::size_t threads_;
  // Shared with results under way: a result may be delivered after the pool is gone. Touched by control only.
  std::shared_ptr<bool> open_;
};

}  // namespace weft::model
