import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeCreatableTopic } from '../../src/protocol/generated/createTopics.ts';
import { makeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import type { MetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { zeroUuid } from '../../src/protocol/types.ts';
import { CreatePartitions, CreateTopics, DeleteTopics, DescribeTopicPartitions, Metadata } from './support/apis.ts';
import { call, startNode, TestConnection } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { batch, createTopic, fetchOne, produce, valuesIn } from './support/work.ts';

const asking = (names: readonly string[], fields: Partial<MetadataRequest> = {}): MetadataRequest =>
  makeMetadataRequest({ topics: names.map((name) => ({ name, topicId: zeroUuid })), allowAutoTopicCreation: false, ...fields });

describe('Metadata', () => {
  it('tells brokers, controller and topics, in every version', async () => {
    const node = await startNode();
    const topicId = await createTopic(node, 'events', 2);
    for (let version = 1; version <= 13; version++) {
      const response = await call(node, Metadata, version, asking(['events'], version < 4 ? { allowAutoTopicCreation: true } : {}));
      expect(response.brokers).toMatchObject([{ nodeId: 7, host: 'broker.example', port: 9092 }]);
      expect(response.controllerId).toBe(7);
      if (version >= 2) expect(response.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(response.topics).toMatchObject([{ errorCode: 0, name: 'events', isInternal: false, partitions: [{ partitionIndex: 0, leaderId: 7, replicaNodes: [7], isrNodes: [7] }, { partitionIndex: 1 }] }]);
      if (version >= 10) expect(response.topics[0]!.topicId).toBe(topicId);
    }
    await node.stop();
  });

  it('tells all topics from none', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    expect((await call(node, Metadata, 0, makeMetadataRequest({ topics: [] }))).topics).toHaveLength(1);
    expect((await call(node, Metadata, 1, makeMetadataRequest({ topics: [] }))).topics).toHaveLength(0);
    expect((await call(node, Metadata, 1, makeMetadataRequest({ topics: null }))).topics).toHaveLength(1);
    await node.stop();
  });

  it('makes missing topics where both sides allow it: unknown at first as with Kafka, ready to use when asked for again', async () => {
    const node = await startNode({ settings: { 'num.partitions': '3' } });
    const ask = () => call(node, Metadata, 9, asking(['fresh', 'fresh'], { allowAutoTopicCreation: true }));
    expect((await ask()).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'fresh', partitions: [] }]);
    expect((await ask()).topics).toMatchObject([{ errorCode: 0, name: 'fresh', partitions: [{ leaderId: 7 }, {}, {}] }]);
    expect(await produce(node, 'fresh', 2, batch(['a']))).toMatchObject({ errorCode: 0 });
    expect((await call(node, Metadata, 9, asking(['other']))).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name: 'other', partitions: [] }]);
    const illegal = await call(node, Metadata, 9, asking(['a/b', '../c', ''], { allowAutoTopicCreation: true }));
    expect(illegal.topics.map(({ errorCode }) => errorCode)).toEqual([17, 17, 17]);
    await createTopic(node, 'x.y');
    const collision = await call(node, Metadata, 9, asking(['x_y'], { allowAutoTopicCreation: true }));
    expect(collision.topics).toMatchObject([{ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION, name: 'x_y' }]);
    await node.stop();
  });

  it('makes nothing where the broker forbids it', async () => {
    const node = await startNode({ settings: { 'auto.create.topics.enable': 'false' } });
    expect((await call(node, Metadata, 9, asking(['fresh'], { allowAutoTopicCreation: true }))).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    await node.stop();
  });

  it('makes one topic for many that ask at once', async () => {
    const node = await startNode();
    const ask = () => Promise.all(Array.from({ length: 10 }, () => call(node, Metadata, 12, asking(['same'], { allowAutoTopicCreation: true }))));
    expect((await ask()).every(({ topics }) => topics[0]!.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)).toBe(true);
    const answers = await ask();
    const ids = new Set(answers.map(({ topics }) => topics[0]!.topicId));
    expect(ids.size).toBe(1);
    expect(answers.every(({ topics }) => topics[0]!.errorCode === 0)).toBe(true);
    await node.stop();
  });

  it('finds topics by id', async () => {
    const node = await startNode();
    const topicId = await createTopic(node, 'events');
    const byId = (id: string) => call(node, Metadata, 12, makeMetadataRequest({ topics: [{ name: null, topicId: id }] }));
    expect((await byId(topicId)).topics).toMatchObject([{ errorCode: 0, name: 'events' }]);
    expect((await byId('ZZZZZZZZZZZZZZZZZZZZZQ')).topics).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null }]);
    const old = await call(node, Metadata, 10, makeMetadataRequest({ topics: [{ name: 'events', topicId }] }));
    expect(old.topics).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
    await node.stop();
  });

  it('tells each listener its own address, and says when it has none', async () => {
    const node = await startNode({ announce: false });
    await node.broker.announce([
      { listener: 'PLAINTEXT', host: 'inside', port: 1, securityProtocol: 'PLAINTEXT' }, { listener: 'EXTERNAL', host: 'outside', port: 2, securityProtocol: 'PLAINTEXT' },
    ]);
    await createTopic(node, 'a');
    const seenFrom = (listener: string, version = 9) => call(node, Metadata, version, makeMetadataRequest({ topics: null }), new TestConnection(listener));
    expect((await seenFrom('PLAINTEXT')).brokers).toMatchObject([{ host: 'inside', port: 1 }]);
    expect((await seenFrom('EXTERNAL')).brokers).toMatchObject([{ host: 'outside', port: 2 }]);
    expect((await seenFrom('OTHER')).topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.LISTENER_NOT_FOUND);
    expect((await seenFrom('OTHER', 5)).topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.LEADER_NOT_AVAILABLE);
    await node.stop();
  });

  it('tells what a client may do when it asks', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    const response = await call(node, Metadata, 8, asking(['a'], { includeClusterAuthorizedOperations: true, includeTopicAuthorizedOperations: true }));
    expect(response.clusterAuthorizedOperations).toBe(8096);
    expect(response.topics[0]!.topicAuthorizedOperations).toBe(3576);
    await node.stop();
  });
});

