/** The segments of one log in order, opened when they are first needed. Knows no policy. */
import { assert, definite } from '../base/assert.ts';
import type { Disk, Segment } from '../base/disk.ts';
import type { TopicConfigView } from './settings.ts';
import { TransactionIndex } from './transactionIndex.ts';

/** Relative offsets and positions in the indexes are int32. */
export const RELATIVE_MAX = 0x7fffffff;

/** One segment, open or not. */
export class SegmentSlot {
  readonly baseOffset: number;
  /** Null until first used: a sealed segment that nobody reads costs no descriptor. */
  segment: Segment | null = null;
  /** Monotonic time when it was created or found: its age where no timestamp tells. */
  readonly bornMs: number;
  /** Aborted transactions, null while there are none. */
  transactions: TransactionIndex | null = null;
  /** Opened or looked at since the last `closeIdle`. */
  wasUsed = false;
  /** The index files are missing or of a wrong size: opened for writing and rebuilt first. */
  needsIndexes = false;
  /** The indexes of a sealed segment have not been held to their checksums yet; opening it for writing is the end of those. */
  mustCheckIndexes = false;
  /** The transaction index was corrupt: made anew while loading. */
  transactionsAreLost = false;
  #coldSizeBytes: number;

  constructor(baseOffset: number, sizeBytes: number, bornMs: number) {
    this.baseOffset = baseOffset;
    this.#coldSizeBytes = sizeBytes;
    this.bornMs = bornMs;
  }

  get sizeBytes(): number {
    return this.segment === null ? this.#coldSizeBytes : this.segment.sizeBytes;
  }

  /** Aborted transactions to add to. */
  transactionsToChange(): TransactionIndex {
    this.transactions ??= new TransactionIndex();
    return this.transactions;
  }

  /** Forgets the open segment; `sizeBytes` is remembered. */
  forget(): Segment | null {
    const segment = this.segment;
    if (segment !== null) this.#coldSizeBytes = segment.sizeBytes;
    this.segment = null;
    return segment;
  }
}

/** Where segments are opened, and how. */
export interface SegmentPlace {
  readonly disk: Disk;
  /** The partition's folder; changes when it is renamed. */
  folder: string;
  config: TopicConfigView;
  /** Blocks reserved ahead of an active segment's end, where `preallocate` does not ask for all. */
  readonly reserveAheadBytes: number;
}

export class SegmentList {
  readonly #place: SegmentPlace;
  #slots: SegmentSlot[] = [];
  #coldBytes = 0;
  /** Largest timestamp of each segment before the active one and all before it; null until it is asked for. */
  #latestTimestamps: Float64Array | null = null;

  constructor(place: SegmentPlace) {
    this.#place = place;
  }

  get slots(): readonly SegmentSlot[] {
    return this.#slots;
  }

  get count(): number {
    return this.#slots.length;
  }

  get isEmpty(): boolean {
    return this.#slots.length === 0;
  }

