import type { Clock } from '../../base/ports.ts';
import { KafkaJSNumberOfRetriesExceeded } from './errors.ts';

export interface RetryOptions {
  readonly maxRetryTime?: number;
  readonly initialRetryTime?: number;
  readonly factor?: number;
  readonly multiplier?: number;
  readonly retries?: number;
  /** For consumers: asked before one that crashed begins again. */
  readonly restartOnFailure?: (error: Error) => Promise<boolean>;
}

export const defaultRetry = { maxRetryTime: 30_000, initialRetryTime: 300, factor: 0.2, multiplier: 2, retries: 5 } as const;

/** Milliseconds before each further try, as KafkaJS reckons them: longer each time, spread by `factor`. */
export class RetrySchedule {
  readonly options: Required<Omit<RetryOptions, 'restartOnFailure'>>;
  #nextMs: number;
  count = 0;

  constructor(options: RetryOptions = {}) {
    this.options = { ...defaultRetry, ...options };
    this.#nextMs = this.options.initialRetryTime;
  }

  get isOver(): boolean {
    return this.count >= this.options.retries;
  }

  next(random: number): number {
    const { factor, multiplier, maxRetryTime } = this.options;
    const delayMs = Math.min(this.#nextMs, maxRetryTime);
    this.count += 1;
    this.#nextMs = Math.min((1 + factor * (2 * random - 1)) * delayMs * multiplier, maxRetryTime);
    return delayMs;
  }

  reset(): void {
    this.count = 0;
    this.#nextMs = this.options.initialRetryTime;
  }

  exceeded(error: Error): KafkaJSNumberOfRetriesExceeded {
    return new KafkaJSNumberOfRetriesExceeded(error, { retryCount: this.count, retryTime: Math.min(this.#nextMs, this.options.maxRetryTime) });
  }
}

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
