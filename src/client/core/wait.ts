import type { Clock, Random } from '../../base/ports.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { ClientError } from './clientError.ts';

export function isRetriableError(error: unknown): boolean {
  return (error instanceof KafkaError && error.retriable) || (error instanceof ClientError && error.retriable);
}

/** Pauses that double from one failure to the next, spread by a fifth so that clients do not come back all at once. */
export class Backoff {
  readonly #random: Random;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor(random: Random, firstMs: number, maxMs: number) {
    this.#random = random;
    this.#firstMs = firstMs;
    this.#maxMs = Math.max(maxMs, firstMs);
    this.#nextMs = firstMs;
  }

  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, this.#maxMs);
    return delayMs * (0.8 + 0.4 * this.#random.next());
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

/** Waits that end early, all of them, when their owner closes. */
export class Pauses {
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  pause(delayMs: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#open.delete(end);
        resolve();
      };
      const timer = this.#clock.setTimer(delayMs, end);
      this.#open.add(end);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const end of this.#open) end();
  }
}