async function create(node: TestNode, topics: Parameters<typeof makeCreatableTopic>[0][], validateOnly = false) {
  return (await call(node, CreateTopics, 7, { topics: topics.map((topic) => makeCreatableTopic({ numPartitions: 1, replicationFactor: 1, ...topic })), timeoutMs: 1000, validateOnly })).topics;
}

describe('CreateTopics', () => {
  it('answers what was made, with its settings', async () => {
    const node = await startNode();
    const [made] = await create(node, [{ name: 'a', numPartitions: 3, configs: [{ name: 'retention.ms', value: '77' }] }]);
    expect(made).toMatchObject({ errorCode: 0, numPartitions: 3, replicationFactor: 1, topicConfigErrorCode: 0 });
    expect(made!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({ value: '77', configSource: 1, isSensitive: false });
    expect(made!.configs!.find(({ name }) => name === 'cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5 });
    for (let version = 2; version <= 7; version++) {
      const body = { topics: [makeCreatableTopic({ name: `v${version}`, numPartitions: 1, replicationFactor: 1 })], timeoutMs: 1000, validateOnly: false };
      expect((await call(node, CreateTopics, version, body)).topics[0]!.errorCode).toBe(0);
    }
    await node.stop();
  });

  it('refuses each bad topic for itself', async () => {
    const node = await startNode();
    const results = await create(node, [
      { name: 'good' }, { name: 'twice' }, { name: 'twice' }, { name: '../x' }, { name: 'many', replicationFactor: 2 }, { name: 'none', numPartitions: 0 },
      { name: 'odd', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [7] }, { partitionIndex: 0, brokerIds: [7] }] },
    ]);
    expect(results.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['good', 0], ['../x', ErrorCode.INVALID_TOPIC_EXCEPTION], ['many', ErrorCode.INVALID_REPLICATION_FACTOR],
      ['none', ErrorCode.INVALID_PARTITIONS], ['odd', ErrorCode.INVALID_REPLICA_ASSIGNMENT], ['twice', ErrorCode.INVALID_REQUEST],
    ]);
    expect((await create(node, [{ name: 'good' }]))[0]).toMatchObject({ errorCode: ErrorCode.TOPIC_ALREADY_EXISTS, errorMessage: "Topic 'good' already exists." });
    await node.stop();
  });

  it('only looks when it is asked to validate', async () => {
    const node = await startNode();
    expect((await create(node, [{ name: 'a', numPartitions: 4 }], true))[0]).toMatchObject({ errorCode: 0, numPartitions: 4 });
    expect(node.broker.services.partitions.topic('a')).toBeUndefined();
    await node.stop();
  });

  it('says what a full disk has done', async () => {
    const node = await startNode();
    node.disk.fullAfterBytes(10);
    expect((await create(node, [{ name: 'a' }]))[0]!.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
    node.disk.fullAfterBytes(Infinity);
    expect((await create(node, [{ name: 'a' }]))[0]!.errorCode).toBe(0);
    expect(await produce(node, 'a', 0, batch(['x']))).toMatchObject({ errorCode: 0 });
    await node.stop();
  });
});

describe('DeleteTopics', () => {
  it('deletes by name and by id, and lets the name be used again', async () => {
    const node = await startNode();
    const oldId = await createTopic(node, 'a');
    await createTopic(node, 'b');
    await produce(node, 'a', 0, batch(['old']));
    const byName = await call(node, DeleteTopics, 5, { topics: [], topicNames: ['b', 'none'], timeoutMs: 1000 });
    expect(byName.responses.map(({ name, errorCode }) => [name, errorCode]).sort()).toEqual([['b', 0], ['none', ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]);
    const byId = await call(node, DeleteTopics, 6, { topics: [{ name: null, topicId: oldId }], topicNames: [], timeoutMs: 1000 });
    expect(byId.responses).toMatchObject([{ name: 'a', errorCode: 0 }]);
    const newId = await createTopic(node, 'a');
    expect(newId).not.toBe(oldId);
    expect(await produce(node, 'a', 0, batch(['new']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(valuesIn((await fetchOne(node, 'a', 0, 0)).records)).toEqual(['new']);
    await node.stop();
  });

  it('refuses what cannot be meant', async () => {
    const node = await startNode();
    const topicId = await createTopic(node, 'a');
    const twiceId = await createTopic(node, 'b');
    const { responses } = await call(node, DeleteTopics, 6, {
      topics: [
        { name: 'a', topicId: zeroUuid }, { name: null, topicId }, { name: null, topicId: zeroUuid }, { name: 'c', topicId }, { name: null, topicId: twiceId },
        { name: null, topicId: twiceId }, { name: 'd', topicId: zeroUuid }, { name: 'd', topicId: zeroUuid }, { name: null, topicId: 'ZZZZZZZZZZZZZZZZZZZZZQ' },
      ],
      topicNames: [], timeoutMs: 1000,
    });
    expect(responses.every(({ errorCode }) => errorCode !== 0)).toBe(true);
    expect(responses.map(({ errorMessage }) => errorMessage)).toEqual(expect.arrayContaining([
      'Neither topic name nor id were specified.', 'You may not specify both topic name and topic id.', 'Duplicate topic id.', 'Duplicate topic name.',
      'The provided topic name maps to an ID that was already supplied.',
    ]));
    expect(node.broker.services.partitions.topic('a')).toBeDefined();
    await node.stop();
  });

  it('can be forbidden', async () => {
    const node = await startNode({ settings: { 'delete.topic.enable': 'false' } });
    await createTopic(node, 'a');
    const deleteIn = async (version: number) => (await call(node, DeleteTopics, version, { topics: [], topicNames: ['a'], timeoutMs: 1 })).responses[0]!.errorCode;
    expect(await deleteIn(1)).toBe(ErrorCode.INVALID_REQUEST);
    expect(await deleteIn(4)).toBe(ErrorCode.TOPIC_DELETION_DISABLED);
    await node.stop();
  });
});

describe('CreatePartitions', () => {
  it('adds partitions that can be used at once', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    const grow = async (count: number, validateOnly = false, names = ['a']) =>
      (await call(node, CreatePartitions, 3, { topics: names.map((name) => ({ name, count, assignments: null })), timeoutMs: 1000, validateOnly })).results;
    expect(await grow(3, true)).toMatchObject([{ errorCode: 0 }]);
    expect(await grow(3)).toMatchObject([{ name: 'a', errorCode: 0, errorMessage: null }]);
    expect(await produce(node, 'a', 2, batch(['x']))).toMatchObject({ errorCode: 0 });
    expect(await grow(3)).toMatchObject([{ errorCode: ErrorCode.INVALID_PARTITIONS, errorMessage: 'Topic already has 3 partition(s).' }]);
    expect(await grow(5, false, ['a', 'a'])).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Duplicate topic name.' }]);
    expect(await grow(5, false, ['none'])).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }]);
    await node.stop();
  });
});

describe('DescribeTopicPartitions', () => {
  it('pages through topics in the order of their names', async () => {
    const node = await startNode();
    for (const name of ['b', 'a', 'c']) await createTopic(node, name, 3);
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: number } | null = null;
    for (let page = 0; page < 10; page++) {
      const response: Awaited<ReturnType<typeof ask>> = await ask(cursor);
      for (const { name, partitions } of response.topics) for (const { partitionIndex } of partitions) seen.push(`${name}${partitionIndex}`);
      cursor = response.nextCursor;
      if (cursor === null) break;
    }
    expect(seen).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2']);
    await node.stop();

    function ask(from: { topicName: string; partitionIndex: number } | null) {
      return call(node, DescribeTopicPartitions, 0, { topics: [], responsePartitionLimit: 2, cursor: from });
    }
  });

  it('names what it does not know, and refuses a cursor beside the list', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    const ask = (names: string[], cursor: { topicName: string; partitionIndex: number } | null = null) =>
      call(node, DescribeTopicPartitions, 0, { topics: names.map((name) => ({ name })), responsePartitionLimit: 100, cursor });
    expect((await ask(['a', 'x', '/'])).topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([['/', 17], ['a', 0], ['x', 3]]);
    expect((await ask(['a'], { topicName: 'b', partitionIndex: 0 })).topics[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await ask(['a'], { topicName: 'a', partitionIndex: -1 })).topics[0]!.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    await node.stop();
  });
});
