import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CoordinatorRecord } from '../../../src/broker/contract.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { readGroupMetadataValue } from '../../../src/protocol/generated/records/groupMetadata.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import { ArrayLog, defaultSettings, drain, Harness, SESSION_TIMEOUT_MS, subscription } from './support.ts';
import type { Pending } from './support.ts';

describe('a restart', () => {
  it('brings stable groups back with their members, assignments and offsets, and restarts their sessions', async () => {
    const before = await Harness.start();
    const { memberIds: [leader, follower], generation } = before.stableGroup(2);
    before.commit({ memberId: leader!, generationIdOrMemberEpoch: generation, offsets: { a: { 0: 9 } } });
    const after = await before.restart();
    expect(after.state()).toBe('Stable');
    expect(after.heartbeat(leader!, generation)).toBe(0);
    expect(after.sync({ memberId: follower!, generationId: generation }).value!.assignment).toEqual(Buffer.from(follower!));
    expect(after.commit({ memberId: leader!, generationIdOrMemberEpoch: generation, offsets: { a: { 0: 10 } } }).value!.errorCode).toBe(0);
    expect(after.offset('a')).toBe(10);
    after.advance(SESSION_TIMEOUT_MS - 1);
    expect(after.state()).toBe('Stable');
    expect(after.heartbeat(leader!, generation)).toBe(0);
    after.advance(1);
    expect(after.state()).toBe('PreparingRebalance');
  });

  it('with a smaller group.max.size gives the group a chance to shrink', async () => {
    const before = await Harness.start();
    before.stableGroup(3);
    const after = await before.restart({ membersMax: 2 });
    expect(after.state()).toBe('PreparingRebalance');
  });

  it('does not bring members back that have left', async () => {
    const before = await Harness.start();
    const { memberIds: [only] } = before.stableGroup(1);
    before.leave([{ memberId: only! }]);
    const after = await before.restart();
    expect(after.state()).toBe('Empty');
    expect(after.heartbeat(only!, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  it('finds a group that never was stable as its first member made it: empty, of no type, until retention takes it (as ConsoleConsumerTest reads it)', async () => {
    const before = await Harness.start();
    const { memberId } = before.joinAsNew();
    before.advance(3_000);
    before.leave([{ memberId }]);
    const [first, last] = before.log.records[0]!;
    const valueOf = (record: CoordinatorRecord) => readGroupMetadataValue(new Reader((record.value as Buffer).subarray(2)), 3);
    expect(valueOf(first!)).toMatchObject({ protocolType: '', generation: 0, protocol: null, leader: null, members: [] });
    expect(valueOf(last!)).toMatchObject({ protocolType: 'consumer', generation: 2, members: [] });
    const after = await before.restart();
    expect(after.state()).toBe('Empty');
    after.advance(defaultSettings.retentionCheckIntervalMs);
    expect(after.log.records[0]!.at(-1)).toMatchObject({ key: first!.key, value: null });
  });

  it('finds no group that was only asked to come back with a member id', async () => {
    const harness = await Harness.start();
    expect(harness.join().value!.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(harness.log.records[0]).toEqual([]);
  });
});

describe('loading', () => {
  it('is told to clients, and starts by itself on a partition that is led', async () => {
    const log = new ArrayLog();
    let open = (): void => undefined;
    log.loadGate = new Promise((resolve) => (open = resolve));
    const harness = new Harness({}, log);
    expect(harness.join().value!.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(harness.heartbeat('m', 1)).toBe(0);
    expect(harness.fetch({ a: [0] }).value!.errorCode).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(harness.coordinator.list({ states: [], types: [] })).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    expect(harness.coordinator.describe('g')).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    open();
    await drain();
    expect(harness.join().value!.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
  });

  it('is refused for partitions of others, which a list leaves out', async () => {
    const log = new ArrayLog();
    log.led.clear();
    const harness = await Harness.start({}, log);
    expect(harness.join().value!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
  });

  it('that fails is tried again', async () => {
    const log = new ArrayLog();
    log.loadError = new Error('disk');
    const harness = await Harness.start({}, log);
    expect(harness.join().value!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    log.loadError = null;
    harness.advance(5_000);
    await drain();
    expect(harness.join().value!.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
  });

  it('stops at a record that is damaged', async () => {
    const log = new ArrayLog();
    log.records[0]!.push({ key: Buffer.from([0]), value: null });
    const harness = await Harness.start({}, log);
    expect(harness.join().value!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.lines).toContain('a coordinator failed to load');
  });

  it('that ends after the leadership went is forgotten', async () => {
    const log = new ArrayLog();
    let open = (): void => undefined;
    log.loadGate = new Promise((resolve) => (open = resolve));
    const harness = new Harness({}, log);
    harness.coordinator.onElected(0);
    log.led.clear();
    harness.coordinator.onResigned(0);
    open();
    await drain();
    expect(harness.join().value!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('answers everybody who waits when the shard goes', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(2);
    const joining = harness.join({ memberId: leader! });
    harness.stableGroup(2, { groupId: 'h' });
    harness.log.isManual = true;
    const committing = harness.commit({ groupId: 'x', offsets: { a: { 0: 1 } } });
    const fetching = harness.fetch({ a: [0] });
    harness.coordinator.onResigned(0);
    expect([joining, committing, fetching].map(({ value }) => value?.errorCode)).toEqual(Array(3).fill(ErrorCode.NOT_COORDINATOR));
    expect(harness.clock.timerCount).toBe(1);
    harness.log.complete();
  });
});

describe('floods', () => {
  it('of joins without an id end at a bound', async () => {
    const harness = await Harness.start({ pendingJoinsMax: 100 });
    const codes = new Map<number, number>();
    for (let i = 0; i < 101; i++) {
      const { errorCode } = harness.join({ groupId: `g${i}` }).value!;
      codes.set(errorCode, (codes.get(errorCode) ?? 0) + 1);
    }
    expect(Object.fromEntries(codes)).toEqual({ [ErrorCode.MEMBER_ID_REQUIRED]: 100, [ErrorCode.COORDINATOR_NOT_AVAILABLE]: 1 });
  });
});

/** What outlives a coordinator. */
function facts(harness: Harness, groupIds: readonly string[]): unknown {
  return groupIds.map((groupId) => {
    const description = harness.coordinator.describe(groupId);
    const topics = harness.fetch(null, groupId).value!.topics.map(({ name, partitions }) => [name, partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)]);
    return { groupId, description: withoutLostType(description), offsets: Object.fromEntries(topics) };
  });
}

/** The first record of a group names no type yet; that is all the log knows of a group that emptied when nothing could be written. */
function withoutLostType(description: ReturnType<Harness['coordinator']['describe']>): typeof description {
  return typeof description !== 'number' && description.groupState === 'Empty' ? { ...description, protocolType: '' } : description;
}

type Step =
  | { kind: 'join' | 'leave' | 'expire' | 'drop' | 'failNext' | 'finish'; group: number; member: number }
  | { kind: 'commit'; group: number; member: number; partition: number; offset: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('join' as const, 'join' as const, 'leave' as const, 'expire' as const, 'drop' as const, 'failNext' as const, 'finish' as const), group: fc.nat(1), member: fc.nat(3) }),
  fc.record({ kind: fc.constant('commit' as const), group: fc.nat(1), member: fc.nat(3), partition: fc.nat(2), offset: fc.nat(1_000) }),
);

/** Members that do what a client does: join, sync, commit, leave. */
class Actors {
  readonly harness: Harness;
  readonly ids = new Map<string, string>();
  readonly joins = new Map<string, Pending<{ errorCode: number; generationId: number; leader: string; memberId: string }>>();

  constructor(harness: Harness) {
    this.harness = harness;
  }

  run(next: Step): void {
    const groupId = `group${next.group}`;
    const name = `${groupId}/${next.member}`;
    const memberId = this.ids.get(name) ?? '';
    const generationId = this.joins.get(name)?.value?.generationId ?? -1;
    if (next.kind === 'commit') this.harness.commit({ groupId, memberId, generationIdOrMemberEpoch: generationId, offsets: { a: { [next.partition]: next.offset } } });
    else if (next.kind === 'join') this.join(groupId, name, memberId);
    else if (next.kind === 'leave') this.harness.leave([{ memberId }], groupId);
    else if (next.kind === 'expire') this.harness.advance(SESSION_TIMEOUT_MS / 2);
    else if (next.kind === 'drop') this.harness.coordinator.deleteGroup(groupId, () => undefined);
    else if (next.kind === 'failNext') this.harness.log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    else this.finish();
    this.harness.turn();
  }

  private join(groupId: string, name: string, memberId: string): void {
    const fields = { groupId, protocols: [{ name: 'range', metadata: subscription('a', name) }] };
    const first = this.harness.join({ ...fields, memberId });
    const id = first.value?.errorCode === ErrorCode.MEMBER_ID_REQUIRED ? first.value.memberId : memberId;
    if (first.value?.errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.ids.delete(name);
    else this.ids.set(name, id);
    this.joins.set(name, id === memberId ? first : this.harness.join({ ...fields, memberId: id }));
  }

  /** Everybody syncs; the leader assigns. */
  finish(): void {
    this.harness.advance(3_000);
    for (const [name, joined] of this.joins) {
      const { value } = joined;
      if (value === null || value.errorCode !== 0) continue;
      const assignments = [...this.ids.values()].map((memberId) => ({ memberId, assignment: Buffer.from(`${memberId}@${value.generationId}`) }));
      this.harness.sync({ groupId: name.split('/')[0]!, memberId: value.memberId, generationId: value.generationId, assignments: value.leader === value.memberId ? assignments : [] });
    }
  }
}

describe('replay', () => {
  it('comes to the state that the living coordinator is in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const live = await Harness.start();
        const actors = new Actors(live);
        for (const next of steps) actors.run(next);
        live.log.failures = [];
        // until nobody waits: whoever does not come back is gone after session and rebalance timeouts
        live.advance(200_000);
        const replayed = await Harness.start({}, new ArrayLog(1, live.log.records), live.clock);
        // members come back whose end could not be written, and expire once more
        replayed.advance(200_000);
        expect(facts(replayed, ['group0', 'group1'])).toEqual(facts(live, ['group0', 'group1']));
        live.coordinator.close();
        replayed.coordinator.close();
      }),
      { numRuns: 100 },
    );
  });

  it('of a stable group comes to the same members', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 4 }), async (size, rounds) => {
        const live = await Harness.start();
        const { memberIds: [leader, ...others] } = live.stableGroup(size, { sessionTimeoutMs: 600_000 });
        for (let round = 0; round < rounds; round++) {
          live.join({ memberId: leader! , protocols: [{ name: 'range', metadata: subscription('a', `${round}`) }] });
          for (const memberId of others) live.join({ memberId });
          live.sync({ memberId: leader!, generationId: round + 2, assignments: [{ memberId: leader!, assignment: Buffer.from(`${round}`) }] });
        }
        expect(live.state()).toBe('Stable');
        const replayed = await Harness.start({}, new ArrayLog(1, live.log.records), live.clock);
        expect(facts(replayed, ['g'])).toEqual(facts(live, ['g']));
      }),
      { numRuns: 30 },
    );
  });
});
