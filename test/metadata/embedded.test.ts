import { describe, expect, it } from 'vitest';
import { openEmbeddedMetadata, ConfigOperation, ConfigResourceType, MetadataError } from '../../src/metadata/index.ts';
import type { EmbeddedMetadata, MetadataDelta, NewTopic } from '../../src/metadata/index.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts, seededRandom } from '../storage/support/ports.ts';

const newDisk = (): MemoryDisk => new MemoryDisk({ random: seededRandom(3) });

interface OpenOptions {
  readonly nodeId?: number;
  readonly snapshotAfterBytes?: number;
  readonly seed?: number;
}

async function open(disk: MemoryDisk, { nodeId = 1, snapshotAfterBytes = 1 << 20, seed = 1 }: OpenOptions = {}): Promise<EmbeddedMetadata> {
  return openEmbeddedMetadata({
    disk, ...fakePorts(seed), directory: '/data', clusterId: () => 'cluster', nodeId, defaults: { partitions: 2, replicationFactor: 1 },
    staticSettings: new Map(), snapshotAfterBytes,
  });
}

async function ready(disk = newDisk(), options: OpenOptions = {}): Promise<EmbeddedMetadata> {
  const metadata = await open(disk, options);
  await metadata.register({ id: options.nodeId ?? 1, rack: 'r1', endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9, securityProtocol: 'PLAINTEXT' }] });
  return metadata;
}

const topic = (name: string, fields: Partial<NewTopic> = {}): NewTopic =>
  ({ name, partitions: -1, replicationFactor: -1, assignments: new Map(), configs: new Map(), ...fields });

async function create(metadata: EmbeddedMetadata, name: string, fields: Partial<NewTopic> = {}, validateOnly = false) {
  const [outcome] = await metadata.controller.createTopics([topic(name, fields)], validateOnly);
  return outcome!;
}

