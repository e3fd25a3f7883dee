/**
 * What a share partition remembers of the records between its start and its end (KIP-932): batches as they were first acquired, each cut into runs of
 * records that are in the same state. Offsets are in no batch twice, and no offset between start and end is in none.
 */
import { assert } from '../../../base/assert.ts';

/** Kafka's codes, as `__share_group_state` keeps them. */
export const RecordState = { available: 0, acquired: 1, acknowledged: 2, archived: 4 } as const;
export type RecordState = (typeof RecordState)[keyof typeof RecordState];

/** A stretch of records whose state is kept: what a write to the share coordinator carries, and what a read gives back. */
export interface StateBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryState: number;
  readonly deliveryCount: number;
}

/** Where a run goes once the write that says so is kept. */
export interface Transition {
  readonly state: RecordState;
  readonly ticket: number;
}

export interface Run {
  first: number;
  last: number;
  state: RecordState;
  deliveryCount: number;
  /** Who acquired it; '' in every other state. */
  memberId: string;
  /** When it is taken back, by the monotonic clock; Infinity when it is not acquired. */
  lockedUntilMs: number;
  transition: Transition | null;
}

export interface Batch {
  readonly first: number;
  last: number;
  /** In order, without gaps. */
  runs: Run[];
}

export const lengthOf = (run: { readonly first: number; readonly last: number }): number => run.last - run.first + 1;

export const isTerminal = (state: number): boolean => state === RecordState.acknowledged || state === RecordState.archived;

/** Whether the run is, or is about to be, done with. */
export const isDone = (run: Run): boolean => isTerminal(run.transition === null ? run.state : run.transition.state);

export const isAcquirable = (run: Run): boolean => run.state === RecordState.available && run.transition === null;

export function makeRun(first: number, last: number, state: RecordState, deliveryCount: number): Run {
  return { first, last, state, deliveryCount, memberId: '', lockedUntilMs: Infinity, transition: null };
}

/** Index of the last batch that begins at or before `offset`; -1 when there is none. */
export function floorBatch(batches: readonly Batch[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (batches[middle]!.first <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Index of the first batch that ends at or after `offset`; their count when there is none. */
export function firstBatchFrom(batches: readonly Batch[], offset: number): number {
  const floor = floorBatch(batches, offset);
  if (floor === -1) return 0;
  return batches[floor]!.last >= offset ? floor : floor + 1;
}

/** Index of the first run that ends at or after `offset`; their count when there is none. */
export function firstRunFrom(runs: readonly Run[], offset: number): number {
  let low = 0;
  let high = runs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (runs[middle]!.last < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Cuts the run at `index` so that one begins at `offset`; returns that one's index. */
export function splitRun(runs: Run[], index: number, offset: number): number {
  const run = runs[index]!;
  assert(offset >= run.first && offset <= run.last && run.transition === null, 'a run is cut within, and not while it changes');
  if (offset === run.first) return index;
  runs.splice(index + 1, 0, { ...run, first: offset });
  run.last = offset - 1;
  return index + 1;
}

/** The runs of a batch that lie in [first, last], cut where they stick out. Runs that only touch are left whole. */
export function isolate(batch: Batch, first: number, last: number): Run[] {
  const isolated: Run[] = [];
  for (let i = firstRunFrom(batch.runs, first); i < batch.runs.length; i++) {
    const run = batch.runs[i]!;
    if (run.first > last) break;
    if (run.first < first) {
      splitRun(batch.runs, i, first);
      continue;
    }
    if (run.last > last) splitRun(batch.runs, i, last + 1);
    isolated.push(run);
  }
  return isolated;
}

const isSame = (a: Run, b: Run): boolean =>
  a.state === b.state && a.deliveryCount === b.deliveryCount && a.memberId === b.memberId && a.lockedUntilMs === b.lockedUntilMs
  && a.transition === null && b.transition === null;

/** Joins neighbours that no longer differ, so that a batch that was cut to records does not stay so. */
export function mergeRuns(batch: Batch): void {
  const { runs } = batch;
  if (runs.length === 1) return;
  const merged: Run[] = [];
  for (const run of runs) {
    const before = merged.at(-1);
    if (before !== undefined && isSame(before, run)) before.last = run.last;
    else merged.push(run);
  }
  batch.runs = merged;
}

/** Adds a stretch, joined with the one before where they say the same. */
export function pushState(batches: StateBatch[], firstOffset: number, lastOffset: number, deliveryState: number, deliveryCount: number): void {
  const before = batches.at(-1);
  if (before !== undefined && before.lastOffset + 1 === firstOffset && before.deliveryState === deliveryState && before.deliveryCount === deliveryCount) {
    batches[batches.length - 1] = { ...before, lastOffset };
  } else batches.push({ firstOffset, lastOffset, deliveryState, deliveryCount });
}
