import { assert } from '../../base/assert.ts';

/** Offsets of one partition that are being handled, in order: what is done without a gap may be committed. */
export class OffsetTracker {
  readonly #offsets: number[] = [];
  readonly #done = new Set<number>();
  #first = 0;

  /** Offsets come in ascending order. */
  add(offset: number): void {
    assert(this.#offsets.length === 0 || offset > (this.#offsets.at(-1) as number), 'offsets are handled in ascending order');
    this.#offsets.push(offset);
  }

  /** Returns the offset after the last one that is done without a gap, or -1 when that did not move. */
  finish(offset: number): number {
    this.#done.add(offset);
    let moved = -1;
    while (this.#first < this.#offsets.length && this.#done.delete(this.#offsets[this.#first] as number)) {
      moved = (this.#offsets[this.#first] as number) + 1;
      this.#first += 1;
    }
    if (this.#first > COMPACT_AT) {
      this.#offsets.splice(0, this.#first);
      this.#first = 0;
    }
    return moved;
  }

  get pending(): number {
    return this.#offsets.length - this.#first;
  }
}

const COMPACT_AT = 1024;
