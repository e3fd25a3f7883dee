/**
 * Which leader epoch began at which offset (KIP-101), as `leader-epoch-checkpoint` keeps it. Epochs and start offsets ascend.
 */
import type { EpochStart } from './checkpoints.ts';

const NONE = -1;

export class EpochCache {
  readonly #epochs: number[] = [];
  readonly #starts: number[] = [];
  /** So many entries, from the first on, are in the file as they are here. */
  #saved = 0;
  /** The file has something else behind them, or may have anything. */
  #isFileStale = false;

  get latestEpoch(): number {
    return this.#epochs.at(-1) ?? NONE;
  }

  get size(): number {
    return this.#epochs.length;
  }

  /** Takes what a checkpoint says, in place of what is there. */
  load(entries: readonly EpochStart[]): void {
    this.#epochs.length = 0;
    this.#starts.length = 0;
    for (const entry of entries) this.#push(entry.epoch, entry.startOffset);
    this.#saved = entries.length;
    this.#isFileStale = false;
  }

  /**
   * Whether the file must be written. An epoch without records waits for the first: each start begins an epoch in every log, and a log that is
   * loaded without it is given a later one at the same offset.
   */
  isUnsaved(logEndOffset: number): boolean {
    return this.#isFileStale || this.#countBelow(logEndOffset) > this.#saved;
  }

  /** What the file is to hold; counts as saved from now on. */
  takeUnsaved(logEndOffset: number): EpochStart[] {
    const entries = this.entries().slice(0, this.#countBelow(logEndOffset));
    this.#saved = entries.length;
    this.#isFileStale = false;
    return entries;
  }

  /** What the file holds is not known. */
  markUnsaved(): void {
    this.#isFileStale = true;
  }

  #countBelow(offset: number): number {
    let count = this.#starts.length;
    while (count > 0 && (this.#starts[count - 1] as number) >= offset) count -= 1;
    return count;
  }

  entries(): EpochStart[] {
    return this.#epochs.map((epoch, index) => ({ epoch, startOffset: this.#starts[index] as number }));
  }

  /** Notes that the records from `startOffset` on have `epoch`. Entries that contradict it are dropped. */
  assign(epoch: number, startOffset: number): void {
    if (epoch < 0 || epoch === this.latestEpoch) return;
    while (this.#epochs.length > 0 && (this.latestEpoch >= epoch || (this.#starts.at(-1) as number) >= startOffset)) this.#pop();
    if (epoch !== this.latestEpoch) this.#push(epoch, startOffset);
  }

  /** The last epoch <= the asked one and the offset where it ends; -1, -1 when that is unknown. */
  endOffset(epoch: number, logEndOffset: number): { leaderEpoch: number; endOffset: number } {
    if (epoch < 0) return { leaderEpoch: NONE, endOffset: NONE };
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#epochs.findIndex((candidate) => candidate > epoch);
    if (higher === -1) return { leaderEpoch: NONE, endOffset: NONE };
    const endOffset = this.#starts[higher] as number;
    return { leaderEpoch: higher === 0 ? epoch : (this.#epochs[higher - 1] as number), endOffset };
  }

  epochAt(offset: number): number {
    for (let index = this.#starts.length - 1; index >= 0; index -= 1) {
      if ((this.#starts[index] as number) <= offset) return this.#epochs[index] as number;
    }
    return NONE;
  }

  /** Drops epochs that begin at or after `offset`: the log was cut there. */
  truncateFromEnd(offset: number): void {
    while (this.#starts.length > 0 && (this.#starts.at(-1) as number) >= offset) this.#pop();
  }

  /** Drops epochs that end at or before `offset`: the log now starts there. */
  truncateFromStart(offset: number): void {
    let last = -1;
    while (last + 1 < this.#starts.length && (this.#starts[last + 1] as number) <= offset) last += 1;
    if (last < 0 || (last === 0 && this.#starts[0] === offset)) return;
    this.#epochs.splice(0, last);
    this.#starts.splice(0, last);
    this.#starts[0] = offset;
    this.#isFileStale = true;
  }

  clear(): void {
    this.#epochs.length = 0;
    this.#starts.length = 0;
    this.#noteCut();
  }

  #push(epoch: number, startOffset: number): void {
    this.#epochs.push(epoch);
    this.#starts.push(startOffset);
  }

  #pop(): void {
    this.#epochs.pop();
    this.#starts.pop();
    this.#noteCut();
  }

  #noteCut(): void {
    if (this.#epochs.length >= this.#saved) return;
    this.#saved = this.#epochs.length;
    this.#isFileStale = true;
  }
}
