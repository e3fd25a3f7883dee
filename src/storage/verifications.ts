/** Transactional batches that wait until the coordinator has said whether this partition is part of their transaction (KIP-890). Kept in memory only. */
import type { Verification } from './types.ts';

/** Whoever claims to be so many producers at once makes room for himself by what he claimed first. */
const OPEN_MAX = 100_000;

class OpenVerification implements Verification {
  readonly producerId: number;
  readonly epoch: number;
  lowestSequence: number;
  startedMs: number;

  constructor(producerId: number, epoch: number, lowestSequence: number, startedMs: number) {
    this.producerId = producerId;
    this.epoch = epoch;
    this.lowestSequence = lowestSequence;
    this.startedMs = startedMs;
  }
}

export class Verifications {
  readonly #open = new Map<number, OpenVerification>();

  get size(): number {
    return this.#open.size;
  }

  begin(producerId: number, epoch: number, firstSequence: number, nowMs: number): Verification {
    const known = this.#open.get(producerId);
    if (known !== undefined && known.epoch === epoch) {
      known.lowestSequence = Math.min(known.lowestSequence, firstSequence);
      known.startedMs = nowMs;
      return known;
    }
    const begun = new OpenVerification(producerId, epoch, firstSequence, nowMs);
    // one of an older epoch that comes late must not end that of the present one
    if (known === undefined || known.epoch < epoch) this.#put(begun);
    return begun;
  }

  #put(verification: OpenVerification): void {
    this.#open.set(verification.producerId, verification);
    if (this.#open.size <= OPEN_MAX) return;
    for (const oldest of this.#open.keys()) {
      this.#open.delete(oldest);
      break;
    }
  }

  /** Nothing has ended it. */
  holds(verification: Verification): boolean {
    return this.#open.get(verification.producerId) === verification;
  }

  /** Whether another batch of the same verification, not appended yet, must come before one that begins with `firstSequence`. */
  isAhead(verification: Verification, firstSequence: number): boolean {
    const open = this.#open.get(verification.producerId);
    return open === verification && firstSequence > open.lowestSequence;
  }

  drop(verification: Verification): void {
    if (this.holds(verification)) this.#open.delete(verification.producerId);
  }

  /** A marker, or the first batch of a transaction. */
  end(producerId: number): void {
    this.#open.delete(producerId);
  }

  /** Forgets those whose batch never came. */
  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { startedMs }] of this.#open) if (nowMs - startedMs >= expirationMs) this.#open.delete(producerId);
  }

  clear(): void {
    this.#open.clear();
  }
}
