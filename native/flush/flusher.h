// Group commit: makes files durable with as few calls as the requests allow. One per log directory.
#pragma once

#include <stdint.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../port/file.h"

namespace tidelog {

// One caller's wish: done when all its files are.
struct FlushRequest {
  uint32_t token;
  size_t filesLeft;
  int error = 0;
  // Which file failed, as the requester numbers them.
  uint32_t failedOwner = 0;
};

// A file as the flusher sees it; only touched under its lock. Requests that come while it is being synced wait for one more sync, together.
struct FlushFile {
  uint32_t owner = 0;
  DescriptorRef descriptor;
  std::vector<std::shared_ptr<FlushRequest>> waiting;
  bool queued = false;
  bool running = false;
};

class Flusher {
 public:
  using Complete = void (*)(void* context, const FlushRequest& request);

  Flusher(Complete complete, void* context) : complete_(complete), context_(context) {}
  ~Flusher() { stop(); }

  struct Wish {
    std::shared_ptr<FlushFile> file;
    DescriptorRef descriptor;
    // Something was written since the last wish. A clean file only waits for a sync that is under way.
    bool dirty;
  };

  // `complete` may be called, on another thread or this one, before this returns. `mostIsWished`: little else is unsynced, so that syncing
  // the whole file system would not write much that nobody waits for.
  void request(uint32_t token, std::vector<Wish>&& wishes, bool mostIsWished);
  // Finishes what is queued, then ends the threads.
  void stop();

 private:
  using Batch = std::vector<std::shared_ptr<FlushFile>>;
  void run();
  void take(Batch* batch, std::vector<std::vector<std::shared_ptr<FlushRequest>>>* waiting);
  void finish(const Batch& batch, const std::vector<std::vector<std::shared_ptr<FlushRequest>>>& waiting, const std::vector<int>& errors);

  const Complete complete_;
  void* const context_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<FlushFile>> queue_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;
  bool mostIsWished_ = false;
};

}  // namespace tidelog
