import { AppendStatus } from '../../base/disk.ts';
import type { AppendPlan, AppendResult } from '../../base/disk.ts';
import type { Compute } from '../../binding/compute.ts';
import {
  ATTRIBUTE_CODEC_MASK,
  ATTRIBUTE_CODEC_MAX,
  ATTRIBUTE_LOG_APPEND_TIME,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_MIN,
  BATCH_PREFIX_BYTES,
  BatchField,
  BatchHeader,
  RELATIVE_OFFSET_MAX,
} from './batchHeader.ts';

const POSITION_MAX = 2 ** 31 - 1;

/** What the segment looks like before the append. */
export interface AppendTarget {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly sizeBytes: number;
}

/** One batch of a checked append, as the indexes need it. */
export interface CheckedBatch {
  sizeBytes: number;
  lastOffset: number;
  maxTimestampMs: number;
}

/**
 * Checks the batches of one append and patches copies of their headers, as `native/core/batch.cc` does. Nothing is written: `pieces` holds
 * what to write (header copies and views of the caller's bytes), `batches` what to index. Reused between appends.
 */
export class AppendCheck {
  readonly pieces: Uint8Array[] = [];
  readonly batches: CheckedBatch[] = [];
  readonly #compute: Compute;
  readonly #header = new BatchHeader();
  readonly #recordPlan = { requireKeys: false, timestampBase: 0, timestampMin: 0, timestampMax: 0 };
  readonly #recordResult = { maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1, badRecordIndex: -1 };

  constructor(compute: Compute) {
    this.#compute = compute;
  }

  /** Fills `result` but for `errno`; `position` is the segment's end. */
  run(bytes: Uint8Array, plan: AppendPlan, target: AppendTarget, result: AppendResult): AppendStatus {
    this.pieces.length = 0;
    this.batches.length = 0;
    resetResult(result, target);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    let nextOffset = plan.keepOffsets ? target.nextOffset : plan.baseOffset;
    if (!Number.isSafeInteger(nextOffset) || nextOffset < target.nextOffset) return AppendStatus.offsetOutOfOrder;
    if (bytes.length === 0) return AppendStatus.corruptHeader;
    while (at < bytes.length) {
      const status = this.#batch(bytes, view, at, nextOffset, plan, target, result);
      if (status !== AppendStatus.ok) return status;
      const batch = this.batches[this.batches.length - 1]!;
      nextOffset = batch.lastOffset + 1;
      at += batch.sizeBytes;
    }
    result.batches = this.batches.length;
    result.nextOffset = nextOffset;
    if (plan.keepOffsets) {
      this.pieces.length = 0;
      this.pieces.push(bytes);
    }
    return AppendStatus.ok;
  }

