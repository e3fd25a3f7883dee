/** Well-formed requests that ask for what is not there, or for far too much of it. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeCreatePartitionsRequest, makeCreatePartitionsTopic } from '../../src/protocol/generated/createPartitions.ts';
import { makeCreatableReplicaAssignment, makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest } from '../../src/protocol/generated/createTopics.ts';
import { makeDeleteRecordsRequest } from '../../src/protocol/generated/deleteRecords.ts';
import { makeDeleteTopicsRequest } from '../../src/protocol/generated/deleteTopics.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic } from '../../src/protocol/generated/fetch.ts';
import { makeListOffsetsRequest } from '../../src/protocol/generated/listOffsets.ts';
import { makeMetadataRequest, makeMetadataRequestTopic } from '../../src/protocol/generated/metadata.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic } from '../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetForLeaderEpochRequest } from '../../src/protocol/generated/offsetForLeaderEpoch.ts';
import {
  CreatePartitions, CreateTopics, DeleteRecords, DeleteTopics, DescribeConfigs, DescribeTopicPartitions, Fetch, FindCoordinator, ListOffsets, Metadata, OffsetCommit, OffsetFetch,
  OffsetForLeaderEpoch,
} from '../broker/support/apis.ts';
import { makeDescribeConfigsRequest, makeDescribeConfigsResource } from '../../src/protocol/generated/describeConfigs.ts';
import { makeDescribeGroupsRequest } from '../../src/protocol/generated/describeGroups.ts';
import { makeFindCoordinatorRequest } from '../../src/protocol/generated/findCoordinator.ts';
import { makeDescribeTopicPartitionsRequest } from '../../src/protocol/generated/describeTopicPartitions.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestGroup, makeOffsetFetchRequestTopics } from '../../src/protocol/generated/offsetFetch.ts';
import { Arena, createTopic } from './support/arena.ts';
import { DescribeGroups } from './support/apis.ts';
import { goodBatch } from './support/batches.ts';
import { produce } from './support/producing.ts';
import type { RawClient } from './support/rawClient.ts';

const {
  FETCH_SESSION_ID_NOT_FOUND, INVALID_CONFIG, INVALID_FETCH_SESSION_EPOCH, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR, INVALID_REQUEST,
  INVALID_TOPIC_EXCEPTION, NONE, OFFSET_OUT_OF_RANGE, TOPIC_ALREADY_EXISTS, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_VERSION,
} = ErrorCode;
/** Names that are no topic, and would be another folder where somebody believed them. */
const BAD_NAMES = ['../x', '..', '.', '', 'a/b', '/etc/passwd', '..\\x', 'nul\0nul', 'line\nline', 'caf\u00e9', 'a b', 'x'.repeat(250), 'x'.repeat(30_000), '%2e%2e%2fx', '~', '-rf *'];
const LONG_MAX = 2 ** 63;

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open();
  const client = await arena.connect();
  await createTopic(client, 'target', {}, 2);
  for (let round = 0; round < 10; round += 1) expect((await produce(client, 'target', goodBatch(['x'.repeat(1000)]))).baseOffset).toBe(round);
  // Makes __consumer_offsets.
  while ((await commit(client, 'first', 'target', 0, 1)) !== NONE) await new Promise((resolve) => setTimeout(resolve, 20));
});
afterAll(() => arena.close());

async function commit(client: RawClient, groupId: string, topic: string, index: number, offset: number, metadata: string | null = ''): Promise<number> {
  await client.call(FindCoordinator, 1, makeFindCoordinatorRequest({ key: groupId }));
  const partition = makeOffsetCommitRequestPartition({ partitionIndex: index, committedOffset: offset, committedMetadata: metadata });
  const request = makeOffsetCommitRequest({ groupId, topics: [makeOffsetCommitRequestTopic({ name: topic, partitions: [partition] })], generationIdOrMemberEpoch: -1 });
  const response = await client.call(OffsetCommit, 8, request);
  return response.topics[0]!.partitions[0]!.errorCode;
}

