import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { defaultSettings, Harness, subscription } from './support.ts';

const DAY_MS = 24 * 3_600_000;

describe('commits', () => {
  it('of a consumer that manages itself open a simple group', async () => {
    const harness = await Harness.start();
    expect(harness.commit({ offsets: { a: { 0: 5, 1: 6 }, b: { 0: 7 } }, metadata: 'note' }).value).toMatchObject({ errorCode: 0 });
    expect(harness.state()).toBe('Empty');
    const all = harness.fetch(null).value!.topics;
    expect(all.map(({ name, partitions }) => [name, partitions.map(({ committedOffset, metadata }) => [committedOffset, metadata])])).toEqual([
      ['a', [[5, 'note'], [6, 'note']]],
      ['b', [[7, 'note']]],
    ]);
    expect(harness.offset('a', 9)).toBe(-1);
    expect(harness.offset('a', 0, 'other')).toBe(-1);
  });

  it('are checked against member and generation', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    const code = (fields: object, version = 9): number => harness.commit({ offsets: { a: { 0: 1 } }, ...fields }, version).value!.errorCode;
    expect(code({ memberId: leader, generationIdOrMemberEpoch: 1 })).toBe(0);
    expect(code({ memberId: leader, generationIdOrMemberEpoch: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(code({ memberId: 'x', generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(code({ generationIdOrMemberEpoch: -1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(code({ groupId: 'none', generationIdOrMemberEpoch: 1 })).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(code({ groupId: 'none', generationIdOrMemberEpoch: 1 }, 8)).toBe(ErrorCode.ILLEGAL_GENERATION);
    const { memberId } = harness.joinAsNew();
    expect(code({ memberId: leader, generationIdOrMemberEpoch: 1 })).toBe(0);
    harness.join({ memberId: leader! });
    expect(harness.state()).toBe('CompletingRebalance');
    expect(code({ memberId, generationIdOrMemberEpoch: 2 })).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  it('with too long a note fail for their partition alone', async () => {
    const harness = await Harness.start({ metadataLengthMax: 4 });
    expect(harness.commit({ offsets: { a: { 0: 1 } }, metadata: 'five!' }).value!.topics[0]!.partitions).toEqual([{ partitionIndex: 0, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }]);
    expect(harness.log.records[0]).toEqual([]);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
  });

  it('of one turn share one append, and those that come meanwhile the next', async () => {
    const harness = await Harness.start();
    harness.log.isManual = true;
    const first = Array.from({ length: 100 }, (_, i) => harness.commitLater({ groupId: `g${i}`, offsets: { a: { 0: i } } }));
    harness.turn();
    const second = Array.from({ length: 50 }, (_, i) => harness.commit({ groupId: `h${i}`, offsets: { a: { 0: i } } }));
    expect(first.every(({ value }) => value === null)).toBe(true);
    harness.log.complete();
    expect(first.every(({ value }) => value?.errorCode === 0)).toBe(true);
    expect(second.every(({ value }) => value === null)).toBe(true);
    harness.turn();
    harness.log.complete();
    expect(second.every(({ value }) => value?.errorCode === 0)).toBe(true);
    expect(harness.log.batchSizes).toEqual([100, 50]);
  });

  it('are not given out before they are kept', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 } } });
    harness.log.isManual = true;
    harness.commit({ offsets: { a: { 0: 2 } } });
    const fetched = harness.fetch({ a: [0] });
    expect(fetched.value).toBeNull();
    harness.log.complete();
    expect(fetched.value!.topics[0]!.partitions[0]!.committedOffset).toBe(2);
  });

  it('keep any int64 as it came', async () => {
    const harness = await Harness.start();
    const huge = 9223372036854775807n as unknown as number;
    harness.commit({ offsets: { a: { 0: huge } } });
    expect((await harness.restart()).offset('a')).toBe(huge);
  });
});

describe('a failed append', () => {
  it('takes back what was committed with it and after it', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 } } });
    harness.log.isManual = true;
    const failing = harness.commit({ offsets: { a: { 0: 2, 1: 2 } } });
    const after = harness.commit({ offsets: { a: { 0: 3 } } });
    const fresh = harness.commit({ groupId: 'fresh', offsets: { a: { 0: 3 } } });
    harness.log.complete(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect([failing, after, fresh].map(({ value }) => value!.errorCode)).toEqual(Array(3).fill(ErrorCode.COORDINATOR_NOT_AVAILABLE));
    expect([harness.offset('a', 0), harness.offset('a', 1)]).toEqual([1, -1]);
    expect(harness.state('fresh')).toBe('Dead');
    expect(harness.log.pending).toEqual([]);
    harness.log.isManual = false;
    expect(harness.commit({ offsets: { a: { 0: 4 } } }).value!.errorCode).toBe(0);
    expect(harness.offset('a')).toBe(4);
  });

  it('of a deletion brings everything back', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 } } });
    harness.log.failures = [ErrorCode.MESSAGE_TOO_LARGE];
    let code = -1;
    harness.coordinator.deleteGroup('g', (errorCode) => (code = errorCode));
    harness.turn();
    expect(code).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(harness.offset('a')).toBe(1);
    expect(harness.state()).toBe('Empty');
  });

  it('after the leadership went gives the shard up', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader], generation } = harness.stableGroup(1);
    const { joined } = harness.joinAsNew();
    harness.log.failures = [ErrorCode.NOT_LEADER_OR_FOLLOWER];
    harness.log.led.clear();
    expect(harness.commit({ groupId: 'x', offsets: { a: { 0: 1 } } }).value!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(joined.value!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(harness.heartbeat(leader!, generation)).toBe(ErrorCode.NOT_COORDINATOR);
    expect(harness.clock.timerCount).toBe(1);
  });

  it('of an assignment sends the members into the next round', async () => {
    const harness = await Harness.start();
    const { memberId } = harness.joinAsNew();
    harness.advance(3_000);
    harness.log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(harness.sync({ memberId, generationId: 1, assignments: [] }).value!.errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.state()).toBe('PreparingRebalance');
    expect(harness.join({ memberId }).value).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(harness.sync({ memberId, generationId: 2, assignments: [] }).value!.errorCode).toBe(0);
  });

  it('that never ends is answered, and what follows is bounded', async () => {
    const harness = await Harness.start();
    harness.log.isManual = true;
    const stuck = harness.commit({ offsets: { a: { 0: 1 } } });
    const behind = harness.commit({ offsets: { a: { 0: 2 } } });
    const fetched = harness.fetch({ a: [0] });
    harness.advance(4_999);
    expect([stuck.value, behind.value, fetched.value]).toEqual([null, null, null]);
    harness.advance(1);
    expect([stuck.value!.errorCode, behind.value!.errorCode]).toEqual([ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.COORDINATOR_NOT_AVAILABLE]);
    expect(fetched.value!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    let refused = 0;
    for (let i = 0; i < 1_010; i++) if (harness.commitLater({ offsets: { a: { 0: i } } }).value !== null) refused++;
    expect(refused).toBe(13);
    harness.turn();
    harness.log.isManual = false;
    harness.log.complete();
    harness.turn();
    expect(harness.offset('a')).toBe(996);
  });
});

