import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { acknowledge, AcknowledgeType } from '../../../src/broker/share/partition/acknowledge.ts';
import { acquire, AcquireMode } from '../../../src/broker/share/partition/acquire.ts';
import type { Span } from '../../../src/broker/share/partition/acquire.ts';
import { Flight } from '../../../src/broker/share/partition/flight.ts';
import { RecordState, isDone } from '../../../src/broker/share/partition/inFlight.ts';
import { combine } from '../../../src/broker/share/coordinator/stateBatches.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';

const LOCK_MS = 100;
const MEMBERS = ['a', 'b', 'c'];

type Step =
  | { kind: 'fetch'; member: number; maxRecords: number; batchSize: number; readBatches: number; exact: boolean }
  | { kind: 'acknowledge'; member: number; seed: number }
  | { kind: 'persist'; ok: boolean }
  | { kind: 'wait'; ms: number }
  | { kind: 'leave'; member: number }
  | { kind: 'trim'; by: number }
  | { kind: 'restart' };

const member = fc.nat({ max: MEMBERS.length - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('fetch' as const), member, maxRecords: fc.integer({ min: 1, max: 12 }), batchSize: fc.integer({ min: 1, max: 8 }), readBatches: fc.integer({ min: 1, max: 4 }), exact: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), member, seed: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('persist' as const), ok: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), member }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), by: fc.integer({ min: 0, max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** What the world knows of one record. */
interface Fact {
  holder: string | null;
  lockedUntilMs: number;
  deliveries: number;
  /** Told to the member, or archived. */
  isOver: boolean;
  isPending: boolean;
}

/** A share partition over a log of batches, with everything that happens to it, and a second bookkeeping beside it. */
class World {
  readonly spans: Span[] = [];
  flight = new Flight({ startOffset: 0, batches: [] });
  kept = { startOffset: 0, batches: [] as { firstOffset: number; lastOffset: number; deliveryState: number; deliveryCount: number }[] };
  nowMs = 0;
  logStart = 0;
  readonly facts: Fact[] = [];
  readonly pending: { ticket: number; offsets: number[]; states: Map<number, number>; startOffset: number; batches: readonly { firstOffset: number; lastOffset: number; deliveryState: number; deliveryCount: number }[] }[] = [];
  readonly limit: number;

  constructor(sizes: readonly number[], limit: number) {
    this.limit = limit;
    let at = 0;
    for (const size of sizes) {
      this.spans.push({ first: at, last: at + size - 1 });
      at += size;
    }
    for (let i = 0; i < at; i++) this.facts.push({ holder: null, lockedUntilMs: 0, deliveries: 0, isOver: false, isPending: false });
  }

  get limits() {
    return { lockDurationMs: LOCK_MS, deliveryCount: this.limit, recordLocks: 20 };
  }

  fetch(memberId: string, maxRecords: number, batchSize: number, readBatches: number, exact: boolean): number {
    const fetchOffset = this.flight.nextFetchOffset;
    const from = this.spans.findIndex(({ last }) => last >= fetchOffset);
    if (from === -1) return 0;
    const spans = this.spans.slice(from, from + readBatches).filter(({ last }) => last >= this.logStart);
    const request = { memberId, mode: exact ? AcquireMode.recordLimit : AcquireMode.batchOptimized, batchSize, maxRecords, fetchOffset, spans };
    const acquired = acquire(this.flight, request, this.limits, this.nowMs);
    let count = 0;
    for (const { firstOffset, lastOffset, deliveryCount } of acquired) {
      for (let offset = firstOffset; offset <= lastOffset; offset++) {
        const fact = this.facts[offset]!;
        expect(fact.holder, `offset ${offset} is held`).toBeNull();
        expect(fact.isPending || fact.isOver, `offset ${offset} is not free`).toBe(false);
        expect(deliveryCount).toBe(fact.deliveries + 1);
        expect(deliveryCount).toBeLessThanOrEqual(this.limit);
        Object.assign(fact, { holder: memberId, lockedUntilMs: this.nowMs + LOCK_MS, deliveries: deliveryCount });
        count++;
      }
    }
    if (exact) expect(count).toBeLessThanOrEqual(maxRecords);
    return count;
  }

  acknowledge(memberId: string, seed: number): void {
    const held = this.facts.flatMap((fact, offset) => (fact.holder === memberId && !fact.isPending ? [offset] : []));
    if (held.length === 0) return;
    const first = held[seed % held.length]!;
    const types: number[] = [];
    for (let offset = first; this.facts[offset]?.holder === memberId && !this.facts[offset]!.isPending && types.length < 1 + (seed % 7); offset++) types.push((seed + offset * 7) % 5);
    const outcome = acknowledge(this.flight, memberId, [{ firstOffset: first, lastOffset: first + types.length - 1, types }],
      { deliveryCount: this.limit, lockDurationMs: LOCK_MS, isRenewEnabled: true }, this.nowMs);
    if (!('change' in outcome)) throw new Error(`${outcome.errorCode} ${outcome.message}`);
    const states = new Map<number, number>();
    types.forEach((type, i) => {
      const fact = this.facts[first + i]!;
      if (type === AcknowledgeType.renew) fact.lockedUntilMs = this.nowMs + LOCK_MS;
      else {
        fact.isPending = true;
        states.set(first + i, type === AcknowledgeType.release && fact.deliveries < this.limit ? RecordState.available : RecordState.archived);
      }
    });
    this.note(outcome.change, states);
  }

  leave(memberId: string): void {
    const change = this.flight.release(memberId, this.limit);
    const states = new Map<number, number>();
    this.facts.forEach((fact, offset) => {
      if (fact.holder !== memberId || fact.isPending) return;
      fact.isPending = true;
      states.set(offset, fact.deliveries < this.limit ? RecordState.available : RecordState.archived);
    });
    this.note(change, states);
  }

  note(change: { ticket: number; batches: readonly { firstOffset: number; lastOffset: number; deliveryState: number; deliveryCount: number }[] }, states: Map<number, number>): void {
    if (states.size > 0) this.pending.push({ ticket: change.ticket, offsets: [...states.keys()], states, startOffset: this.flight.startOffset, batches: change.batches });
  }

  persist(isKept: boolean): void {
    const write = this.pending.shift();
    if (write === undefined) return;
    if (isKept) this.keep(write.startOffset, write.batches);
    this.flight.complete(write.ticket, isKept, this.nowMs);
    for (const [offset, state] of write.states) {
      const fact = this.facts[offset]!;
      fact.isPending = false;
      if (isKept) {
        fact.holder = null;
        fact.isOver ||= state !== RecordState.available;
      } else if (fact.lockedUntilMs <= this.nowMs) this.free(fact);
    }
  }

  keep(startOffset: number, batches: readonly { firstOffset: number; lastOffset: number; deliveryState: number; deliveryCount: number }[]): void {
    this.kept = { startOffset, batches: combine(this.kept.batches, batches, startOffset) };
  }

  free(fact: Fact): void {
    fact.holder = null;
    if (fact.deliveries >= this.limit) fact.isOver = true;
  }

  wait(ms: number): void {
    this.nowMs += ms;
    const expired = this.flight.expire(this.nowMs, this.limit);
    if (expired.length > 0) this.keep(this.flight.startOffset, expired);
    for (const fact of this.facts) if (fact.holder !== null && !fact.isPending && fact.lockedUntilMs <= this.nowMs) this.free(fact);
  }

  trim(by: number): void {
    this.logStart = Math.min(this.logStart + by, this.facts.length);
    this.flight.dropBefore(this.logStart);
    for (let offset = 0; offset < this.logStart; offset++) Object.assign(this.facts[offset]!, { holder: null, isOver: true });
  }

  /** Locks and counts of deliveries that nobody answered go with the process; what was kept stays. */
  restart(): void {
    this.pending.length = 0;
    this.flight = new Flight(this.kept);
    this.flight.dropBefore(this.logStart);
    const known = new Map<number, { deliveryState: number; deliveryCount: number }>();
    for (const batch of this.kept.batches) for (let offset = batch.firstOffset; offset <= batch.lastOffset; offset++) known.set(offset, batch);
    this.facts.forEach((fact, offset) => {
      const state = known.get(offset);
      const wasOver = offset < this.kept.startOffset || offset < this.logStart || (state !== undefined && state.deliveryState !== RecordState.available);
      if (fact.isOver && !wasOver) throw new Error(`offset ${offset} was told to be done with, and comes again`);
      Object.assign(fact, { holder: null, isPending: false, isOver: wasOver, deliveries: state?.deliveryCount ?? (wasOver ? fact.deliveries : 0) });
    });
  }

  run(next: Step): void {
    switch (next.kind) {
      case 'fetch':
        return void this.fetch(MEMBERS[next.member]!, next.maxRecords, next.batchSize, next.readBatches, next.exact);
      case 'acknowledge':
        return this.acknowledge(MEMBERS[next.member]!, next.seed);
      case 'persist':
        return this.persist(next.ok);
      case 'wait':
        return this.wait(next.ms);
      case 'leave':
        return this.leave(MEMBERS[next.member]!);
      case 'trim':
        return this.trim(next.by);
      case 'restart':
        return this.restart();
    }
  }

  check(): void {
    const { flight } = this;
    let expected = flight.batches[0]?.first ?? flight.endOffset;
    let done = 0;
    for (const batch of flight.batches) {
      expect(batch.first).toBe(expected);
      for (const run of batch.runs) {
        expect(run.first).toBe(expected);
        expect(run.last).toBeGreaterThanOrEqual(run.first);
        expected = run.last + 1;
        if (isDone(run)) for (let offset = run.first; offset <= run.last; offset++) if (offset >= flight.startOffset) done++;
      }
      expect(batch.last).toBe(expected - 1);
    }
    expect(flight.doneCount).toBe(done);
    expect(flight.isEmpty ? flight.endOffset : flight.endOffset + 1).toBe(expected);
    for (let offset = 0; offset < flight.startOffset; offset++) expect(this.facts[offset]!.isOver || this.facts[offset]!.isPending, `offset ${offset} was passed over`).toBe(true);
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

describe('records in flight', () => {
  test('are never held by two, never lost, never delivered too often', () => {
    fc.assert(fc.property(sizes, fc.integer({ min: 2, max: 6 }), fc.array(step, { maxLength: 80 }), (batchSizes, limit, steps) => {
      const world = new World(batchSizes, limit);
      for (const next of steps) {
        world.run(next);
        world.check();
      }
      // In the end everybody does its work: each record comes to somebody, or was archived.
      while (world.pending.length > 0) world.persist(true);
      world.wait(LOCK_MS + 1);
      for (let rounds = 0; rounds < 2_000 && world.facts.some(({ isOver }) => !isOver); rounds++) {
        world.fetch('z', 50, 50, 8, false);
        const held = world.facts.flatMap(({ holder }, offset) => (holder === 'z' ? [offset] : []));
        for (const offset of held) {
          const outcome = acknowledge(world.flight, 'z', [{ firstOffset: offset, lastOffset: offset, types: [AcknowledgeType.accept] }], { deliveryCount: limit, lockDurationMs: LOCK_MS, isRenewEnabled: true }, world.nowMs);
          if (!('change' in outcome)) throw new Error(outcome.message);
          world.flight.complete(outcome.change.ticket, true, world.nowMs);
          Object.assign(world.facts[offset]!, { holder: null, isOver: true });
        }
        world.check();
      }
      expect(world.facts.findIndex(({ isOver }) => !isOver)).toBe(-1);
      expect(world.flight.startOffset).toBe(world.facts.length);
      expect(world.flight.inFlightCount).toBe(0);
    }), { numRuns: 300 });
  });

  test('a batch that was delivered often comes in parts, the last delivery alone', () => {
    const flight = new Flight({ startOffset: 0, batches: [{ firstOffset: 0, lastOffset: 7, deliveryState: RecordState.available, deliveryCount: 3 }] });
    const take = (deliveryCount: number) => acquire(flight, { memberId: 'a', mode: AcquireMode.batchOptimized, batchSize: 100, maxRecords: 100, fetchOffset: flight.nextFetchOffset, spans: [{ first: 0, last: 7 }] },
      { lockDurationMs: LOCK_MS, deliveryCount, recordLocks: 100 }, 0);
    expect(take(5)).toEqual([{ firstOffset: 0, lastOffset: 3, deliveryCount: 4 }]);
    expect(take(4)).toEqual([{ firstOffset: 4, lastOffset: 4, deliveryCount: 4 }]);
  });
});

describe('acknowledgements', () => {
  const limits = { deliveryCount: 5, lockDurationMs: LOCK_MS, isRenewEnabled: false };
  const held = (): Flight => {
    const flight = new Flight({ startOffset: 10, batches: [] });
    acquire(flight, { memberId: 'a', mode: 0, batchSize: 5, maxRecords: 10, fetchOffset: 10, spans: [{ first: 10, last: 14 }, { first: 15, last: 19 }] }, { ...limits, recordLocks: 100 }, 0);
    return flight;
  };
  const codeOf = (memberId: string, firstOffset: number, lastOffset: number, types: number[]): number => acknowledge(held(), memberId, [{ firstOffset, lastOffset, types }], limits, 0).errorCode;

  test('only by whoever holds the records, and only of what is in flight', () => {
    expect(codeOf('a', 10, 19, [AcknowledgeType.accept])).toBe(ErrorCode.NONE);
    expect(codeOf('b', 10, 19, [AcknowledgeType.accept])).toBe(ErrorCode.INVALID_RECORD_STATE);
    expect(codeOf('a', 15, 25, [AcknowledgeType.accept])).toBe(ErrorCode.INVALID_REQUEST);
    expect(codeOf('a', 10, 10, [AcknowledgeType.renew])).toBe(ErrorCode.INVALID_RECORD_STATE);
  });

  test('of what lies before the start are without effect', () => {
    expect(codeOf('a', 0, 9, [AcknowledgeType.accept])).toBe(ErrorCode.NONE);
    expect(codeOf('a', 5, 12, [AcknowledgeType.accept])).toBe(ErrorCode.NONE);
  });

  test('all of a request or none', () => {
    const flight = held();
    const refused = acknowledge(flight, 'a', [{ firstOffset: 10, lastOffset: 12, types: [1] }, { firstOffset: 18, lastOffset: 30, types: [1] }], limits, 0);
    expect(refused.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(flight.doneCount).toBe(0);
    expect(flight.batches.flatMap(({ runs }) => runs).every(({ state, transition }) => state === RecordState.acquired && transition === null)).toBe(true);
  });
});
