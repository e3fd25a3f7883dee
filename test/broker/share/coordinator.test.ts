import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ShareCoordinator } from '../../../src/broker/share/coordinator/shareCoordinator.ts';
import type { ShareCoordinatorSettings, StateOutcome, StateRead, StateSummary } from '../../../src/broker/share/coordinator/shareCoordinator.ts';
import { coordinatorKey, decodeShareChange, encodeShareChange, sharePartitionKeyOf } from '../../../src/broker/share/coordinator/records.ts';
import type { ShareChange } from '../../../src/broker/share/coordinator/records.ts';
import { combine } from '../../../src/broker/share/coordinator/stateBatches.ts';
import type { StateBatch } from '../../../src/broker/share/partition/inFlight.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { ArrayLog, FakeClock, countingRandom, drain, silentLogger } from '../groups/support.ts';

const TOPIC = 'AAAAAAAAAAAAAAAAAAAAAQ';
const KEY = { groupId: 'g', topicId: TOPIC, partition: 0 };

/** A log that can be cut off at its front. */
class PrunableArrayLog extends ArrayLog {
  readonly cuts: number[] = [];
  #gone = 0;

  endOffset(): number {
    return this.#gone + this.records[0]!.length;
  }

  async deleteBefore(_partition: number, offset: number): Promise<void> {
    this.cuts.push(offset);
    this.records[0]!.splice(0, offset - this.#gone);
    this.#gone = offset;
  }
}

class World {
  readonly clock: FakeClock;
  readonly log: PrunableArrayLog;
  readonly coordinator: ShareCoordinator;
  #tasks: (() => void)[] = [];

  constructor(settings: Partial<ShareCoordinatorSettings>, log: PrunableArrayLog, clock: FakeClock) {
    this.log = log;
    this.clock = clock;
    this.coordinator = new ShareCoordinator({
      log, ports: { clock, random: countingRandom(), logger: silentLogger() }, hasPartition: (topicId, partition) => topicId === TOPIC && partition < 9,
      settings: { updatesPerSnapshot: 3, writeTimeoutMs: 5_000, pruneIntervalMs: 1_000, batchBytesMax: 1_000_000, ...settings },
      defer: (task) => void this.#tasks.push(task),
    });
  }

  static async start(settings: Partial<ShareCoordinatorSettings> = {}, log = new PrunableArrayLog(), clock = new FakeClock()): Promise<World> {
    const world = new World(settings, log, clock);
    world.coordinator.onElected(0);
    await drain();
    return world;
  }

