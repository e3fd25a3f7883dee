// How quickly the kernel takes what is appended. Writes usually run at memory speed, and then a thread hop costs more than it saves; while the kernel
// throttles writers or finds memory slowly, the JavaScript thread must not wait for it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tidelog {

enum class HandOff : int { kNever = 0, kWhenSlow = 1, kAlways = 2 };

class WritePace {
 public:
  static int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  // One write, from any thread. Races between threads only blur the average.
  void note(size_t bytes, int64_t startNanos, int64_t endNanos) {
    const int64_t nanos = endNanos - startNanos;
    if (nanos > kStallNanos) stalledUntil_.store(endNanos + kStallRememberedNanos, std::memory_order_relaxed);
    if (bytes < kMeasuredBytes) return;
    const int64_t sumBytes = bytes_.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed) + static_cast<int64_t>(bytes);
    const int64_t sumNanos = nanos_.fetch_add(nanos, std::memory_order_relaxed) + nanos;
    if (sumBytes < kWindowBytes) return;
    bytes_.store(0, std::memory_order_relaxed);
    nanos_.store(0, std::memory_order_relaxed);
    const double pace = static_cast<double>(sumNanos) / static_cast<double>(sumBytes);
    if (pace > kSlowNanosPerByte) slow_.store(true, std::memory_order_relaxed);
    else if (pace < kQuickNanosPerByte) slow_.store(false, std::memory_order_relaxed);
  }

  // Whether a write of this size should run on another thread now.
  bool shouldHandOff(size_t bytes) const {
    if (mode_ != HandOff::kWhenSlow) return mode_ == HandOff::kAlways;
    if (bytes >= kHandOffBytes && slow_.load(std::memory_order_relaxed)) return true;
    const int64_t stalledUntil = stalledUntil_.load(std::memory_order_relaxed);
    return stalledUntil != 0 && now() < stalledUntil;
  }

  void setMode(HandOff mode) { mode_ = mode; }

 private:
  // Below this the system call is most of the time, and says nothing of the pace.
  static constexpr size_t kMeasuredBytes = 16 * 1024;
  // Smaller writes are over before another thread has woken up.
  static constexpr size_t kHandOffBytes = 64 * 1024;
  static constexpr int64_t kWindowBytes = 4 * 1024 * 1024;
  // About 1 and 1.6 GB/s; memory speed is 3 and more.
  static constexpr double kSlowNanosPerByte = 1.0;
  static constexpr double kQuickNanosPerByte = 0.6;
  // The kernel made a writer sleep: it will do so again soon, whatever the size.
  static constexpr int64_t kStallNanos = 8'000'000;
  static constexpr int64_t kStallRememberedNanos = 1'000'000'000;

  HandOff mode_ = HandOff::kWhenSlow;
  std::atomic<int64_t> bytes_{0};
  std::atomic<int64_t> nanos_{0};
  std::atomic<int64_t> stalledUntil_{0};
  std::atomic<bool> slow_{false};
};

}  // namespace tidelog
