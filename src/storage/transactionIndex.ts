/**
 * The aborted transactions of one segment, kept in memory and in `<base offset>.txnindex`: entries of 34 bytes, big-endian, int16 version 0, int64
 * producer id, first offset, last offset (of the marker) and last stable offset. Ordered by last offset. The file is absent when there is none.
 */
import { readInt64, writeInt64 } from '../record/batchHeader.ts';
import type { CompletedTransaction } from './producerState.ts';
import type { AbortedTransaction } from './types.ts';

const VERSION = 0;
const ENTRY_BYTES = 34;
export const TRANSACTION_INDEX_SIZE_MAX_BYTES = 2 ** 30;

export interface AbortedEntry extends AbortedTransaction {
  /** Of the marker. */
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

export class TransactionIndex {
  readonly #entries: AbortedEntry[] = [];
  /** Differs from the file. */
  dirty = false;

  get size(): number {
    return this.#entries.length;
  }

  add(completed: CompletedTransaction): void {
    const { producerId, firstOffset, lastOffset, lastStableOffset } = completed;
    this.addEntry({ producerId, firstOffset, lastOffset, lastStableOffset });
  }

  addEntry(entry: AbortedEntry): void {
    this.#entries.push(entry);
    this.dirty = true;
  }

  /** Adds to `found` the transactions that touch [fromOffset, upToOffset). False when later segments cannot have more. */
  collectEntries(fromOffset: number, upToOffset: number, found: AbortedEntry[]): boolean {
    for (let index = this.#firstEndingAt(fromOffset); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index] as AbortedEntry;
      if (entry.firstOffset < upToOffset) found.push(entry);
      if (entry.lastStableOffset >= upToOffset) return false;
    }
    return true;
  }

  /** Adds to `found` what a reader of [fromOffset, upToOffset) must know. False when later segments cannot have more. */
  collect(fromOffset: number, upToOffset: number, found: AbortedTransaction[]): boolean {
    for (let index = this.#firstEndingAt(fromOffset); index < this.#entries.length; index += 1) {
      const entry = this.#entries[index] as AbortedEntry;
      if (entry.firstOffset < upToOffset) found.push({ producerId: entry.producerId, firstOffset: entry.firstOffset });
      if (entry.lastStableOffset >= upToOffset) return false;
    }
    return true;
  }

  /** Index of the first entry whose marker is at or after `offset`: entries are ordered by it. */
  #firstEndingAt(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#entries[middle] as AbortedEntry).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Drops transactions whose marker is at or after `offset`. */
  truncate(offset: number): void {
    while (this.#entries.length > 0 && (this.#entries.at(-1) as AbortedEntry).lastOffset >= offset) {
      this.#entries.pop();
      this.dirty = true;
    }
  }

  encode(): Buffer {
    const bytes = Buffer.alloc(this.#entries.length * ENTRY_BYTES);
    let at = 0;
    for (const entry of this.#entries) {
      bytes.writeInt16BE(VERSION, at);
      writeInt64(bytes, entry.producerId, at + 2);
      writeInt64(bytes, entry.firstOffset, at + 10);
      writeInt64(bytes, entry.lastOffset, at + 18);
      writeInt64(bytes, entry.lastStableOffset, at + 26);
      at += ENTRY_BYTES;
    }
    return bytes;
  }

  /** False when the bytes are no transaction index of a segment that begins at `baseOffset`; the index is then empty. */
  decode(bytes: Buffer, baseOffset: number): boolean {
    this.#entries.length = 0;
    if (bytes.length % ENTRY_BYTES !== 0) return false;
    let previousLastOffset = baseOffset - 1;
    for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
      const entry = {
        producerId: readInt64(bytes, at + 2),
        firstOffset: readInt64(bytes, at + 10),
        lastOffset: readInt64(bytes, at + 18),
        lastStableOffset: readInt64(bytes, at + 26),
      };
      if (bytes.readInt16BE(at) !== VERSION || entry.firstOffset < 0 || entry.lastOffset <= previousLastOffset) {
        this.#entries.length = 0;
        return false;
      }
      previousLastOffset = entry.lastOffset;
      this.#entries.push(entry);
    }
    return true;
  }
}
