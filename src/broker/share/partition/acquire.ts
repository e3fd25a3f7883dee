/** Which records of what was read a member gets (KIP-932, KIP-1206 for the exact count, KIP-1240 for records that were delivered too often). */
import type { Flight } from './flight.ts';
import { RecordState, firstBatchFrom, isAcquirable, lengthOf, makeRun, mergeRuns, splitRun } from './inFlight.ts';
import type { Batch, Run } from './inFlight.ts';

/** Offsets of a record batch in the log. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** KIP-1206: whole batches, so that a little more than asked may come, or never more than asked. */
export const AcquireMode = { batchOptimized: 0, recordLimit: 1 } as const;

export interface AcquireRequest {
  readonly memberId: string;
  readonly mode: number;
  /** Records that the consumer wants in one acquired batch. */
  readonly batchSize: number;
  readonly maxRecords: number;
  /** From where the records were read. */
  readonly fetchOffset: number;
  /** What was read, in order; at least one. */
  readonly spans: readonly Span[];
}

export interface AcquireLimits {
  readonly lockDurationMs: number;
  readonly deliveryCount: number;
  /** Records in flight. */
  readonly recordLocks: number;
}

export interface Acquired {
  readonly firstOffset: number;
  lastOffset: number;
  readonly deliveryCount: number;
}

/** From this delivery on a batch is given out in smaller and smaller parts, so that the record that breaks consumers is found. */
const throttledFrom = (deliveryLimit: number): number => Math.max(2, Math.ceil(deliveryLimit / 2));
/** Below it there is no delivery to single records out for. */
const SMALLEST_LIMIT = 2;

/** Acquires for one member; an empty list when there is nothing for it now. */
export function acquire(flight: Flight, request: AcquireRequest, limits: AcquireLimits, nowMs: number): Acquired[] {
  if (request.maxRecords <= 0 || request.spans.length === 0) return [];
  const last = request.spans.at(-1)!.last;
  if (last < flight.startOffset) return [];
  const attempt = new Attempt(flight, request, limits, nowMs + limits.lockDurationMs);
  return attempt.run(last);
}

class Attempt {
  readonly #flight: Flight;
  readonly #request: AcquireRequest;
  readonly #limits: AcquireLimits;
  readonly #lockedUntilMs: number;
  readonly #acquired: Acquired[] = [];
  #count = 0;
  #countMax = 0;
  #last = 0;

  constructor(flight: Flight, request: AcquireRequest, limits: AcquireLimits, lockedUntilMs: number) {
    this.#flight = flight;
    this.#request = request;
    this.#limits = limits;
    this.#lockedUntilMs = lockedUntilMs;
  }

