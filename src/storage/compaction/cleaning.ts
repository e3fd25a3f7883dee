import type { Clock } from '../../base/ports.ts';

/** One cleaning of one log under way, as the log sees it: it can be asked to end early, and waited for. */
export class Cleaning {
  /** Resolves when nothing of it goes on any more. */
  readonly ended: Promise<void>;
  #end: () => void = () => {};
  #isAborted = false;
  #wake: (() => void) | null = null;

  constructor() {
    this.ended = new Promise((resolve) => void (this.#end = resolve));
  }

  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** It ends at its next step; what it has put in place stays. */
  abort(): void {
    this.#isAborted = true;
    this.#wake?.();
  }

  /** Waits so long, or until it is to end. */
  wait(clock: Clock, delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#isAborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#wake = null;
        resolve();
      };
      const timer = clock.setTimer(delayMs, wake);
      this.#wake = wake;
    });
  }

  end(): void {
    this.#end();
  }
}

/** Thrown through a cleaning that was asked to end. */
export class CleaningAborted extends Error {
  override readonly name = 'CleaningAborted';
}

/** The records of a log cannot be compacted: it is left alone until the next start. */
export class Uncleanable extends Error {
  override readonly name = 'Uncleanable';
}