describe('deleting', () => {
  it('groups: empty ones go with their offsets, others stay', async () => {
    const harness = await Harness.start();
    harness.stableGroup(1, { groupId: 'live' });
    harness.commit({ offsets: { a: { 0: 1, 1: 1 } } });
    const codes = new Map<string, number>();
    for (const groupId of ['live', 'none', 'g']) harness.coordinator.deleteGroup(groupId, (code) => codes.set(groupId, code));
    harness.turn();
    expect(Object.fromEntries(codes)).toEqual({ live: ErrorCode.NON_EMPTY_GROUP, none: ErrorCode.GROUP_ID_NOT_FOUND, g: 0 });
    expect(harness.offset('a')).toBe(-1);
    expect(harness.state()).toBe('Dead');
    expect((await harness.restart()).state()).toBe('Dead');
  });

  it('offsets: not of topics that the group consumes', async () => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    harness.commit({ memberId: leader!, generationIdOrMemberEpoch: 1, offsets: { a: { 0: 1 }, b: { 0: 2 } } });
    const answers: unknown[] = [];
    const ask = (groupId: string): void => harness.coordinator.deleteOffsets(groupId, new Map([['a', [0]], ['b', [0, 1]]]), (deletion) => answers.push(deletion));
    ask('g');
    ask('none');
    harness.stableGroup(1, { groupId: 'connect', protocolType: 'connect' });
    ask('connect');
    harness.turn();
    expect(answers).toEqual([
      { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, subscribed: new Set() },
      { errorCode: 0, subscribed: new Set(['a']) },
      { errorCode: ErrorCode.NON_EMPTY_GROUP, subscribed: new Set() },
    ]);
    expect([harness.offset('a'), harness.offset('b')]).toEqual([1, -1]);
  });

  it('topics: their offsets go, on a shard that is loading as well', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 }, b: { 0: 2 } } });
    harness.coordinator.onTopicsDeleted(['a']);
    harness.turn();
    expect([harness.offset('a'), harness.offset('b')]).toEqual([-1, 2]);
    const loading = new Harness({}, harness.log, harness.clock);
    loading.coordinator.onElected(0);
    loading.coordinator.onTopicsDeleted(['b']);
    await new Promise((resolve) => setImmediate(resolve));
    loading.turn();
    expect(loading.offset('b')).toBe(-1);
  });

  it('a topic and making it anew hides offsets of the old one', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 } } });
    harness.topics.set('a', 'AAAAAAAAAAAAAAAAAAAAAw');
    expect(harness.offset('a')).toBe(-1);
  });

  it('any number of offsets keeps to batches that fit', async () => {
    const harness = await Harness.start();
    const partitions = Object.fromEntries(Array.from({ length: 2_500 }, (_, index) => [index, index]));
    harness.commit({ offsets: { a: partitions } });
    harness.log.batchSizes.length = 0;
    harness.coordinator.onTopicsDeleted(['a']);
    harness.turn();
    expect(harness.log.batchSizes.reduce((sum, size) => sum + size)).toBe(2_500);
    expect(harness.fetch(null).value!.topics).toEqual([]);
  });
});

