// The two sparse indexes of one segment as the bytes that their files hold (docs/formats/segment.md): big-endian entries, ascending.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <utility>
#include <vector>

#include "bytes.h"

namespace tidelog {

constexpr size_t kOffsetEntryBytes = 8;
constexpr size_t kTimeEntryBytes = 12;

// Entries of one size. Owned once something is appended, otherwise borrowed (a mapped index file).
class EntryList {
 public:
  explicit EntryList(size_t entryBytes) : entryBytes_(entryBytes) {}
  EntryList(const EntryList&) = delete;
  EntryList& operator=(const EntryList&) = delete;
  EntryList(EntryList&&) = default;
  EntryList& operator=(EntryList&&) = default;

  size_t count() const { return sizeBytes_ / entryBytes_; }
  size_t sizeBytes() const { return sizeBytes_; }
  const uint8_t* at(size_t entry) const { return data_ + entry * entryBytes_; }
  const uint8_t* bytes() const { return data_; }

  // The bytes must stay until the next call that changes the list.
  void borrow(const uint8_t* bytes, size_t sizeBytes) {
    owned_.clear();
    data_ = bytes;
    sizeBytes_ = sizeBytes - sizeBytes % entryBytes_;
  }
  void adopt(std::vector<uint8_t>&& bytes) {
    owned_ = std::move(bytes);
    owned_.resize(owned_.size() - owned_.size() % entryBytes_);
    data_ = owned_.data();
    sizeBytes_ = owned_.size();
  }
  bool isBorrowed() const { return owned_.data() != data_ && sizeBytes_ > 0; }

  void cut(size_t count) {
    if (count * entryBytes_ < sizeBytes_) sizeBytes_ = count * entryBytes_;
  }

  // Room for one more entry.
  uint8_t* grow() {
    if (owned_.data() != data_) {
      owned_.assign(data_, data_ + sizeBytes_);
    } else {
      owned_.resize(sizeBytes_);
    }
    owned_.resize(sizeBytes_ + entryBytes_);
    data_ = owned_.data();
    sizeBytes_ += entryBytes_;
    return owned_.data() + sizeBytes_ - entryBytes_;
  }

 private:
  size_t entryBytes_;
  const uint8_t* data_ = nullptr;
  size_t sizeBytes_ = 0;
  std::vector<uint8_t> owned_;
};

class SparseIndex {
 public:
  explicit SparseIndex(int64_t indexSizeMaxBytes);

  EntryList offsets{kOffsetEntryBytes};
  EntryList times{kTimeEntryBytes};

  // One place in the time index is kept for the entry that sealing adds.
  bool isFull() const;

  int32_t relativeOffset(size_t entry) const { return static_cast<int32_t>(loadBig32(offsets.at(entry))); }
  int32_t position(size_t entry) const { return static_cast<int32_t>(loadBig32(offsets.at(entry) + 4)); }
  int64_t timestampMs(size_t entry) const { return static_cast<int64_t>(loadBig64(times.at(entry))); }
  int32_t timeRelativeOffset(size_t entry) const { return static_cast<int32_t>(loadBig32(times.at(entry) + 8)); }

  // -1 where there is no entry.
  int64_t lastEntry() const { return static_cast<int64_t>(offsets.count()) - 1; }
  int64_t lastPosition() const { return offsets.count() == 0 ? -1 : position(offsets.count() - 1); }
  int64_t lastTimestampMs() const { return times.count() == 0 ? -1 : timestampMs(times.count() - 1); }
  int64_t lastTimeRelativeOffset() const { return times.count() == 0 ? -1 : timeRelativeOffset(times.count() - 1); }

  void clear();
  // Skipped when full: the segment then only looks up more slowly until it is rolled.
  void addOffset(int32_t relativeOffset, int32_t position);
  // Adds an entry when the timestamp is larger than the last one. `last`: the entry of sealing may take the kept place.
  void addTime(int64_t timestampMs, int32_t relativeOffset, bool last);

  // Entry from whose batch on to look for this relative offset, -1 when none is at or before it.
  int64_t entryFor(int64_t relativeOffset) const;
  // The last entry of a batch before `position`, -1 when there is none.
  int64_t lastEntryBefore(int64_t position) const;
  // Every timestamp of batches that end before this relative offset is known to be smaller.
  int64_t firstRelativeOffsetFor(int64_t timestampMs) const;
  // Whether first and last entries ascend and point into a log of `logBytes`.
  bool endsLookSane(int64_t logBytes) const;

  void cutPositions(int64_t position);
  void cutTimes(int64_t relativeOffsetEnd);

 private:
  size_t offsetEntriesMax_;
  size_t timeEntriesMax_;
};

}  // namespace tidelog
