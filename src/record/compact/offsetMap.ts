/**
 * The newest offset of each key, in memory of a fixed size that threads share: open addressing over entries of 24 bytes, 16 of the key's SHA-256
 * and the offset. A cryptographic hash stands for the key, so that nobody can make one key look like another. Nothing is ever taken out.
 */
import { assert } from '../../base/assert.ts';
import { loadCrypto } from '../../base/lazyModules.ts';

/** As Kafka's map: what the same `log.cleaner.dedupe.buffer.size` holds is the same number of keys. */
export const ENTRY_BYTES = 24;
const ENTRY_WORDS = ENTRY_BYTES / 4;
/** Words before the entries; the first one counts them. */
const HEADER_WORDS = 2;
const TWO_32 = 2 ** 32;

/** Plain data: it crosses to worker threads. */
export interface OffsetMapMemory {
  readonly memory: SharedArrayBuffer;
  readonly slots: number;
}

/** A part that holds `entriesMax` entries and stays sparse enough for short probes. */
export function makeOffsetMapMemory(entriesMax: number): OffsetMapMemory {
  const slots = Math.max(Math.ceil(entriesMax * SLACK), SLOTS_MIN);
  return { memory: new SharedArrayBuffer((HEADER_WORDS + slots * ENTRY_WORDS) * 4), slots };
}

const SLACK = 1.1;
const SLOTS_MIN = 16;

const sha256 = (bytes: Uint8Array): Buffer => loadCrypto().hash('sha256', bytes, 'buffer');

export class OffsetMap {
  readonly #words: Int32Array;
  readonly #slots: number;
  #hash0 = 0;
  #hash1 = 0;
  #hash2 = 0;
  #hash3 = 0;

  constructor({ memory, slots }: OffsetMapMemory) {
    this.#words = new Int32Array(memory);
    this.#slots = slots;
  }

  /** Keys in it. */
  get size(): number {
    return this.#words[0]!;
  }

  /** The offset last put for the key, -1 for none. */
  get(key: Uint8Array): number {
    const at = this.#find(key);
    return at < 0 || this.#isFree(at) ? -1 : this.#offsetAt(at);
  }

  put(key: Uint8Array, offset: number): void {
    const at = this.#find(key);
    assert(at >= 0, 'the map has room');
    const words = this.#words;
    if (this.#isFree(at)) {
      words[at] = this.#hash0;
      words[at + 1] = this.#hash1;
      words[at + 2] = this.#hash2;
      words[at + 3] = this.#hash3;
      words[0] = words[0]! + 1;
    }
    // One more than the offset: a place that is 0 is free.
    words[at + 4] = Math.floor((offset + 1) / TWO_32);
    words[at + 5] = (offset + 1) % TWO_32;
  }

  /** Where the key is, or the free place for it; -1 when the map is full of others. */
  #find(key: Uint8Array): number {
    const hash = sha256(key);
    this.#hash0 = hash.readInt32LE(0);
    this.#hash1 = hash.readInt32LE(4);
    this.#hash2 = hash.readInt32LE(8);
    this.#hash3 = hash.readInt32LE(12);
    let slot = hash.readUInt32LE(16) % this.#slots;
    for (let probes = this.#slots; probes > 0; probes -= 1) {
      const at = HEADER_WORDS + slot * ENTRY_WORDS;
      if (this.#isFree(at) || this.#holds(at)) return at;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
    return -1;
  }

  #isFree(at: number): boolean {
    return this.#words[at + 4] === 0 && this.#words[at + 5] === 0;
  }

  #holds(at: number): boolean {
    const words = this.#words;
    return words[at] === this.#hash0 && words[at + 1] === this.#hash1 && words[at + 2] === this.#hash2 && words[at + 3] === this.#hash3;
  }

  #offsetAt(at: number): number {
    return this.#words[at + 4]! * TWO_32 + (this.#words[at + 5]! >>> 0) - 1;
  }
}