describe('retention (KIP-211)', () => {
  const retentionMs = defaultSettings.offsetRetentionMs;

  it('of an empty group counts from when it became empty', async () => {
    const harness = await Harness.start();
    const { memberIds: [only] } = harness.stableGroup(1, { sessionTimeoutMs: 1_800_000 });
    harness.commit({ memberId: only!, generationIdOrMemberEpoch: 1, offsets: { a: { 0: 5 } } });
    harness.leave([{ memberId: only! }]);
    harness.advance(retentionMs - 1);
    expect(harness.offset('a')).toBe(5);
    harness.advance(600_000);
    expect(harness.offset('a')).toBe(-1);
    expect(harness.state()).toBe('Dead');
    const last = harness.log.records[0]!.slice(-2);
    expect(last.map(({ value }) => value)).toEqual([null, null]);
  });

  it('of a living group takes topics that it no longer consumes', async () => {
    const harness = await Harness.start();
    const { memberIds: [only] } = harness.stableGroup(1, { sessionTimeoutMs: 1_800_000 });
    harness.commit({ memberId: only!, generationIdOrMemberEpoch: 1, offsets: { a: { 0: 5 }, b: { 0: 6 } } });
    for (let ms = 0; ms < retentionMs + DAY_MS; ms += 1_200_000) {
      harness.advance(1_200_000);
      expect(harness.heartbeat(only!, 1)).toBe(0);
    }
    expect([harness.offset('a'), harness.offset('b')]).toEqual([5, -1]);
  });

  it('of a simple group counts from the commit, and its end leaves no group record', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 5 }, b: { 0: 6 } } });
    harness.advance(DAY_MS);
    harness.commit({ offsets: { b: { 0: 7 } } });
    harness.advance(retentionMs - DAY_MS + 600_000);
    expect([harness.offset('a'), harness.offset('b')]).toEqual([-1, 7]);
    harness.advance(DAY_MS + 600_000);
    expect(harness.state()).toBe('Dead');
    expect(harness.log.records[0]).toHaveLength(5);
  });

  it('that the client asked for goes before that of the broker', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 5 } }, retentionTimeMs: 3_600_000 }, 4);
    harness.advance(3_000_000);
    const restarted = await harness.restart();
    expect(restarted.offset('a')).toBe(5);
    restarted.advance(1_200_000);
    expect(restarted.offset('a')).toBe(-1);
    const forever = await Harness.start();
    forever.commit({ offsets: { a: { 0: 5 } }, retentionTimeMs: 9223372036854775807n as unknown as number }, 4);
    forever.advance(3_600_000);
    expect(forever.offset('a')).toBe(5);
  });

  it('spares groups whose subscriptions nobody can read', async () => {
    const harness = await Harness.start();
    const { memberIds: [only] } = harness.stableGroup(1, { sessionTimeoutMs: 1_800_000, protocols: [{ name: 'range', metadata: Buffer.from([0]) }] });
    harness.commit({ memberId: only!, generationIdOrMemberEpoch: 1, offsets: { b: { 0: 6 } } });
    for (let ms = 0; ms < retentionMs + DAY_MS; ms += 1_200_000) {
      harness.advance(1_200_000);
      harness.heartbeat(only!, 1);
    }
    expect(harness.offset('b')).toBe(6);
    expect(subscription('a')).not.toHaveLength(1);
  });
});
