// The records section of an uncompressed batch v2 (docs/formats/segment.md).
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "status.h"

namespace tidelog {

// Largest timestamp and offset that JavaScript holds exactly.
constexpr int64_t kSafeIntegerMax = (int64_t{1} << 53) - 1;

struct RecordPlan {
  bool requireKeys;
  int64_t timestampBase;
  // Bounds of a record's timestamp; -1 (none) is always allowed.
  int64_t timestampMin;
  int64_t timestampMax;
};

struct RecordResult {
  int64_t maxTimestampMs;
  int32_t offsetDeltaOfMaxTimestamp;
  int32_t badRecordIndex;
};

struct RecordFound {
  int64_t offset;
  int64_t timestampMs;
};

enum class Search { kFound, kNone, kMalformed };

// The first record at or after `offsetMin` whose timestamp is at least `timestampMs`. Looks at no more of each record than it must: what is malformed
// within a record that is passed over is not seen.
Search findTimestamp(const uint8_t* bytes, size_t length, int32_t count, int64_t baseOffset, int64_t baseTimestampMs, int64_t timestampMs, int64_t offsetMin,
                     RecordFound* found);

// Walks every record: lengths, varints, offset deltas 0..count-1, keys, headers, timestamps, and nothing after the last one.
Status checkRecords(const uint8_t* bytes, size_t length, int32_t count, const RecordPlan& plan, RecordResult* result);

}  // namespace tidelog
