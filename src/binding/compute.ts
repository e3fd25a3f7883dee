import type { AppendStatus } from '../base/disk.ts';

/** What the records of one uncompressed batch are checked against. Reused by the caller between calls. */
export interface RecordPlan {
  /** Each record must have a key (compact topics). */
  requireKeys: boolean;
  /** The batch's baseTimestamp, milliseconds; a record's timestamp is this plus its delta. */
  timestampBase: number;
  /** Bounds for a record's timestamp; -1 (none) is always allowed. */
  timestampMin: number;
  timestampMax: number;
}

/** What a walk over the records found. Overwritten by each call. */
export interface RecordResult {
  /** Largest timestamp of a record, -1 without records or when none has one. */
  maxTimestampMs: number;
  /** Offset delta of the first record that has it, -1 when none has a timestamp. */
  offsetDeltaOfMaxTimestamp: number;
  /** Index of the record that failed, -1 when none did; `count` where bytes follow the last record. */
  badRecordIndex: number;
}

/** Outcomes of `checkRecords`, a part of AppendStatus. */
export type RecordStatus =
  | typeof AppendStatus.ok
  | typeof AppendStatus.invalidRecord
  | typeof AppendStatus.invalidTimestamp
  | typeof AppendStatus.missingKey;

/** The CPU-bound work on record bytes: one implementation in C++, compiled twice (addon and WASM). */
export interface Compute {
  /** For people: "native (x86-64, crc32c vpclmulqdq)" or "wasm". */
  readonly name: string;
  /**
   * CRC32C (Castagnoli) as an unsigned 32-bit number. `previous` continues the checksum of the bytes before these.
   * The bytes are borrowed for the call.
   */
  crc32c(bytes: Uint8Array, previous?: number): number;
  /**
   * Walks every record of a batch v2 records section (uncompressed): lengths, varints, offset deltas 0..count-1, headers, keys and
   * timestamps; nothing may follow the last record. Timestamps outside +-(2^53 - 1) are invalid. The bytes are borrowed for the call.
   */
  checkRecords(bytes: Uint8Array, count: number, plan: RecordPlan, result: RecordResult): RecordStatus;
  /**
   * Writes the records of a batch v2 from columns (native/core/build.h): their content one behind the other, four lengths and a timestamp a record. Returns the bytes
   * written, -1 where they do not fit or the columns contradict each other. All arrays are borrowed for the call. Absent where JavaScript does it as fast.
   */
  buildRecords?(target: Uint8Array, content: Uint8Array, fields: Int32Array, timestampsMs: Float64Array, count: number, baseTimestampMs: number): number;
  /**
   * Finds what up to `rowsMax` records of a batch v2 have, from the one at `from` on (native/core/place.h): PLACE_FIELDS numbers and a timestamp delta each. Returns how
   * many; fewer where one is malformed or unusual. The bytes are borrowed for the call. Absent where JavaScript does it as fast.
   */
  placeRecords?(
    bytes: Uint8Array, from: number, end: number, previousOffsetDelta: number, lastOffsetDelta: number, rowsMax: number, rows: Int32Array, timestampDeltas: Float64Array): number;
}

/** As PlaceField of native/core/place.h. */
export const PlaceField = { offsetDelta: 0, contentStart: 1, keyStart: 2, keyLength: 3, valueStart: 4, valueLength: 5, headersStart: 6, headers: 7, end: 8 } as const;
export const PLACE_FIELDS = 9;
