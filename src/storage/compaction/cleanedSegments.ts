/** The segments that a cleaning writes in place of a group of others: `.cleaned` files until they are whole. */
import { AppendStatus } from '../../base/disk.ts';
import type { AppendPlan, AppendResult, Segment } from '../../base/disk.ts';
import { baseOffsetOf, nextBatch } from '../../record/batchHeader.ts';
import { Suffix, offsetStem } from '../fileNames.ts';
import type { LogState } from '../logState.ts';
import { LogError } from '../types.ts';
import { TransactionIndex } from '../transactionIndex.ts';
import { Uncleanable } from './cleaning.ts';

export interface CleanedSegment {
  readonly segment: Segment;
  readonly transactions: TransactionIndex;
}

const PLAN: AppendPlan = {
  baseOffset: 0, leaderEpoch: -1, keepOffsets: true, checkCrc: false, checkRecords: false, requireKeys: false, logAppendTimeMs: -1,
  timestampMin: Number.MIN_SAFE_INTEGER, timestampMax: Number.MAX_SAFE_INTEGER, batchSizeMaxBytes: 0x7fffffff,
};

/** Everything of a segment but its producer snapshot. */
export const SEGMENT_FILES = [Suffix.log, Suffix.offsetIndex, Suffix.timeIndex, Suffix.transactionIndex] as const;

export class CleanedSegments {
  readonly list: CleanedSegment[] = [];
  readonly #state: LogState;
  readonly #segmentSizeMaxBytes: number;
  readonly #result: AppendResult = {
    position: 0, nextOffset: 0, batches: 0, records: 0, maxTimestampMs: -1, offsetOfMaxTimestamp: -1, badRecordIndex: -1, errno: 0,
  };

  /** `groupBytes`: of the segments that are replaced. */
  constructor(state: LogState, groupBytes: number) {
    this.#state = state;
    this.#segmentSizeMaxBytes = Math.min(Math.max(state.config.segmentBytes, groupBytes), 0x7fffffff);
  }

  /** Begins a segment. Throws DiskError. */
  async begin(baseOffset: number): Promise<CleanedSegment> {
    const { disk, folder, config } = this.#state;
    for (const file of SEGMENT_FILES) await disk.remove(`${folder}/${offsetStem(baseOffset)}${file}${Suffix.cleaned}`);
    const segment = disk.openSegment({
      directory: folder, baseOffset, indexIntervalBytes: config.indexIntervalBytes, indexSizeMaxBytes: config.segmentIndexBytes,
      segmentSizeMaxBytes: this.#segmentSizeMaxBytes, preallocateBytes: 0, suffix: Suffix.cleaned,
    });
    const cleaned = { segment, transactions: new TransactionIndex() };
    this.list.push(cleaned);
    return cleaned;
  }

  /** Appends whole batches; where they would outgrow a segment, from there on into a new one. `onBegun` hears of it. */
  async append(bytes: Buffer, onBegun: (cleaned: CleanedSegment) => void): Promise<void> {
    const last = this.list.at(-1) as CleanedSegment;
    if (!last.segment.indexFull && (await this.#tryAppend(last.segment, bytes))) return;
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
      const batch = bytes.subarray(at, next);
      const current = this.list.at(-1) as CleanedSegment;
      if (!current.segment.indexFull && (await this.#tryAppend(current.segment, batch))) continue;
      const begun = await this.begin(baseOffsetOf(batch, 0));
      onBegun(begun);
      if (!(await this.#tryAppend(begun.segment, batch))) throw new Uncleanable(`the batch at offset ${baseOffsetOf(batch, 0)} fits into no segment`);
    }
  }

  /** False when the segment has no room for these offsets or bytes. */
  async #tryAppend(segment: Segment, bytes: Buffer): Promise<boolean> {
    const status = await new Promise<AppendStatus>((resolve) => segment.append(bytes, PLAN, this.#result, resolve));
    if (status === AppendStatus.ok) return true;
    if (status === AppendStatus.offsetOutOfOrder) return false;
    if (status === AppendStatus.diskFull) throw new LogError('diskFull', `no space is left under ${this.#state.host.path} to compact ${this.#state.name}`);
    if (status === AppendStatus.ioError) this.#state.host.fail(`compacting ${this.#state.name} failed (errno ${this.#result.errno})`);
    if (this.#state.refusal !== null) throw this.#state.refusal;
    throw new Uncleanable(`compacted batches were refused (status ${String(status)})`);
  }

  /** Whole and on the medium: they may take the places of others. */
  async finish(): Promise<void> {
    for (const { segment } of this.list) segment.seal();
    await new Promise<void>((resolve, reject) => {
      this.#state.disk.sync(this.list.map(({ segment }) => segment), (error) => (error === null ? resolve() : reject(error)));
    });
  }
}
