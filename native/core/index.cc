#include "index.h"

namespace tidelog {

namespace {

// How many entries of a prefix hold; `holds` is true for a prefix of [0, count).
template <typename Holds>
size_t prefixLength(size_t count, Holds holds) {
  size_t low = 0;
  size_t high = count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (holds(middle)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

SparseIndex::SparseIndex(int64_t indexSizeMaxBytes)
    : offsetEntriesMax_(static_cast<size_t>(indexSizeMaxBytes < 0 ? 0 : indexSizeMaxBytes) / kOffsetEntryBytes),
      timeEntriesMax_(static_cast<size_t>(indexSizeMaxBytes < 0 ? 0 : indexSizeMaxBytes) / kTimeEntryBytes) {}

bool SparseIndex::isFull() const { return offsets.count() >= offsetEntriesMax_ || times.count() + 1 >= timeEntriesMax_; }

void SparseIndex::clear() {
  offsets.cut(0);
  times.cut(0);
}

void SparseIndex::addOffset(int32_t relativeOffset, int32_t position) {
  if (offsets.count() >= offsetEntriesMax_) return;
  uint8_t* entry = offsets.grow();
  storeBig32(entry, static_cast<uint32_t>(relativeOffset));
  storeBig32(entry + 4, static_cast<uint32_t>(position));
}

void SparseIndex::addTime(int64_t timestampMs, int32_t relativeOffset, bool last) {
  if (timestampMs <= lastTimestampMs()) return;
  if (times.count() + (last ? 0 : 1) >= timeEntriesMax_) return;
  uint8_t* entry = times.grow();
  storeBig64(entry, static_cast<uint64_t>(timestampMs));
  storeBig32(entry + 8, static_cast<uint32_t>(relativeOffset));
}

int64_t SparseIndex::entryFor(int64_t relativeOffset) const {
  return static_cast<int64_t>(prefixLength(offsets.count(), [&](size_t entry) { return this->relativeOffset(entry) <= relativeOffset; })) - 1;
}

int64_t SparseIndex::lastEntryBefore(int64_t end) const {
  return static_cast<int64_t>(prefixLength(offsets.count(), [&](size_t entry) { return position(entry) < end; })) - 1;
}

int64_t SparseIndex::firstRelativeOffsetFor(int64_t wanted) const {
  const size_t before = prefixLength(times.count(), [&](size_t entry) { return timestampMs(entry) <= wanted; });
  if (before == 0) return 0;
  return static_cast<int64_t>(timeRelativeOffset(before - 1)) + (timestampMs(before - 1) < wanted ? 1 : 0);
}

bool SparseIndex::endsLookSane(int64_t logBytes) const {
  if (const size_t count = offsets.count(); count > 0) {
    if (relativeOffset(0) < 0 || position(0) < 0 || lastPosition() >= logBytes) return false;
    if (count > 1 && (relativeOffset(0) >= relativeOffset(count - 1) || position(0) >= position(count - 1))) return false;
  }
  if (const size_t count = times.count(); count > 0) {
    if (logBytes == 0 || timestampMs(0) < 0 || timeRelativeOffset(0) < 0) return false;
    if (count > 1 && (timestampMs(0) >= timestampMs(count - 1) || timeRelativeOffset(0) > timeRelativeOffset(count - 1))) return false;
  }
  return true;
}

void SparseIndex::cutPositions(int64_t end) {
  offsets.cut(prefixLength(offsets.count(), [&](size_t entry) { return position(entry) < end; }));
}

void SparseIndex::cutTimes(int64_t relativeOffsetEnd) {
  times.cut(prefixLength(times.count(), [&](size_t entry) { return timeRelativeOffset(entry) < relativeOffsetEnd; }));
}

}  // namespace tidelog
