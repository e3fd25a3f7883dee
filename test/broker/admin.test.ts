import { describe, expect, it } from 'vitest';
import { ConfigResourceType } from '../../src/metadata/index.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeDescribeClusterRequest } from '../../src/protocol/generated/describeCluster.ts';
import { AlterConfigs, DeleteRecords, DescribeCluster, DescribeConfigs, DescribeLogDirs, FindCoordinator, IncrementalAlterConfigs, ListOffsets, OffsetCommit, OffsetFetch, OffsetForLeaderEpoch } from './support/apis.ts';
import { NODE_ID, call, startNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { batch, createTopic, fetchOne, produce } from './support/work.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition } from '../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest } from '../../src/protocol/generated/offsetFetch.ts';

const TOPIC = ConfigResourceType.topic;
const BROKER = ConfigResourceType.broker;

async function describe1(node: TestNode, resourceType: number, resourceName: string, configurationKeys: string[] | null = null, version = 4) {
  const body = { resources: [{ resourceType, resourceName, configurationKeys }], includeSynonyms: true, includeDocumentation: version >= 3 };
  return (await call(node, DescribeConfigs, version, body)).results[0]!;
}

async function alter(node: TestNode, resourceType: number, resourceName: string, name: string, value: string | null, configOperation = 0, validateOnly = false) {
  const body = { resources: [{ resourceType, resourceName, configs: [{ name, configOperation, value }] }], validateOnly };
  return (await call(node, IncrementalAlterConfigs, 1, body)).responses[0]!;
}

