#include "aheadSpace.h"

#include <algorithm>

namespace tidelog {

namespace {

// A segment reserves blocks only once it is this large: ten thousand mostly idle logs must not reserve the disk.
constexpr int64_t kReserveFromBytes = 1024 * 1024;
// Blocks are reserved in pieces of this size, so that the file is never locked for long.
constexpr int64_t kReservePieceBytes = 8 * 1024 * 1024;
// After so many small syncs one behind the other, zeros are kept.
constexpr int kSmallSyncs = 8;
// A sync of more than this is mostly data.
constexpr int64_t kSmallSyncBytes = 1024 * 1024;
// Zeros double with what was appended, within these limits.
constexpr int64_t kZerosMinBytes = 64 * 1024;
constexpr int64_t kZerosMaxBytes = 4 * 1024 * 1024;
// An append may wait for the writing of one piece.
constexpr int64_t kZeroPieceBytes = 128 * 1024;

alignas(4096) const uint8_t kZeros[kZeroPieceBytes] = {};

// Under the lock. False: nothing more is to be done, or a disk is full.
bool writeZeros(KeptSpace* kept, int fd, int64_t end) {
  const int64_t from = std::max(kept->zeroedEnd.load(std::memory_order_relaxed), kept->claimedEnd);
  if (from >= end) return false;
  const int64_t to = std::min(end, (from / kZeroPieceBytes + 1) * kZeroPieceBytes);
  struct iovec piece = {const_cast<uint8_t*>(kZeros), static_cast<size_t>(to - from)};
  if (writeFully(fd, &piece, 1, from) != 0) {
    // What there is room for belongs to the appends. None of them lies, or is being written, past `from`.
    cutFile(fd, from);
    return false;
  }
  kept->zeroedEnd.store(to, std::memory_order_release);
  return true;
}

void zeroUpTo(KeptSpace* kept, uint32_t generation, int segmentFd, int64_t end) {
  // By a descriptor of its own: a failed sync is told once to each, and must not be taken from under who syncs appends.
  const int fd = openAgain(segmentFd);
  if (fd < 0) return;
  const Descriptor own(fd);
  for (bool more = true; more;) {
    const std::lock_guard<std::mutex> lock(kept->mutex);
    if (kept->generation != generation) return;
    more = writeZeros(kept, fd, end);
  }
  // Size and extents go to the medium now, so that no append has to wait for them.
  syncData(fd);
}

}  // namespace

void AheadSpace::noteSync(int64_t bytes, ZeroAhead mode, int fd) {
  if (isZeroing_ || keptBytes_ <= 0 || mode == ZeroAhead::kNever || bytes <= 0) return;
  smallSyncs_ = bytes <= kSmallSyncBytes ? smallSyncs_ + 1 : 0;
  if (mode == ZeroAhead::kAlways) {
    isZeroing_ = true;
  } else if (smallSyncs_ >= kSmallSyncs) {
    smallSyncs_ = 0;
    isZeroing_ = writesInPlace(fd);
  }
  // The next append keeps more.
  if (isZeroing_) plannedEnd_ = 0;
}

bool AheadSpace::claim(int64_t end) {
  if (!isZeroing_ || end <= kept_->zeroedEnd.load(std::memory_order_acquire)) return true;
  const std::unique_lock<std::mutex> lock(kept_->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return false;
  kept_->claimedEnd = std::max(kept_->claimedEnd, end);
  return true;
}

void AheadSpace::claimWaiting(KeptSpace* kept, int64_t end) {
  const std::lock_guard<std::mutex> lock(kept->mutex);
  kept->claimedEnd = std::max(kept->claimedEnd, end);
}

void AheadSpace::keepMore(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue) {
  if (!descriptor) return;
  if (isZeroing_) zero(sizeBytes, descriptor, queue);
  else if (sizeBytes >= kReserveFromBytes) reserve(sizeBytes, descriptor, queue);
}

void AheadSpace::zero(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue) {
  if (zeroedSince_ < 0) {
    zeroedSince_ = sizeBytes;
    // Appends of before claimed nothing. No task writes zeros yet that this would wait for.
    claimWaiting(kept_.get(), sizeBytes);
  }
  const int64_t wanted = std::clamp(2 * (sizeBytes - zeroedSince_), kZerosMinBytes, kZerosMaxBytes);
  const int64_t whole = (sizeBytes + wanted + kZeroPieceBytes - 1) / kZeroPieceBytes * kZeroPieceBytes;
  const int64_t end = std::min(whole, segmentSizeMaxBytes_);
  if (end <= sizeBytes) {
    plannedEnd_ = INT64_MAX;
    return;
  }
  plannedEnd_ = end;
  plannedBytes_ = end - sizeBytes;
  isUsed_ = true;
  queue->post([descriptor, kept = kept_, generation = generation_, end] { zeroUpTo(kept.get(), generation, descriptor->fd(), end); });
}

// A piece at a time while the segment is busy.
void AheadSpace::reserve(int64_t sizeBytes, const DescriptorRef& descriptor, TaskQueue* queue) {
  const int64_t from = std::max(sizeBytes, plannedEnd_);
  const int64_t end = std::min({sizeBytes + keptBytes_, segmentSizeMaxBytes_, from + kReservePieceBytes});
  plannedBytes_ = keptBytes_;
  if (end <= from) {
    // Nothing more to reserve: do not come back before the segment outgrows its size.
    plannedEnd_ = INT64_MAX;
    return;
  }
  plannedEnd_ = end;
  isUsed_ = true;
  queue->post([descriptor, kept = kept_, generation = generation_, from, end] {
    const std::lock_guard<std::mutex> lock(kept->mutex);
    if (kept->generation != generation) return;
    // Failing is no error: appends then find blocks themselves, or a full disk.
    if (reserveBlocks(descriptor->fd(), from, end - from) == 0) kept->reservedEnd = end;
  });
}

void AheadSpace::restart(int64_t sizeBytes) {
  plannedEnd_ = 0;
  plannedBytes_ = 0;
  const std::lock_guard<std::mutex> lock(kept_->mutex);
  kept_->generation = ++generation_;
  kept_->reservedEnd = 0;
  kept_->zeroedEnd.store(sizeBytes, std::memory_order_release);
  kept_->claimedEnd = sizeBytes;
}

AheadSpace::Rest AheadSpace::leave() {
  plannedEnd_ = 0;
  plannedBytes_ = 0;
  isUsed_ = false;
  const std::lock_guard<std::mutex> lock(kept_->mutex);
  kept_->generation = ++generation_;
  return {kept_, generation_};
}

int AheadSpace::giveBack(const Rest& rest, int fd, int64_t sizeBytes) {
  KeptSpace* kept = rest.kept.get();
  const std::lock_guard<std::mutex> lock(kept->mutex);
  if (kept->generation != rest.generation) return 0;
  const bool reachesPast = kept->reservedEnd > sizeBytes || kept->zeroedEnd.load(std::memory_order_relaxed) > sizeBytes;
  kept->reservedEnd = 0;
  kept->zeroedEnd.store(0, std::memory_order_release);
  return reachesPast ? cutFile(fd, sizeBytes) : 0;
}

}  // namespace tidelog
