import { afterEach, describe, expect, it } from 'vitest';
import { Admin } from '../../src/client/admin/admin.ts';
import { ConfigOperation, ConfigResourceType } from '../../src/client/admin/configs.ts';
import { OffsetSpec } from '../../src/client/admin/listOffsets.ts';
import { throwFirst, valueOf, valuesOf } from '../../src/client/admin/outcome.ts';
import { PartitionMap } from '../../src/client/admin/partitionMap.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeWorld, type World } from './support/cluster.ts';
import { settle } from './support/fakeClock.ts';
import { RealNode } from './support/realNode.ts';

const worlds: World[] = [];
async function world(topics: Record<string, number> = {}): Promise<World & { readonly admin: Admin }> {
  const made = await makeWorld(topics);
  worlds.push(made);
  return { ...made, admin: new Admin(made.cluster) };
}
afterEach(async () => {
  for (const { cluster, broker } of worlds.splice(0)) {
    cluster.close();
    await broker.stop();
  }
});

const coordinator = (key: string) => ({ key, nodeId: 1, host: '127.0.0.1', port: 0, errorCode: 0, errorMessage: null });
const deleted = (groupId: string, errorCode: number) => ({ groupId, errorCode, errorMessage: null });

describe('an administrator', () => {
  it('asks again while a coordinator is not ready, for the keys that are open', async () => {
    const { admin, broker, clock } = await world();
    broker.on('FindCoordinator', ({ body }) => ({ answer: { coordinators: (body.coordinatorKeys as string[]).map(coordinator) } }));
    let calls = 0;
    broker.on('DeleteGroups', ({ body }) => {
      calls += 1;
      const code = calls === 1 ? ErrorCode.NOT_COORDINATOR : ErrorCode.NONE;
      return { answer: { results: (body.groupsNames as string[]).map((name) => deleted(name, name === 'late' ? code : name === 'busy' ? ErrorCode.NON_EMPTY_GROUP : ErrorCode.NONE)) } };
    });
    const outcomes = await settle(clock, admin.deleteGroups(['late', 'busy', 'fine']));
    expect([...outcomes].map(([id, { error }]) => [id, (error as { codeName?: string } | undefined)?.codeName ?? null])).toEqual([['late', null], ['busy', 'NON_EMPTY_GROUP'], ['fine', null]]);
    expect(broker.asked('DeleteGroups').map((body) => body.groupsNames)).toEqual([['late', 'busy', 'fine'], ['late']]);
    expect(() => throwFirst(outcomes)).toThrow(/NON_EMPTY_GROUP/);
  });

  it('looks for a leader that has moved', async () => {
    const { admin, broker, clock } = await world({ t: 1 });
    let calls = 0;
    broker.on('ListOffsets', () => {
      calls += 1;
      const found = { partitionIndex: 0, errorCode: calls === 1 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.NONE, oldStyleOffsets: [], timestamp: -1, offset: 7, leaderEpoch: 3 };
      return { answer: { topics: [{ name: 't', partitions: [found] }] } };
    });
    const key = { topic: 't', partition: 0 };
    const found = await settle(clock, admin.listOffsets([[key, OffsetSpec.latest]]));
    expect(valueOf(found.get(key))).toEqual({ offset: 7, timestampMs: -1, leaderEpoch: 3 });
    expect(broker.asked('Metadata').length).toBeGreaterThanOrEqual(2);
  });

  it('gives up what stays unknown when its time is over', async () => {
    const { admin, clock } = await world({});
    const key = { topic: 'nosuch', partition: 0 };
    const found = await settle(clock, admin.listOffsets([[key, OffsetSpec.earliest]]));
    expect(found.get(key)?.error).toMatchObject({ codeName: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  it('does not take a broker at its silence', async () => {
    const { admin, broker, clock } = await world();
    broker.on('DescribeConfigs', () => ({ answer: { results: [] } }));
    const topic = { type: ConfigResourceType.topic, name: 't' };
    expect((await settle(clock, admin.describeConfigs([topic]))).get(topic)?.error).toMatchObject({ code: 'INVALID_RESPONSE' });
  });

  it('waits out a quota on changes', async () => {
    const { admin, broker, clock } = await world();
    let calls = 0;
    broker.on('CreatePartitions', ({ body }) => {
      calls += 1;
      const errorCode = calls < 3 ? ErrorCode.THROTTLING_QUOTA_EXCEEDED : ErrorCode.NONE;
      return { answer: { results: (body.topics as { name: string }[]).map(({ name }) => ({ name, errorCode, errorMessage: null })) } };
    });
    throwFirst(await settle(clock, admin.createPartitions([{ topic: 't', count: 2 }])));
    expect(calls).toBe(3);
  });

  it('says what a broker does not offer, and asks nothing', async () => {
    const { admin, broker, clock } = await world();
    broker.missing.add('DescribeUserScramCredentials');
    await expect(settle(clock, admin.describeScramCredentials(null), 1000)).rejects.toMatchObject({ code: 'UNSUPPORTED_VERSION' });
  });
});

describe('an administrator of a whole broker', () => {
  it('does what there is to do with topics, settings, offsets and groups', async () => {
    const node = await new RealNode().start();
    const admin = new Admin(node.connect());
    try {
      const created = valuesOf(await admin.createTopics([{ topic: 'a', partitions: 2 }, { topic: 'b' }]));
      expect(created.get('a')).toMatchObject({ numPartitions: 2, errorCode: 0 });
      expect((await admin.createTopics([{ topic: 'a' }])).get('a')?.error).toMatchObject({ codeName: 'TOPIC_ALREADY_EXISTS' });
      throwFirst(await admin.createPartitions([{ topic: 'b', count: 3 }]));
      expect((await admin.describeTopics(['b']))[0]!.partitions).toHaveLength(3);
      const resource = { type: ConfigResourceType.topic, name: 'a' };
      throwFirst(await admin.incrementalAlterConfigs(new Map([[resource, [{ name: 'retention.ms', operation: ConfigOperation.set, value: '5' }]]])));
      expect(valueOf((await admin.describeConfigs([resource], { includeSynonyms: true })).get(resource)).find(({ name }) => name === 'retention.ms')).toMatchObject({ value: '5', configSource: 1 });
      const key = { topic: 'a', partition: 1 };
      throwFirst(new Map(await admin.alterConsumerGroupOffsets('g', [[key, { offset: 0, leaderEpoch: -1, metadata: 'm' }]])));
      expect(valueOf(valueOf((await admin.listConsumerGroupOffsets(new Map([['g', null]]))).get('g')).get(key))).toEqual({ offset: 0, leaderEpoch: -1, metadata: 'm' });
      expect((await admin.listConsumerGroups()).map(({ groupId }) => groupId)).toEqual(['g']);
      expect(valueOf((await admin.describeConsumerGroups(['g'])).get('g'))).toMatchObject({ state: 'Empty', coordinatorId: 1, members: [] });
      throwFirst(new Map(await admin.deleteConsumerGroupOffsets('g', [key])));
      const { nodes, clusterId } = await admin.describeCluster();
      expect([nodes.map(({ id }) => id), clusterId?.length]).toEqual([[1], 22]);
      expect(valueOf((await admin.describeLogDirs([1])).get(1)).flatMap(({ replicas }) => replicas.keys()).map(({ topic }) => topic)).toContain('a');
      const topicId = (await admin.listTopics()).find(({ name }) => name === 'b')!.topicId;
      throwFirst(await admin.deleteTopicsById([topicId]));
      throwFirst(await admin.deleteTopics(['a']));
      expect((await admin.listTopics()).filter(({ isInternal }) => !isInternal)).toEqual([]);
    } finally {
      await node.close();
    }
  });
});

describe('a map by partition', () => {
  it('takes partitions by what they are, not by which object', () => {
    const map = new PartitionMap([[{ topic: 'b', partition: 1 }, 1], [{ topic: 'a', partition: 0 }, 2]]);
    expect([map.get({ topic: 'b', partition: 1 }), map.get({ topic: 'b', partition: 0 }), map.size, map.values()]).toEqual([1, undefined, 2, [1, 2]]);
    expect([map.delete({ topic: 'b', partition: 1 }), map.delete({ topic: 'b', partition: 1 }), map.keys()]).toEqual([true, false, [{ topic: 'a', partition: 0 }]]);
  });
});
