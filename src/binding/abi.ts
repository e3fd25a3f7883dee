// Generated from native/segment/abi.h by scripts/generateAbi.mjs: do not edit.

export const NumberField = {
  planBaseOffset: 0,
  planLeaderEpoch: 1,
  planFlags: 2,
  planLogAppendTimeMs: 3,
  planTimestampMin: 4,
  planTimestampMax: 5,
  planBatchSizeMaxBytes: 6,
  resultPosition: 7,
  resultNextOffset: 8,
  resultBatches: 9,
  resultRecords: 10,
  resultMaxTimestampMs: 11,
  resultOffsetOfMaxTimestamp: 12,
  resultBadRecordIndex: 13,
  resultErrno: 14,
  segmentSizeBytes: 15,
  segmentNextOffset: 16,
  segmentMaxTimestampMs: 17,
  segmentOffsetOfMaxTimestamp: 18,
  segmentFirstBatchTimestampMs: 19,
  segmentIndexFull: 20,
  foundPosition: 21,
  foundSizeBytes: 22,
  foundBaseOffset: 23,
  foundLastOffset: 24,
  foundMaxTimestampMs: 25,
  window: 26,
  foundRecordOffset: 27,
  foundRecordTimestampMs: 28,
  numberFields: 29,
} as const;

export const PlanFlag = {
  keepOffsets: 1,
  checkCrc: 2,
  checkRecords: 4,
  requireKeys: 8,
} as const;

export const Located = {
  locatedNothing: 0,
  locatedBatch: 1,
  locatedRecord: 2,
} as const;

export const OptionField = {
  baseOffset: 0,
  indexIntervalBytes: 1,
  indexSizeMaxBytes: 2,
  segmentSizeMaxBytes: 3,
  preallocateBytes: 4,
  readOnly: 5,
  fields: 6,
} as const;

export const EventField = {
  token: 0,
  error: 1,
  segment: 2,
  fields: 3,
} as const;

export const ScanField = {
  position: 0,
  sizeBytes: 1,
  baseOffset: 2,
  lastOffset: 3,
  maxTimestampMs: 4,
  leaderEpoch: 5,
  attributes: 6,
  producerId: 7,
  producerEpoch: 8,
  baseSequence: 9,
  records: 10,
  fields: 11,
} as const;

export const ScanSummary = {
  rows: 0,
  position: 1,
  nextOffset: 2,
  stop: 3,
  fields: 4,
} as const;

export const ScanStop = {
  more: 0,
  end: 1,
  torn: 2,
  corrupt: 3,
  zeros: 4,
} as const;
