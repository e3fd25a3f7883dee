#include "segment.h"

namespace tidelog {

bool BatchWalk::next() {
  if (end_ - next_ < static_cast<int64_t>(kHeaderBytes)) return false;
  const uint8_t* bytes = source_->header(next_, end_);
  if (bytes == nullptr) return false;
  header_.read(bytes);
  if (!header_.isPlausible(offsetMin_, segmentBaseOffset_) || header_.sizeBytes > end_ - next_) return false;
  position_ = next_;
  next_ += header_.sizeBytes;
  offsetMin_ = header_.lastOffset() + 1;
  return true;
}

bool SegmentState::isDue(int64_t position) const {
  const int64_t last = index.lastPosition();
  return position - (last < 0 ? 0 : last) > indexIntervalBytes;
}

void SegmentState::count(int64_t position, int64_t lastOffset, int64_t maxTimestampMs) {
  if (position == 0) figures.firstBatchTimestampMs = maxTimestampMs;
  if (maxTimestampMs > figures.maxTimestampMs) {
    figures.maxTimestampMs = maxTimestampMs;
    figures.offsetOfMaxTimestamp = lastOffset;
  }
  figures.nextOffset = lastOffset + 1;
  if (!isDue(position)) return;
  index.addOffset(static_cast<int32_t>(lastOffset - baseOffset), static_cast<int32_t>(position));
  index.addTime(figures.maxTimestampMs, static_cast<int32_t>(figures.offsetOfMaxTimestamp - baseOffset), false);
}

void SegmentState::addLastTime() {
  if (figures.maxTimestampMs < 0) return;
  index.addTime(figures.maxTimestampMs, static_cast<int32_t>(figures.offsetOfMaxTimestamp - baseOffset), true);
}

void SegmentState::distrustIndex() {
  indexFilesLookSane = false;
  index.clear();
}

int64_t SegmentState::trusted(HeaderSource* source, int64_t entry) {
  if (entry < 0) return 0;
  const int64_t position = index.position(static_cast<size_t>(entry));
  if (position <= 0) return 0;
  BatchWalk walk(source, baseOffset, position, sizeBytes);
  if (walk.next() && walk.header().lastOffset() - baseOffset == index.relativeOffset(static_cast<size_t>(entry))) return position;
  distrustIndex();
  return 0;
}

int64_t SegmentState::walkTail(HeaderSource* source, int64_t end) {
  const int64_t start = trusted(source, index.lastEntry());
  const int64_t indexed = index.lastTimeRelativeOffset();
  figures.nextOffset = baseOffset;
  figures.maxTimestampMs = index.lastTimestampMs();
  figures.offsetOfMaxTimestamp = indexed < 0 ? -1 : baseOffset + indexed;
  BatchWalk walk(source, baseOffset, start, end);
  while (walk.next()) {
    figures.nextOffset = walk.header().lastOffset() + 1;
    if (walk.header().maxTimestampMs <= figures.maxTimestampMs) continue;
    figures.maxTimestampMs = walk.header().maxTimestampMs;
    figures.offsetOfMaxTimestamp = walk.header().lastOffset();
  }
  return walk.nextPosition();
}

int64_t SegmentState::learnTail(HeaderSource* source) {
  BatchWalk first(source, baseOffset, 0, sizeBytes);
  figures.firstBatchTimestampMs = first.next() ? first.header().maxTimestampMs : -1;
  return walkTail(source, sizeBytes);
}

int64_t SegmentState::startFor(HeaderSource* source, int64_t offset) {
  const int64_t entry = index.entryFor(offset - baseOffset);
  const size_t next = static_cast<size_t>(entry + 1);
  const bool isLast = entry >= 0 && index.relativeOffset(static_cast<size_t>(entry)) == offset - baseOffset;
  if (isLast || next >= index.offsets.count()) return trusted(source, entry);
  const int64_t position = index.position(next);
  // Only where a batch is longer than the interval between entries can the next entry's be the next one.
  if (position - (entry < 0 ? 0 : index.position(static_cast<size_t>(entry))) > 2 * indexIntervalBytes) {
    BatchWalk walk(source, baseOffset, position, sizeBytes);
    if (walk.next() && walk.header().lastOffset() - baseOffset == index.relativeOffset(next) && walk.header().baseOffset <= offset) return position;
  }
  return trusted(source, entry);
}

bool SegmentState::locateOffset(HeaderSource* source, int64_t offset, BatchPosition* found) {
  if (offset >= figures.nextOffset) return false;
  BatchWalk walk(source, baseOffset, startFor(source, offset), sizeBytes);
  while (walk.next()) {
    if (walk.header().lastOffset() < offset) continue;
    *found = walk.found();
    return true;
  }
  return false;
}

bool SegmentState::locateTimestamp(HeaderSource* source, int64_t timestampMs, int64_t fromOffset, BatchPosition* found) {
  if (timestampMs > figures.maxTimestampMs || fromOffset >= figures.nextOffset) return false;
  const int64_t first = index.firstRelativeOffsetFor(timestampMs);
  const int64_t start = first > fromOffset - baseOffset ? first : fromOffset - baseOffset;
  BatchWalk walk(source, baseOffset, startFor(source, baseOffset + start), sizeBytes);
  while (walk.next()) {
    if (walk.header().lastOffset() < fromOffset || walk.header().maxTimestampMs < timestampMs) continue;
    *found = walk.found();
    return true;
  }
  return false;
}

int64_t SegmentState::nextOffsetAt(HeaderSource* source, int64_t position) {
  int64_t nextOffset = baseOffset;
  BatchWalk walk(source, baseOffset, trusted(source, index.lastEntryBefore(position)), position);
  while (walk.next()) nextOffset = walk.header().lastOffset() + 1;
  return nextOffset;
}

bool SegmentState::cutTo(HeaderSource* source, int64_t newSizeBytes) {
  const int64_t before = sizeBytes;
  sizeBytes = newSizeBytes;
  index.cutPositions(newSizeBytes);
  int64_t nextOffset = baseOffset;
  BatchWalk walk(source, baseOffset, trusted(source, index.lastEntry()), newSizeBytes);
  while (walk.next()) nextOffset = walk.header().lastOffset() + 1;
  if (walk.nextPosition() != newSizeBytes) {
    sizeBytes = before;
    return false;
  }
  index.cutTimes(nextOffset - baseOffset);
  walkTail(source, newSizeBytes);
  if (newSizeBytes == 0) figures.firstBatchTimestampMs = -1;
  return true;
}

bool SegmentState::indexesLookSane(HeaderSource* source) {
  if (!indexFilesLookSane) return false;
  const int64_t start = trusted(source, index.lastEntry());
  if (!indexFilesLookSane) return false;
  BatchWalk walk(source, baseOffset, start, sizeBytes);
  while (walk.next()) {
    if (walk.position() != start && isDue(walk.position())) return false;
    if (walk.position() == start && start > 0 && walk.header().maxTimestampMs > index.lastTimestampMs()) return false;
  }
  return true;
}

void SegmentState::rebuild(HeaderSource* source) {
  index.clear();
  indexFilesLookSane = true;
  figures = SegmentFigures{.nextOffset = baseOffset};
  BatchWalk walk(source, baseOffset, 0, sizeBytes);
  while (walk.next()) count(walk.position(), walk.header().lastOffset(), walk.header().maxTimestampMs);
}

}  // namespace tidelog