/** An int64 of the wire as our codec writes it: a bigint where a number would not be exact. */
const int64 = (value: number | bigint): number => value as number;
const huge = int64(BigInt(LONG_MAX) - 1n);
const lowest = int64(-BigInt(LONG_MAX));
const unsafe = int64(2n ** 53n);

describe('offsets that are none', () => {
  test.each([['-1', -1], ['-5', -5], ['the lowest', lowest], ['past the end', 11], ['2^53', unsafe], ['the highest', huge]])('Fetch at %s is OFFSET_OUT_OF_RANGE', async (_name, offset) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const partition = makeFetchPartition({ partition: 0, fetchOffset: offset, partitionMaxBytes: 1 << 20, currentLeaderEpoch: -1 });
      const request = makeFetchRequest({ maxWaitMs: 10_000, minBytes: 1, maxBytes: 1 << 20, topics: [makeFetchTopic({ topic: 'target', partitions: [partition] })] });
      const response = await client.call(Fetch, 11, request);
      expect(response.responses[0]!.partitions[0]!.errorCode).toBe(OFFSET_OUT_OF_RANGE);
    });
  });

  test('ListOffsets of timestamps that nobody wrote', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const answerTo = async (timestamp: number) => {
        const asked = makeListOffsetsRequest({ replicaId: -1, topics: [{ name: 'target', partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp, maxNumOffsets: 1 }] }] });
        const { errorCode, offset } = (await client.call(ListOffsets, 7, asked)).topics[0]!.partitions[0]!;
        return { errorCode, offset };
      };
      expect(await answerTo(0)).toEqual({ errorCode: NONE, offset: 0 });
      for (const late of [huge, unsafe, 2 ** 50]) expect(await answerTo(late)).toEqual({ errorCode: NONE, offset: -1 });
      // Specials of later versions.
      for (const special of [-4, -5, -6]) expect((await answerTo(special)).errorCode).toBe(UNSUPPORTED_VERSION);
      expect((await answerTo(lowest)).errorCode).not.toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
      expect((await answerTo(-99)).errorCode).not.toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    });
  });

  test('DeleteRecords before an offset that is none', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const offset of [-2, -500, lowest, 11, unsafe, huge]) {
        const request = makeDeleteRecordsRequest({ timeoutMs: 10_000, topics: [{ name: 'target', partitions: [{ partitionIndex: 0, offset }] }] });
        const response = await client.call(DeleteRecords, 2, request);
        expect(response.topics[0]!.partitions[0]).toMatchObject({ errorCode: OFFSET_OUT_OF_RANGE, lowWatermark: -1 });
      }
    });
  });

  test('OffsetCommit takes any offset and gives it back, as Kafka does, or refuses it', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const [index, offset] of [-1, -500, lowest, 10 ** 12, unsafe, huge].entries()) {
        const groupId = `group-${index}`;
        const errorCode = await commit(client, groupId, 'target', 0, offset);
        expect([NONE, OFFSET_OUT_OF_RANGE, INVALID_REQUEST]).toContain(errorCode);
        if (errorCode !== NONE) continue;
        const group = makeOffsetFetchRequestGroup({ groupId, topics: [makeOffsetFetchRequestTopics({ name: 'target', partitionIndexes: [0] })] });
        const fetched = await client.call(OffsetFetch, 8, makeOffsetFetchRequest({ groups: [group] }));
        expect(fetched.groups[0]!.topics[0]!.partitions[0]!.committedOffset).toEqual(offset);
      }
    });
  });

  test('OffsetForLeaderEpoch of epochs that never were', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const leaderEpoch of [-1, -2, 5, 2 ** 31 - 1, -(2 ** 31)]) {
        const partition = { partition: 0, currentLeaderEpoch: -1, leaderEpoch };
        const response = await client.call(OffsetForLeaderEpoch, 3, makeOffsetForLeaderEpochRequest({ replicaId: -1, topics: [{ topic: 'target', partitions: [partition] }] }));
        expect(response.topics[0]!.partitions[0]!.errorCode).not.toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
      }
    });
  });
});