describe('settings', () => {
  it('of topics are described and altered, and act at once', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    expect((await describe1(node, TOPIC, 'a')).configs.length).toBeGreaterThan(25);
    expect((await describe1(node, TOPIC, 'a', ['retention.ms'])).configs).toMatchObject([{ name: 'retention.ms', value: '604800000', configSource: 5, configType: 5 }]);
    expect(await alter(node, TOPIC, 'a', 'max.message.bytes', '100')).toMatchObject({ errorCode: 0 });
    expect((await describe1(node, TOPIC, 'a', ['max.message.bytes'], 1)).configs).toMatchObject([{ value: '100', configSource: 1 }]);
    expect((await produce(node, 'a', 0, batch(['x'.repeat(200)]))).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    expect(await alter(node, TOPIC, 'a', 'max.message.bytes', null, 1)).toMatchObject({ errorCode: 0 });
    expect((await produce(node, 'a', 0, batch(['x'.repeat(200)]))).errorCode).toBe(0);
    await node.stop();
  });

  it('are refused with their reason', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    expect(await alter(node, TOPIC, 'a', 'retention.ms', 'soon')).toMatchObject({ errorCode: ErrorCode.INVALID_CONFIG });
    expect(await alter(node, TOPIC, 'a', 'no.such', '1')).toMatchObject({ errorCode: ErrorCode.INVALID_CONFIG, errorMessage: 'Unknown topic config name: no.such' });
    expect(await alter(node, TOPIC, 'none', 'retention.ms', '1')).toMatchObject({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
    expect(await alter(node, TOPIC, 'a', 'retention.ms', null)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Null value not supported for : retention.ms' });
    expect(await alter(node, TOPIC, 'a', 'retention.ms', '1', 9)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await alter(node, BROKER, '8', 'log.retention.ms', '1')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Unexpected broker id, expected 7, but received 8' });
    expect(await alter(node, BROKER, 'x', 'log.retention.ms', '1')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await alter(node, BROKER, '7', 'log.dirs', '/x')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Cannot update these configs dynamically: [log.dirs]' });
    expect(await alter(node, 99, 'x', 'a', '1')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Unknown resource type 99' });
    const twice = { resourceType: TOPIC, resourceName: 'a', configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }] };
    const { responses } = await call(node, IncrementalAlterConfigs, 0, { resources: [twice, twice], validateOnly: false });
    expect(responses.map(({ errorMessage }) => errorMessage)).toEqual(['Each resource must appear at most once.', 'Each resource must appear at most once.']);
    expect((await describe1(node, TOPIC, 'none')).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await describe1(node, TOPIC, '../a')).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    await node.stop();
  });

  it('of the broker reach topics that have none of their own, and survive a restart', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    expect(await alter(node, BROKER, '', 'log.retention.ms', '1234', 0, true)).toMatchObject({ errorCode: 0 });
    expect((await describe1(node, TOPIC, 'a', ['retention.ms'])).configs).toMatchObject([{ value: '604800000' }]);
    expect(await alter(node, BROKER, '', 'log.retention.ms', '1234')).toMatchObject({ errorCode: 0 });
    expect((await describe1(node, BROKER, '')).configs).toMatchObject([{ name: 'log.retention.ms', value: '1234', configSource: 3 }]);
    expect((await describe1(node, TOPIC, 'a', ['retention.ms'])).configs).toMatchObject([{ value: '1234', configSource: 3 }]);
    expect(await alter(node, BROKER, '7', 'message.max.bytes', '100')).toMatchObject({ errorCode: 0 });
    expect((await produce(node, 'a', 0, batch(['x'.repeat(200)]))).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await node.stop();
    const again = await startNode({ disk: node.disk, ports: node.ports });
    expect((await describe1(again, BROKER, '7', ['message.max.bytes'])).configs).toMatchObject([{ value: '100', configSource: 2 }]);
    expect((await produce(again, 'a', 0, batch(['x'.repeat(200)]))).errorCode).toBe(ErrorCode.MESSAGE_TOO_LARGE);
    await again.stop();
  });

  it('of the logger change how much is logged', async () => {
    const node = await startNode();
    const { logThreshold } = node.broker.services;
    const LOGGER = ConfigResourceType.brokerLogger;
    expect(await describe1(node, LOGGER, '7')).toMatchObject({ errorCode: 0, configs: [{ name: 'root', value: 'INFO', configSource: 6, readOnly: false, synonyms: [] }] });
    expect(await alter(node, LOGGER, '7', 'root', 'DEBUG', 0, true)).toMatchObject({ errorCode: 0 });
    expect([logThreshold.level, logThreshold.lets('debug')]).toEqual(['INFO', false]);
    expect(await alter(node, LOGGER, '7', 'root', 'DEBUG')).toMatchObject({ errorCode: 0 });
    expect([logThreshold.level, logThreshold.lets('debug')]).toEqual(['DEBUG', true]);
    for (const [name, value, operation, errorCode, errorMessage] of [
      ['root', 'loud', 0, ErrorCode.INVALID_CONFIG, 'Cannot set the log level of root to loud as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN'],
      ['kafka.foo', 'INFO', 0, ErrorCode.INVALID_CONFIG, 'Logger kafka.foo does not exist!'],
      ['root', null, 1, ErrorCode.INVALID_REQUEST, 'Removing the log level of the root logger is not allowed'],
      ['root', 'INFO', 2, ErrorCode.INVALID_REQUEST, 'APPEND operation is not allowed for the BROKER_LOGGER resource'],
    ] as const) expect(await alter(node, LOGGER, '7', name, value, operation)).toMatchObject({ errorCode, errorMessage });
    expect(await describe1(node, LOGGER, '')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Broker id must not be empty' });
    expect(await describe1(node, LOGGER, '8')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Unexpected broker id, expected 7, but received 8' });
    await node.stop();
  });

  it('are replaced by the old AlterConfigs', async () => {
    const node = await startNode();
    await createTopic(node, 'a', 1, { configs: [{ name: 'retention.ms', value: '5' }] });
    const replace = async (configs: { name: string; value: string | null }[]) =>
      (await call(node, AlterConfigs, 2, { resources: [{ resourceType: TOPIC, resourceName: 'a', configs }], validateOnly: false })).responses[0]!;
    expect(await replace([{ name: 'segment.ms', value: '99' }])).toMatchObject({ errorCode: 0 });
    expect((await describe1(node, TOPIC, 'a', ['retention.ms', 'segment.ms'])).configs).toMatchObject([{ configSource: 5 }, { value: '99', configSource: 1 }]);
    expect(await replace([{ name: 'segment.ms', value: '1' }, { name: 'segment.ms', value: '2' }])).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await replace([{ name: 'segment.ms', value: null }])).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    await node.stop();
  });
});

describe('ListOffsets', () => {
  const list = async (node: TestNode, timestamp: number, { version = 11, fields = {}, index = 0, epoch = -1, topic = 'a' } = {}) => {
    const partitions = [{ partitionIndex: index, currentLeaderEpoch: epoch, timestamp, maxNumOffsets: 1 }];
    const { topics } = await call(node, ListOffsets, version, { replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }], timeoutMs: 0, ...fields });
    return topics[0]!.partitions[0]!;
  };

  it('knows every special timestamp, from its version on', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    for (const [value, timestampMs] of [['x', 1000], ['y', 3000], ['z', 2000]] as const) await produce(node, 'a', 0, batch([value], { timestampMs }));
    expect(await list(node, -1)).toMatchObject({ errorCode: 0, offset: 3, timestamp: -1, leaderEpoch: 0 });
    expect(await list(node, -2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1, leaderEpoch: 0 });
    expect(await list(node, -3)).toMatchObject({ errorCode: 0, offset: 1, timestamp: 3000 });
    expect(await list(node, -4)).toMatchObject({ errorCode: 0, offset: 0 });
    expect(await list(node, -5)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await list(node, -6)).toMatchObject({ errorCode: 0, offset: -1 });
    for (const [timestamp, since] of [[-3, 7], [-4, 8], [-5, 9], [-6, 11]] as const) {
      expect((await list(node, timestamp, { version: since - 1 })).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
      expect((await list(node, timestamp, { version: since })).errorCode).toBe(0);
    }
    for (let version = 1; version <= 11; version++) expect(await list(node, -1, { version })).toMatchObject({ errorCode: 0, offset: 3 });
    await node.stop();
  });

  it('finds records by time', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    for (const [value, timestampMs] of [['x', 1000], ['y', 3000], ['z', 2000]] as const) await produce(node, 'a', 0, batch([value], { timestampMs }));
    expect(await list(node, 0)).toMatchObject({ offset: 0, timestamp: 1000 });
    expect(await list(node, 1001)).toMatchObject({ offset: 1, timestamp: 3000 });
    expect(await list(node, 3001)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 });
    expect(await list(node, 2n ** 62n as unknown as number)).toMatchObject({ errorCode: 0, offset: -1 });
    expect((await list(node, -(2n ** 62n) as unknown as number)).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    await node.stop();
  });

  it('refuses unknown partitions, wrong epochs and repetitions', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    expect((await list(node, -1, { topic: 'b' })).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await list(node, -1, { index: -1 })).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect((await list(node, -1, { epoch: 3 })).errorCode).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
    const partition = { partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1, maxNumOffsets: 1 };
    const { topics } = await call(node, ListOffsets, 5, { replicaId: -1, isolationLevel: 0, topics: [{ name: 'a', partitions: [partition, partition] }], timeoutMs: 0 });
    expect(topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST]);
    await node.stop();
  });
});

