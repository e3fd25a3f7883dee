import type { ScanResult, ScannedBatch } from '../../base/disk.ts';
import { ScanField, ScanStop, ScanSummary } from '../../binding/abi.ts';
import type { NativeCore } from '../../binding/addon.ts';
import { errorFromErrno } from './nativeErrors.ts';

/** Batches a background thread checks before it hands them over. */
const ROWS_PER_STEP = 1024;

const STOP_REASONS: Readonly<Record<number, ScanResult['stopReason']>> = { [ScanStop.torn]: 'torn', [ScanStop.corrupt]: 'corrupt', [ScanStop.zeros]: 'zeros' };

/** One scan of a segment: the addon's threads check step after step into an array of rows, visited here. */
export class NativeScan {
  readonly #core: NativeCore;
  readonly #handle: number;
  readonly #path: string;
  readonly #rows = new Float64Array(ROWS_PER_STEP * ScanField.fields + ScanSummary.fields);
  readonly #batch: ScannedBatch = {
    position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: 0, leaderEpoch: 0, attributes: 0,
    producerId: 0, producerEpoch: 0, baseSequence: 0, records: 0,
  };

  constructor(core: NativeCore, handle: number, path: string) {
    this.#core = core;
    this.#handle = handle;
    this.#path = path;
  }

  async run(fromPosition: number, fromOffset: number, visit: (batch: ScannedBatch) => void): Promise<ScanResult> {
    let position = fromPosition;
    let nextOffset = fromOffset;
    let batches = 0;
    for (;;) {
      const error = await this.#core.operation((token) =>
        this.#core.exports.segmentScan(this.#handle, position, nextOffset, this.#rows, token));
      if (error !== 0) throw errorFromErrno(error, this.#path, 'cannot scan');
      const summary = this.#rows.subarray(ROWS_PER_STEP * ScanField.fields);
      const rows = summary[ScanSummary.rows]!;
      for (let row = 0; row < rows; row++) visit(this.#read(row * ScanField.fields));
      batches += rows;
      position = summary[ScanSummary.position]!;
      nextOffset = summary[ScanSummary.nextOffset]!;
      const stop = summary[ScanSummary.stop]!;
      if (stop !== ScanStop.more) return { validBytes: position, nextOffset, batches, stopReason: STOP_REASONS[stop] ?? '' };
    }
  }

  #read(at: number): ScannedBatch {
    const rows = this.#rows;
    const batch = this.#batch;
    batch.position = rows[at + ScanField.position]!;
    batch.sizeBytes = rows[at + ScanField.sizeBytes]!;
    batch.baseOffset = rows[at + ScanField.baseOffset]!;
    batch.lastOffset = rows[at + ScanField.lastOffset]!;
    batch.maxTimestampMs = rows[at + ScanField.maxTimestampMs]!;
    batch.leaderEpoch = rows[at + ScanField.leaderEpoch]!;
    batch.attributes = rows[at + ScanField.attributes]!;
    batch.producerId = rows[at + ScanField.producerId]!;
    batch.producerEpoch = rows[at + ScanField.producerEpoch]!;
    batch.baseSequence = rows[at + ScanField.baseSequence]!;
    batch.records = rows[at + ScanField.records]!;
    return batch;
  }
}