describe('topics and partitions that are not there', () => {
  test.each(BAD_NAMES)('%j is no topic for anybody', async (name) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const created = await client.call(CreateTopics, 5, makeCreateTopicsRequest({ timeoutMs: 10_000, topics: [makeCreatableTopic({ name, numPartitions: 1, replicationFactor: 1 })] }));
      expect(created.topics[0]!.errorCode).toBe(INVALID_TOPIC_EXCEPTION);
      const metadata = await client.call(Metadata, 9, makeMetadataRequest({ topics: [makeMetadataRequestTopic({ name })], allowAutoTopicCreation: true }));
      expect(metadata.topics[0]!.errorCode).toBe(INVALID_TOPIC_EXCEPTION);
      const deleted = await client.call(DeleteTopics, 5, makeDeleteTopicsRequest({ topicNames: [name], timeoutMs: 10_000 }));
      expect(deleted.responses[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      const grown = await client.call(CreatePartitions, 2, makeCreatePartitionsRequest({ topics: [makeCreatePartitionsTopic({ name, count: 2 })], timeoutMs: 10_000 }));
      expect(grown.results[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      const described = await client.call(DescribeTopicPartitions, 0, makeDescribeTopicPartitionsRequest({ topics: [{ name }] }));
      expect([UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION]).toContain(described.topics[0]!.errorCode);
      expect(await commit(client, 'group', name, 0, 1)).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      const fetched = await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 0, maxBytes: 1000, topics: [makeFetchTopic({ topic: name, partitions: [makeFetchPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 })] })] }));
      expect(fetched.responses[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      expect((await produce(client, name, goodBatch(['x']))).errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    });
  });

  test('nothing of them is on the disk', () => {
    const folders = readdirSync(arena.broker.dataFolder).filter((name) => /-\d+$/.test(name) && !name.startsWith('__consumer_offsets'));
    expect(folders.toSorted()).toEqual(['calm-0', 'target-0', 'target-1']);
    expect(readdirSync(path.dirname(arena.broker.dataFolder)).filter((name) => /^x(-\d+)?$/.test(name))).toEqual([]);
  });

  test('a topic id that nobody has', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const topicId = 'bm8gc3VjaCB0b3BpYyEhIQ';
      const metadata = await client.call(Metadata, 12, makeMetadataRequest({ topics: [makeMetadataRequestTopic({ topicId, name: null })] }));
      expect(metadata.topics[0]!.errorCode).toBe(UNKNOWN_TOPIC_ID);
      const fetched = await client.call(Fetch, 13, makeFetchRequest({ maxWaitMs: 0, maxBytes: 1000, topics: [makeFetchTopic({ topicId, partitions: [makeFetchPartition({ partition: 0, partitionMaxBytes: 1000 })] })] }));
      expect(fetched.responses[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC_ID);
      const deleted = await client.call(DeleteTopics, 6, makeDeleteTopicsRequest({ topics: [{ name: null, topicId }], timeoutMs: 1000 }));
      expect(deleted.responses[0]!.errorCode).toBe(UNKNOWN_TOPIC_ID);
    });
  });

  test.each([2, -1, 2 ** 31 - 1, -(2 ** 31)])('partition %i', async (index) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const fetched = await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 0, maxBytes: 1000, topics: [makeFetchTopic({ topic: 'target', partitions: [makeFetchPartition({ partition: index, partitionMaxBytes: 1000 })] })] }));
      expect(fetched.responses[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      const listed = await client.call(ListOffsets, 6, makeListOffsetsRequest({ replicaId: -1, topics: [{ name: 'target', partitions: [{ partitionIndex: index, currentLeaderEpoch: -1, timestamp: -1, maxNumOffsets: 1 }] }] }));
      expect(listed.topics[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      const deleted = await client.call(DeleteRecords, 2, makeDeleteRecordsRequest({ timeoutMs: 1000, topics: [{ name: 'target', partitions: [{ partitionIndex: index, offset: 1 }] }] }));
      expect(deleted.topics[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      // Kafka asks only whether there is such a topic.
      expect(await commit(client, 'group', 'target', index, 1)).toBe(NONE);
    });
  });
});