  run(lastRead: number): Acquired[] {
    const flight = this.#flight;
    this.#bound(lastRead);
    if (this.#countMax <= 0) return [];
    const readFirst = this.#request.spans[0]!.first;
    // What the log no longer holds can never be delivered.
    if (this.#request.fetchOffset < readFirst) flight.archiveNow(this.#request.fetchOffset, readFirst - 1);
    const first = Math.max(readFirst, flight.startOffset);
    const goesOn = this.#acquireKnown(first);
    if (goesOn && this.#count < this.#countMax) this.#acquireNew(Math.max(first, flight.nextNewOffset));
    if (this.#acquired.length > 0) flight.nextDeadlineMs = Math.min(flight.nextDeadlineMs, this.#lockedUntilMs);
    flight.advanceStart();
    return this.#acquired;
  }

  /** As many as asked for and as the limit of records in flight leaves; records that are in flight already are no more. */
  #bound(lastRead: number): void {
    const flight = this.#flight;
    const { maxRecords, fetchOffset } = this.#request;
    this.#last = lastRead;
    this.#countMax = Math.min(maxRecords, this.#limits.recordLocks - flight.inFlightCount);
    if (this.#countMax > 0 || flight.isEmpty || fetchOffset > flight.endOffset) return;
    this.#countMax = Math.min(maxRecords, flight.endOffset - fetchOffset + 1);
    this.#last = Math.min(lastRead, flight.endOffset);
  }

  /** False: nothing more may go along with what was acquired. */
  #acquireKnown(first: number): boolean {
    const { batches } = this.#flight;
    for (let i = firstBatchFrom(batches, first); i < batches.length && batches[i]!.first <= this.#last; i++) {
      if (this.#count >= this.#countMax) return false;
      const batch = batches[i]!;
      const isThrottled = this.#isThrottled(batch, first);
      if (isThrottled && this.#count > 0) return false;
      const before = this.#count;
      if (this.#isWhole(batch, first) && !isThrottled) this.#acquireBatch(batch);
      else this.#acquirePart(batch, first);
      if (isThrottled && this.#count > before) return false;
    }
    return true;
  }

  #isThrottled(batch: Batch, first: number): boolean {
    const from = throttledFrom(this.#limits.deliveryCount);
    return batch.runs.some((run) => isAcquirable(run) && run.deliveryCount >= from && run.last >= first && run.first <= this.#last);
  }

  #isWhole(batch: Batch, first: number): boolean {
    if (batch.runs.length > 1 || batch.first < first || batch.last > this.#last) return false;
    return this.#request.mode !== AcquireMode.recordLimit || batch.last - batch.first + 1 <= this.#countMax - this.#count;
  }

  #acquireBatch(batch: Batch): void {
    const run = batch.runs[0]!;
    if (isAcquirable(run)) this.#take(run);
  }

  #take(run: Run): void {
    run.state = RecordState.acquired;
    run.deliveryCount++;
    run.memberId = this.#request.memberId;
    run.lockedUntilMs = this.#lockedUntilMs;
    this.#count += lengthOf(run);
    const before = this.#acquired.at(-1);
    this.#acquired.push({ firstOffset: run.first, lastOffset: run.last, deliveryCount: run.deliveryCount });
    if (before === undefined || before.lastOffset + 1 !== run.first || before.deliveryCount !== run.deliveryCount) return;
    if (run.last - before.firstOffset >= Math.max(this.#request.batchSize, 1)) return;
    // Small neighbours are told as one.
    this.#acquired.pop();
    before.lastOffset = run.last;
  }

  /** Record by record: only what was read, at most what may go out together. */
  #acquirePart(batch: Batch, first: number): void {
    const { deliveryCount: limit } = this.#limits;
    const singleFrom = limit > SMALLEST_LIMIT ? limit - 1 : Infinity;
    let taken = 0;
    let takenMax = this.#request.mode === AcquireMode.recordLimit ? this.#countMax - this.#count : Infinity;
    for (let i = 0; i < batch.runs.length && taken < takenMax; i++) {
      const run = batch.runs[i]!;
      if (run.last < first || !isAcquirable(run)) continue;
      if (run.first > this.#last) break;
      if (run.first < first) {
        splitRun(batch.runs, i, first);
        continue;
      }
      if (run.deliveryCount >= singleFrom) {
        // Its last delivery: alone, so that it takes no other record with it.
        if (taken > 0) break;
        takenMax = 1;
      } else takenMax = Math.min(takenMax, this.#partOf(batch, run));
      if (taken >= takenMax) break;
      taken += this.#takeUpTo(batch.runs, i, takenMax - taken);
    }
    mergeRuns(batch);
  }

  /** Half of the batch, then a quarter, and so on, once it was delivered often. */
  #partOf(batch: Batch, run: Run): number {
    const over = run.deliveryCount - throttledFrom(this.#limits.deliveryCount);
    return over < 0 ? Infinity : Math.max(1, Math.floor((batch.last - batch.first + 1) / 2 ** (over + 1)));
  }

  #takeUpTo(runs: Run[], index: number, count: number): number {
    const run = runs[index]!;
    const end = Math.min(run.last, this.#last, run.first + count - 1);
    if (end < run.last) splitRun(runs, index, end + 1);
    this.#take(run);
    return lengthOf(run);
  }

  #acquireNew(first: number): void {
    const flight = this.#flight;
    if (first > this.#last) return;
    if (flight.isEmpty && first > flight.endOffset) flight.skipTo(first);
    const left = this.#countMax - this.#count;
    const last = left >= this.#last - first + 1 ? this.#last : this.#endOfSpanWith(first + left - 1);
    if (this.#request.mode === AcquireMode.recordLimit) return this.#acquireExactly(first, last, left);
    let from = first;
    for (const span of this.#request.spans) {
      if (span.first > last) break;
      if (span.first - from < Math.max(this.#request.batchSize, 1)) continue;
      this.#acquireFresh(from, span.first - 1);
      from = span.first;
    }
    this.#acquireFresh(from, last);
  }

  /** Batches are not torn apart: the last of them comes whole. */
  #endOfSpanWith(offset: number): number {
    for (const span of this.#request.spans) if (span.last >= offset) return Math.min(span.last, this.#last);
    return this.#last;
  }

  #acquireFresh(first: number, last: number): void {
    const run = makeRun(first, last, RecordState.available, 0);
    this.#flight.addBatch({ first, last, runs: [run] });
    this.#take(run);
  }

  /** What is over stays in flight, available. */
  #acquireExactly(first: number, last: number, count: number): void {
    const end = Math.min(last, first + count - 1);
    const taken = makeRun(first, end, RecordState.available, 0);
    const runs = [taken];
    if (end < last) {
      runs.push(makeRun(end + 1, last, RecordState.available, 0));
      this.#flight.mayHaveAvailable = true;
    }
    this.#flight.addBatch({ first, last, runs });
    this.#take(taken);
  }
}
