// One EAL per test binary, started by the first test that needs it, with ordinary pages so that it runs anywhere.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "engine/base/time.hh"
#include "engine/nic/eal.hh"

namespace weft::nic::test {

// Starts the EAL when called first; the calling thread is registered as a data thread.
Eal& eal();

// A socket name no other run uses; memif puts it into the abstract namespace, so no file is left.
inline std::string unique_socket(const char* what) {
  return std::string("weft-test-") + what + "-" + std::to_string(getpid());
}

inline base::Instant real_now() {
  return {std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1)};
}

// Calls `step` until it says true; false when it never did. The bound is generous: it is for failures only.
inline bool eventually(const std::function<bool()>& step, int seconds = 20) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  while (!step()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace weft::nic::test