describe('DeleteRecords', () => {
  const remove = async (node: TestNode, offset: number, topic = 'a', partitionIndex = 0) =>
    (await call(node, DeleteRecords, 2, { topics: [{ name: topic, partitions: [{ partitionIndex, offset }] }], timeoutMs: 1000 })).topics[0]!.partitions[0]!;

  it('moves the start, for good', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    for (const value of ['x', 'y', 'z']) await produce(node, 'a', 0, batch([value]));
    expect(await remove(node, 1)).toMatchObject({ errorCode: 0, lowWatermark: 1 });
    expect((await fetchOne(node, 'a', 0, 0)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE);
    expect(await remove(node, 4)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, lowWatermark: -1 });
    expect(await remove(node, -2)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(await remove(node, 2n ** 60n as unknown as number)).toMatchObject({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE });
    await node.stop();
    const again = await startNode({ disk: node.disk, ports: node.ports });
    expect((await fetchOne(again, 'a', 0, 1)).logStartOffset).toBe(1);
    expect(await remove(again, -1)).toMatchObject({ errorCode: 0, lowWatermark: 3 });
    await again.stop();
  });

  it('leaves internal and compacted topics alone', async () => {
    const node = await startNode();
    await createTopic(node, '__consumer_offsets');
    await createTopic(node, 'kept', 1, { configs: [{ name: 'cleanup.policy', value: 'compact' }] });
    expect((await remove(node, 0, '__consumer_offsets')).errorCode).toBe(ErrorCode.INVALID_TOPIC_EXCEPTION);
    expect((await remove(node, 0, 'kept')).errorCode).toBe(ErrorCode.POLICY_VIOLATION);
    expect((await remove(node, 0, 'none')).errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    await node.stop();
  });
});

describe('OffsetForLeaderEpoch', () => {
  it('tells where epochs ended', async () => {
    let node = await startNode();
    await createTopic(node, 'a');
    await produce(node, 'a', 0, batch(['x', 'y']));
    await node.stop();
    node = await startNode({ disk: node.disk, ports: node.ports });
    await produce(node, 'a', 0, batch(['z']));
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1, version = 4) =>
      (await call(node, OffsetForLeaderEpoch, version, { replicaId: -1, topics: [{ topic: 'a', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }] })).topics[0]!.partitions[0]!;
    expect(await ask(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 });
    expect(await ask(1)).toMatchObject({ errorCode: 0, leaderEpoch: 1, endOffset: 3 });
    expect(await ask(9)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 });
    expect(await ask(0, 0)).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
    expect(await ask(0, 5)).toMatchObject({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH });
    await node.stop();
  });
});