  get first(): SegmentSlot {
    return definite(this.#slots[0], 'the first segment');
  }

  get activeSlot(): SegmentSlot {
    return definite(this.#slots[this.#slots.length - 1], 'the active segment');
  }

  /** The one that is appended to; an empty one is opened, and made, when it is first needed. Throws DiskError. */
  get active(): Segment {
    return this.open(this.activeSlot);
  }

  get sizeBytes(): number {
    return this.isEmpty ? 0 : this.#coldBytes + this.activeSlot.sizeBytes;
  }

  /** Index of the segment that may hold `offset`: the last one that begins at or before it; -1 when all begin after it. */
  indexFor(offset: number): number {
    const slots = this.#slots;
    let high = slots.length - 1;
    if (high >= 0 && (slots[high] as SegmentSlot).baseOffset <= offset) return high;
    let low = -1;
    while (low < high - 1) {
      const middle = (low + high) >> 1;
      if ((slots[middle] as SegmentSlot).baseOffset <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Index of the first segment that has a record at or after `timestampMs`, as far as the sealed ones tell: else the active one. Throws DiskError. */
  indexForTimestamp(timestampMs: number): number {
    const latest = (this.#latestTimestamps ??= this.#findLatestTimestamps());
    let low = 0;
    let high = latest.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((latest[middle] as number) < timestampMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #findLatestTimestamps(): Float64Array {
    const latest = new Float64Array(Math.max(this.#slots.length - 1, 0));
    let largest = -1;
    for (let index = 0; index < latest.length; index += 1) {
      const slot = this.#slots[index] as SegmentSlot;
      if (slot.sizeBytes > 0) largest = Math.max(largest, this.open(slot).maxTimestampMs);
      latest[index] = largest;
    }
    return latest;
  }

  at(index: number): SegmentSlot {
    return definite(this.#slots[index], `segment ${index}`);
  }

  /** Offset where the segment at `index` must have ended: the next one's base offset, `logEndOffset` for the active one. */
  endOffset(index: number, logEndOffset: number): number {
    const next = this.#slots[index + 1];
    return next === undefined ? logEndOffset : next.baseOffset;
  }

  /** Opens the segment for reading where it is not open. Throws DiskError. */
  open(slot: SegmentSlot): Segment {
    slot.wasUsed = true;
    if (slot.segment === null) slot.segment = this.#openFiles(slot, slot !== this.#slots.at(-1) && !slot.needsIndexes);
    return slot.segment;
  }

  /** Opens the segment so that it can be cut, appended to or given new indexes. */
  async openForWriting(slot: SegmentSlot): Promise<Segment> {
    this.#latestTimestamps = null;
    slot.mustCheckIndexes = false;
    // A reader may open it again while it closes.
    while (slot.segment !== null && slot.segment.options.readOnly === true) await slot.forget()?.close();
    slot.segment ??= this.#openFiles(slot, false);
    return slot.segment;
  }

  #openFiles(slot: SegmentSlot, readOnly: boolean): Segment {
    const { disk, folder, config, reserveAheadBytes } = this.#place;
    const isActive = slot === this.#slots.at(-1);
    const ahead = config.preallocate ? config.segmentBytes : Math.min(reserveAheadBytes, config.segmentBytes);
    return disk.openSegment({
      directory: folder,
      baseOffset: slot.baseOffset,
      indexIntervalBytes: config.indexIntervalBytes,
      indexSizeMaxBytes: config.segmentIndexBytes,
      segmentSizeMaxBytes: Math.max(config.segmentBytes, slot.sizeBytes),
      preallocateBytes: isActive ? ahead : 0,
      readOnly,
    });
  }

  /** Closes sealed segments that nobody used since the call before, but for those that `isNeeded`. */
  closeIdle(isNeeded: (segment: Segment) => boolean): Promise<void>[] {
    const closing: Promise<void>[] = [];
    for (let index = this.#slots.length - 2; index >= 0; index -= 1) {
      const slot = this.#slots[index] as SegmentSlot;
      const { wasUsed, segment } = slot;
      slot.wasUsed = false;
      if (segment === null || wasUsed || isNeeded(segment)) continue;
      slot.forget();
      closing.push(segment.close());
    }
    return closing;
  }

  /** Takes segments found on disk, in ascending order, none open. */
  load(slots: SegmentSlot[]): void {
    assert(this.isEmpty, 'segments are loaded once');
    this.#slots = slots;
    this.#recount();
  }

  /** Creates and opens a segment behind the last one. Throws DiskError; nothing has changed then. */
  append(slot: SegmentSlot): void {
    assert(this.isEmpty || slot.baseOffset > this.activeSlot.baseOffset, 'segments ascend');
    this.#slots.push(slot);
    try {
      slot.segment = this.#openFiles(slot, false);
    } catch (error) {
      this.#slots.pop();
      throw error;
    }
    this.#recount();
  }

  /** Puts others in the places of `count` neighbours, none of them the active one. */
  replace(index: number, count: number, slots: readonly SegmentSlot[]): void {
    assert(index + count < this.#slots.length, 'the active segment stays');
    this.#slots.splice(index, count, ...slots);
    this.#recount();
  }

  /** Takes the first `count` segments out. */
  removeFirst(count: number): SegmentSlot[] {
    const removed = this.#slots.splice(0, count);
    this.#recount();
    return removed;
  }

  /** Takes all segments from `index` on out. */
  removeFrom(index: number): SegmentSlot[] {
    const removed = this.#slots.splice(index);
    this.#recount();
    return removed;
  }

  #recount(): void {
    let bytes = 0;
    for (let index = this.#slots.length - 2; index >= 0; index -= 1) bytes += (this.#slots[index] as SegmentSlot).sizeBytes;
    this.#coldBytes = bytes;
    this.#latestTimestamps = null;
  }
}
