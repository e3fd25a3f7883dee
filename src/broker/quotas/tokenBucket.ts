/** Tokens that come at a rate and may be overdrawn (KIP-599): work is let through while there is any, however much it takes. */
export class TokenBucket {
  /** Tokens a second. */
  rate: number;
  readonly #burstSeconds: number;
  #tokens: number;
  lastMs: number;

  /** Begins full: what comes in `burstSeconds`. */
  constructor(rate: number, burstSeconds: number, nowMs: number) {
    this.rate = rate;
    this.#burstSeconds = burstSeconds;
    this.#tokens = rate * burstSeconds;
    this.lastMs = nowMs;
  }

  take(tokens: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= tokens;
  }

  /** Until the debt is paid; 0 without any. */
  throttleMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens < 0 ? Math.round((-this.#tokens / this.rate) * 1000) : 0;
  }

  #refill(nowMs: number): void {
    this.#tokens = Math.min(this.rate * this.#burstSeconds, this.#tokens + (this.rate * (nowMs - this.lastMs)) / 1000);
    this.lastMs = nowMs;
  }
}
