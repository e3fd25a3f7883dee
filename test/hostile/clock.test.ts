/** A clock that steps, back and forth: on a memory disk, with a clock of the test's own. */
import { afterEach, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic } from '../../src/protocol/generated/fetch.ts';
import { makeFindCoordinatorRequest } from '../../src/protocol/generated/findCoordinator.ts';
import { makeHeartbeatRequest } from '../../src/protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol } from '../../src/protocol/generated/joinGroup.ts';
import { makeListOffsetsRequest } from '../../src/protocol/generated/listOffsets.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic } from '../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestGroup } from '../../src/protocol/generated/offsetFetch.ts';
import { makeSyncGroupRequest } from '../../src/protocol/generated/syncGroup.ts';
import { maxTimestampOf } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { CreateTopics, Fetch, FindCoordinator, ListOffsets, OffsetCommit, OffsetFetch, Produce } from '../broker/support/apis.ts';
import { call, send, settle, startNode, type TestNode } from '../broker/support/node.ts';
import { makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest } from '../../src/protocol/generated/createTopics.ts';
import { Heartbeat, JoinGroup, SyncGroup } from './support/apis.ts';
import { produceRequest } from './support/producing.ts';

const DAY_MS = 86_400_000;
/** log.retention.check.interval.ms as it is by default. */
const RETENTION_CHECK_MS = 300_000;
const { NONE } = ErrorCode;

let node: TestNode;
afterEach(() => node.stop());

async function create(name: string, configs: Readonly<Record<string, string>> = {}): Promise<void> {
  const topic = makeCreatableTopic({
    name, numPartitions: 1, replicationFactor: 1, configs: Object.entries(configs).map(([key, value]) => makeCreatableTopicConfig({ name: key, value })),
  });
  expect((await call(node, CreateTopics, 5, makeCreateTopicsRequest({ topics: [topic], timeoutMs: 1000 }))).topics[0]!.errorCode).toBe(NONE);
}

async function produce(topic: string, timestampMs: number, value = 'x'): Promise<{ errorCode: number; baseOffset: number; logAppendTimeMs: number }> {
  const builder = new BatchBuilder();
  builder.append(null, Buffer.from(value), null, timestampMs);
  const { errorCode, baseOffset, logAppendTimeMs } = (await call(node, Produce, 9, produceRequest(topic, builder.close()))).responses[0]!.partitionResponses[0]!;
  return { errorCode, baseOffset: baseOffset as number, logAppendTimeMs: logAppendTimeMs as number };
}

async function offsetFor(topic: string, timestamp: number): Promise<number> {
  const asked = makeListOffsetsRequest({ replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, maxNumOffsets: 1 }] }] });
  return (await call(node, ListOffsets, 7, asked)).topics[0]!.partitions[0]!.offset as number;
}

const fetching = (topic: string, offset: number, maxWaitMs: number) => makeFetchRequest({
  maxWaitMs, minBytes: 1, maxBytes: 1 << 20, sessionEpoch: -1,
  topics: [makeFetchTopic({ topic, partitions: [makeFetchPartition({ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 })] })],
});

test('appends go on over a step back of a day, and are found by offset and by time', async () => {
  node = await startNode();
  const { clock } = node.ports;
  await create('events');
  const before = clock.now();
  for (let round = 0; round < 5; round += 1) expect(await produce('events', clock.now() + round)).toMatchObject({ errorCode: NONE, baseOffset: round });
  clock.wallMs -= DAY_MS;
  for (let round = 5; round < 10; round += 1) expect(await produce('events', clock.now() + round)).toMatchObject({ errorCode: NONE, baseOffset: round });
  // Kafka answers with the first record of that time or later.
  expect(await offsetFor('events', before)).toBe(0);
  expect(await offsetFor('events', before + 4)).toBe(4);
  expect(await offsetFor('events', before + 5)).toBe(-1);
  expect(await offsetFor('events', -3)).toBe(4);
});

test('LogAppendTime follows the clock, and its index stays in order', async () => {
  node = await startNode();
  const { clock } = node.ports;
  await create('stamped', { 'message.timestamp.type': 'LogAppendTime', 'index.interval.bytes': '0' });
  const before = clock.now();
  expect((await produce('stamped', 5)).logAppendTimeMs).toBe(before);
  clock.wallMs -= DAY_MS;
  expect((await produce('stamped', 5)).logAppendTimeMs).toBe(before - DAY_MS);
  clock.wallMs += 2 * DAY_MS;
  expect((await produce('stamped', 5)).logAppendTimeMs).toBe(before + DAY_MS);
  expect(await offsetFor('stamped', before - DAY_MS)).toBe(0);
  expect(await offsetFor('stamped', before + 1)).toBe(2);
  const records = (await call(node, Fetch, 11, fetching('stamped', 1, 0))).responses[0]!.partitions[0]!.records as Buffer;
  expect(maxTimestampOf(records, 0)).toBe(before - DAY_MS);
});

