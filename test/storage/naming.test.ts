import { describe, expect, it } from 'vitest';
import { DiskError } from '../../src/base/disk.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { ZERO_TOPIC_ID, readPartitionMetadata } from '../../src/storage/partitionMetadata.ts';
import { settle } from './support/ports.ts';
import { CLIENT, TOPIC_ID, afterKill, append, batchOf, readAll, startStore, topicConfig } from './support/store.ts';

const config = topicConfig();
const listed = { logsAreListedElsewhere: true, config };

/** Calls of the disk that wait for the medium. */
function countSyncs(disk: MemoryDisk): () => number {
  let count = 0;
  const { writeFileAtomic, syncDirectory } = disk;
  disk.writeFileAtomic = (...call) => (count++, writeFileAtomic.apply(disk, call));
  disk.syncDirectory = (...call) => (count++, syncDirectory.apply(disk, call));
  return () => count;
}

describe('the folder of a new log', () => {
  it('waits for nothing durable where the list of logs is kept elsewhere, and is made anew after a loss of power', async () => {
    const { store, disk, ports } = await startStore(listed);
    const syncs = countSyncs(disk);
    for (let partition = 0; partition < 20; partition++) await store.open('t', partition, TOPIC_ID, config, 1);
    expect(syncs()).toBe(0);
    const after = await startStore({ ...listed, ports, disk: disk.crash() });
    const log = await after.store.open('t', 0, TOPIC_ID, config, 2);
    await append(log, batchOf(['v']), { ...CLIENT, leaderEpoch: 2 });
    expect(readAll(log).map(({ value }) => value)).toEqual(['v']);
    await after.store.close();
  });

  it('is durable before a synced record is acknowledged, with the id of its topic', async () => {
    const { store, disk, ports } = await startStore(listed);
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    await append(log, batchOf(['v']));
    const after = await startStore({ ...listed, ports, disk: disk.crash() });
    const found = after.store.get('t', 0)!;
    expect(found.topicId).toBe(TOPIC_ID);
    expect(readAll(found).map(({ value }) => value)).toEqual(['v']);
    await after.store.close();
  });

  it('gets the id of its topic with its first record, in the background, and once', async () => {
    const { store, disk } = await startStore(listed);
    const logs = await Promise.all(Array.from({ length: 9 }, (_, partition) => store.open('t', partition, TOPIC_ID, config)));
    expect(await readPartitionMetadata(disk, '/data/t-0')).toBe(ZERO_TOPIC_ID);
    for (const log of logs) await append(log, batchOf(['v']));
    await settle();
    for (const log of logs) expect(await readPartitionMetadata(disk, log.directory)).toBe(TOPIC_ID);
    const syncs = countSyncs(disk);
    for (const log of logs) await append(log, batchOf(['v']));
    await settle();
    expect(syncs()).toBe(0);
    await store.close();
  });

  it('gets the id when it is opened again after a kill that came before', async () => {
    const { store, disk, ports } = await startStore(listed);
    const write = disk.writeFileAtomic.bind(disk);
    disk.writeFileAtomic = (path, bytes) => (path.endsWith('partition.metadata') ? new Promise(() => {}) : write(path, bytes));
    await append(await store.open('t', 0, TOPIC_ID, config), batchOf(['v']));
    await store.open('t', 1, TOPIC_ID, config);
    const after = await startStore({ ...listed, ports, disk: afterKill(disk, ports) });
    for (const partition of [0, 1]) expect(after.store.get('t', partition)!.topicId).toBe(ZERO_TOPIC_ID);
    for (const partition of [0, 1]) expect((await after.store.open('t', partition, TOPIC_ID, config)).topicId).toBe(TOPIC_ID);
    await settle();
    expect(await readPartitionMetadata(after.disk, '/data/t-0')).toBe(TOPIC_ID);
    expect(await readPartitionMetadata(after.disk, '/data/t-1')).toBe(ZERO_TOPIC_ID);
    await after.store.close();
  });

  it('survives with its records where a full disk has no room for the id', async () => {
    const { store, disk, ports } = await startStore(listed);
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    const write = disk.writeFileAtomic.bind(disk);
    disk.writeFileAtomic = (path, bytes) => (path.endsWith('partition.metadata') ? Promise.reject(new DiskError('ENOSPC', path, 'no room')) : write(path, bytes));
    await append(log, batchOf(['v']));
    expect(log.online).toBe(true);
    const after = await startStore({ ...listed, ports, disk: disk.crash() });
    expect(readAll(after.store.get('t', 0)!).map(({ value }) => value)).toEqual(['v']);
    await after.store.close();
  });
});
