/**
 * The two sparse indexes of one segment, in memory, in the form that the files have (docs/formats/segment.md):
 * `.index` entries are (relative last offset of a batch int32, its position int32), `.timeindex` entries are (largest timestamp so far
 * int64, relative last offset of the batch that has it int32), big-endian, ascending.
 */

export const OFFSET_ENTRY_BYTES = 8;
export const TIME_ENTRY_BYTES = 12;
const CAPACITY_MIN_BYTES = 96;

/** Big-endian entries of one size, appended at the end and cut from the end. */
class EntryList {
  #bytes = Buffer.alloc(0);
  sizeBytes = 0;
  readonly entryBytes: number;

  constructor(entryBytes: number) {
    this.entryBytes = entryBytes;
  }

  get count(): number {
    return this.sizeBytes / this.entryBytes;
  }

  /** A view of the entries' bytes from `fromBytes` on; valid until the next change. */
  tail(fromBytes: number): Uint8Array {
    return this.#bytes.subarray(fromBytes, this.sizeBytes);
  }

  load(bytes: Uint8Array): void {
    const whole = bytes.length - (bytes.length % this.entryBytes);
    this.#bytes = Buffer.from(bytes.subarray(0, whole));
    this.sizeBytes = whole;
  }

  cut(count: number): void {
    this.sizeBytes = Math.min(this.sizeBytes, count * this.entryBytes);
  }

  /** Room for one more entry; returns where to write it. */
  grow(): number {
    const at = this.sizeBytes;
    this.sizeBytes += this.entryBytes;
    if (this.sizeBytes > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(CAPACITY_MIN_BYTES, this.#bytes.length * 2));
      this.#bytes.copy(larger);
      this.#bytes = larger;
    }
    return at;
  }

  get buffer(): Buffer {
    return this.#bytes;
  }
}

export class SparseIndex {
  readonly #offsets = new EntryList(OFFSET_ENTRY_BYTES);
  readonly #times = new EntryList(TIME_ENTRY_BYTES);
  readonly #offsetEntriesMax: number;
  readonly #timeEntriesMax: number;

  constructor(indexSizeMaxBytes: number) {
    this.#offsetEntriesMax = Math.floor(indexSizeMaxBytes / OFFSET_ENTRY_BYTES);
    this.#timeEntriesMax = Math.floor(indexSizeMaxBytes / TIME_ENTRY_BYTES);
  }

  get offsetBytes(): number {
    return this.#offsets.sizeBytes;
  }

  get timeBytes(): number {
    return this.#times.sizeBytes;
  }

  /** One place in the time index is kept for the entry that sealing adds. */
  get isFull(): boolean {
    return this.#offsets.count >= this.#offsetEntriesMax || this.#times.count >= this.#timeEntriesMax - 1;
  }

  /** Position of the last indexed batch, -1 when there is none. */
  get lastPosition(): number {
    return this.#offsets.count === 0 ? -1 : this.#position(this.#offsets.count - 1);
  }

  get lastRelativeOffset(): number {
    return this.#offsets.count === 0 ? -1 : this.#relativeOffset(this.#offsets.count - 1);
  }

  get lastTimestampMs(): number {
    return this.#times.count === 0 ? -1 : this.#timestampMs(this.#times.count - 1);
  }

  get lastTimeRelativeOffset(): number {
    return this.#times.count === 0 ? -1 : this.#timeRelativeOffset(this.#times.count - 1);
  }