  #batch(
    bytes: Uint8Array, view: DataView, at: number, nextOffset: number, plan: AppendPlan, target: AppendTarget, result: AppendResult,
  ): AppendStatus {
    const framing = this.#framing(view, at, bytes.length, plan);
    if (framing !== AppendStatus.ok) return framing;
    const header = this.#header;
    const baseOffset = plan.keepOffsets ? header.baseOffset : nextOffset;
    const lastOffset = baseOffset + header.lastOffsetDelta;
    if (!fits(baseOffset, lastOffset, nextOffset, target, at, header.sizeBytes)) return AppendStatus.offsetOutOfOrder;
    const shape = checkShape(header, plan);
    if (shape !== AppendStatus.ok) {
      result.badRecordIndex = result.records;
      return shape;
    }
    const batchBytes = bytes.subarray(at, at + header.sizeBytes);
    if (plan.checkCrc && this.#compute.crc32c(batchBytes.subarray(BatchField.attributes)) !== header.crc) return AppendStatus.corruptChecksum;
    const status = this.#records(batchBytes, plan, baseOffset, lastOffset, result);
    if (status !== AppendStatus.ok) return status;
    this.batches.push({ sizeBytes: header.sizeBytes, lastOffset, maxTimestampMs: header.maxTimestampMs });
    if (!plan.keepOffsets) this.#patch(batchBytes, baseOffset, plan);
    result.records += header.records;
    return AppendStatus.ok;
  }

  #framing(view: DataView, at: number, end: number, plan: AppendPlan): AppendStatus {
    if (end - at <= BatchField.magic) return AppendStatus.corruptHeader;
    if (view.getInt8(at + BatchField.magic) !== 2) return AppendStatus.unsupportedMagic;
    if (end - at < BATCH_HEADER_BYTES) return AppendStatus.corruptHeader;
    const header = this.#header;
    header.read(view, at);
    const length = header.sizeBytes - BATCH_PREFIX_BYTES;
    if (length < BATCH_LENGTH_MIN || header.sizeBytes > end - at) return AppendStatus.corruptHeader;
    if (header.sizeBytes > plan.batchSizeMaxBytes) return AppendStatus.batchTooLarge;
    return header.lastOffsetDelta < 0 || header.records < 0 ? AppendStatus.corruptHeader : AppendStatus.ok;
  }

  /** Walks the records where asked to, and settles the batch's largest timestamp and who has it. */
  #records(bytes: Uint8Array, plan: AppendPlan, baseOffset: number, lastOffset: number, result: AppendResult): AppendStatus {
    const header = this.#header;
    let offsetOfMaxTimestamp = lastOffset;
    if (plan.checkRecords && (header.attributes & ATTRIBUTE_CODEC_MASK) === 0 && !(plan.keepOffsets && header.records !== header.lastOffsetDelta + 1)) {
      const appendTime = plan.logAppendTimeMs >= 0 || (header.attributes & ATTRIBUTE_LOG_APPEND_TIME) !== 0;
      const checked = this.#recordPlan;
      checked.requireKeys = plan.requireKeys;
      checked.timestampBase = header.baseTimestampMs;
      checked.timestampMin = appendTime || plan.keepOffsets ? -Infinity : plan.timestampMin;
      checked.timestampMax = appendTime || plan.keepOffsets ? Infinity : plan.timestampMax;
      const walked = this.#recordResult;
      const status = this.#compute.checkRecords(bytes.subarray(BATCH_HEADER_BYTES), header.records, checked, walked);
      if (status !== AppendStatus.ok) {
        result.badRecordIndex = result.records + walked.badRecordIndex;
        return status;
      }
      if (!appendTime && !plan.keepOffsets) header.maxTimestampMs = walked.maxTimestampMs;
      if (!appendTime && walked.offsetDeltaOfMaxTimestamp >= 0) offsetOfMaxTimestamp = baseOffset + walked.offsetDeltaOfMaxTimestamp;
    }
    if (!plan.keepOffsets && plan.logAppendTimeMs >= 0) {
      header.maxTimestampMs = plan.logAppendTimeMs;
      offsetOfMaxTimestamp = baseOffset;
    }
    if (header.maxTimestampMs > result.maxTimestampMs) {
      result.maxTimestampMs = header.maxTimestampMs;
      result.offsetOfMaxTimestamp = offsetOfMaxTimestamp;
    }
    return AppendStatus.ok;
  }

  /** A copy of the header with offset, epoch, timestamp and, where the CRC covers a change, a new CRC; then the bytes as they are. */
  #patch(bytes: Uint8Array, baseOffset: number, plan: AppendPlan): void {
    const copy = new Uint8Array(BATCH_HEADER_BYTES);
    copy.set(bytes.subarray(0, BATCH_HEADER_BYTES));
    const view = new DataView(copy.buffer);
    view.setBigInt64(BatchField.baseOffset, BigInt(baseOffset));
    view.setInt32(BatchField.leaderEpoch, plan.leaderEpoch);
    const body = bytes.subarray(BATCH_HEADER_BYTES);
    const attributes = plan.logAppendTimeMs >= 0 ? this.#header.attributes | ATTRIBUTE_LOG_APPEND_TIME : this.#header.attributes;
    const maxTimestamp = BigInt(this.#header.maxTimestampMs);
    if (attributes !== this.#header.attributes || view.getBigInt64(BatchField.maxTimestamp) !== maxTimestamp) {
      view.setInt16(BatchField.attributes, attributes);
      view.setBigInt64(BatchField.maxTimestamp, maxTimestamp);
      view.setUint32(BatchField.crc, this.#compute.crc32c(body, this.#compute.crc32c(copy.subarray(BatchField.attributes))));
    }
    this.pieces.push(copy, body);
  }
}

function resetResult(result: AppendResult, target: AppendTarget): void {
  result.position = target.sizeBytes;
  result.nextOffset = target.nextOffset;
  result.batches = 0;
  result.records = 0;
  result.maxTimestampMs = -1;
  result.offsetOfMaxTimestamp = -1;
  result.badRecordIndex = -1;
  result.errno = 0;
}

/** Offsets ascend, and neither the relative offset nor the position outgrows an index entry. */
function fits(baseOffset: number, lastOffset: number, nextOffset: number, target: AppendTarget, at: number, batchBytes: number): boolean {
  return (
    baseOffset >= nextOffset &&
    Number.isSafeInteger(lastOffset + 1) &&
    lastOffset - target.baseOffset <= RELATIVE_OFFSET_MAX &&
    target.sizeBytes + at + batchBytes <= POSITION_MAX
  );
}

/** Counts, codec and timestamps as the header states them. */
function checkShape(header: BatchHeader, plan: AppendPlan): AppendStatus {
  const span = header.lastOffsetDelta + 1;
  if (plan.keepOffsets ? header.records > span : header.records !== span) return AppendStatus.invalidRecord;
  if ((header.attributes & ATTRIBUTE_CODEC_MASK) > ATTRIBUTE_CODEC_MAX) return AppendStatus.invalidRecord;
  if (!Number.isSafeInteger(header.baseTimestampMs) || !Number.isSafeInteger(header.maxTimestampMs)) return AppendStatus.invalidTimestamp;
  const producerStampedAppendTime = !plan.keepOffsets && plan.checkRecords && (header.attributes & ATTRIBUTE_LOG_APPEND_TIME) !== 0;
  return producerStampedAppendTime ? AppendStatus.invalidTimestamp : AppendStatus.ok;
}
