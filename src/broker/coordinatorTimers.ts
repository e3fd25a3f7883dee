import type { Clock, Timer } from '../base/ports.ts';

/** The longest delay that every clock takes; longer ones are reached in steps. */
const DELAY_MS_MAX = 0x7fffffff;

/** One deadline that may be set, moved and cancelled as often as needed; `run` is called once per deadline that was reached. */
export class ShardTimer {
  private readonly owner: ShardTimers;
  private readonly run: () => void;
  private deadlineMs = Infinity;
  private armedForMs = Infinity;
  private armed: Timer | null = null;

  constructor(owner: ShardTimers, run: () => void) {
    this.owner = owner;
    this.run = run;
  }

  get isSet(): boolean {
    return this.deadlineMs !== Infinity;
  }

  /**
   * Moves the deadline to `delayMs` from now. A later deadline leaves the armed timer alone (it looks again when it fires), so that a heartbeat
   * costs two assignments.
   */
  set(delayMs: number): void {
    if (!this.owner.isOpen) return;
    this.deadlineMs = this.owner.clock.monotonicMs() + Math.max(delayMs, 0);
    if (this.armed !== null && this.armedForMs <= this.deadlineMs) return;
    this.armed?.cancel();
    this.arm(delayMs);
  }

  cancel(): void {
    this.deadlineMs = Infinity;
    this.armedForMs = Infinity;
    this.armed?.cancel();
    this.armed = null;
    this.owner.forget(this);
  }

  private arm(delayMs: number): void {
    this.armedForMs = this.deadlineMs;
    this.owner.remember(this);
    this.armed = this.owner.clock.setTimer(Math.min(Math.max(delayMs, 0), DELAY_MS_MAX), () => this.onFire());
  }

  private onFire(): void {
    this.armed = null;
    const leftMs = this.deadlineMs - this.owner.clock.monotonicMs();
    if (leftMs > 0) return this.arm(Math.max(leftMs, 1));
    this.cancel();
    try {
      this.run();
    } catch (error) {
      this.owner.onError(error);
    }
  }
}

/** The timers of one shard: they all go with it, and none can be set while the shard is not active. */
export class ShardTimers {
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
  private readonly set = new Set<ShardTimer>();
  private opened = false;

  /** `onError` hears of a deadline whose `run` threw: a defect, which must not end the process. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.clock = clock;
    this.onError = onError;
  }

  create(run: () => void): ShardTimer {
    return new ShardTimer(this, run);
  }

  remember(timer: ShardTimer): void {
    this.set.add(timer);
  }

  forget(timer: ShardTimer): void {
    this.set.delete(timer);
  }

  get isOpen(): boolean {
    return this.opened;
  }

  open(): void {
    this.opened = true;
  }

  /** Cancels all of them. */
  close(): void {
    this.opened = false;
    for (const timer of this.set) timer.cancel();
  }

  /** How many are set. */
  get count(): number {
    return this.set.size;
  }
}
