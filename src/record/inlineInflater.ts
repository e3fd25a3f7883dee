import { failure, noLimits, runInflateTask } from './inflateTask.ts';
import { InflateStatus } from './inflater.ts';
import type { InflateDone, InflateLimits, Inflater, RecompressTarget } from './inflater.ts';

/** Works on the caller's thread and is done before it returns: for simulations, tests and tools. */
export class InlineInflater implements Inflater {
  #isClosed = false;

  inflate(batch: Buffer, limits: InflateLimits, done: InflateDone): void {
    done(this.#isClosed ? failure(InflateStatus.failed, 'closed') : runInflateTask({ kind: 'inflate', batch, limits, target: null }));
  }

  recompress(batch: Buffer, limits: InflateLimits, target: RecompressTarget, done: InflateDone): void {
    done(this.#isClosed ? failure(InflateStatus.failed, 'closed') : runInflateTask({ kind: 'recompress', batch, limits, target }));
  }

  readRecords(batch: Buffer, inflatedSizeMaxBytes: number, done: InflateDone): void {
    done(this.#isClosed ? failure(InflateStatus.failed, 'closed') : runInflateTask({ kind: 'readRecords', batch, limits: noLimits(inflatedSizeMaxBytes), target: null }));
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }
}
