// Space that a segment keeps ahead of its end, so that appends find it. Usually blocks that are only reserved. Where appends wait for the medium: zeros that lie there
// already. To write over them changes neither the file's size nor its extents, so that a sync writes data alone and no journal, in half of the time or less (one file of
// 110 KB appends: 0.29 ms instead of 0.54; eight at a time: 7600 a second instead of 2800). What is kept is cut off when the segment takes no more appends; after a
// crash recovery cuts it, as it cuts what a preallocating Kafka leaves.
#pragma once

#include <stdint.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "../flush/tasks.h"
#include "../port/file.h"

namespace tidelog {

// When zeros are kept ahead.
enum class ZeroAhead : int { kNever = 0, kWhenSynced = 1, kAlways = 2 };

// The part that tasks share with the JavaScript thread.
struct KeptSpace {
  std::mutex mutex;
  // What was asked for before a cut does nothing after it.
  uint32_t generation = 0;
  // Blocks are reserved up to here, 0 for none.
  int64_t reservedEnd = 0;
  // Zeros were written up to here: no task writes below.
  std::atomic<int64_t> zeroedEnd{0};
  // Appends are, or are being, written up to here, where that lies past zeroedEnd.
  int64_t claimedEnd = 0;
};

// For the JavaScript thread, but for what says otherwise.
class AheadSpace {
 public:
  // What is to be cut off once nothing is appended any more; asked for again after a cut, it does nothing.
  struct Rest {
    std::shared_ptr<KeptSpace> kept;
    uint32_t generation;
  };

  // `keptBytes`: blocks to reserve, 0 for neither blocks nor zeros.
  AheadSpace(int64_t keptBytes, int64_t segmentSizeMaxBytes) : keptBytes_(keptBytes), segmentSizeMaxBytes_(segmentSizeMaxBytes) {}

  // A sync is asked for, of `bytes` appended since the one before. After many small ones zeros are kept.
  void noteSync(int64_t bytes, ZeroAhead mode, int fd);
  // Before bytes that end at `end` are written. False: it would have to wait; then claimWaiting, on another thread.
  bool claim(int64_t end);
  // For claimWaiting; null where nothing is to be claimed.
  std::shared_ptr<KeptSpace> toClaim() const { return isZeroing_ ? kept_ : nullptr; }
  // On any thread.
  static void claimWaiting(KeptSpace* kept, int64_t end);
  // Half of what is kept is used up: less often than once an append, and before an append meets the end.
  bool wantsMore(int64_t sizeBytes) const { return keptBytes_ > 0 && sizeBytes > plannedEnd_ - plannedBytes_ / 2; }
  // After an append.
  void keepMore(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue);
  // The file is about to be cut to this size.
  void restart(int64_t sizeBytes);
  // Something may be kept.
  bool isUsed() const { return isUsed_; }
  // The file itself may reach past the segment's end.
  bool isZeroing() const { return isZeroing_; }
  // Stops all tasks; nothing is kept from here on.
  Rest leave();
  // Cuts the file to its size where something is kept past it; on any thread. 0 or errno.
  static int giveBack(const Rest& rest, int fd, int64_t sizeBytes);

 private:
  void reserve(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue);
  void zero(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue);

  const int64_t keptBytes_;
  const int64_t segmentSizeMaxBytes_;
  std::shared_ptr<KeptSpace> kept_ = std::make_shared<KeptSpace>();
  // Asked for up to here, and how much that was.
  int64_t plannedEnd_ = 0;
  int64_t plannedBytes_ = 0;
  int smallSyncs_ = 0;
  bool isUsed_ = false;
  bool isZeroing_ = false;
  // Size of the segment when zeroing began.
  int64_t zeroedSince_ = -1;
  // As in kept_, which only this thread changes.
  uint32_t generation_ = 0;
};

}  // namespace tidelog
