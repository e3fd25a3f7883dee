import { afterEach, describe, expect, it } from 'vitest';
import { Admin } from '../../src/client/admin/admin.ts';
import { parseBootstrap } from '../../src/client/core/bootstrap.ts';
import { Backoff } from '../../src/client/core/wait.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { ApiKey } from '../../src/protocol/generated/apis.ts';
import { makeDescribeClusterRequest, readDescribeClusterResponse, writeDescribeClusterRequest } from '../../src/protocol/generated/describeCluster.ts';
import { makeDescribeTopicPartitionsResponseTopic, makeDescribeTopicPartitionsResponsePartition, makeDescribeTopicPartitionsResponseCursor } from '../../src/protocol/generated/describeTopicPartitions.ts';
import { makeMetadataResponseBroker } from '../../src/protocol/generated/metadata.ts';
import { makeCluster, makeWorld, metadataOf, noteLogger, seededRandom, type World } from './support/cluster.ts';
import { FakeBroker } from './support/fakeBroker.ts';
import { settle, turns } from './support/fakeClock.ts';

const worlds: World[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.cluster.close();
});

async function world(...args: Parameters<typeof makeWorld>): Promise<World> {
  const made = await makeWorld(...args);
  worlds.push(made);
  return made;
}

const describeClusterApi = { apiKey: ApiKey.DescribeCluster, versionMax: 1, write: writeDescribeClusterRequest, read: readDescribeClusterResponse } as const;

