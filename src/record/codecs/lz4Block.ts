/** LZ4 blocks in TypeScript: the codec where no native library loads, for linked blocks under a cap, and for high-compression levels. */
import { refuseCorrupt } from './library.ts';

const MATCH_BYTES_MIN = 4;
/** A block ends with five literals at least, and its last match starts twelve bytes before the end at the latest. */
const LAST_LITERALS = 5;
const MATCH_START_LIMIT = 12;
const DISTANCE_MAX = 0xffff;
const HASH_BITS = 14;
const HASH_PRIME = 0x9e3779b1;
/** After so many misses in a row (2^6) the fast search begins to step wider. */
const SKIP_SHIFT = 6;
/** Below this, a loop beats a call. */
const COPY_BYTES_MIN = 48;

/** Most bytes that a block of `bytes` bytes may take compressed. */
export const lz4BlockBound = (bytes: number): number => bytes + Math.floor(bytes / 255) + 16;

/**
 * Inflates the block in [from, to) of `input` into `out` from `outStart` on; matches may reach back to `historyStart`. Returns the position
 * after the last byte, or -1 as soon as it would pass `outEnd`. Throws RecordError CORRUPT_COMPRESSION.
 */
export function inflateLz4Block(input: Buffer, from: number, to: number, out: Buffer, outStart: number, outEnd: number, historyStart: number): number {
  let at = from;
  let outAt = outStart;
  while (at < to) {
    const token = input[at]!;
    at += 1;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= to) refuseCorrupt('lz4: the block ends inside a length');
        more = input[at]!;
        at += 1;
        literals += more;
      }
    }
    if (literals > to - at) refuseCorrupt('lz4: the block ends inside literals');
    if (literals > outEnd - outAt) return -1;
    if (literals < COPY_BYTES_MIN) for (let index = 0; index < literals; index += 1) out[outAt + index] = input[at + index]!;
    else input.copy(out, outAt, at, at + literals);
    at += literals;
    outAt += literals;
    if (at === to) return outAt;
    if (to - at < 2) refuseCorrupt('lz4: the block ends inside a match');
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    if (distance === 0 || distance > outAt - historyStart) refuseCorrupt('lz4: a match reaches before the block');
    let length = token & 15;
    if (length === 15) {
      let more = 255;
      while (more === 255) {
        if (at >= to) refuseCorrupt('lz4: the block ends inside a length');
        more = input[at]!;
        at += 1;
        length += more;
      }
    }
    length += MATCH_BYTES_MIN;
    if (length > outEnd - outAt) return -1;
    outAt = copyMatch(out, outAt, distance, length);
  }
  return refuseCorrupt('lz4: the block ends with a match');
}

function copyMatch(out: Buffer, outAt: number, distance: number, length: number): number {
  const end = outAt + length;
  if (length < COPY_BYTES_MIN || distance < COPY_BYTES_MIN) {
    if (distance === 1 && length >= COPY_BYTES_MIN) out.fill(out[outAt - 1]!, outAt, end);
    else for (let index = outAt; index < end; index += 1) out[index] = out[index - distance]!;
    return end;
  }
  // Doubles what can be copied at once: source and target must not overlap.
  for (let place = outAt; place < end; ) {
    const piece = Math.min(distance, end - place);
    out.copyWithin(place, place - distance, place - distance + piece);
    place += piece;
  }
  return end;
}

const wordAt = (bytes: Buffer, at: number): number => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Finds earlier places with the same four bytes. Reused from block to block. */
export class Lz4Compressor {
  readonly #heads = new Int32Array(1 << HASH_BITS);
  /** Distance from a place (modulo 2^16) to the one before it with the same hash; only kept for chains. */
  readonly #chain: Uint16Array | null;
  readonly #attempts: number;
  #matchStart = 0;

  /** `attempts`: how many earlier places each search looks at; 1 is the fast compressor. */
  constructor(attempts: number) {
    this.#attempts = attempts;
    this.#chain = attempts > 1 ? new Uint16Array(DISTANCE_MAX + 1) : null;
  }

