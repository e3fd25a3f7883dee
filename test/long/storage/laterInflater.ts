import { InlineInflater } from '../../../src/record/inlineInflater.ts';
import type { InflateDone, InflateLimits, Inflater, RecompressTarget } from '../../../src/record/inflater.ts';

/** As workers do it: what is asked is answered some turns of the event loop later. */
export class LaterInflater implements Inflater {
  readonly #inner = new InlineInflater();

  inflate(batch: Buffer, limits: InflateLimits, done: InflateDone): void {
    setImmediate(() => this.#inner.inflate(batch, limits, done));
  }

  recompress(batch: Buffer, limits: InflateLimits, target: RecompressTarget, done: InflateDone): void {
    setImmediate(() => this.#inner.recompress(batch, limits, target, done));
  }

  readRecords(batch: Buffer, inflatedSizeMaxBytes: number, done: InflateDone): void {
    setImmediate(() => this.#inner.readRecords(batch, inflatedSizeMaxBytes, done));
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
