import type { Clock } from '../base/ports.ts';
import { Deadlines } from './deadlines.ts';
import type { Expiring } from './deadlines.ts';
import type { Partition } from './partition/partition.ts';

/**
 * A request that waits for something to happen to one of its partitions. Exactly one of `onWake` (looks again; stays parked unless it calls `unpark`) and
 * `onDeadline` (is no longer parked) runs at a time, never from inside an append.
 */
export interface Parked extends Expiring {
  /** Belongs to `Waiting`: is it in line to be woken? */
  wakeQueued: boolean;
  /** Where it waits; null while it is not parked. */
  parkedOn: readonly Partition[] | null;
  onWake(): void;
}

/** Requests parked at one time; more are answered at once with what there is. */
const PARKED_MAX = 100_000;

/** Parked requests by partition (Kafka: purgatory). Woken by appends and watermarks, never by polling; one timer for all deadlines. */
export class Waiting {
  readonly #deadlines: Deadlines;
  #parkedCount = 0;
  #woken: Parked[] = [];
  #flushQueued = false;
  #draining = false;
  readonly #flush = (): void => this.#wakeAll();

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock);
  }

  get parkedCount(): number {
    return this.#parkedCount;
  }

  /** False when there are too many, or when the broker is about to stop: answer now. */
  park(parked: Parked, partitions: readonly Partition[], waitMs: number): boolean {
    if (this.#draining || this.#parkedCount >= PARKED_MAX) return false;
    this.#parkedCount++;
    parked.parkedOn = partitions;
    for (let i = 0; i < partitions.length; i++) partitions[i]!.addWaiter(parked);
    this.#deadlines.add(parked, waitMs);
    return true;
  }

  unpark(parked: Parked): void {
    const partitions = parked.parkedOn;
    if (partitions === null) return;
    parked.parkedOn = null;
    this.#parkedCount--;
    for (let i = 0; i < partitions.length; i++) partitions[i]!.removeWaiter(parked);
    this.#deadlines.remove(parked);
  }

  /** Something about the partition changed. Those who wait look again once the current turn is over, once each. */
  wake(partition: Partition): void {
    const waiters = partition.waiters;
    if (waiters === null || waiters.size === 0) return;
    for (const parked of waiters) {
      if (parked.wakeQueued) continue;
      parked.wakeQueued = true;
      this.#woken.push(parked);
    }
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(this.#flush);
  }

  #wakeAll(): void {
    this.#flushQueued = false;
    const woken = this.#woken;
    this.#woken = [];
    for (let i = 0; i < woken.length; i++) {
      const parked = woken[i]!;
      parked.wakeQueued = false;
      if (parked.parkedOn !== null) parked.onWake();
    }
  }

  /** Everyone is answered now with what there is, and nobody waits any more. */
  drain(): void {
    this.#draining = true;
    this.#deadlines.expireAll();
  }
}
