// What a segment knows about its batches: running figures, indexes, and the walk from header to header. No files here: headers come
// from a HeaderSource.
#pragma once

#include <stdint.h>

#include <vector>

#include "batch.h"
#include "index.h"

namespace tidelog {

// Where headers are read from: a mapping, or a file through a small buffer.
class HeaderSource {
 public:
  virtual ~HeaderSource() = default;
  // 61 bytes at `position`, valid until the next call; null where they cannot be read. `end` bounds reading ahead.
  virtual const uint8_t* header(int64_t position, int64_t end) = 0;
};

struct BatchPosition {
  int64_t position;
  int64_t sizeBytes;
  int64_t baseOffset;
  int64_t lastOffset;
  int64_t maxTimestampMs;
};

// Steps over whole batches; stops at the first header that makes no sense or reaches past the end.
class BatchWalk {
 public:
  BatchWalk(HeaderSource* source, int64_t segmentBaseOffset, int64_t position, int64_t end)
      : source_(source), segmentBaseOffset_(segmentBaseOffset), next_(position), end_(end), offsetMin_(segmentBaseOffset) {}

  bool next();

  // Where the next header is expected.
  int64_t nextPosition() const { return next_; }
  int64_t position() const { return position_; }
  const BatchHeader& header() const { return header_; }
  BatchPosition found() const {
    return {position_, header_.sizeBytes, header_.baseOffset, header_.lastOffset(), header_.maxTimestampMs};
  }

 private:
  HeaderSource* source_;
  int64_t segmentBaseOffset_;
  int64_t position_ = 0;
  int64_t next_;
  int64_t end_;
  int64_t offsetMin_;
  BatchHeader header_;
};

struct SegmentFigures {
  int64_t nextOffset;
  int64_t maxTimestampMs = -1;
  int64_t offsetOfMaxTimestamp = -1;
  int64_t firstBatchTimestampMs = -1;
};

class SegmentState {
 public:
  SegmentState(int64_t baseOffset, int64_t indexIntervalBytes, int64_t indexSizeMaxBytes)
      : baseOffset(baseOffset), indexIntervalBytes(indexIntervalBytes), index(indexSizeMaxBytes) {
    figures.nextOffset = baseOffset;
  }

  const int64_t baseOffset;
  const int64_t indexIntervalBytes;
  int64_t sizeBytes = 0;
  SegmentFigures figures;
  SparseIndex index;
  // False once the index files were found to contradict the log; entries are then what memory learned since.
  bool indexFilesLookSane = true;

  // Takes one batch at `position` into the figures and, where Kafka's rule says so, into the indexes.
  void count(int64_t position, int64_t lastOffset, int64_t maxTimestampMs);
  // The time index entry of sealing and closing.
  void addLastTime();
  bool isDue(int64_t position) const;

  // Finds the figures of a segment that existed before, from its last index entries on. Returns where the batches end.
  int64_t learnTail(HeaderSource* source);
  bool locateOffset(HeaderSource* source, int64_t offset, BatchPosition* found);
  bool locateTimestamp(HeaderSource* source, int64_t timestampMs, int64_t fromOffset, BatchPosition* found);
  // Offset after the last batch before `position`.
  int64_t nextOffsetAt(HeaderSource* source, int64_t position);
  // Figures and entries as if nothing had been appended after `sizeBytes`; false (nothing changed but entries) when no batch ends there.
  bool cutTo(HeaderSource* source, int64_t sizeBytes);
  // A walk from the last entry: its batch is there, and no later batch lacks an entry.
  bool indexesLookSane(HeaderSource* source);
  // Builds figures and entries anew from all batches.
  void rebuild(HeaderSource* source);
  // Forgets entries that contradict the log.
  void distrustIndex();

 private:
  // Position of the entry if its batch is there; else 0, and the index is no longer believed. 0 for no entry (-1).
  int64_t trusted(HeaderSource* source, int64_t entry);
  // Where a walk to the batch of `offset` begins: at that batch itself where an entry tells, so that one header is read and not two.
  int64_t startFor(HeaderSource* source, int64_t offset);
  int64_t walkTail(HeaderSource* source, int64_t end);
};

}  // namespace tidelog
