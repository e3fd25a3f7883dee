/** The room that the journal keeps for the changes that must be possible on a full disk. */
import { expect, it } from 'vitest';
import { openEmbeddedMetadata, MetadataError } from '../../src/metadata/index.ts';
import type { EmbeddedMetadata, NewTopic } from '../../src/metadata/index.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts, seededRandom } from '../storage/support/ports.ts';

const open = (disk: MemoryDisk): Promise<EmbeddedMetadata> =>
  openEmbeddedMetadata({
    disk, ...fakePorts(1), directory: '/data', clusterId: () => 'cluster', nodeId: 1, defaults: { partitions: 1, replicationFactor: 1 }, staticSettings: new Map(),
  });

async function ready(disk: MemoryDisk): Promise<EmbeddedMetadata> {
  const metadata = await open(disk);
  await metadata.register({ id: 1, rack: null, endpoints: [{ listener: 'PLAINTEXT', host: 'h', port: 9, securityProtocol: 'PLAINTEXT' }] });
  return metadata;
}

const topic = (name: string): NewTopic => ({ name, partitions: 1, replicationFactor: 1, assignments: new Map(), configs: new Map() });
const create = (metadata: EmbeddedMetadata, name: string) => metadata.controller.createTopics([topic(name)], false);

it('takes deletions and the node itself, but nothing new', async () => {
  const disk = new MemoryDisk({ random: seededRandom(3) });
  const metadata = await ready(disk);
  const [made] = await create(metadata, 'old');
  disk.fullAfterBytes(0);
  await expect(create(metadata, 'new')).rejects.toThrow(MetadataError);
  expect((await metadata.controller.deleteTopics([made!.topic!.id]))[0]!.code).toBe(0);
  expect(metadata.image.topicsByName.size).toBe(0);
  disk.fullAfterBytes(Infinity);
  expect((await create(metadata, 'new'))[0]!.code).toBe(0);
  await metadata.close();

  disk.fullAfterBytes(0);
  const again = await ready(disk);
  expect([...again.image.topicsByName.keys()]).toEqual(['new']);
  await again.close();
});

it('is kept again once there is room', async () => {
  const disk = new MemoryDisk({ random: seededRandom(3) });
  const metadata = await ready(disk);
  for (let round = 0; round < 5; round += 1) {
    disk.fullAfterBytes(Infinity);
    const [made] = await create(metadata, `topic-${round}`);
    disk.fullAfterBytes(0);
    expect((await metadata.controller.deleteTopics([made!.topic!.id]))[0]!.code).toBe(0);
  }
  await metadata.close();
});