  /** Compresses [from, to) of `input` into `out` at `outStart`, where lz4BlockBound of it must fit. Returns the position after the last byte. */
  compress(input: Buffer, from: number, to: number, out: Buffer, outStart: number): number {
    this.#heads.fill(-1);
    const searchEnd = to - MATCH_START_LIMIT;
    let outAt = outStart;
    let anchor = from;
    let at = from;
    while (at <= searchEnd) {
      const length = this.#findMatch(input, at, from, to - LAST_LITERALS);
      if (length === 0) {
        at += this.#chain === null ? 1 + ((at - anchor) >>> SKIP_SHIFT) : 1;
        continue;
      }
      outAt = writeSequence(input, anchor, at, at - this.#matchStart, length, out, outAt);
      this.#insertRange(input, at + 1, Math.min(at + length, searchEnd + 1));
      at += length;
      anchor = at;
    }
    return writeLastLiterals(input, anchor, to, out, outAt);
  }

  /** Length of the best match for `at` (0: none) among the places tried; remembers where it starts, and `at` itself for later. */
  #findMatch(input: Buffer, at: number, from: number, matchEnd: number): number {
    const word = wordAt(input, at);
    const slot = Math.imul(word, HASH_PRIME) >>> (32 - HASH_BITS);
    let candidate = this.#heads[slot]!;
    this.#link(at, slot);
    let best = 0;
    for (let left = this.#attempts; left > 0 && candidate >= from && at - candidate <= DISTANCE_MAX; left -= 1) {
      if (wordAt(input, candidate) === word && input[candidate + best] === input[at + best]) {
        const length = matchLength(input, candidate, at, matchEnd);
        if (length > best) {
          best = length;
          this.#matchStart = candidate;
          if (at + length === matchEnd) break;
        }
      }
      if (this.#chain === null) break;
      const back = this.#chain[candidate & DISTANCE_MAX]!;
      if (back === 0) break;
      candidate -= back;
    }
    return best >= MATCH_BYTES_MIN ? best : 0;
  }

  #link(at: number, slot: number): void {
    const before = this.#heads[slot]!;
    this.#heads[slot] = at;
    if (this.#chain !== null) this.#chain[at & DISTANCE_MAX] = before >= 0 && at - before <= DISTANCE_MAX ? at - before : 0;
  }

  /** The chains know every place; the fast search only the starts of its matches. */
  #insertRange(input: Buffer, start: number, end: number): void {
    if (this.#chain === null) return;
    for (let at = start; at < end; at += 1) this.#link(at, Math.imul(wordAt(input, at), HASH_PRIME) >>> (32 - HASH_BITS));
  }
}

function matchLength(input: Buffer, candidate: number, at: number, matchEnd: number): number {
  let end = at;
  let place = candidate;
  while (end < matchEnd && input[end] === input[place]) {
    end += 1;
    place += 1;
  }
  return end - at;
}

function writeSequence(input: Buffer, anchor: number, at: number, distance: number, length: number, out: Buffer, outAt: number): number {
  const literals = at - anchor;
  const extra = length - MATCH_BYTES_MIN;
  out[outAt] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
  let place = writeLength(out, outAt + 1, literals);
  place = copyLiterals(input, anchor, at, out, place);
  out[place] = distance & 0xff;
  out[place + 1] = distance >>> 8;
  return writeLength(out, place + 2, extra);
}

function writeLastLiterals(input: Buffer, anchor: number, to: number, out: Buffer, outAt: number): number {
  const literals = to - anchor;
  out[outAt] = Math.min(literals, 15) << 4;
  return copyLiterals(input, anchor, to, out, writeLength(out, outAt + 1, literals));
}

function copyLiterals(input: Buffer, from: number, to: number, out: Buffer, outAt: number): number {
  if (to - from < COPY_BYTES_MIN) for (let index = from; index < to; index += 1) out[outAt + index - from] = input[index]!;
  else input.copy(out, outAt, from, to);
  return outAt + to - from;
}

/** What a length has beyond the 15 of its nibble. */
function writeLength(out: Buffer, outAt: number, length: number): number {
  if (length < 15) return outAt;
  let place = outAt;
  let left = length - 15;
  for (; left >= 255; left -= 255) {
    out[place] = 255;
    place += 1;
  }
  out[place] = left;
  return place + 1;
}
