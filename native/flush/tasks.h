// A few threads that run tasks in order of arrival. Started at the first task.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidelog {

class TaskQueue {
 public:
  explicit TaskQueue(size_t threadsMax) : threadsMax_(threadsMax) {}
  ~TaskQueue() { stop(); }

  void post(std::function<void()> task);
  // Runs what is queued, then ends the threads. Tasks may be posted again afterwards.
  void stop();

 private:
  void run();

  const size_t threadsMax_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace tidelog
