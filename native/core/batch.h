// Batch v2 headers: reading, checking an append, patching header copies.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "bytes.h"
#include "records.h"
#include "status.h"

namespace tidelog {

constexpr size_t kHeaderBytes = 61;
constexpr size_t kPrefixBytes = 12;
constexpr int64_t kRelativeOffsetMax = INT32_MAX;
constexpr int64_t kPositionMax = INT32_MAX;

namespace field {
constexpr size_t kLength = 8;
constexpr size_t kLeaderEpoch = 12;
constexpr size_t kMagic = 16;
constexpr size_t kCrc = 17;
constexpr size_t kAttributes = 21;
constexpr size_t kLastOffsetDelta = 23;
constexpr size_t kBaseTimestamp = 27;
constexpr size_t kMaxTimestamp = 35;
constexpr size_t kProducerId = 43;
constexpr size_t kProducerEpoch = 51;
constexpr size_t kBaseSequence = 53;
constexpr size_t kCount = 57;
}  // namespace field

constexpr int16_t kCodecMask = 7;
constexpr int16_t kCodecMax = 4;
constexpr int16_t kLogAppendTime = 8;

struct BatchHeader {
  int64_t baseOffset;
  int64_t sizeBytes;
  int32_t leaderEpoch;
  int8_t magic;
  uint32_t crc;
  int16_t attributes;
  int32_t lastOffsetDelta;
  int64_t baseTimestampMs;
  int64_t maxTimestampMs;
  int64_t producerId;
  int16_t producerEpoch;
  int32_t baseSequence;
  int32_t records;

  int64_t lastOffset() const { return baseOffset + lastOffsetDelta; }

  // Reads the 61 bytes at `at`.
  void read(const uint8_t* at);

  // What every reader of a segment relies on: lengths, deltas and counts make sense, offsets ascend from `offsetMin` within the reach of
  // the segment's base offset. Says nothing about the bytes after the header.
  bool isPlausible(int64_t offsetMin, int64_t segmentBaseOffset) const;
};

// How the bytes of one append are to be checked and patched; AppendPlan of src/base/disk.ts.
struct AppendPlan {
  int64_t baseOffset;
  int32_t leaderEpoch;
  bool keepOffsets;
  bool checkCrc;
  bool checkRecords;
  bool requireKeys;
  int64_t logAppendTimeMs;
  int64_t timestampMin;
  int64_t timestampMax;
  int64_t batchSizeMaxBytes;
};

// The segment before the append.
struct AppendTarget {
  int64_t baseOffset;
  int64_t nextOffset;
  int64_t sizeBytes;
};

struct CheckedBatch {
  int64_t sizeBytes;
  int64_t lastOffset;
  int64_t maxTimestampMs;
  // What is written in place of the batch's own header, unless offsets are kept.
  uint8_t header[kHeaderBytes];
};

struct AppendOutcome {
  int64_t nextOffset;
  int64_t records;
  int64_t maxTimestampMs;
  int64_t offsetOfMaxTimestamp;
  int64_t badRecordIndex;
};

// Checks whole batches; `batches` is cleared and filled. The bytes are never modified.
Status checkAppend(const uint8_t* bytes, size_t length, const AppendPlan& plan, const AppendTarget& target,
                   std::vector<CheckedBatch>* batches, AppendOutcome* outcome);

}  // namespace tidelog
