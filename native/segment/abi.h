// Numbers that cross the border between C++ and JavaScript. src/binding/abi.ts is generated from this file by
// scripts/generateAbi.mjs; test/binding/abi.test.ts holds the two together.
#pragma once

namespace tidelog {

// Places in the shared array of doubles. Arguments that are many (a plan, options) and results go through it: cheaper than handles.
enum NumberField : int {
  // In: AppendPlan.
  kPlanBaseOffset,
  kPlanLeaderEpoch,
  kPlanFlags,
  kPlanLogAppendTimeMs,
  kPlanTimestampMin,
  kPlanTimestampMax,
  kPlanBatchSizeMaxBytes,
  // Out: AppendResult.
  kResultPosition,
  kResultNextOffset,
  kResultBatches,
  kResultRecords,
  kResultMaxTimestampMs,
  kResultOffsetOfMaxTimestamp,
  kResultBadRecordIndex,
  kResultErrno,
  // Out: what the segment is now.
  kSegmentSizeBytes,
  kSegmentNextOffset,
  kSegmentMaxTimestampMs,
  kSegmentOffsetOfMaxTimestamp,
  kSegmentFirstBatchTimestampMs,
  kSegmentIndexFull,
  // Out: BatchPosition.
  kFoundPosition,
  kFoundSizeBytes,
  kFoundBaseOffset,
  kFoundLastOffset,
  kFoundMaxTimestampMs,
  // Out: the number of the window just opened.
  kWindow,
  // Out: RecordFound.
  kFoundRecordOffset,
  kFoundRecordTimestampMs,
  kNumberFields,
};

enum PlanFlag : int {
  kKeepOffsets = 1,
  kCheckCrc = 2,
  kCheckRecords = 4,
  kRequireKeys = 8,
};

// What a lookup by timestamp found.
enum Located : int {
  kLocatedNothing,
  // Its records have to be looked at.
  kLocatedBatch,
  kLocatedRecord,
};

// In, at the start of the same array: options of a segment to open.
enum OptionField : int {
  kOptionBaseOffset,
  kOptionIndexIntervalBytes,
  kOptionIndexSizeMaxBytes,
  kOptionSegmentSizeMaxBytes,
  kOptionPreallocateBytes,
  kOptionReadOnly,
  kOptionFields,
};

// One event in the array of events.
enum EventField : int {
  kEventToken,
  kEventError,
  kEventSegment,
  kEventFields,
};

// One row a batch that a scan found.
enum ScanField : int {
  kScanPosition,
  kScanSizeBytes,
  kScanBaseOffset,
  kScanLastOffset,
  kScanMaxTimestampMs,
  kScanLeaderEpoch,
  kScanAttributes,
  kScanProducerId,
  kScanProducerEpoch,
  kScanBaseSequence,
  kScanRecords,
  kScanFields,
};

// What a step of a scan says of itself, after the rows.
enum ScanSummary : int {
  kSummaryRows,
  kSummaryPosition,
  kSummaryNextOffset,
  kSummaryStop,
  kSummaryFields,
};

enum ScanStop : int {
  kStopMore,
  kStopEnd,
  kStopTorn,
  kStopCorrupt,
  // Nothing but zeros from there on.
  kStopZeros,
};

}  // namespace tidelog
