import { NumberField } from './abi.ts';
import { loadNativeCore, originOfNative } from './addon.ts';
import type { NativeCore } from './addon.ts';
import type { Compute, RecordPlan, RecordResult, RecordStatus } from './compute.ts';

/** The checks in the addon. */
class NativeCompute implements Compute {
  readonly name: string;
  readonly #core: NativeCore;

  constructor(core: NativeCore) {
    this.#core = core;
    const origin = originOfNative();
    this.name = `native (${core.exports.describe()}${origin && `; ${origin}`})`;
  }

  crc32c(bytes: Uint8Array, previous = 0): number {
    return this.#core.exports.crc32c(bytes, previous);
  }

  checkRecords(bytes: Uint8Array, count: number, plan: RecordPlan, result: RecordResult): RecordStatus {
    const { exports, numbers } = this.#core;
    const status = exports.checkRecords(bytes, count, plan.requireKeys, plan.timestampBase, plan.timestampMin, plan.timestampMax);
    result.maxTimestampMs = numbers[NumberField.resultMaxTimestampMs]!;
    result.offsetDeltaOfMaxTimestamp = numbers[NumberField.resultOffsetOfMaxTimestamp]!;
    result.badRecordIndex = numbers[NumberField.resultBadRecordIndex]!;
    return status as RecordStatus;
  }

  buildRecords(target: Uint8Array, content: Uint8Array, fields: Int32Array, timestampsMs: Float64Array, count: number, baseTimestampMs: number): number {
    return this.#core.exports.buildRecords(target, content, fields, timestampsMs, count, baseTimestampMs);
  }

  placeRecords(
    bytes: Uint8Array, from: number, end: number, previousOffsetDelta: number, lastOffsetDelta: number, rowsMax: number, rows: Int32Array, timestampDeltas: Float64Array,
  ): number {
    return this.#core.exports.placeRecords(bytes, from, end, previousOffsetDelta, lastOffsetDelta, rowsMax, rows, timestampDeltas);
  }
}

/** The addon's checks, or null where it is not built. */
export function loadNativeCompute(): Compute | null {
  const core = loadNativeCore();
  return core === null ? null : new NativeCompute(core);
}
