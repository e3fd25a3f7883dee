import { assert } from '../../../base/assert.ts';
import { RecordState, firstBatchFrom, floorBatch, isAcquirable, isDone, isTerminal, isolate, lengthOf, makeRun, mergeRuns, pushState } from './inFlight.ts';
import type { Batch, Run, StateBatch } from './inFlight.ts';

/** Runs under one ticket: they change together once their write is kept. */
interface PendingChange {
  readonly runs: readonly Run[];
  readonly deliveryLimit: number;
}

/** A change that is to be kept: `complete` is called with the ticket when it is, or when it could not be. */
export interface Change {
  readonly ticket: number;
  /** Empty: nothing needs to be kept (the change is made). */
  readonly batches: readonly StateBatch[];
}

/** What a share partition is rebuilt from. */
export interface RestoredState {
  readonly startOffset: number;
  readonly batches: readonly StateBatch[];
}

/**
 * The records of one share partition that are in flight, without time or disk of its own: every call says what time it is, and what is to be kept is
 * returned. Holds no limits either; they may change from call to call.
 */
export class Flight {
  readonly batches: Batch[] = [];
  /** The first record that is not done with. */
  startOffset: number;
  /** The last record in flight; with nothing in flight the next one to read, as in Kafka. */
  endOffset: number;
  /** Records from the start on that are done with, or are about to be. */
  doneCount = 0;
  /** False: no record in flight can be acquired. */
  mayHaveAvailable = false;
  /** No lock runs out before it. */
  nextDeadlineMs = Infinity;
  #tickets = 0;
  readonly #pending = new Map<number, PendingChange>();

  constructor({ startOffset, batches }: RestoredState) {
    this.startOffset = startOffset;
    this.endOffset = startOffset;
    for (const batch of batches) this.#restore(batch);
    this.advanceStart();
  }