test('retention neither deletes early after a step back, nor never', async () => {
  node = await startNode();
  const { clock } = node.ports;
  await create('aging', { 'retention.ms': String(DAY_MS), 'segment.bytes': '1048576' });
  const log = node.store.get('aging', 0)!;
  for (let round = 0; round < 3; round += 1) await produce('aging', clock.now(), 'x'.repeat(600_000));
  clock.wallMs -= 10 * DAY_MS;
  await clock.advance(2 * RETENTION_CHECK_MS);
  expect(log.logStartOffset).toBe(0);
  clock.wallMs += 12 * DAY_MS;
  await clock.advance(2 * RETENTION_CHECK_MS);
  expect(log.logStartOffset).toBeGreaterThan(0);
  expect((await produce('aging', clock.now())).errorCode).toBe(NONE);
});

test('a waiting fetch and a group live by the time that passes, not by what the clock says', async () => {
  node = await startNode({ settings: { 'group.initial.rebalance.delay.ms': '0' } });
  const { clock } = node.ports;
  await create('events');
  const waiting = send(node, Fetch, 11, fetching('events', 0, 500));
  clock.wallMs -= DAY_MS;
  await clock.advance(400);
  expect(waiting.outcome.frame).toBeNull();
  await clock.advance(200);
  expect(waiting.response()!.responses[0]!.partitions[0]!.errorCode).toBe(NONE);

  const { memberId, generationId } = await joinAlone();
  const heartbeat = async () => (await call(node, Heartbeat, 3, makeHeartbeatRequest({ groupId: 'group', memberId, generationId }))).errorCode;
  clock.wallMs += DAY_MS;
  expect(await heartbeat()).toBe(NONE);
  clock.wallMs -= 5 * DAY_MS;
  await clock.advance(8000);
  expect(await heartbeat()).toBe(NONE);
  await clock.advance(11_000);
  expect(await heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

async function joinAlone(): Promise<{ memberId: string; generationId: number }> {
  const asked = makeJoinGroupRequest({ groupId: 'group', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer', protocols: [makeJoinGroupRequestProtocol({ name: 'range', metadata: Buffer.alloc(0) })] });
  // The first one makes __consumer_offsets.
  for (;;) {
    await call(node, FindCoordinator, 1, makeFindCoordinatorRequest({ key: 'group' }));
    const joining = send(node, JoinGroup, 3, asked);
    await settle();
    await node.ports.clock.advance(10);
    const joined = joining.response();
    if (joined === null || joined.errorCode !== NONE) continue;
    const { memberId, generationId } = joined;
    const synced = await call(node, SyncGroup, 3, makeSyncGroupRequest({ groupId: 'group', memberId, generationId, assignments: [{ memberId, assignment: Buffer.alloc(0) }] }));
    expect(synced.errorCode).toBe(NONE);
    return { memberId, generationId };
  }
}

test('committed offsets do not expire because the clock was ahead for a moment', async () => {
  node = await startNode({ settings: { 'offsets.retention.minutes': '60', 'offsets.retention.check.interval.ms': '1000' } });
  const { clock } = node.ports;
  await create('events');
  const partition = makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 7 });
  const commit = makeOffsetCommitRequest({ groupId: 'group', generationIdOrMemberEpoch: -1, topics: [makeOffsetCommitRequestTopic({ name: 'events', partitions: [partition] })] });
  const committing = async () => {
    await call(node, FindCoordinator, 1, makeFindCoordinatorRequest({ key: 'group' }));
    const pending = send(node, OffsetCommit, 7, commit);
    await clock.advance(10);
    return pending.response()?.topics[0]?.partitions[0]?.errorCode;
  };
  while ((await committing()) !== NONE) await settle();
  const offset = async () => (await call(node, OffsetFetch, 8, makeOffsetFetchRequest({ groups: [makeOffsetFetchRequestGroup({ groupId: 'group', topics: [{ name: 'events', topicId: '', partitionIndexes: [0] }] })] }))).groups[0]!.topics[0]!.partitions[0]!.committedOffset;
  // Back by an hour and more: it is only kept longer.
  clock.wallMs -= 3 * 3_600_000;
  await clock.advance(5000);
  expect(await offset()).toBe(7);
  // Truly old in the end.
  clock.wallMs += 6 * 3_600_000;
  await clock.advance(5000);
  expect(await offset()).toBe(-1);
});

test('producer state and sequences survive a step back', async () => {
  node = await startNode();
  const { clock } = node.ports;
  await create('events');
  const send = async (sequence: number) => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.from('x'), null, clock.now());
    const batch = builder.close({ producerId: 5, producerEpoch: 0, baseSequence: sequence });
    const { errorCode, baseOffset } = (await call(node, Produce, 9, produceRequest('events', batch))).responses[0]!.partitionResponses[0]!;
    return { errorCode, baseOffset };
  };
  expect(await send(0)).toEqual({ errorCode: NONE, baseOffset: 0 });
  clock.wallMs -= 40 * DAY_MS;
  expect(await send(1)).toEqual({ errorCode: NONE, baseOffset: 1 });
  expect(await send(1)).toEqual({ errorCode: NONE, baseOffset: 1 });
  expect((await send(5)).errorCode).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
});
