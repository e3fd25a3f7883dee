import { assert } from '../../base/assert.ts';
import { DiskError } from '../../base/disk.ts';
import type { Segment } from '../../base/disk.ts';
import { FileSegment } from './fileSegment.ts';

/** A segment's syncs: one runs, and all that came meanwhile share the next. */
interface Queue {
  running: Promise<void>;
  next: Promise<void> | null;
}

/** Group commit for disks whose syncs are promises. */
export class SegmentSyncs {
  readonly #queues = new Map<FileSegment, Queue>();
  #outstanding = 0;
  #idle: (() => void)[] = [];

  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void {
    const syncs = segments.map((segment) => {
      assert(segment instanceof FileSegment, 'a segment of this disk');
      return this.#join(segment);
    });
    this.#outstanding++;
    Promise.all(syncs).then(() => this.#end(done, null), (error: unknown) => this.#end(done, error));
  }

  /** Resolves when no sync is under way. */
  idle(): Promise<void> {
    return this.#outstanding === 0 ? Promise.resolve() : new Promise((resolve) => void this.#idle.push(resolve));
  }

  #join(segment: FileSegment): Promise<void> {
    const queue = this.#queues.get(segment);
    if (queue === undefined) return this.#start(segment);
    queue.next ??= queue.running.then(() => this.#start(segment), () => this.#start(segment));
    return queue.next;
  }

  #start(segment: FileSegment): Promise<void> {
    const queue: Queue = { running: segment.syncFiles(), next: null };
    this.#queues.set(segment, queue);
    const finish = (): void => {
      if (queue.next === null) this.#queues.delete(segment);
    };
    queue.running.then(finish, finish);
    return queue.running;
  }

  #end(done: (error: DiskError | null) => void, error: unknown): void {
    this.#outstanding--;
    if (this.#outstanding === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (error === null || error instanceof DiskError) done(error);
    else throw error;
  }
}