describe('embedded metadata', () => {
  it('makes topics with the defaults and tells who listens', async () => {
    const metadata = await ready();
    const deltas: MetadataDelta[] = [];
    metadata.subscribe((delta, image) => {
      expect(image.topicsByName.has('a')).toBe(true);
      deltas.push(delta);
    });
    const { code, topic: made } = await create(metadata, 'a', { configs: new Map([['retention.ms', '5']]) });
    expect(code).toBe(0);
    expect(made).toMatchObject({ name: 'a', internal: false, partitions: [{ index: 0, leader: 1, replicas: [1], inSyncReplicas: [1], leaderEpoch: 0 }, { index: 1 }] });
    expect(made!.id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    expect(metadata.image.topicsById.get(made!.id)).toBe(made);
    expect(deltas).toHaveLength(1);
    expect(deltas[0]!.topicsCreated.map(({ name }) => name)).toEqual(['a']);
    expect([...metadata.image.configsOf(ConfigResourceType.topic, 'a')]).toEqual([['retention.ms', '5']]);
  });

  it('is the same after a restart, from the journal and from snapshots', async () => {
    for (const snapshotAfterBytes of [1 << 20, 200]) {
      const disk = newDisk();
      const metadata = await ready(disk, { snapshotAfterBytes });
      for (let index = 0; index < 20; index++) await create(metadata, `t${index}`, { configs: new Map([['retention.ms', String(index)]]) });
      const gone = metadata.image.topicsByName.get('t3')!;
      await metadata.controller.deleteTopics([gone.id]);
      await metadata.controller.createPartitions('t4', 5, [], false);
      const { first } = await metadata.controller.allocateProducerIds();
      const ids = [...metadata.image.topicsByName].map(([name, { id, partitions }]) => [name, id, partitions.length]);
      const again = await open(disk.crash(), { snapshotAfterBytes });
      expect(again.isNew).toBe(false);
      expect([...again.image.topicsByName].map(([name, { id, partitions }]) => [name, id, partitions.length]).sort()).toEqual(ids.sort());
      expect(again.image.topicsById.has(gone.id)).toBe(false);
      expect([...again.image.configsOf(ConfigResourceType.topic, 't7')]).toEqual([['retention.ms', '7']]);
      expect([...again.image.configsOf(ConfigResourceType.topic, 't3')]).toEqual([]);
      expect((await again.controller.allocateProducerIds()).first).toBe(first + 1000);
      expect(again.image.version).toBeGreaterThan(metadata.image.version);
    }
  });

  it('gives every partition a new leader epoch in each life of the node, once', async () => {
    const disk = newDisk();
    let metadata = await ready(disk, { snapshotAfterBytes: 300 });
    await create(metadata, 'old');
    for (const life of [1, 2, 3]) {
      await metadata.close();
      metadata = await ready(disk, { snapshotAfterBytes: 300, seed: life + 1 });
      expect(metadata.image.topicsByName.get('old')!.partitions[0]!.leaderEpoch).toBe(life);
      await create(metadata, `t${life}`);
      expect(metadata.image.topicsByName.get(`t${life}`)!.partitions[0]!.leaderEpoch).toBe(0);
    }
    expect(metadata.image.topicsByName.get('t1')!.partitions[0]!.leaderEpoch).toBe(2);
  });

  it('knows its broker as fenced until it is registered', async () => {
    const metadata = await open(newDisk());
    expect(metadata.image.brokers.get(1)!.fenced).toBe(true);
    expect(await create(metadata, 'a')).toMatchObject({ code: ErrorCode.INVALID_REPLICATION_FACTOR, message: 'Unable to replicate the partition 1 time(s): All brokers are currently fenced.' });
    await metadata.register({ id: 1, rack: null, endpoints: [] });
    expect(metadata.image.brokers.get(1)!.fenced).toBe(false);
    await expect(metadata.register({ id: 2, rack: null, endpoints: [] })).rejects.toMatchObject({ kind: 'fenced' });
  });

  it('refuses the journal of another node', async () => {
    const disk = newDisk();
    await (await ready(disk)).close();
    const error: unknown = await open(disk, { nodeId: 2 }).then(() => null, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(MetadataError);
    expect(error).toMatchObject({ kind: 'fenced' });
    await (await ready(disk)).close();
  });

  it.each([
    ['', {}, ErrorCode.INVALID_TOPIC_EXCEPTION, 'Topic name is invalid: the empty string is not allowed'],
    ['..', {}, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '..' is not allowed"],
    ['../up', {}, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '../up' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"],
    ['x'.repeat(250), {}, ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: the length of '${'x'.repeat(250)}' is longer than the max allowed length 249`],
    ['a.b', {}, ErrorCode.TOPIC_ALREADY_EXISTS, "Topic 'a.b' already exists."],
    ['a_b', {}, ErrorCode.INVALID_TOPIC_EXCEPTION, "Topic 'a_b' collides with existing topic: a.b"],
    ['n', { partitions: 0 }, ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.'],
    ['n', { partitions: -2 }, ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.'],
    ['n', { partitions: 10_001 }, ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.'],
    ['n', { replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0, or -1 to use the default value.'],
    ['n', { replicationFactor: 3 }, ErrorCode.INVALID_REPLICATION_FACTOR,
      'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be reached because only 1 broker(s) are registered.'],
    ['n', { configs: new Map([['no.such.key', '1']]) }, ErrorCode.INVALID_CONFIG, 'Unknown topic config name: no.such.key'],
    ['n', { configs: new Map([['retention.ms', null]]) }, ErrorCode.INVALID_CONFIG, 'Null value not supported for topic configs: retention.ms'],
    ['n', { partitions: 1, assignments: new Map([[0, [1]]]) }, ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but numPartitions was not set to -1.'],
    ['n', { assignments: new Map([[0, [5]]]) }, ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'The manual partition assignment includes broker 5, but no such broker is registered.'],
    ['n', { assignments: new Map([[0, [1, 1]]]) }, ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'The manual partition assignment includes the broker 1 more than once.'],
    ['n', { assignments: new Map([[0, []]]) }, ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'The manual partition assignment includes an empty replica list.'],
    ['n', { assignments: new Map([[1, [1]]]) }, ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'partitions should be a consecutive 0-based integer sequence'],
  ] as const)('refuses topic %j with %o', async (name, fields, code, message) => {
    const metadata = await ready();
    await create(metadata, 'a.b');
    const before = metadata.image.version;
    expect(await create(metadata, name, fields as Partial<NewTopic>)).toEqual({ code, message, topic: null });
    expect(metadata.image.version).toBe(before);
  });

  it('shows what would be made without making it', async () => {
    const metadata = await ready();
    const { code, topic: shown } = await create(metadata, 'a', { assignments: new Map([[0, [1]], [1, [1]]]) }, true);
    expect(code).toBe(0);
    expect(shown!.partitions).toHaveLength(2);
    expect(metadata.image.topicsByName.size).toBe(0);
  });

  it('frees a name for its collisions when the topic goes', async () => {
    const metadata = await ready();
    const { topic: made } = await create(metadata, 'a.b');
    expect(await metadata.controller.deleteTopics([made!.id, made!.id, 'nowhere'])).toMatchObject([
      { code: 0 }, { code: ErrorCode.UNKNOWN_TOPIC_ID }, { code: ErrorCode.UNKNOWN_TOPIC_ID },
    ]);
    expect((await create(metadata, 'a_b')).code).toBe(0);
  });

  it('adds partitions', async () => {
    const metadata = await ready();
    await create(metadata, 'a');
    const grow = (count: number, assignments: number[][] = [], validateOnly = false) => metadata.controller.createPartitions('a', count, assignments, validateOnly);
    expect(await grow(2)).toMatchObject({ code: ErrorCode.INVALID_PARTITIONS, message: 'Topic already has 2 partition(s).' });
    expect(await grow(1)).toMatchObject({ code: ErrorCode.INVALID_PARTITIONS, message: 'The topic a currently has 2 partition(s); 1 would not be an increase.' });
    expect(await grow(20_000)).toMatchObject({ code: ErrorCode.POLICY_VIOLATION });
    expect(await grow(4, [[1]])).toMatchObject({ code: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message: 'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.' });
    expect(await grow(3, [[9]])).toMatchObject({ code: ErrorCode.INVALID_REPLICA_ASSIGNMENT });
    expect(await grow(3, [], true)).toMatchObject({ code: 0 });
    expect(metadata.image.topicsByName.get('a')!.partitions).toHaveLength(2);
    const before = metadata.image.topicsByName.get('a')!;
    expect(await grow(3, [[1]])).toMatchObject({ code: 0 });
    expect(metadata.image.topicsByName.get('a')!.partitions).toHaveLength(3);
    expect(before.partitions).toHaveLength(2);
    expect(await metadata.controller.createPartitions('none', 3, [], false)).toMatchObject({ code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  });

  it('changes settings one by one and all at once', async () => {
    const metadata = await ready();
    await create(metadata, 'a', { configs: new Map([['retention.ms', '1'], ['cleanup.policy', 'delete']]) });
    const alter = (key: string, value: string | null, operation: ConfigOperation, validateOnly = false) =>
      metadata.controller.incrementalAlterConfigs(ConfigResourceType.topic, 'a', [{ key, value, operation }], validateOnly);
    const settings = (): unknown => Object.fromEntries(metadata.image.configsOf(ConfigResourceType.topic, 'a'));
    expect(await alter('retention.ms', '2', ConfigOperation.set)).toMatchObject({ code: 0 });
    expect(await alter('cleanup.policy', 'compact', ConfigOperation.append)).toMatchObject({ code: 0 });
    expect(settings()).toEqual({ 'retention.ms': '2', 'cleanup.policy': 'delete,compact' });
    expect(await alter('retention.ms', 'never', ConfigOperation.set)).toMatchObject({ code: ErrorCode.INVALID_CONFIG });
    expect(await alter('retention.ms', '3', ConfigOperation.append)).toMatchObject({ code: ErrorCode.INVALID_CONFIG });
    expect(await alter('retention.ms', '9', ConfigOperation.set, true)).toMatchObject({ code: 0 });
    expect(await alter('cleanup.policy', 'delete', ConfigOperation.subtract)).toMatchObject({ code: 0 });
    expect(await alter('retention.ms', null, ConfigOperation.delete)).toMatchObject({ code: 0 });
    expect(settings()).toEqual({ 'cleanup.policy': 'compact' });
    expect(await metadata.controller.alterConfigs(ConfigResourceType.topic, 'a', new Map([['retention.ms', '4']]), false)).toMatchObject({ code: 0 });
    expect(settings()).toEqual({ 'retention.ms': '4' });
    expect(await metadata.controller.alterConfigs(ConfigResourceType.topic, 'b', new Map(), false)).toMatchObject({ code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
    expect(await metadata.controller.alterConfigs(ConfigResourceType.broker, '9', new Map(), false)).toMatchObject({ code: ErrorCode.BROKER_ID_NOT_REGISTERED });
    expect(await metadata.controller.alterConfigs(ConfigResourceType.brokerLogger, 'g', new Map(), false)).toMatchObject({ code: ErrorCode.INVALID_REQUEST });
  });

  it('says that nothing was done when the disk is full, and takes the same change later', async () => {
    const disk = newDisk();
    const metadata = await ready(disk);
    disk.fullAfterBytes(20);
    await expect(create(metadata, 'a')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(metadata.image.topicsByName.size).toBe(0);
    disk.fullAfterBytes(Infinity);
    expect((await create(metadata, 'a')).code).toBe(0);
  });

  it('does not know what became of a change whose fsync failed', async () => {
    const disk = newDisk();
    const metadata = await ready(disk);
    disk.failNextSync('__tidelog_metadata');
    await expect(create(metadata, 'a')).rejects.toMatchObject({ kind: 'unknown' });
    await expect(create(metadata, 'b')).rejects.toMatchObject({ kind: 'unavailable' });
    await metadata.close();
    await expect(create(metadata, 'c')).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('runs changes one after the other', async () => {
    const metadata = await ready();
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => create(metadata, 'same')));
    expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 36, 36, 36, 36]);
  });
});
