import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import type { ConsumerGroupDescribeResponse } from '../../../src/protocol/generated/consumerGroupDescribe.ts';
import { readConsumerProtocolAssignment, writeConsumerProtocolAssignment, writeConsumerProtocolSubscription } from '../../../src/protocol/generated/data/consumerProtocol.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { Consumer, consumerSettings, settle } from './consumerSupport.ts';
import { Harness, INITIAL_WAIT_MS } from './support.ts';

type Owned = { topic: string; partitions: number[] }[];

/** `ConsumerProtocolSubscription` version 1, with what the member has. */
function subscribed(topics: string[], ownedPartitions: Owned = []): Buffer {
  const writer = new Writer();
  writer.int16(1);
  writeConsumerProtocolSubscription(writer, { topics, userData: null, ownedPartitions, generationId: -1, rackId: null }, 1);
  return writer.takeBuffer();
}

function assigned(assignedPartitions: Owned): Buffer {
  const writer = new Writer();
  writer.int16(1);
  writeConsumerProtocolAssignment(writer, { assignedPartitions, userData: null }, 1);
  return writer.takeBuffer();
}

function partitionsOf(assignment: Buffer): Owned {
  const reader = new Reader(assignment);
  return readConsumerProtocolAssignment(reader, reader.int16()).assignedPartitions;
}

async function start(settings = {}): Promise<Harness> {
  const harness = await Harness.start(settings);
  harness.partitionCounts.set('a', 4);
  return harness;
}

const cooperative = (owned: Owned = []) => ({ protocols: [{ name: 'cooperative-sticky', metadata: subscribed(['a'], owned) }] });

/** A stable classic group of one, which has all four partitions. */
function classicGroup(harness: Harness): { memberId: string; generation: number } {
  const { memberId, joined } = harness.joinAsNew(cooperative());
  harness.advance(INITIAL_WAIT_MS);
  const { generationId } = joined.value!;
  harness.sync({ memberId, generationId, assignments: [{ memberId, assignment: assigned([{ topic: 'a', partitions: [0, 1, 2, 3] }]) }] });
  return { memberId, generation: generationId };
}

const described = (harness: Harness): ConsumerGroupDescribeResponse['groups'][number] => harness.coordinator.describeConsumer('g') as ConsumerGroupDescribeResponse['groups'][number];