  /** Whether first and last entries ascend and point into a log of `logBytes`. */
  endsLookSane(logBytes: number): boolean {
    const offsets = this.#offsets.count;
    const times = this.#times.count;
    if (offsets > 0) {
      if (this.#relativeOffset(0) < 0 || this.#position(0) < 0 || this.lastPosition >= logBytes) return false;
      if (offsets > 1 && (this.#relativeOffset(0) >= this.lastRelativeOffset || this.#position(0) >= this.lastPosition)) return false;
    }
    if (times > 0) {
      if (logBytes === 0 || this.#timestampMs(0) < 0 || this.#timeRelativeOffset(0) < 0) return false;
      if (times > 1 && (this.#timestampMs(0) >= this.lastTimestampMs || this.#timeRelativeOffset(0) > this.lastTimeRelativeOffset)) return false;
    }
    return true;
  }

  hasEntry(relativeOffset: number, position: number): boolean {
    const entry = lastAtMost(this.#offsets.count, (index) => this.#position(index) <= position);
    return entry >= 0 && this.#position(entry) === position && this.#relativeOffset(entry) === relativeOffset;
  }

  loadOffsets(bytes: Uint8Array): void {
    this.#offsets.load(bytes);
  }

  loadTimes(bytes: Uint8Array): void {
    this.#times.load(bytes);
  }

  clear(): void {
    this.#offsets.cut(0);
    this.#times.cut(0);
  }

  /** Skipped when full: the segment then only looks up more slowly until it is rolled. */
  addOffset(relativeOffset: number, position: number): void {
    if (this.#offsets.count >= this.#offsetEntriesMax) return;
    const at = this.#offsets.grow();
    this.#offsets.buffer.writeInt32BE(relativeOffset, at);
    this.#offsets.buffer.writeInt32BE(position, at + 4);
  }

  /** Adds an entry when the timestamp is larger than the last one. `last`: the entry that sealing adds may take the kept place. */
  addTime(timestampMs: number, relativeOffset: number, last: boolean): void {
    if (timestampMs <= this.lastTimestampMs) return;
    if (this.#times.count >= this.#timeEntriesMax - (last ? 0 : 1)) return;
    const at = this.#times.grow();
    this.#times.buffer.writeBigInt64BE(BigInt(timestampMs), at);
    this.#times.buffer.writeInt32BE(relativeOffset, at + 8);
  }

  /** Where to start looking for the batch with this relative offset: 0 when no entry is at or before it. */
  positionFor(relativeOffset: number): number {
    const entry = lastAtMost(this.#offsets.count, (index) => this.#relativeOffset(index) <= relativeOffset);
    return entry < 0 ? 0 : this.#position(entry);
  }

  /** Position of the last indexed batch that lies before `position`, -1 when there is none. */
  lastPositionBefore(position: number): number {
    const entry = lastAtMost(this.#offsets.count, (index) => this.#position(index) < position);
    return entry < 0 ? -1 : this.#position(entry);
  }

  /** Relative offset up to which every timestamp is known to be smaller (or first equal): -1 when no entry is at or before the time. */
  relativeOffsetForTime(timestampMs: number): number {
    const entry = lastAtMost(this.#times.count, (index) => this.#timestampMs(index) <= timestampMs);
    return entry < 0 ? -1 : this.#timeRelativeOffset(entry);
  }

  /** Drops the entries of batches at or after `position`, and those of times whose batch is after the last offset kept. */
  cutPositions(position: number): void {
    this.#offsets.cut(1 + lastAtMost(this.#offsets.count, (index) => this.#position(index) < position));
  }

  cutTimes(relativeOffsetEnd: number): void {
    this.#times.cut(1 + lastAtMost(this.#times.count, (index) => this.#timeRelativeOffset(index) < relativeOffsetEnd));
  }

  offsetTail(fromBytes: number): Uint8Array {
    return this.#offsets.tail(fromBytes);
  }

  timeTail(fromBytes: number): Uint8Array {
    return this.#times.tail(fromBytes);
  }

  #relativeOffset(entry: number): number {
    return this.#offsets.buffer.readInt32BE(entry * OFFSET_ENTRY_BYTES);
  }

  #position(entry: number): number {
    return this.#offsets.buffer.readInt32BE(entry * OFFSET_ENTRY_BYTES + 4);
  }

  #timestampMs(entry: number): number {
    return Number(this.#times.buffer.readBigInt64BE(entry * TIME_ENTRY_BYTES));
  }

  #timeRelativeOffset(entry: number): number {
    return this.#times.buffer.readInt32BE(entry * TIME_ENTRY_BYTES + 8);
  }
}

/** Index of the last entry for which `holds` (true for a prefix of the entries), -1 when for none. */
function lastAtMost(count: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
