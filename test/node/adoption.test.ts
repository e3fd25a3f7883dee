import { describe, expect, it } from 'vitest';
import type { DiskError } from '../../src/base/disk.ts';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { encodeMetadataRecord } from '../../src/metadata/recordCodec.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { ConfigResourceType } from '../../src/metadata/index.ts';
import { createLoopbackNetwork } from '../../src/net/index.ts';
import { startNode, type Node } from '../../src/node/index.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts, seededRandom } from '../storage/support/ports.ts';
import { afterKill, append, batchOf, readAll, startStore, topicConfig, TOPIC_ID } from '../storage/support/store.ts';

const GONE_ID = 'ZbCdEfGhIjKlMnOpQrStUw';
const KAFKA = '/data/__cluster_metadata-0';
const ports = fakePorts();

function metadataLog(records: readonly MetadataRecord[]): Buffer {
  const writer = new Writer();
  const builder = new BatchBuilder();
  for (const record of records) builder.append(null, Buffer.from(encodeMetadataRecord(writer, record)), null, 1);
  return builder.close({ baseOffset: 0, leaderEpoch: 1 });
}

/** What a Kafka leaves that was node 3 and had topic `kept` of three partitions, of which one has no folder, and a deleted topic's folder. */
async function kafkaData(): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ random: seededRandom(7), clock: ports.clock });
  const { store } = await startStore({ disk, ports, clusterId: 'kafkas', nodeId: 3 });
  await append(await store.open('kept', 0, TOPIC_ID, topicConfig()), batchOf(['one', 'two']));
  await store.open('kept', 2, TOPIC_ID, topicConfig());
  await store.open('gone', 0, GONE_ID, topicConfig());
  await store.close();
  await disk.writeFileAtomic('/data/meta.properties', Buffer.from('#\n#Sat Nov 21\nnode.id=3\ndirectory.id=abc\nversion=1\ncluster.id=kafkas\n'));
  await disk.makeDirectory(KAFKA);
  await disk.writeFileAtomic(`${KAFKA}/quorum-state`, Buffer.from('{}'));
  await disk.writeFileAtomic(`${KAFKA}/00000000000000000000.log`, metadataLog([
    { kind: 'topic', name: 'kept', id: TOPIC_ID },
    ...[0, 1, 2].map((index): MetadataRecord => ({ kind: 'partition', topicId: TOPIC_ID, index, replicas: [3], inSyncReplicas: [3], leader: 3, leaderEpoch: 4, partitionEpoch: 0 })),
    { kind: 'config', resourceType: ConfigResourceType.topic, resourceName: 'kept', key: 'retention.ms', value: '-1' },
    { kind: 'producerIds', brokerId: 3, brokerEpoch: 1, nextProducerId: 9000 },
  ]));
  return disk;
}

function start(disk: MemoryDisk, adoptKafkaData: boolean, nodeId = 3): Promise<Node> {
  const settings = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', 'node.id': String(nodeId) };
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' }));
  return startNode({ config: validateBrokerConfig(entries).config, network: createLoopbackNetwork(), disk, adoptKafkaData });
}

const names = async (disk: MemoryDisk): Promise<string[]> => (await disk.list('/data')).map(({ name }) => name);

async function expectAdopted(node: Node): Promise<void> {
  const { metadata, logs } = node.broker.services;
  const topic = metadata.image.topicsByName.get('kept')!;
  expect([topic.id, topic.partitions.length]).toEqual([TOPIC_ID, 3]);
  expect(topic.partitions.every(({ leader, leaderEpoch }) => leader === 3 && leaderEpoch > 4)).toBe(true);
  expect(metadata.image.topicsByName.size).toBe(1);
  expect([...metadata.image.configsOf(ConfigResourceType.topic, 'kept')]).toEqual([['retention.ms', '-1']]);
  expect(readAll(logs.get('kept', 0)!)).toMatchObject([{ value: 'one' }, { value: 'two' }]);
  expect(logs.get('kept', 1)!.logEndOffset).toBe(0);
  expect(logs.get('__cluster_metadata', 0)).toBeUndefined();
  expect(node.clusterId).toBe('kafkas');
  expect((await metadata.controller.allocateProducerIds()).first).toBeGreaterThanOrEqual(9000);
}

describe('a directory of Apache Kafka', () => {
  it('is adopted once, and is ours from then on', async () => {
    const disk = await kafkaData();
    const first = await start(disk, true);
    await expectAdopted(first);
    await first.close(0);
    expect(String(await disk.readFile('/data/meta.properties', 1000))).toBe('#\ndirectory.id=abc\nnode.id=3\nversion=1\ncluster.id=kafkas\ntidelog.format.version=1\n');
    const second = await start(disk, false);
    await expectAdopted(second);
    await second.close(0);
    const left = await names(disk);
    expect(left.filter((name) => name.endsWith('-stray'))).toMatchObject([expect.stringMatching(/^gone-0\./)]);
    expect((await disk.list(KAFKA)).map(({ name }) => name)).toEqual(['00000000000000000000.log', 'quorum-state']);
  });

  it('is left as it was when it is refused', async () => {
    const disk = await kafkaData();
    const before = await names(disk);
    const identity = String(await disk.readFile('/data/meta.properties', 1000));
    await expect(start(disk, false)).rejects.toMatchObject({ code: 'foreignData' });
    await expect(start(disk, true, 4)).rejects.toThrow(/node 3.*set node\.id=3/);
    await disk.writeFileAtomic('/data/kept-2/partition.metadata', Buffer.from('rubbish'));
    await expect(start(disk, true)).rejects.toMatchObject({ code: 'corrupt' });
    expect((await names(disk)).filter((name) => name !== '.lock')).toEqual(before.filter((name) => name !== '.lock'));
    expect(String(await disk.readFile('/data/meta.properties', 1000))).toBe(identity);
  });

  it.each(['__tidelog_metadata', 'meta.properties'])('can be adopted again when the first attempt failed at %s', async (place) => {
    const disk = await kafkaData();
    disk.failNextSync(place);
    if (place === 'meta.properties') disk.failNextRename(place);
    await expect(start(disk, true)).rejects.toSatisfy((error: DiskError | Error) => error instanceof Error);
    const killed = afterKill(disk, ports);
    const node = await start(killed, true);
    await expectAdopted(node);
    await node.close(0);
    const again = await start(killed, false);
    await expectAdopted(again);
    await again.close(0);
  });
});