  /** Stretches that nothing is known of, between known ones, have never been delivered. */
  #restore({ firstOffset, lastOffset, deliveryState, deliveryCount }: StateBatch): void {
    const first = Math.max(firstOffset, this.nextNewOffset);
    if (lastOffset < first) return;
    if (first > this.nextNewOffset) this.#append(this.nextNewOffset, first - 1, RecordState.available, 0);
    this.#append(first, lastOffset, isTerminal(deliveryState) ? (deliveryState as RecordState) : RecordState.available, deliveryCount);
  }

  #append(first: number, last: number, state: RecordState, deliveryCount: number): void {
    this.addBatch({ first, last, runs: [makeRun(first, last, state, deliveryCount)] });
    if (isTerminal(state)) this.doneCount += last - first + 1;
    else this.mayHaveAvailable = true;
  }

  get isEmpty(): boolean {
    return this.batches.length === 0;
  }

  /** Where records begin that were never in flight. */
  get nextNewOffset(): number {
    return this.isEmpty ? this.endOffset : this.endOffset + 1;
  }

  get inFlightCount(): number {
    return this.isEmpty ? 0 : this.endOffset - this.startOffset + 1;
  }

  get hasPendingChanges(): boolean {
    return this.#pending.size > 0;
  }

  /** From where a fetch has to read: the first record that can be acquired, else the first that was never in flight. */
  get nextFetchOffset(): number {
    if (!this.mayHaveAvailable) return this.nextNewOffset;
    for (const batch of this.batches) {
      for (const run of batch.runs) if (isAcquirable(run)) return run.first;
    }
    this.mayHaveAvailable = false;
    return this.nextNewOffset;
  }

  addBatch(batch: Batch): void {
    assert(batch.first === this.nextNewOffset && batch.last >= batch.first, 'batches follow each other');
    this.batches.push(batch);
    this.endOffset = batch.last;
  }

  /** The first record known is a later one: what lay before it is gone from the log. Only while nothing is in flight. */
  skipTo(offset: number): void {
    assert(this.isEmpty && offset >= this.startOffset, 'only an empty flight moves freely');
    this.startOffset = offset;
    this.endOffset = offset;
  }

  /** Gives the runs their new state at once, without anything kept. */
  archiveNow(first: number, last: number): void {
    for (let i = firstBatchFrom(this.batches, first); i < this.batches.length && this.batches[i]!.first <= last; i++) {
      const batch = this.batches[i]!;
      if (batch.runs.some((run) => run.transition !== null && run.last >= first && run.first <= last)) continue;
      for (const run of isolate(batch, first, last)) {
        if (isTerminal(run.state)) continue;
        free(run, RecordState.archived);
        this.doneCount += lengthOf(run);
      }
      mergeRuns(batch);
    }
  }

  /** Lets runs that were just given back be acquired again, or archives them at their last delivery. Returns the state they get. */
  #returned(run: Run, deliveryLimit: number): RecordState {
    return run.deliveryCount >= deliveryLimit ? RecordState.archived : RecordState.available;
  }

  /** Begins the change of acquired runs. `wanted`: available, acknowledged or archived. */
  begin(changes: readonly { readonly run: Run; readonly wanted: RecordState }[], deliveryLimit: number): Change {
    const ticket = ++this.#tickets;
    const batches: StateBatch[] = [];
    for (const { run, wanted } of changes) {
      const state = wanted === RecordState.available ? this.#returned(run, deliveryLimit) : wanted;
      run.transition = { state, ticket };
      if (isTerminal(state)) this.doneCount += lengthOf(run);
      pushState(batches, run.first, run.last, state, run.deliveryCount);
    }
    if (changes.length > 0) this.#pending.set(ticket, { runs: changes.map(({ run }) => run), deliveryLimit });
    return { ticket, batches };
  }

  /** The change is kept, or is not: then the records are as before, unless their lock ran out meanwhile. */
  complete(ticket: number, isKept: boolean, nowMs: number): void {
    const pending = this.#pending.get(ticket);
    if (pending === undefined) return;
    this.#pending.delete(ticket);
    for (const run of pending.runs) {
      if (isKept) this.#settle(run, run.transition!.state);
      else this.#takeBack(run, pending.deliveryLimit, nowMs);
    }
    this.#mergeAround(pending.runs);
    this.advanceStart();
  }

  #settle(run: Run, state: RecordState): void {
    free(run, state);
    if (state === RecordState.available) this.mayHaveAvailable = true;
  }

  #takeBack(run: Run, deliveryLimit: number, nowMs: number): void {
    if (isDone(run)) this.doneCount -= this.#countedLength(run);
    run.transition = null;
    if (run.lockedUntilMs > nowMs) {
      this.nextDeadlineMs = Math.min(this.nextDeadlineMs, run.lockedUntilMs);
      return;
    }
    const state = this.#returned(run, deliveryLimit);
    if (isTerminal(state)) this.doneCount += this.#countedLength(run);
    this.#settle(run, state);
  }

  /** A run that fell out of the flight meanwhile is not counted any more. */
  #countedLength(run: Run): number {
    return run.last < this.startOffset ? 0 : lengthOf(run);
  }

  #mergeAround(runs: readonly Run[]): void {
    let last: Batch | undefined;
    for (const run of runs) {
      const batch = this.batches[floorBatch(this.batches, run.first)];
      if (batch === undefined || batch === last) continue;
      last = batch;
      mergeRuns(batch);
    }
  }

  /** Takes back every record whose lock has run out. Returns what is to be kept: it holds already. */
  expire(nowMs: number, deliveryLimit: number): StateBatch[] {
    const kept: StateBatch[] = [];
    let next = Infinity;
    for (const batch of this.batches) {
      let isChanged = false;
      for (const run of batch.runs) {
        if (run.state !== RecordState.acquired || run.transition !== null) continue;
        if (run.lockedUntilMs > nowMs) {
          next = Math.min(next, run.lockedUntilMs);
          continue;
        }
        const state = this.#returned(run, deliveryLimit);
        if (isTerminal(state)) this.doneCount += lengthOf(run);
        this.#settle(run, state);
        pushState(kept, run.first, run.last, state, run.deliveryCount);
        isChanged = true;
      }
      if (isChanged) mergeRuns(batch);
    }
    this.nextDeadlineMs = next;
    if (kept.length > 0) this.advanceStart();
    return kept;
  }

  /** Everything that a member holds is given back; a delivery that it did not answer counts. */
  release(memberId: string, deliveryLimit: number): Change {
    const changes: { run: Run; wanted: RecordState }[] = [];
    for (const batch of this.batches) {
      for (const run of batch.runs) {
        if (run.state === RecordState.acquired && run.transition === null && run.memberId === memberId) changes.push({ run, wanted: RecordState.available });
      }
    }
    return this.begin(changes, deliveryLimit);
  }

  /** The log begins later now: what lay before is gone, whatever state it was in. */
  dropBefore(logStartOffset: number): boolean {
    if (logStartOffset <= this.startOffset) return false;
    let dropped = 0;
    while (dropped < this.batches.length && this.batches[dropped]!.last < logStartOffset) dropped++;
    for (const batch of this.batches.splice(0, dropped)) this.#uncount(batch.runs);
    const head = this.batches[0];
    if (head !== undefined && head.first < logStartOffset) this.#cutHead(head, logStartOffset);
    this.startOffset = logStartOffset;
    if (this.isEmpty) this.endOffset = logStartOffset;
    this.advanceStart();
    return true;
  }

  #uncount(runs: readonly Run[]): void {
    for (const run of runs) if (isDone(run) && run.last >= this.startOffset) this.doneCount -= run.last - Math.max(run.first, this.startOffset) + 1;
  }

  #cutHead(head: Batch, logStartOffset: number): void {
    const keep = head.runs.findIndex((run) => run.last >= logStartOffset);
    this.#uncount(head.runs.splice(0, keep));
    const first = head.runs[0]!;
    if (first.first < logStartOffset) {
      this.#uncount([{ ...first, last: logStartOffset - 1 }]);
      first.first = logStartOffset;
    }
    this.batches[0] = { first: logStartOffset, last: head.last, runs: head.runs };
  }

  /** Moves the start over what is done with. */
  advanceStart(): void {
    let batchesDone = 0;
    while (batchesDone < this.batches.length && this.#isDoneWith(this.batches[batchesDone]!)) batchesDone++;
    if (batchesDone > 0) this.#dropDone(batchesDone);
    const head = this.batches[0];
    if (head === undefined) return;
    let at = 0;
    while (isDone(head.runs[at]!) && head.runs[at]!.transition === null) at++;
    const first = head.runs[at]!.first;
    if (first <= this.startOffset) return;
    this.#uncount(head.runs.slice(0, at));
    this.startOffset = first;
  }

  #isDoneWith(batch: Batch): boolean {
    return batch.runs.every((run) => run.transition === null && isTerminal(run.state));
  }

  #dropDone(count: number): void {
    for (const batch of this.batches.splice(0, count)) this.#uncount(batch.runs);
    if (this.isEmpty) {
      this.endOffset += 1;
      this.startOffset = this.endOffset;
    } else this.startOffset = this.batches[0]!.first;
  }
}

function free(run: Run, state: RecordState): void {
  run.state = state;
  run.memberId = '';
  run.lockedUntilMs = Infinity;
  run.transition = null;
}
