import type { Clock } from '../../base/ports.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import type { RequestEnd, RequestInfo, RequestObserver } from '../core/requestObserver.ts';

/** Latency of requests of one kind since the last look. */
export interface LatencySums {
  count: number;
  sumMs: number;
  maxMs: number;
}

const noLatency = (): LatencySums => ({ count: 0, sumMs: 0, maxMs: 0 });

/** Measures requests for those who subscribed to the client's metrics; before, it only says that the client is at work. */
export class RequestMeter implements RequestObserver {
  readonly #clock: Clock;
  /** Measures; else requests are not looked at but for the first one. */
  isMeasuring = false;
  onFirstRequest: (() => void) | null = null;
  node = noLatency();
  fetch = noLatency();
  commit = noLatency();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isActive(): boolean {
    return this.isMeasuring || this.onFirstRequest !== null;
  }

  onRequest({ apiKey }: RequestInfo): RequestEnd | null {
    const hear = this.onFirstRequest;
    this.onFirstRequest = null;
    hear?.();
    if (!this.isMeasuring) return null;
    const startedMs = this.#clock.monotonicMs();
    return () => {
      const tookMs = this.#clock.monotonicMs() - startedMs;
      note(this.node, tookMs);
      if (apiKey === ApiKey.Fetch) note(this.fetch, tookMs);
      else if (apiKey === ApiKey.OffsetCommit) note(this.commit, tookMs);
    };
  }

  /** Begins anew: what was measured has been told. */
  reset(): void {
    this.node = noLatency();
    this.fetch = noLatency();
    this.commit = noLatency();
  }
}

function note(sums: LatencySums, tookMs: number): void {
  sums.count += 1;
  sums.sumMs += tookMs;
  if (tookMs > sums.maxMs) sums.maxMs = tookMs;
}

/** Both see each request. */
export function bothObservers(first: RequestObserver, second: RequestObserver): RequestObserver {
  return {
    get isActive() {
      return first.isActive || second.isActive;
    },
    onRequest(info) {
      const one = first.isActive ? first.onRequest(info) : null;
      const other = second.isActive ? second.onRequest(info) : null;
      if (one === null || other === null) return one ?? other;
      return (error) => {
        one(error);
        other(error);
      };
    },
  };
}
