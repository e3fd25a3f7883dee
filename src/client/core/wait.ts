import type { Clock } from '../../base/ports.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { ClientError } from './clientError.ts';

export function wait(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}

export function isRetriableError(error: unknown): boolean {
  return (error instanceof KafkaError && error.retriable) || (error instanceof ClientError && error.retriable);
}

export interface RetryOptions {
  readonly clock: Clock;
  /** No new attempt begins after this many milliseconds. */
  readonly timeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

/** Tries again, with doubling pauses, while the error is one that may pass and time is left. */
export async function retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const deadline = options.clock.monotonicMs() + options.timeoutMs;
  for (let backoffMs = options.backoffMs; ; backoffMs = Math.min(backoffMs * 2, options.backoffMaxMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetriableError(error) || options.clock.monotonicMs() + backoffMs > deadline) throw error;
      await wait(options.clock, backoffMs);
    }
  }
}
