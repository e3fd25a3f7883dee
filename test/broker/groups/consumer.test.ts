import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import type { DescribedGroup } from '../../../src/protocol/generated/consumerGroupDescribe.ts';
import { Consumer, consumerSettings, settle } from './consumerSupport.ts';
import { ArrayLog, Harness } from './support.ts';

const A = 'AAAAAAAAAAAAAAAAAAAAAQ';

async function start(settings = {}): Promise<Harness> {
  const harness = await Harness.start(settings);
  harness.partitionCounts.set('a', 4);
  return harness;
}

describe('a consumer group', () => {
  it('gives all partitions to the only member at once', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one');
    expect(one.join()).toMatchObject({ errorCode: 0, memberId: 'one', memberEpoch: 2, heartbeatIntervalMs: 5_000, assignment: { topicPartitions: [{ topicId: A, partitions: [0, 1, 2, 3] }] } });
    expect(one.beat()).toMatchObject({ memberEpoch: 2, assignment: null });
    expect(harness.coordinator.list({ states: [], types: ['consumer'] })).toEqual([{ groupId: 'g', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' }]);
  });

  it('lets a new member wait for partitions until the old one has given them up', async () => {
    const harness = await start();
    const [one, two] = [new Consumer(harness, 'one'), new Consumer(harness, 'two')];
    one.join();
    expect(two.join()).toMatchObject({ memberEpoch: 3, assignment: { topicPartitions: [] } });
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ groupState: 'Reconciling', groupEpoch: 3, assignmentEpoch: 3, assignorName: 'uniform' });
    const kept = one.send({});
    expect(kept.memberEpoch).toBe(2);
    one.take(kept);
    expect(one.partitions).toHaveLength(2);
    // it has all four until it says that it gave two up
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ members: [{ assignment: { topicPartitions: [{ partitions: [0, 1, 2, 3] }] } }, { assignment: { topicPartitions: [] } }] });
    expect(two.beat().assignment).toBeNull();
    one.beat();
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ members: [{ assignment: { topicPartitions: [{ partitions: one.partitions.map((name) => Number(name.slice(1))) }] } }, {}] });
    two.beat();
    settle([one, two]);
    expect([...one.partitions, ...two.partitions].toSorted()).toEqual(['Q0', 'Q1', 'Q2', 'Q3']);
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ groupState: 'Stable' });
  });

  it('waits between two assignments as long as assignment.interval.ms says', async () => {
    const harness = await start(consumerSettings({ assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 } }));
    const [one, two] = [new Consumer(harness, 'one'), new Consumer(harness, 'two')];
    one.join();
    expect(two.join()).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [] } });
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ groupState: 'Assigning', groupEpoch: 3, assignmentEpoch: 2 });
    harness.advance(1_000);
    settle([one, two]);
    expect(two.partitions).toHaveLength(2);
  });

  it('assigns also when the clock has been set back', async () => {
    const harness = await start(consumerSettings({ assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 } }));
    const [one, two] = [new Consumer(harness, 'one'), new Consumer(harness, 'two')];
    one.join();
    harness.clock.setBack(3_600_000);
    two.join();
    settle([one, two]);
    expect(two.partitions).toHaveLength(2);
  });

  it('refuses what cannot be, with Kafka\'s codes', async () => {
    const harness = await start(consumerSettings({ membersMax: 1 }));
    const one = new Consumer(harness, 'one');
    expect(one.send({ memberEpoch: 5 }).errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    expect(one.join({ serverAssignor: 'mine' }).errorCode).toBe(ErrorCode.UNSUPPORTED_ASSIGNOR);
    expect(one.join({ subscribedTopicRegex: '[' }).errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
    for (const fields of [{ memberId: '' }, { groupId: '' }, { instanceId: '' }, { rackId: '' }, { rebalanceTimeoutMs: -1 }, { topicPartitions: null }, { subscribedTopicNames: null }]) {
      expect(one.join(fields).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    }
    expect(one.send({ memberEpoch: -3 }).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(one.join().errorCode).toBe(0);
    expect(new Consumer(harness, 'two').join().errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(new Consumer(harness, 'two').send({ memberEpoch: 1 }).errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(one.send({ memberEpoch: 7 }).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect(harness.join({ groupId: 'c' }).value!.errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED);
  });

  it('takes the epoch before the present from a member that lost a reply', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one');
    one.join();
    one.beat({ subscribedTopicNames: ['a', 'b'] });
    expect(one.epoch).toBe(3);
    expect(one.send({ memberEpoch: 2, topicPartitions: [{ topicId: A, partitions: [0] }] })).toMatchObject({ errorCode: 0, memberEpoch: 3 });
    expect(one.send({ memberEpoch: 2, topicPartitions: [{ topicId: A, partitions: [9] }] }).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect(one.send({ memberEpoch: 2 }).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  });

  it('hands a silent member\'s partitions on after the session timeout, and a slow one\'s after its rebalance timeout', async () => {
    const harness = await start();
    const [one, two] = [new Consumer(harness, 'one', { rebalanceTimeoutMs: 10_000 }), new Consumer(harness, 'two')];
    one.join();
    two.join();
    one.take(one.send({}));
    for (let i = 0; i < 3; i++) {
      harness.advance(5_000);
      // alive, and still with all it had
      one.send({});
      two.beat();
    }
    two.beat();
    expect(two.partitions).toHaveLength(4);
    expect(one.beat().errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    one.join();
    harness.advance(44_000);
    one.beat();
    harness.advance(2_000);
    settle([one]);
    expect(one.partitions).toHaveLength(4);
    harness.advance(46_000);
    expect(harness.coordinator.list({ states: ['Empty'], types: [] })).toHaveLength(1);
  });

  it('keeps a static member\'s partitions while it is away, and gives them to its next run', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one', { instanceId: 'i' });
    const other = new Consumer(harness, 'other');
    one.join();
    other.join();
    settle([one, other]);
    const had = one.partitions;
    const again = new Consumer(harness, 'again', { instanceId: 'i' });
    expect(again.join().errorCode).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
    expect(one.send({ memberEpoch: -2 })).toMatchObject({ errorCode: 0, memberEpoch: -2 });
    expect(again.join()).toMatchObject({ errorCode: 0 });
    expect(again.partitions).toEqual(had);
    expect(one.send({ memberEpoch: one.epoch }).errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
    expect(harness.leave([{ memberId: '', groupInstanceId: 'i' }]).value).toMatchObject({ errorCode: 0, members: [{ errorCode: 0 }] });
    settle([other]);
    expect(other.partitions).toHaveLength(4);
  });

  it('follows its topics: more partitions, deletion, and creation anew', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one');
    one.join();
    harness.partitionCounts.set('a', 6);
    harness.version++;
    settle([one]);
    expect(one.partitions).toHaveLength(6);
    harness.topics.delete('a');
    harness.version++;
    settle([one]);
    expect(one.partitions).toEqual([]);
    harness.topics.set('a', 'AAAAAAAAAAAAAAAAAAAABQ');
    harness.version++;
    settle([one]);
    expect(one.partitions).toHaveLength(6);
  });

  it('resolves regular expressions, and again when topics come', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one', { subscribedTopicNames: null, subscribedTopicRegex: 'a.*|b' });
    expect(one.join().assignment).toEqual({ topicPartitions: [] });
    harness.advance(10);
    settle([one]);
    expect(one.partitions).toEqual(['Q0', 'Q1', 'Q2', 'Q3', 'g0']);
    harness.topics.set('aa', 'AAAAAAAAAAAAAAAAAAAABQ');
    harness.topics.set('xa', 'AAAAAAAAAAAAAAAAAAAACQ');
    harness.version++;
    one.beat();
    harness.advance(11_000);
    one.beat();
    harness.advance(10);
    settle([one]);
    expect(one.partitions).toHaveLength(6);
    one.beat({ subscribedTopicRegex: '', subscribedTopicNames: ['b'] });
    settle([one]);
    expect(one.partitions).toEqual(['g0']);
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ members: [{ subscribedTopicNames: ['b'], subscribedTopicRegex: '' }] });
  });

  it('commits and reads offsets by member epoch, and by the epoch at which a partition was assigned', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one');
    one.join();
    const commit = (epoch: number, partition = 0, memberId = 'one') =>
      harness.commit({ offsets: { a: { [partition]: 5 } }, memberId, generationIdOrMemberEpoch: epoch }, 9).value!;
    expect(commit(2).errorCode).toBe(0);
    expect(commit(2, 0, 'nobody').errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(commit(3).errorCode).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(commit(-1, 0, '').errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const two = new Consumer(harness, 'two');
    two.join();
    settle([one, two]);
    const [kept] = one.owned[A]!;
    const [moved] = two.owned[A]!;
    expect(commit(2, kept).topics[0]!.partitions[0]!.errorCode).toBe(0);
    expect(commit(2, moved, 'two').topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    expect(commit(2, moved, 'one').topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.STALE_MEMBER_EPOCH);
    const fetch = (memberId: string | null, memberEpoch: number): number => {
      let code = -1;
      harness.coordinator.fetch('g', null, false, (errorCode) => void (code = errorCode), { memberId, memberEpoch });
      return code;
    };
    expect([fetch(null, -1), fetch('one', one.epoch), fetch('one', 1), fetch('x', 1)]).toEqual([0, 0, ErrorCode.STALE_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID]);
  });

  it('is the same after a restart, and members go on', async () => {
    const harness = await start();
    const [one, two] = [new Consumer(harness, 'one'), new Consumer(harness, 'two', { instanceId: 'i', subscribedTopicNames: ['a', 'b'] })];
    one.join();
    two.join();
    settle([one, two]);
    const before = harness.coordinator.describeConsumer('g');
    const restarted = await harness.restart();
    restarted.partitionCounts.set('a', 4);
    expect(restarted.coordinator.describeConsumer('g')).toEqual(before);
    const moved = new Consumer(restarted, 'one');
    Object.assign(moved, { epoch: one.epoch, owned: one.owned });
    expect(moved.beat()).toMatchObject({ errorCode: 0, memberEpoch: one.epoch, assignment: null });
    restarted.advance(46_000);
    expect(restarted.coordinator.list({ states: ['empty'], types: [] })).toHaveLength(1);
  });

  it('takes everything back when the log does not take it', async () => {
    const log = new ArrayLog();
    const harness = await Harness.start({}, log);
    harness.partitionCounts.set('a', 4);
    const [one, two] = [new Consumer(harness, 'one'), new Consumer(harness, 'two')];
    one.join();
    const before = harness.coordinator.describeConsumer('g');
    log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(two.join().errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.coordinator.describeConsumer('g')).toEqual(before);
    expect(two.join().errorCode).toBe(0);
    settle([one, two]);
    log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    const settled = harness.coordinator.describeConsumer('g');
    expect(one.send({ memberEpoch: -1 }).errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(harness.coordinator.describeConsumer('g')).toMatchObject({ groupState: 'Stable', groupEpoch: 3, members: expect.arrayContaining((settled as DescribedGroup).members) });
    harness.advance(46_000);
    expect(harness.coordinator.list({ states: ['empty'], types: [] })).toHaveLength(1);
  });

  it('can be deleted once it is empty, with its records', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one', { subscribedTopicNames: ['a'], subscribedTopicRegex: 'b' });
    one.join();
    harness.advance(10);
    const remove = (): number => {
      let code = -1;
      harness.coordinator.deleteGroup('g', (errorCode) => void (code = errorCode));
      harness.turn();
      return code;
    };
    expect(remove()).toBe(ErrorCode.NON_EMPTY_GROUP);
    one.send({ memberEpoch: -1 });
    expect(remove()).toBe(0);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
    const last = new Map(harness.log.records[0]!.map(({ key, value }) => [Buffer.from(key).toString('hex'), value]));
    expect([...last.values()].filter((value) => value !== null)).toEqual([]);
  });
});

describe('what a client can take', () => {
  it('has an end, for members without a subscription too', async () => {
    const harness = await start({ protocolBytesMax: 10_000 });
    const codes = Array.from({ length: 40 }, (_, index) => new Consumer(harness, `m${index}`, { subscribedTopicNames: [] }).join().errorCode);
    expect(codes[0]).toBe(0);
    expect(codes.at(-1)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    const large = new Consumer(harness, 'large', { groupId: 'h', subscribedTopicNames: Array.from({ length: 200_000 }, (_, index) => `topic-${index}`) });
    expect(large.join().errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });

  it.each(['(a{1000}){1000}', '(?:a?){1000}a{1000}', '('.repeat(2_000), 'x*'.repeat(5_000), '(?=a)', '\\1'])('is no regular expression that takes long: %s', async (subscribedTopicRegex) => {
    const harness = await start();
    expect(new Consumer(harness, 'one', { subscribedTopicNames: null, subscribedTopicRegex }).join().errorCode).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
    expect(harness.coordinator.list({ states: [], types: [] })).toEqual([]);
  });

  it('is not told by an expression what it may not see', async () => {
    const harness = await start();
    const one = new Consumer(harness, 'one', { subscribedTopicNames: null, subscribedTopicRegex: '.*' });
    one.topicAccess = { mayDescribe: (name) => name === 'b', mayCreate: () => false };
    one.join();
    harness.advance(1_000);
    one.beat();
    expect(one.partitions).toEqual(['g0']);
  });

  it('matches many topics in slices, so that others get their turns', async () => {
    const harness = await start();
    for (let i = 0; i < 500; i++) harness.topics.set(`t${i}`, `AAAAAAAAAAAAAAAAAAA${String(i).padStart(3, '0')}`);
    const one = new Consumer(harness, 'one', { subscribedTopicNames: null, subscribedTopicRegex: '(t+)+[0-9]*' });
    one.join();
    harness.advance(1_000);
    one.beat();
    expect(Object.keys(one.owned)).toHaveLength(500);
  });
});