describe('the cluster', () => {
  it('describes itself', async () => {
    const node = await startNode();
    const answer = await call(node, DescribeCluster, 2, makeDescribeClusterRequest({ includeClusterAuthorizedOperations: true }));
    expect(answer).toMatchObject({ errorCode: 0, controllerId: 7, endpointType: 1, brokers: [{ brokerId: 7, host: 'broker.example', port: 9092, isFenced: false }], clusterAuthorizedOperations: 8096 });
    expect(answer.clusterId).toBe(node.store.clusterId);
    expect((await call(node, DescribeCluster, 1, makeDescribeClusterRequest({ endpointType: 2 }))).errorCode).toBe(ErrorCode.MISMATCHED_ENDPOINT_TYPE);
    expect((await call(node, DescribeCluster, 1, makeDescribeClusterRequest({ endpointType: 9 }))).errorCode).toBe(ErrorCode.UNSUPPORTED_ENDPOINT_TYPE);
    await node.stop();
  });

  it('knows the sizes of its logs', async () => {
    const node = await startNode();
    await createTopic(node, 'a', 2);
    const bytes = batch(['x']);
    await produce(node, 'a', 1, bytes);
    const { results } = await call(node, DescribeLogDirs, 4, { topics: null });
    expect(results).toHaveLength(1);
    expect(results[0]).toMatchObject({ errorCode: 0, logDir: '/data' });
    expect(results[0]!.topics).toMatchObject([{ name: 'a' }]);
    expect(results[0]!.topics[0]!.partitions).toEqual(expect.arrayContaining([expect.objectContaining({ partitionIndex: 1, partitionSize: bytes.length, offsetLag: 0, isFutureKey: false })]));
    expect((await call(node, DescribeLogDirs, 1, { topics: [{ topic: 'a', partitions: [0, 9] }] })).results[0]!.topics[0]!.partitions).toHaveLength(1);
    await node.stop();
  });
});

describe('the group coordinator', () => {
  const find = (node: TestNode, version: number, key: string, keyType = 0) =>
    call(node, FindCoordinator, version, { key: version < 4 ? key : '', keyType, coordinatorKeys: version < 4 ? [] : [key] });

  it('is found in every version, and its topic is made on the way', async () => {
    const node = await startNode();
    for (let version = 0; version <= 3; version++) expect(await find(node, version, 'g')).toMatchObject({ errorCode: 0, nodeId: 7, host: 'broker.example', port: 9092 });
    for (let version = 4; version <= 6; version++) expect((await find(node, version, 'g')).coordinators).toMatchObject([{ key: 'g', errorCode: 0, nodeId: 7 }]);
    const topic = node.broker.services.partitions.topic('__consumer_offsets')!;
    expect(topic.internal).toBe(true);
    expect(topic.partitions).toHaveLength(3);
    expect(topic.config).toMatchObject({ cleanupPolicy: { compact: true, delete: false }, segmentBytes: 104_857_600, compressionType: 'producer' });
    await node.stop();
  });

  it('is one of the kinds that there are', async () => {
    const node = await startNode();
    expect((await find(node, 4, 'tx', 1)).coordinators).toMatchObject([{ errorCode: ErrorCode.NONE, nodeId: NODE_ID }]);
    expect((await find(node, 5, 's', 2)).coordinators).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST, nodeId: -1 }]);
    expect(await find(node, 3, 'tx', 7)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, nodeId: -1, errorMessage: expect.stringContaining('no coordinator') });
    expect((await find(node, 6, 's', 2)).coordinators).toMatchObject([{ errorCode: ErrorCode.INVALID_REQUEST }]);
    await node.stop();
  });

  it('keeps offsets through a restart and through a crash', async () => {
    let node = await startNode();
    await createTopic(node, 'a');
    await find(node, 4, 'g');
    const commit = makeOffsetCommitRequest({
      groupId: 'g', generationIdOrMemberEpoch: -1, memberId: '',
      topics: [{ name: 'a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 42, committedMetadata: 'here' })] }],
    });
    expect((await call(node, OffsetCommit, 8, commit)).topics[0]!.partitions).toMatchObject([{ errorCode: 0 }]);
    const committed = async () => {
      const request = makeOffsetFetchRequest({ groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics: null }] });
      for (let turn = 0; turn < 20; turn++) {
        const { groups } = await call(node, OffsetFetch, 8, request);
        if (groups[0]!.errorCode === 0) return groups[0]!.topics;
        await node.ports.clock.advance(100);
      }
      throw new Error('the group did not load');
    };
    expect(await committed()).toMatchObject([{ name: 'a', partitions: [{ committedOffset: 42, metadata: 'here' }] }]);
    await node.stop();
    node = await startNode({ disk: node.disk, ports: node.ports });
    expect(await committed()).toMatchObject([{ name: 'a', partitions: [{ committedOffset: 42 }] }]);
    await node.stop();
  });
});