describe('far too much', () => {
  const creating = async (client: RawClient, topic: Partial<Parameters<typeof makeCreatableTopic>[0]>) =>
    (await client.call(CreateTopics, 5, makeCreateTopicsRequest({ timeoutMs: 10_000, topics: [makeCreatableTopic({ numPartitions: 1, replicationFactor: 1, ...topic })] }))).topics[0]!.errorCode;

  test.each([0, -2, 10_000_000, 2 ** 31 - 1])('CreateTopics with %i partitions', async (numPartitions) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      expect([INVALID_PARTITIONS, ErrorCode.POLICY_VIOLATION, INVALID_REQUEST]).toContain(await creating(client, { name: 'many', numPartitions }));
      const grown = await client.call(CreatePartitions, 2, makeCreatePartitionsRequest({ topics: [makeCreatePartitionsTopic({ name: 'target', count: numPartitions })], timeoutMs: 10_000 }));
      expect([INVALID_PARTITIONS, ErrorCode.POLICY_VIOLATION, INVALID_REQUEST]).toContain(grown.results[0]!.errorCode);
    });
  });

  test('CreateTopics with replicas, assignments and settings that cannot be', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const replicationFactor of [0, 2, 32_767, -2]) expect(await creating(client, { name: 'many', replicationFactor })).toBe(INVALID_REPLICATION_FACTOR);
      const assigned = (partitionIndex: number, brokerIds: number[]) => creating(client, {
        name: 'many', numPartitions: -1, replicationFactor: -1, assignments: [makeCreatableReplicaAssignment({ partitionIndex, brokerIds })],
      });
      for (const [index, ids] of [[0, []], [0, [1, 1]], [0, [99]], [0, [-1]], [5, [1]], [-1, [1]]] as const) {
        expect([INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST, INVALID_PARTITIONS]).toContain(await assigned(index, [...ids]));
      }
      for (const [name, value] of [['retention.ms', 'soon'], ['segment.bytes', '-1'], ['no.such.key', '1'], ['cleanup.policy', 'burn'], ['max.message.bytes', '99999999999999999999']] as const) {
        expect(await creating(client, { name: 'many', configs: [makeCreatableTopicConfig({ name, value })] })).toBe(INVALID_CONFIG);
      }
      expect(await creating(client, { name: 'target' })).toBe(TOPIC_ALREADY_EXISTS);
    });
  });

  test('50,000 topics in one Metadata or Fetch are answered, one by one', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const names = Array.from({ length: 50_000 }, (_none, index) => `unknown-${index}`);
      const metadata = await client.call(Metadata, 9, makeMetadataRequest({ topics: names.map((name) => makeMetadataRequestTopic({ name })), allowAutoTopicCreation: false }));
      expect(metadata.topics.length).toBe(names.length);
      expect(new Set(metadata.topics.map(({ errorCode }) => errorCode))).toEqual(new Set([UNKNOWN_TOPIC_OR_PARTITION]));
      const topics = names.map((topic) => makeFetchTopic({ topic, partitions: [makeFetchPartition({ partition: 0, partitionMaxBytes: 1000 })] }));
      const fetched = await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 1000, minBytes: 1, maxBytes: 1000, topics }));
      expect(fetched.responses.length).toBe(names.length);
    }, { growthMibMax: 160, acksDuringMin: 10 });
  });

  test('a Fetch session of 50,000 partitions that are not there, again and again, stays bounded', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const partitions = Array.from({ length: 50_000 }, (_none, partition) => makeFetchPartition({ partition, partitionMaxBytes: 1000 }));
      for (let round = 0; round < 20; round += 1) {
        const fetched = await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 0, maxBytes: 1000, sessionEpoch: 0, topics: [makeFetchTopic({ topic: 'unknown', partitions })] }));
        expect(fetched.errorCode).toBe(NONE);
      }
    }, { growthMibMax: 320, acksDuringMin: 20 });
  });

  test('a request that would take too much memory once decoded closes its connection', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const topics = new Array(500_000).fill(makeMetadataRequestTopic({ name: 'x' }));
      client.send(Metadata, 9, makeMetadataRequest({ topics, allowAutoTopicCreation: false }));
      await client.closed;
      expect(client.receivedBytes).toBe(0);
    });
  });

  test('20,000 new topics in one request are refused together', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const topics = Array.from({ length: 20_000 }, (_none, index) => makeCreatableTopic({ name: `many-${index}`, numPartitions: 1, replicationFactor: 1 }));
      const response = await client.call(CreateTopics, 5, makeCreateTopicsRequest({ timeoutMs: 10_000, topics }));
      expect(new Set(response.topics.map(({ errorCode }) => errorCode))).toEqual(new Set([ErrorCode.POLICY_VIOLATION]));
    });
  });

  test('what is asked for 100,000 times is told once', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const resources = new Array(100_000).fill(makeDescribeConfigsResource({ resourceType: 4, resourceName: '1', configurationKeys: null }));
      const configs = await client.call(DescribeConfigs, 4, makeDescribeConfigsRequest({ resources, includeDocumentation: true, includeSynonyms: true }));
      expect(configs.results.length).toBe(1);
      const described = await client.call(DescribeGroups, 5, makeDescribeGroupsRequest({ groups: new Array(100_000).fill('first') }));
      expect(described.groups.map(({ groupId, errorCode }) => ({ groupId, errorCode }))).toEqual([{ groupId: 'first', errorCode: NONE }]);
      const groups = new Array(100_000).fill(makeOffsetFetchRequestGroup({ groupId: 'first', topics: null }));
      expect((await client.call(OffsetFetch, 8, makeOffsetFetchRequest({ groups }))).groups.length).toBe(1);
    }, { growthMibMax: 128 });
  });

  test('Fetch sessions that never were', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const fetch = async (sessionId: number, sessionEpoch: number) => (await client.call(Fetch, 11, makeFetchRequest({ maxWaitMs: 0, sessionId, sessionEpoch }))).errorCode;
      expect(await fetch(12_345, 1)).toBe(FETCH_SESSION_ID_NOT_FOUND);
      expect(await fetch(-5, 7)).toBe(FETCH_SESSION_ID_NOT_FOUND);
      expect([INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_ID_NOT_FOUND]).toContain(await fetch(0, 7));
    });
  });

  test.each([[-1, -1], [0, 0], [-(2 ** 31), -(2 ** 31)], [2 ** 31 - 1, 2 ** 31 - 1]])('Fetch of at most %i bytes gives one batch, or all there is', async (maxBytes, partitionMaxBytes) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const partition = makeFetchPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes, currentLeaderEpoch: -1 });
      const request = makeFetchRequest({ maxWaitMs: 100, minBytes: 2 ** 31 - 1, maxBytes, topics: [makeFetchTopic({ topic: 'target', partitions: [partition] })] });
      const { errorCode, records } = (await client.call(Fetch, 11, request)).responses[0]!.partitions[0]!;
      expect(errorCode).toBe(NONE);
      const oneBatch = goodBatch(['x'.repeat(1000)]).length;
      expect(records!.length).toBe(maxBytes > 0 ? 10 * oneBatch : oneBatch);
    });
  });

  test('a Fetch that waits for 24 days for 2 GiB ends with its connection', async () => {
    await arena.attack(async () => {
      const clients = await Promise.all(Array.from({ length: 200 }, () => arena.connect()));
      const partition = makeFetchPartition({ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch: -1 });
      for (const client of clients) client.send(Fetch, 11, makeFetchRequest({ maxWaitMs: 2 ** 31 - 1, minBytes: 2 ** 31 - 1, maxBytes: 2 ** 31 - 1, topics: [makeFetchTopic({ topic: 'target', partitions: [partition] })] }));
      await arena.bystander.moreAcks(10);
      for (const client of clients) await client.kill();
    });
  });
});
