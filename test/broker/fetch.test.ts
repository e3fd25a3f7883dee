import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeFetchPartition, makeFetchRequest } from '../../src/protocol/generated/fetch.ts';
import { zeroUuid } from '../../src/protocol/types.ts';
import { DeleteTopics, Fetch, Produce } from './support/apis.ts';
import { call, send, settle, startNode, TestConnection } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { batch, createTopic, fetchBody, fetchOne, partitionsOf, produce, produceBody, valuesIn } from './support/work.ts';

async function withTopic(partitions = 1): Promise<{ node: TestNode; topicId: string }> {
  const node = await startNode();
  return { node, topicId: await createTopic(node, 'events', partitions) };
}

describe('fetch', () => {
  it('works in every version that Kafka serves', async () => {
    const { node, topicId } = await withTopic();
    await produce(node, 'events', 0, batch(['a']));
    for (let version = 4; version <= 18; version++) {
      const request = version >= 13
        ? makeFetchRequest({ topics: [{ topic: '', topicId, partitions: [makeFetchPartition({ partitionMaxBytes: 1000 })] }] })
        : fetchBody('events', [{}]);
      const { responses } = await call(node, Fetch, version, request);
      expect(valuesIn(responses[0]!.partitions[0]!.records), `version ${version}`).toEqual(['a']);
    }
    await node.stop();
  });

  it('gives the views back once the reply was sent', async () => {
    const { node } = await withTopic();
    await produce(node, 'events', 0, batch(['a']));
    const connection = new TestConnection();
    connection.holdsReplies = true;
    const before = node.disk.openViews;
    expect(valuesIn((await fetchOne(node, 'events', 0, 0, {}, connection)).records)).toEqual(['a']);
    expect(node.disk.openViews).toBe(before + 1);
    connection.sendAll();
    expect(node.disk.openViews).toBe(before);
    await node.stop();
  });

  it.each([
    ['an offset before 0', -1],
    ['an offset behind the end', 2],
    ['an offset of 2^60', 2n ** 60n as unknown as number],
    ['the smallest offset there is', -(2n ** 63n) as unknown as number],
  ])('refuses %s', async (_what, fetchOffset) => {
    const { node } = await withTopic();
    await produce(node, 'events', 0, batch(['a']));
    expect(await fetchOne(node, 'events', 0, fetchOffset, { maxWaitMs: 5000 })).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, highWatermark: -1 });
    await node.stop();
  });

  it('refuses what it does not know or lead', async () => {
    const { node, topicId } = await withTopic();
    expect((await fetchOne(node, 'nowhere', 0, 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await fetchOne(node, 'events', 5, 0)).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const byId = (id: string, partition: number) => call(node, Fetch, 13, makeFetchRequest({ topics: [{ topic: '', topicId: id, partitions: [makeFetchPartition({ partition })] }] }));
    expect((await byId(zeroUuid, 0)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    expect((await byId(topicId, 7)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const follower = await call(node, Fetch, 12, fetchBody('events', [{}], { replicaId: 3 }));
    expect(follower.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await node.stop();
  });

  it('fences leader epochs', async () => {
    const first = await withTopic();
    await first.node.stop();
    const node = await startNode({ disk: first.node.disk, ports: first.node.ports });
    const withEpoch = async (currentLeaderEpoch: number) => (await call(node, Fetch, 12, fetchBody('events', [{ currentLeaderEpoch }]))).responses[0]!.partitions[0]!;
    expect((await withEpoch(0)).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH);
    const topics = [{ topic: '', topicId: first.topicId, partitions: [makeFetchPartition({ currentLeaderEpoch: 0 })] }];
    const fenced = await call(node, Fetch, 16, makeFetchRequest({ topics }));
    expect(fenced.responses[0]!.partitions[0]).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH, currentLeader: { leaderId: 7, leaderEpoch: 1 } });
    expect(fenced.nodeEndpoints).toMatchObject([{ nodeId: 7, host: 'broker.example', port: 9092 }]);
    expect((await withEpoch(2)).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    expect((await withEpoch(1)).errorCode).toBe(0);
    await node.stop();
  });

  it('tells a reader where its history ends', async () => {
    const { node } = await withTopic();
    await produce(node, 'events', 0, batch(['a']));
    await node.stop();
    const again = await startNode({ disk: node.disk, ports: node.ports });
    await produce(again, 'events', 0, batch(['b']));
    const withLast = async (lastFetchedEpoch: number, fetchOffset: number) =>
      (await call(again, Fetch, 12, fetchBody('events', [{ lastFetchedEpoch, fetchOffset }]))).responses[0]!.partitions[0]!;
    expect(await withLast(0, 2)).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 0, endOffset: 1 } });
    expect(valuesIn((await withLast(0, 1)).records)).toEqual(['b']);
    expect(valuesIn((await withLast(1, 1)).records)).toEqual(['b']);
    const waiting = send(again, Fetch, 12, fetchBody('events', [{ lastFetchedEpoch: 1, fetchOffset: 2 }], { maxWaitMs: 500 }));
    expect(waiting.outcome.frame).toBeNull();
    await again.ports.clock.advance(600);
    expect(waiting.response()!.responses[0]!.partitions[0]!.errorCode).toBe(0);
    await again.stop();
  });

  it('keeps to the byte limits, but gives one batch in any case', async () => {
    const { node } = await withTopic(3);
    for (const partition of [0, 1, 2]) for (const value of ['a', 'b']) await produce(node, 'events', partition, batch([value.repeat(1000)]));
    const sizes = async (fields: object, partitionMaxBytes: number) => {
      const { responses } = await call(node, Fetch, 11, fetchBody('events', [0, 1, 2].map((partition) => ({ partition, partitionMaxBytes })), fields));
      return responses[0]!.partitions.map(({ records }) => valuesIn(records).length);
    };
    expect(await sizes({}, 10_000)).toEqual([2, 2, 2]);
    expect(await sizes({}, 1500)).toEqual([1, 1, 1]);
    expect(await sizes({}, 1)).toEqual([1, 0, 0]);
    expect(await sizes({ maxBytes: 3500 }, 10_000)).toEqual([2, 1, 0]);
    expect(await sizes({ maxBytes: 0 }, 10_000)).toEqual([1, 0, 0]);
    expect(await sizes({ maxBytes: -5 }, -5)).toEqual([1, 0, 0]);
    await node.stop();
  });

  it('has an answer for a partition that nobody can read', async () => {
    const { node } = await withTopic();
    await produce(node, 'events', 0, batch(['a']));
    node.disk.loseRange('/data/events-0/00000000000000000000.log', 0, 10);
    expect((await fetchOne(node, 'events', 0, 0)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    expect((await call(node, Fetch, 5, fetchBody('events', [{}]))).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });
});

describe('long poll', () => {
  it('waits for the first bytes and wakes with them', async () => {
    const { node } = await withTopic(2);
    const pending = send(node, Fetch, 11, fetchBody('events', [{ partition: 0 }, { partition: 1 }], { maxWaitMs: 5000 }));
    await settle();
    expect(pending.outcome.frame).toBeNull();
    await produce(node, 'events', 1, batch(['a']));
    await settle();
    expect(pending.response()!.responses[0]!.partitions.map(({ records }) => valuesIn(records))).toEqual([[], ['a']]);
    await node.stop();
  });

  it('wakes once for many appends of one turn', async () => {
    const { node } = await withTopic();
    const pending = send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 5000 }));
    for (const value of ['a', 'b', 'c']) send(node, Produce, 9, produceBody('events', 0, batch([value])));
    await settle();
    expect(valuesIn(pending.response()!.responses[0]!.partitions[0]!.records)).toEqual(['a', 'b', 'c']);
    await node.stop();
  });

  it('waits for min bytes over all partitions', async () => {
    const { node } = await withTopic(2);
    const size = batch(['a']).length;
    const pending = send(node, Fetch, 11, fetchBody('events', [{ partition: 0 }, { partition: 1 }], { maxWaitMs: 5000, minBytes: 2 * size }));
    await produce(node, 'events', 0, batch(['a']));
    await settle();
    expect(pending.outcome.frame).toBeNull();
    await produce(node, 'events', 1, batch(['b']));
    await settle();
    expect(pending.response()!.responses[0]!.partitions.map(({ records }) => valuesIn(records))).toEqual([['a'], ['b']]);
    await node.stop();
  });

  it('ends at its deadline with what there is', async () => {
    const { node } = await withTopic();
    const pending = send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 500, minBytes: 1_000_000 }));
    await produce(node, 'events', 0, batch(['a']));
    await node.ports.clock.advance(490);
    expect(pending.outcome.frame).toBeNull();
    await node.ports.clock.advance(20);
    expect(valuesIn(pending.response()!.responses[0]!.partitions[0]!.records)).toEqual(['a']);
    expect(node.broker.services.waiting.parkedCount).toBe(0);
    await node.stop();
  });

  it('is given up with its connection', async () => {
    const { node } = await withTopic();
    const connection = new TestConnection();
    const pending = send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 500 }), connection);
    expect(node.broker.services.waiting.parkedCount).toBe(1);
    connection.close();
    expect(node.broker.services.waiting.parkedCount).toBe(0);
    await produce(node, 'events', 0, batch(['a']));
    await node.ports.clock.advance(1000);
    expect(pending.outcome).toMatchObject({ frame: null, none: true });
    await node.stop();
  });

  it('leaves nothing on its connection once it is answered', async () => {
    const { node } = await withTopic();
    const connection = new TestConnection();
    send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 500 }), connection);
    expect(connection.closeListeners).toBe(1);
    await produce(node, 'events', 0, batch(['a']));
    await settle();
    expect(connection.closeListeners).toBe(0);
    await node.stop();
  });

  it('ends at once when its topic is deleted', async () => {
    const { node, topicId } = await withTopic();
    const pending = send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 5000 }));
    await call(node, DeleteTopics, 6, { topics: [{ name: null, topicId }], topicNames: [], timeoutMs: 1000 });
    await settle();
    expect(pending.response()!.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await node.stop();
  });

  it('answers at once what is due at once', async () => {
    const { node } = await withTopic();
    expect(send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 0 })).outcome.frame).not.toBeNull();
    expect(send(node, Fetch, 11, fetchBody('events', [{}], { maxWaitMs: 500, minBytes: 0 })).outcome.frame).not.toBeNull();
    expect(send(node, Fetch, 11, fetchBody('nowhere', [{}], { maxWaitMs: 500 })).outcome.frame).not.toBeNull();
    expect(send(node, Fetch, 11, makeFetchRequest({ maxWaitMs: 500, minBytes: 1 })).outcome.frame).not.toBeNull();
    await node.stop();
  });
});

