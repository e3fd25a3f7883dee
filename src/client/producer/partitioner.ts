import type { Random } from '../../base/ports.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** 32-bit murmur2 as Java's client computes it, so that a key goes to the same partition whoever produces it. */
export function murmur2(bytes: Uint8Array): number {
  let hash = SEED ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const tail = bytes.length - whole;
  if (tail === 3) hash ^= (bytes[whole + 2] as number) << 16;
  if (tail >= 2) hash ^= (bytes[whole + 1] as number) << 8;
  if (tail >= 1) hash = Math.imul(hash ^ (bytes[whole] as number), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/** Records without a key stay with one partition until its batch is sent (KIP-480). */
export class StickyPartition {
  readonly #random: Random;
  #current = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(partitionCount: number): number {
    if (this.#current < 0 || this.#current >= partitionCount) this.#current = this.#random.below(partitionCount);
    return this.#current;
  }

  /** The batch for the partition is closed: another one next. */
  onBatchClosed(partition: number, partitionCount: number): void {
    if (partition === this.#current && partitionCount > 1) this.#current = (this.#current + 1 + this.#random.below(partitionCount - 1)) % partitionCount;
  }
}