describe('bootstrap addresses', () => {
  it.each([
    ['localhost:9092', [{ host: 'localhost', port: 9092 }]],
    [' a:1 , b:2,', [{ host: 'a', port: 1 }, { host: 'b', port: 2 }]],
    ['[::1]:9092', [{ host: '::1', port: 9092 }]],
    ['PLAINTEXT://10.0.0.1:9092', [{ host: '10.0.0.1', port: 9092 }]],
  ])('%s', (text, addresses) => {
    expect(parseBootstrap(text)).toEqual(addresses);
  });

  it.each(['', ',', 'localhost', 'localhost:', ':9092', 'a:0', 'a:65536', 'a:99999999', '::1:9092', 'a b:1'])('%j is refused', (text) => {
    expect(() => parseBootstrap(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

describe('a connection', () => {
  it('agrees on versions, and refuses an API that the broker lacks', async () => {
    const { broker, cluster, clock } = await world();
    broker.missing.add('DescribeCluster');
    const connection = await settle(clock, cluster.anyConnection());
    expect(() => connection.versionOf(describeClusterApi)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_VERSION' }));
    await expect(connection.request(describeClusterApi, makeDescribeClusterRequest())).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' });
    expect(connection.offers(ApiKey.Produce)).toBe(true);
  });

  it('asks again in version 0 where the broker does not know the version of ApiVersions', async () => {
    const { broker, cluster, clock } = await world({ t: 1 });
    const normal = { apiKeys: [{ apiKey: ApiKey.Metadata, minVersion: 0, maxVersion: 12 }] };
    // the answer is in version 0, whatever was asked: KIP-511
    broker.on('ApiVersions', ({ version }) => (version > 0 ? { answer: { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [] }, version: 0 } : { answer: normal }));
    expect(await settle(clock, cluster.leadersOf('t'))).toHaveLength(1);
    expect(broker.requests.filter(({ api }) => api === 'ApiVersions').map(({ version }) => version)).toEqual([3, 0]);
  });

  it('fails everything that waits when one answer does not come in time', async () => {
    const { broker, cluster, clock } = await world();
    broker.on('DescribeCluster', () => 'silence');
    const connection = await settle(clock, cluster.anyConnection());
    const first = connection.request(describeClusterApi, makeDescribeClusterRequest(), { timeoutMs: 500 });
    const second = connection.request(describeClusterApi, makeDescribeClusterRequest(), { timeoutMs: 5000 });
    const outcomes = Promise.allSettled([first, second]);
    const started = clock.monotonicMs();
    expect((await settle(clock, outcomes)).map((outcome) => (outcome as PromiseRejectedResult).reason.code)).toEqual(['REQUEST_TIMED_OUT', 'REQUEST_TIMED_OUT']);
    expect(clock.monotonicMs() - started).toBeLessThan(1000);
    expect(connection.isOpen).toBe(false);
    expect(await settle(clock, cluster.anyConnection())).not.toBe(connection);
    expect(clock.timerCount).toBe(0);
  });

  it('does not outlive bytes that are no answer', async () => {
    const { broker, cluster, clock } = await world();
    broker.on('DescribeCluster', () => ({ raw: Buffer.from('00000006ffffffff0000', 'hex') }));
    const connection = await settle(clock, cluster.anyConnection());
    await expect(settle(clock, connection.request(describeClusterApi, makeDescribeClusterRequest()))).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    broker.on('DescribeCluster', () => ({ raw: Buffer.from('7fffffff', 'hex') }));
    const next = await settle(clock, cluster.anyConnection());
    await expect(settle(clock, next.request(describeClusterApi, makeDescribeClusterRequest()))).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
    expect(next.isOpen).toBe(false);
  });
});

describe('a cluster', () => {
  it('goes to the next bootstrap address, says which one does not answer, and refuses calls once it is closed', async () => {
    const made = await world({ t: 1 });
    const lines: string[] = [];
    const cluster = makeCluster(made.network, made.clock, [1, made.broker.port], { logger: noteLogger(lines) });
    expect(await settle(made.clock, cluster.leadersOf('t'))).toEqual([{ leader: 1, leaderEpoch: 0 }]);
    expect(lines[0]).toContain('Connection to 127.0.0.1:1 could not be established: ');
    cluster.close();
    await expect(settle(made.clock, cluster.leadersOf('other'))).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('asks for a topic once, however many want to know, and again when that is too old', async () => {
    const { broker, cluster, clock } = await world({ t: 2 });
    await settle(clock, Promise.all([cluster.leadersOf('t'), cluster.leadersOf('t'), cluster.leadersOf('t')]));
    expect(broker.asked('Metadata')).toHaveLength(1);
    await cluster.leadersOf('t');
    expect(broker.asked('Metadata')).toHaveLength(1);
    clock.advance(60_001);
    await settle(clock, cluster.leadersOf('t'));
    cluster.forget('t');
    await settle(clock, cluster.leadersOf('t'));
    expect(broker.asked('Metadata')).toHaveLength(3);
  });

  it('tries again with growing pauses, until the time is over', async () => {
    const { broker, cluster, clock } = await world({});
    const started = clock.monotonicMs();
    await expect(settle(clock, cluster.retrying(() => cluster.leadersOf('t'), 2000))).rejects.toMatchObject({ codeName: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(clock.monotonicMs() - started).toBeLessThanOrEqual(2100);
    expect(broker.asked('Metadata').length).toBeGreaterThan(4);
    expect(broker.asked('Metadata').length).toBeLessThan(15);
  });

  it('is not misled by partition numbers that cannot be', async () => {
    const { broker, cluster, clock } = await world({ t: 2 });
    broker.on('Metadata', () => {
      const answer = metadataOf(broker.port, new Map([['t', 2]]), null) as { topics: { partitions: { partitionIndex: number }[] }[] };
      answer.topics[0]!.partitions[1]!.partitionIndex = 2_000_000_000;
      return { answer: answer as unknown as Record<string, unknown> };
    });
    expect(await settle(clock, cluster.leadersOf('t'))).toEqual([{ leader: 1, leaderEpoch: 0 }, { leader: -1, leaderEpoch: -1 }]);
  });

  it('ends calls that pause, at once', async () => {
    const { cluster, clock } = await world({});
    const waiting = cluster.retrying(() => cluster.leadersOf('t'), 100_000);
    const outcome = expect(waiting).rejects.toThrow();
    await turns(30);
    cluster.close();
    await turns(30);
    await outcome;
    expect(clock.timerCount).toBe(0);
  });

  it('spreads its pauses', () => {
    const backoff = new Backoff(seededRandom(1), 100, 1000);
    const delays = Array.from({ length: 8 }, () => backoff.next());
    expect(delays[0]).toBeGreaterThanOrEqual(80);
    expect(delays[0]).toBeLessThanOrEqual(120);
    expect(Math.max(...delays)).toBeLessThanOrEqual(1200);
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(120);
  });
});

describe('an admin', () => {
  it('looks for the controller again when it has moved', async () => {
    const made = await world({});
    const other = await new FakeBroker().listen(made.network);
    let controllerId = 1;
    const metadata = () => ({ answer: { brokers: [makeMetadataResponseBroker({ nodeId: 1, host: '127.0.0.1', port: made.broker.port }), makeMetadataResponseBroker({ nodeId: 2, host: '127.0.0.1', port: other.port })], controllerId, topics: [] } });
    made.broker.on('Metadata', metadata);
    other.on('Metadata', metadata);
    made.broker.on('CreateTopics', () => {
      controllerId = 2;
      return { answer: { topics: [{ name: 't', errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: null, configs: [], topicId: 'AAAAAAAAAAAAAAAAAAAAAA', numPartitions: -1, replicationFactor: -1, topicConfigErrorCode: 0 }] } };
    });
    other.on('CreateTopics', () => ({ answer: { topics: [{ name: 't', errorCode: 0, errorMessage: null, configs: [], topicId: 'AAAAAAAAAAAAAAAAAAAAAA', numPartitions: 1, replicationFactor: 1, topicConfigErrorCode: 0 }] } }));
    await settle(made.clock, new Admin(made.cluster).createTopic({ topic: 't' }));
    expect(other.asked('CreateTopics')).toHaveLength(1);
  });

  it('describes topics page by page, and by Metadata where the broker has no better', async () => {
    const { broker, cluster, clock } = await world({ a: 2, b: 1 });
    broker.on('DescribeTopicPartitions', ({ body }) => {
      const cursor = body.cursor as { topicName: string; partitionIndex: number } | null;
      const partition = (partitionIndex: number) => makeDescribeTopicPartitionsResponsePartition({ partitionIndex, leaderId: 1, replicaNodes: [1], isrNodes: [1], eligibleLeaderReplicas: [] });
      if (cursor === null) return { answer: { topics: [makeDescribeTopicPartitionsResponseTopic({ name: 'a', partitions: [partition(0)] })], nextCursor: makeDescribeTopicPartitionsResponseCursor({ topicName: 'a', partitionIndex: 1 }) } };
      return { answer: { topics: [makeDescribeTopicPartitionsResponseTopic({ name: 'a', partitions: [partition(1)] }), makeDescribeTopicPartitionsResponseTopic({ name: 'b', partitions: [partition(0)] })] } };
    });
    const [b, a] = await settle(clock, new Admin(cluster).describeTopics(['b', 'a']));
    expect([a!.name, a!.partitions.map(({ partition }) => partition), b!.name, b!.partitions.length]).toEqual(['a', [0, 1], 'b', 1]);
    expect(a!.partitions[0]!.eligibleLeaderReplicas).toEqual([]);

    const old = await world({ a: 2 });
    old.broker.missing.add('DescribeTopicPartitions');
    const [described] = await settle(old.clock, new Admin(old.cluster).describeTopics(['a']));
    expect(described!.partitions.map(({ partition, eligibleLeaderReplicas }) => [partition, eligibleLeaderReplicas])).toEqual([[0, null], [1, null]]);
  });

  it('does not follow a cursor that leads nowhere', async () => {
    const { broker, cluster, clock } = await world({});
    broker.on('DescribeTopicPartitions', () => ({ answer: { topics: [], nextCursor: makeDescribeTopicPartitionsResponseCursor({ topicName: 'a', partitionIndex: 0 }) } }));
    await expect(settle(clock, new Admin(cluster).describeTopics(['a']))).rejects.toMatchObject({ code: 'INVALID_RESPONSE' });
  });

  it('says what a broker does not offer, without asking again', async () => {
    const { broker, cluster, clock } = await world({});
    broker.missing.add('ListPartitionReassignments');
    await expect(settle(clock, new Admin(cluster).listReassignments(), 100)).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' });
  });
});