describe('fetch sessions', () => {
  const inSession = (sessionId: number, sessionEpoch: number, fields: object = {}) => makeFetchRequest({ maxWaitMs: 0, minBytes: 1, sessionId, sessionEpoch, ...fields });
  const partitions = (...indexes: number[]) => indexes.map((partition) => ({ partition }));

  async function opened(partitionCount = 3) {
    const { node, topicId } = await withTopic(partitionCount);
    const request = fetchBody('events', partitions(...Array.from({ length: partitionCount }, (_, index) => index)), { sessionId: 0, sessionEpoch: 0 });
    const first = await call(node, Fetch, 11, request);
    expect(first.sessionId).toBeGreaterThan(0);
    expect(partitionsOf(first)).toHaveLength(partitionCount);
    return { node, topicId, sessionId: first.sessionId };
  }

  it('say only what is news', async () => {
    const { node, sessionId } = await opened();
    expect(partitionsOf(await call(node, Fetch, 11, inSession(sessionId, 1)))).toEqual([]);
    await produce(node, 'events', 1, batch(['a']));
    const second = await call(node, Fetch, 11, inSession(sessionId, 2));
    expect(second).toMatchObject({ sessionId, errorCode: 0 });
    expect(partitionsOf(second)).toEqual([1]);
    const moved = fetchBody('events', [{ partition: 1, fetchOffset: 1 }], { sessionId, sessionEpoch: 3 });
    expect(partitionsOf(await call(node, Fetch, 11, moved))).toEqual([]);
    await node.stop();
  });

  it('put those that gave data at the end, so that all get their turn', async () => {
    const { node, sessionId } = await opened();
    for (const partition of [0, 1, 2]) await produce(node, 'events', partition, batch(['x'.repeat(1000)]));
    const order: number[][] = [];
    for (const epoch of [1, 2, 3]) {
      const { responses } = await call(node, Fetch, 11, inSession(sessionId, epoch, { maxBytes: 1100 }));
      order.push(responses[0]!.partitions.filter(({ records }) => valuesIn(records).length > 0).map(({ partitionIndex }) => partitionIndex));
    }
    expect(order).toEqual([[0], [1], [2]]);
    await node.stop();
  });

  it('add and forget partitions', async () => {
    const { node, sessionId } = await opened(2);
    await createTopic(node, 'other');
    await produce(node, 'other', 0, batch(['a']));
    await produce(node, 'events', 0, batch(['b']));
    const request = fetchBody('other', [{ partition: 0 }], { sessionId, sessionEpoch: 1, forgottenTopicsData: [{ topic: 'events', topicId: zeroUuid, partitions: [0] }] });
    const { responses } = await call(node, Fetch, 11, request);
    expect(responses.map(({ topic }) => topic)).toEqual(['other']);
    await node.stop();
  });

  it('repeat a partition after its error until the client sees it well', async () => {
    const { node, sessionId } = await opened(1);
    const beyond = fetchBody('events', [{ partition: 0, fetchOffset: 9 }], { sessionId, sessionEpoch: 1 });
    expect((await call(node, Fetch, 11, beyond)).responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(partitionsOf(await call(node, Fetch, 11, inSession(sessionId, 2)))).toEqual([0]);
    const back = fetchBody('events', [{ partition: 0, fetchOffset: 0 }], { sessionId, sessionEpoch: 3 });
    expect((await call(node, Fetch, 11, back)).responses[0]!.partitions[0]!.errorCode).toBe(0);
    expect(partitionsOf(await call(node, Fetch, 11, inSession(sessionId, 4)))).toEqual([]);
    await node.stop();
  });

  it('refuse unknown ids, wrong epochs and a change between names and ids', async () => {
    const { node, sessionId } = await opened();
    expect((await call(node, Fetch, 11, inSession(sessionId + 1, 1))).errorCode).toBe(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    expect((await call(node, Fetch, 11, inSession(sessionId, 5))).errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    expect((await call(node, Fetch, 13, inSession(sessionId, 1))).errorCode).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    expect((await call(node, Fetch, 11, inSession(sessionId, 1))).errorCode).toBe(0);
    await node.stop();
  });

  it('end when they are closed, replaced or emptied', async () => {
    const { node, sessionId } = await opened(1);
    const { fetchSessions } = node.broker.services;
    expect(fetchSessions.size).toBe(1);
    const replaced = await call(node, Fetch, 11, fetchBody('events', [{}], { sessionId, sessionEpoch: 0 }));
    expect(fetchSessions.size).toBe(1);
    expect(replaced.sessionId).not.toBe(sessionId);
    const emptied = inSession(replaced.sessionId, 1, { forgottenTopicsData: [{ topic: 'events', topicId: zeroUuid, partitions: [0] }] });
    expect((await call(node, Fetch, 11, emptied)).sessionId).toBe(0);
    expect(fetchSessions.size).toBe(0);
    const third = await call(node, Fetch, 11, fetchBody('events', [{}], { sessionId: 0, sessionEpoch: 0 }));
    expect((await call(node, Fetch, 11, fetchBody('events', [{}], { sessionId: third.sessionId, sessionEpoch: -1 }))).sessionId).toBe(0);
    expect(fetchSessions.size).toBe(0);
    await node.stop();
  });

  it('answer a repeated request of a parked one with the session error', async () => {
    const { node, sessionId } = await opened(1);
    const parked = send(node, Fetch, 11, inSession(sessionId, 1, { maxWaitMs: 500 }));
    expect(parked.outcome.frame).toBeNull();
    expect((await call(node, Fetch, 11, inSession(sessionId, 2))).errorCode).toBe(0);
    await node.ports.clock.advance(1000);
    expect(parked.response()!.errorCode).toBe(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    await node.stop();
  });

  it('leave the cache by staleness, then by worth', async () => {
    const node = await startNode({ settings: { 'max.incremental.fetch.session.cache.slots': '2' } });
    await createTopic(node, 'events', 3);
    const open = async (...indexes: number[]) => (await call(node, Fetch, 11, fetchBody('events', partitions(...indexes), { sessionId: 0, sessionEpoch: 0 }))).sessionId;
    const isAlive = async (sessionId: number, epoch: number) => (await call(node, Fetch, 11, inSession(sessionId, epoch))).errorCode === 0;
    const one = await open(0);
    const two = await open(0, 1);
    // Both are young: nobody makes room.
    expect(await open(0, 1, 2)).toBe(0);
    await node.ports.clock.advance(100_000);
    expect(await isAlive(one, 1)).toBe(true);
    expect(await isAlive(two, 1)).toBe(true);
    await node.ports.clock.advance(30_000);
    // Both are old now, neither is stale: the smaller gives way, to a larger one only.
    const three = await open(1, 2);
    expect(three).toBeGreaterThan(0);
    expect(await isAlive(one, 2)).toBe(false);
    await node.ports.clock.advance(125_000);
    const four = await open(0);
    expect(four).toBeGreaterThan(0);
    expect(await isAlive(two, 2)).toBe(false);
    expect(await isAlive(three, 1)).toBe(true);
    await node.stop();
  });
});