describe('a classic group', () => {
  it('becomes a consumer group online, shares with its old members, and becomes classic again', async () => {
    const harness = await start();
    const { memberId, generation } = classicGroup(harness);
    const one = new Consumer(harness, 'new');
    expect(one.join()).toMatchObject({ errorCode: 0, memberEpoch: generation + 1, assignment: { topicPartitions: [] } });
    expect(described(harness)).toMatchObject({ groupState: 'Reconciling', members: [{ memberId, memberType: 0, memberEpoch: generation }, { memberId: 'new', memberType: 1 }] });
    // the old member hears that there is a rebalance, gives half up, and joins again
    expect(harness.heartbeat(memberId, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const again = harness.join({ memberId, ...cooperative([{ topic: 'a', partitions: [0, 1, 2, 3] }]) });
    expect(again.value).toMatchObject({ errorCode: 0, generationId: generation, protocolName: 'cooperative-sticky', leader: '', members: [] });
    const kept = partitionsOf(harness.sync({ memberId, generationId: generation }).value!.assignment);
    expect(kept).toHaveLength(1);
    expect(kept[0]!.partitions).toHaveLength(2);
    expect(harness.heartbeat(memberId, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const next = harness.join({ memberId, ...cooperative(kept) }).value!;
    expect(next.generationId).toBe(generation + 1);
    expect(partitionsOf(harness.sync({ memberId, generationId: next.generationId }).value!.assignment)).toEqual(kept);
    expect(harness.heartbeat(memberId, next.generationId)).toBe(0);
    settle([one]);
    expect(one.partitions).toHaveLength(2);
    expect(harness.commit({ offsets: { a: { [kept[0]!.partitions[0]!]: 7 } }, memberId, generationIdOrMemberEpoch: next.generationId }, 8).value).toMatchObject({ errorCode: 0 });

    one.send({ memberEpoch: -1 });
    expect(harness.coordinator.list({ states: [], types: [] })).toMatchObject([{ groupType: 'classic', groupState: 'PreparingRebalance', protocolType: 'consumer' }]);
    const joined = harness.join({ memberId, ...cooperative(kept) });
    expect(joined.value).toMatchObject({ errorCode: 0, leader: memberId, members: [{ memberId }] });
    expect(harness.offset('a', kept[0]!.partitions[0]!)).toBe(7);
    const restarted = await harness.restart();
    expect(restarted.coordinator.list({ states: [], types: [] })).toMatchObject([{ groupType: 'classic' }]);
  });

  it('is left alone where the policy says so, and moved when it is empty', async () => {
    const harness = await start(consumerSettings({ canUpgrade: false }));
    const { memberId } = classicGroup(harness);
    const one = new Consumer(harness, 'new');
    expect(one.join().errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(harness.state()).toBe('Stable');
    harness.leave([{ memberId }]);
    expect(one.join()).toMatchObject({ errorCode: 0, memberEpoch: 2 });
    one.send({ memberEpoch: -1 });
    expect(harness.join(cooperative()).value!.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    expect(harness.coordinator.list({ states: [], types: [] })).toMatchObject([{ groupType: 'classic' }]);
  });

  it('of another protocol, or with an assignor of its own, stays what it is', async () => {
    const harness = await start();
    harness.stableGroup(1, { protocolType: 'connect', protocols: [{ name: 'x', metadata: Buffer.from('x') }] });
    expect(new Consumer(harness, 'new').join().errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    harness.stableGroup(1, { groupId: 'h' });
    // its assignment is no assignment of consumers
    expect(new Consumer(harness, 'new', { groupId: 'h' }).join().errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(harness.state('h')).toBe('Stable');
  });

  it('comes back when the log does not take its end', async () => {
    const harness = await start();
    const { memberId, generation } = classicGroup(harness);
    harness.log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(new Consumer(harness, 'new').join().errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.state()).toBe('Stable');
    expect(harness.heartbeat(memberId, generation)).toBe(0);
  });
});

describe('a consumer group', () => {
  it('takes members of the classic protocol, static ones too', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one');
    one.join();
    const { memberId } = harness.join(cooperative()).value!;
    const joined = harness.join({ memberId, ...cooperative() }).value!;
    expect(joined).toMatchObject({ errorCode: 0, generationId: 3, protocolType: 'consumer', protocolName: 'cooperative-sticky' });
    expect(partitionsOf(harness.sync({ memberId, generationId: 3 }).value!.assignment)).toEqual([]);
    expect(harness.sync({ memberId, generationId: 9 }).value!.errorCode).toBe(ErrorCode.ILLEGAL_GENERATION);
    one.beat();
    one.beat();
    expect(harness.heartbeat(memberId, 3)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(harness.join({ memberId, ...cooperative() }).value!.generationId).toBe(3);
    expect(partitionsOf(harness.sync({ memberId, generationId: 3 }).value!.assignment)[0]!.partitions).toHaveLength(2);
    expect(harness.heartbeat(memberId, 3)).toBe(0);
    expect(harness.heartbeat('one', 3)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(harness.join({ protocolType: 'connect' }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(harness.leave([{ memberId: 'nobody' }, { memberId }]).value!.members.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.UNKNOWN_MEMBER_ID, 0]);
    settle([one]);
    expect(one.partitions).toHaveLength(4);
  });

  it('gives a classic member its id before it asks what that one wants, and refuses without naming it', async () => {
    const harness = await start();
    new Consumer(harness, 'one').join();
    const join = (memberId: string, metadata: Buffer, protocolType = 'consumer') => harness.join({ memberId, protocolType, protocols: [{ name: 'range', metadata }] }).value!;
    const { memberId, errorCode } = join('', Buffer.alloc(0));
    expect(errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
    const refused = { errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, generationId: -1, memberId: '' };
    expect(join(memberId, Buffer.alloc(0))).toMatchObject(refused);
    expect(join(memberId, subscribed(['a']), 'connect')).toMatchObject(refused);
    expect(join(memberId, subscribed(['a']))).toMatchObject({ errorCode: 0, memberId });
  });

  it('lets a classic member be until there is a new assignment, also where nobody else is left to make it', async () => {
    const harness = await start(consumerSettings({ assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 }, canDowngrade: false }));
    const one = new Consumer(harness, 'one');
    one.join();
    const { memberId } = harness.join(cooperative()).value!;
    const rejoin = () => harness.join({ memberId, ...cooperative() }).value!.generationId;
    const generationId = rejoin();
    expect(described(harness)).toMatchObject({ groupEpoch: generationId + 1, assignmentEpoch: generationId });
    expect(harness.sync({ memberId, generationId }).value!).toMatchObject({ errorCode: 0 });
    expect(harness.heartbeat(memberId, generationId)).toBe(0);
    harness.advance(1_000);
    expect(harness.heartbeat(memberId, generationId)).toBe(0);
    one.beat();
    expect(harness.heartbeat(memberId, generationId)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(rejoin()).toBe(generationId + 1);
    one.send({ memberEpoch: -1 });
    // what the other one had is free
    expect(harness.heartbeat(memberId, generationId + 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(rejoin()).toBe(generationId + 1);
    expect(harness.heartbeat(memberId, generationId + 1)).toBe(0);
    harness.advance(1_000);
    expect(harness.heartbeat(memberId, generationId + 1)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(rejoin()).toBe(generationId + 2);
    expect(partitionsOf(harness.sync({ memberId, generationId: generationId + 2 }).value!.assignment)[0]!.partitions).toHaveLength(4);
  });

  it('takes no classic member where groups do not migrate', async () => {
    const harness = await start(consumerSettings({ canUpgrade: false, canDowngrade: false }));
    new Consumer(harness, 'one').join();
    expect(harness.join(cooperative()).value!).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId: '' });
  });

  it('lets members of either protocol leave by LeaveGroup, by their ids or by their instances', async () => {
    const harness = await start();
    const names = ['one', 'two', 'three'];
    for (const [at, name] of names.entries()) new Consumer(harness, name, at === 0 ? {} : { instanceId: `i-${name}` }).join();
    const leaving = [{ memberId: 'one' }, { memberId: 'one', groupInstanceId: 'i-two' }, { memberId: 'two', groupInstanceId: 'i-two' }, { memberId: '', groupInstanceId: 'i-three' }, { memberId: '' }];
    const { members } = harness.leave(leaving).value!;
    expect(members.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.FENCED_INSTANCE_ID, 0, 0, ErrorCode.UNKNOWN_MEMBER_ID]);
    expect(described(harness)).toMatchObject({ groupState: 'Empty', members: [] });
  });

  it('forgets a classic member that does not come back when it was told to', async () => {
    const harness = await start();
    const { memberId, generation } = classicGroup(harness);
    const one = new Consumer(harness, 'one');
    one.join();
    expect(harness.heartbeat(memberId, generation)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    for (let i = 0; i < 7; i++) {
      harness.advance(5_000);
      harness.heartbeat(memberId, generation);
      one.beat();
    }
    settle([one]);
    expect(one.partitions).toHaveLength(4);
    expect(harness.heartbeat(memberId, generation)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });
});