  turn(): void {
    while (this.#tasks.length > 0) for (const task of this.#tasks.splice(0)) task();
  }

  ask<Outcome>(run: (done: (outcome: Outcome) => void) => void): Outcome {
    let told: Outcome | null = null;
    run((outcome) => {
      told = outcome;
    });
    this.turn();
    if (told === null) throw new Error('not answered');
    return told;
  }

  initialize(stateEpoch = 1, startOffset = 0): number {
    return this.ask<StateOutcome>((done) => this.coordinator.initialize(KEY, stateEpoch, startOffset, done)).errorCode;
  }

  write(batches: StateBatch[], fields: { stateEpoch?: number; leaderEpoch?: number; startOffset?: number; deliveryCompleteCount?: number } = {}): number {
    const write = { stateEpoch: 1, leaderEpoch: 0, startOffset: 0, deliveryCompleteCount: 0, batches, ...fields };
    return this.ask<StateOutcome>((done) => this.coordinator.write(KEY, write, done)).errorCode;
  }

  read(leaderEpoch = -1): StateRead {
    return this.ask<StateRead>((done) => this.coordinator.read(KEY, leaderEpoch, done));
  }

  summary(): StateSummary {
    return this.ask<StateSummary>((done) => this.coordinator.readSummary(KEY, done));
  }

  async restart(): Promise<World> {
    this.coordinator.close();
    return World.start({}, this.log, this.clock);
  }

  kinds(): string[] {
    return this.log.records[0]!.map(({ key, value }) => {
      const change = decodeShareChange(key as Buffer, value as Buffer | null)!;
      return change.value === null ? 'tombstone' : change.kind;
    });
  }
}

const acked = (firstOffset: number, lastOffset: number): StateBatch => ({ firstOffset, lastOffset, deliveryState: 2, deliveryCount: 1 });

describe('the share coordinator', () => {
  test('keeps what is written, also through a restart', async () => {
    const world = await World.start();
    expect(world.initialize()).toBe(0);
    expect(world.write([acked(2, 4)])).toBe(0);
    expect(world.write([acked(7, 7)], { startOffset: 3, deliveryCompleteCount: 3 })).toBe(0);
    const before = world.read();
    expect(before).toMatchObject({ stateEpoch: 1, startOffset: 3, batches: [acked(3, 4), acked(7, 7)] });
    const after = await world.restart();
    expect(after.read()).toEqual(before);
    expect(after.summary()).toMatchObject({ startOffset: 3, deliveryCompleteCount: 3 });
  });

  test('snapshots after so many updates', async () => {
    const world = await World.start({ updatesPerSnapshot: 2 });
    world.initialize();
    for (let i = 0; i < 5; i++) world.write([acked(i, i)]);
    expect(world.kinds()).toEqual(['snapshot', 'update', 'update', 'snapshot', 'update', 'update']);
    expect(world.read().batches).toEqual([acked(0, 4)]);
  });

  test('fences older leaders and older states', async () => {
    const world = await World.start();
    expect(world.read().errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(world.write([])).toBe(ErrorCode.INVALID_REQUEST);
    world.initialize(3);
    expect(world.write([], { stateEpoch: 2 })).toBe(ErrorCode.FENCED_STATE_EPOCH);
    expect(world.read(5).errorCode).toBe(0);
    expect(world.write([], { stateEpoch: 3, leaderEpoch: 4 })).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(world.read(4).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    expect(world.initialize(2)).toBe(ErrorCode.FENCED_STATE_EPOCH);
    const unknown = world.ask<StateOutcome>((done) => world.coordinator.initialize({ ...KEY, partition: 9 }, 1, 0, done));
    expect(unknown.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test('forgets what is deleted, and deleted topics', async () => {
    const world = await World.start();
    world.initialize();
    expect(world.ask<StateOutcome>((done) => world.coordinator.delete(KEY, done)).errorCode).toBe(0);
    expect(world.summary()).toMatchObject({ errorCode: 0, startOffset: -1 });
    world.initialize();
    world.coordinator.onTopicsDeleted(new Set([TOPIC]));
    world.turn();
    expect((await world.restart()).read().errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(world.kinds().at(-1)).toBe('tombstone');
  });

  test('a write that fails leaves the state as the log has it', async () => {
    const world = await World.start();
    world.initialize();
    world.log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(world.write([acked(0, 0)])).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(world.read().batches).toEqual([]);
  });

  test('cuts its log off behind new snapshots, and reads what is left', async () => {
    const world = await World.start();
    world.initialize();
    for (let i = 0; i < 1_200; i++) world.write([acked(2 * i, 2 * i)], { startOffset: Math.max(0, 2 * i - 20) });
    const before = world.read();
    world.clock.advance(1_000, () => world.turn());
    world.turn();
    await drain();
    expect(world.log.cuts).toEqual([1_201]);
    expect(world.log.records[0]!.length).toBe(1);
    const { stateEpoch, startOffset, batches } = before;
    expect((await world.restart()).read()).toMatchObject({ errorCode: 0, stateEpoch, startOffset, batches });
  });

  test('its keys are found by name', () => {
    expect(sharePartitionKeyOf(coordinatorKey({ ...KEY, groupId: 'a:b' }))).toEqual({ ...KEY, groupId: 'a:b' });
    for (const text of ['', 'g', `g:${TOPIC}`, `g:${TOPIC}:x`, `:${TOPIC}:0`, `g:short:0`]) expect(sharePartitionKeyOf(text)).toBeNull();
  });
});

describe('records', () => {
  const batch = fc.record({ firstOffset: fc.nat({ max: 50 }), length: fc.integer({ min: 1, max: 20 }), deliveryState: fc.constantFrom(0, 2, 4), deliveryCount: fc.nat({ max: 4 }) })
    .map(({ firstOffset, length, deliveryState, deliveryCount }): StateBatch => ({ firstOffset, lastOffset: firstOffset + length - 1, deliveryState, deliveryCount }));

  test('come back as they went', () => {
    fc.assert(fc.property(fc.array(batch), fc.nat(), fc.boolean(), (batches, startOffset, isUpdate) => {
      const change: ShareChange = isUpdate
        ? { kind: 'update', key: KEY, value: { snapshotEpoch: 1, leaderEpoch: 2, startOffset, deliveryCompleteCount: 7, batches } }
        : { kind: 'snapshot', key: KEY, value: { snapshotEpoch: 1, stateEpoch: 3, leaderEpoch: 2, startOffset, deliveryCompleteCount: 7, createTimestampMs: 5, writeTimestampMs: 6, batches } };
      const { key, value } = encodeShareChange(change, new Writer());
      expect(decodeShareChange(Buffer.from(key), value === null ? null : Buffer.from(value))).toEqual(change);
    }));
  });

  test('laid over each other say for each record what was said last', () => {
    fc.assert(fc.property(fc.array(fc.array(batch, { maxLength: 4 }), { maxLength: 8 }), fc.nat({ max: 40 }), (writes, startOffset) => {
      const model = new Map<number, string>();
      let combined: StateBatch[] = [];
      for (const write of writes) {
        combined = combine(combined, write, startOffset);
        for (const one of write) for (let offset = Math.max(one.firstOffset, startOffset); offset <= one.lastOffset; offset++) model.set(offset, `${one.deliveryState}/${one.deliveryCount}`);
      }
      const found = new Map<number, string>();
      let end = -1;
      for (const one of combined) {
        expect(one.firstOffset).toBeGreaterThan(end);
        end = one.lastOffset;
        for (let offset = one.firstOffset; offset <= one.lastOffset; offset++) found.set(offset, `${one.deliveryState}/${one.deliveryCount}`);
      }
      expect([...found].toSorted(([a], [b]) => a - b)).toEqual([...model].toSorted(([a], [b]) => a - b));
    }));
  });
});
