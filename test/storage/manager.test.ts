import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/storage/index.ts';
import type { StoreErrorCode, TopicConfigView } from '../../src/storage/index.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts, settle } from './support/ports.ts';
import { afterKill, append, batchOf, memoryDisk, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const OTHER_ID = 'ZbCdEfGhIjKlMnOpQrStUw';
const names = async (disk: MemoryDisk, path: string): Promise<string[]> => (await disk.list(path)).map((entry) => entry.name);
const text = async (disk: MemoryDisk, path: string): Promise<string> => String(await disk.readFile(path, 10_000));

async function startError(start: Promise<unknown>): Promise<{ code: StoreErrorCode; path: string; message: string }> {
  try {
    await start;
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    return error as StoreError;
  }
  throw new Error('it started');
}

describe('a log directory', () => {
  it('gets an identity that is kept and checked', async () => {
    const first = await startStore({ nodeId: 3 });
    const { clusterId } = first.store;
    const id = first.store.directories[0]!.id;
    expect(clusterId).toHaveLength(22);
    expect(await text(first.disk, '/data/meta.properties')).toBe(`#\ndirectory.id=${id}\nnode.id=3\nversion=1\ncluster.id=${clusterId}\ntidelog.format.version=1\n`);
    await first.store.close();
    const second = await startStore({ disk: first.disk, ports: first.ports, nodeId: 3, directories: ['/data', '/more'] });
    expect([second.store.clusterId, second.store.directories[0]!.id]).toEqual([clusterId, id]);
    await second.store.close();
    const again = { disk: first.disk, ports: first.ports };
    expect(await startError(startStore({ ...again, nodeId: 4 }))).toMatchObject({ code: 'mismatch', path: '/data/meta.properties' });
    expect(await startError(startStore({ ...again, nodeId: 3, clusterId: 'another' }))).toMatchObject({ code: 'mismatch' });
    await first.disk.rename('/data/meta.properties', '/data/meta.copy');
    await first.disk.writeFile('/data/meta.properties', Buffer.from('version=1\ncluster.id='));
    expect(await startError(startStore({ ...again, nodeId: 3 }))).toMatchObject({ code: 'corrupt', path: '/data/meta.properties' });
  });

  it('has its checkpoints written again by a start only where a stop was not in order', async () => {
    const CHECKPOINTS = ['tidelog-checksums', 'recovery-point-offset-checkpoint'];
    const written: string[] = [];
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    const { writeFileAtomic } = disk;
    disk.writeFileAtomic = (path, bytes) => {
      written.push(path.slice('/data/'.length));
      return writeFileAtomic.call(disk, path, bytes);
    };
    const first = await startStore({ disk, ports });
    expect(written).toEqual(['meta.properties']);
    await append(await first.store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['kept']));
    await first.store.close();
    expect(written).toEqual(expect.arrayContaining(CHECKPOINTS));
    written.length = 0;
    const second = await startStore({ disk, ports });
    expect(written).toEqual([]);
    await second.store.close();
    await disk.remove('/data/.kafka_cleanshutdown');
    written.length = 0;
    const third = await startStore({ disk, ports });
    expect(written).toEqual(expect.arrayContaining(CHECKPOINTS));
    await third.store.close();
  });

  it('is used by one store at a time', async () => {
    const first = await startStore();
    const second = await startError(startStore({ disk: first.disk, ports: first.ports }));
    expect(second).toMatchObject({ code: 'locked', path: '/data' });
    await append(await first.store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['unharmed']));
    await first.store.close();
    const third = await startStore({ disk: first.disk, ports: first.ports });
    expect(readAll(third.store.get('t', 0)!)).toHaveLength(1);
    await third.store.close();
  });

  it('of Apache Kafka is refused, or adopted when that is wanted and it was stopped in order', async () => {
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    const first = await startStore({ disk, ports, clusterId: 'kafkas', nodeId: 1 });
    await append(await first.store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['kept']));
    await first.store.close();
    await disk.writeFile('/data/meta.properties', Buffer.from('#\n#Sat Nov 21\nnode.id=1\ndirectory.id=abc\nversion=1\ncluster.id=kafkas\n'));
    await disk.makeDirectory('/data/__cluster_metadata-0');
    await disk.writeFile('/data/__cluster_metadata-0/quorum-state', Buffer.from('{}'));
    expect(await startError(startStore({ disk, ports, nodeId: 1 }))).toMatchObject({ code: 'foreignData', path: '/data' });
    await disk.rename('/data/.kafka_cleanshutdown', '/data/marker');
    expect(await startError(startStore({ disk, ports, nodeId: 1, adoptKafkaData: true }))).toMatchObject({ code: 'foreignData' });
    await disk.rename('/data/marker', '/data/.kafka_cleanshutdown');
    const adopted = await startStore({ disk, ports, nodeId: 1, adoptKafkaData: true });
    expect(readAll(adopted.store.get('t', 0)!)).toMatchObject([{ value: 'kept' }]);
    expect(adopted.store.get('__cluster_metadata', 0)).toBeUndefined();
    expect(adopted.store.clusterId).toBe('kafkas');
    expect(adopted.store.directories[0]!.id).toBe('abc');
    await adopted.store.close();
    await (await startStore({ disk, ports, nodeId: 1 })).store.close();
  });

  it('with partitions but without meta.properties is refused', async () => {
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    await disk.makeDirectory('/data/orders-0');
    expect(await startError(startStore({ disk, ports }))).toMatchObject({ code: 'foreignData' });
  });

  it('that cannot be read is offline while others work; without any there is no start', async () => {
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    disk.failNextSync('/bad');
    const { store } = await startStore({ disk, ports, directories: ['/bad', '/good'] });
    expect(store.directories.map((directory) => directory.online)).toEqual([false, true]);
    await store.open('t', 0, TOPIC_ID, topicConfig());
    await store.close();
    disk.failNextSync('/bad/er');
    expect(await startError(startStore({ disk, ports, directories: ['/bad/er'] }))).toMatchObject({ code: 'offline' });
  });

  it('stops the start when its ids are doubled or a partition is there twice', async () => {
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    const first = await startStore({ disk, ports, directories: ['/one', '/two'] });
    await first.store.open('t', 0, TOPIC_ID, topicConfig());
    await first.store.close();
    await disk.makeDirectory('/two/t-0');
    expect(await startError(startStore({ disk, ports, directories: ['/one', '/two'] }))).toMatchObject({ code: 'duplicate' });
    await disk.remove('/two/t-0');
    const meta = await disk.readFile('/one/meta.properties', 1000);
    await disk.writeFile('/two/meta.properties', meta!);
    expect(await startError(startStore({ disk, ports, directories: ['/one', '/two'] }))).toMatchObject({ code: 'duplicate' });
  });
});

describe('folders', () => {
  it('that are no partitions are reported and left alone; deleted ones and copies of unfinished moves are removed', async () => {
    const ports = fakePorts();
    const first = await startStore({ ports });
    await first.store.close();
    const hex = '0123456789abcdef0123456789abcdef';
    const strange = ['lost+found', 't-01', 'no-number-x', `t-0.${hex}-stray`, '-3'];
    const gone = [`t-2.${hex}-delete`, `t-1.${hex}-future`];
    for (const name of [...strange, ...gone]) await first.disk.makeDirectory(`/data/${name}`);
    const { createStore } = await import('../../src/storage/index.ts');
    const store = createStore({ directories: ['/data'], disk: first.disk, ports });
    const reports: string[] = [];
    store.onUnknownFolder = (path, report) => reports.push(`${path} ${report}`);
    await store.start(() => topicConfig());
    expect(reports.toSorted()).toEqual([`/data/-3 unknown`, '/data/lost+found unknown', '/data/no-number-x unknown', '/data/t-01 unknown', `/data/t-0.${hex}-stray stray`].toSorted());
    const left = await names(first.disk, '/data');
    for (const name of strange) expect(left).toContain(name);
    for (const name of gone) expect(left).not.toContain(name);
    await store.close();
  });

  it('are spread over the directories', async () => {
    const { store } = await startStore({ directories: ['/a', '/b', '/c'] });
    const opened = await Promise.all(Array.from({ length: 9 }, (_, partition) => store.open('t', partition, TOPIC_ID, topicConfig())));
    for (const path of ['/a', '/b', '/c']) expect(opened.filter((log) => log.logDirectory === path)).toHaveLength(3);
    await store.close();
  });

  it('have names that stay inside the directory', async () => {
    const { store, disk } = await startStore();
    for (const name of ['', '.', '..', '../up', 'a/b', 'a\0b', 'ä', 'x'.repeat(250), 'sp ace']) {
      expect((await refusal(store.open(name, 0, TOPIC_ID, topicConfig()))).kind).toBe('invalidTopic');
    }
    for (const partition of [-1, 1.5, 2 ** 31, Number.NaN]) expect((await refusal(store.open('t', partition, TOPIC_ID, topicConfig()))).kind).toBe('invalidTopic');
    expect((await refusal(store.open('t', 0, '../../etc/passwd', topicConfig()))).kind).toBe('inconsistentTopicId');
    await store.open('x'.repeat(249), 0, TOPIC_ID, topicConfig());
    await store.delete('x'.repeat(249), 0);
    for (const name of await names(disk, '/data')) expect(name.length).toBeLessThanOrEqual(255);
    await store.close();
  });
});

describe('opening a log', () => {
  it('twice gives the same one, with the newer settings', async () => {
    const { store } = await startStore();
    const [first, second] = await Promise.all([store.open('t', 0, TOPIC_ID, topicConfig()), store.open('t', 0, TOPIC_ID, topicConfig({ maxMessageBytes: 100 }))]);
    expect(second).toBe(first);
    expect((await refusal(append(first, batchOf(['x'.repeat(200)])))).kind).toBe('batchTooLarge');
    expect([...store.logs()]).toEqual([first]);
    await store.close();
  });

  it('of another topic of the same name is refused, also after a restart', async () => {
    const { store, disk, ports } = await startStore();
    await store.open('t', 0, TOPIC_ID, topicConfig());
    expect((await refusal(store.open('t', 0, OTHER_ID, topicConfig()))).kind).toBe('inconsistentTopicId');
    await store.close();
    expect(await text(disk, '/data/t-0/partition.metadata')).toBe(`version: 0\ntopic_id: ${TOPIC_ID}`);
    const again = await startStore({ disk, ports });
    expect(again.store.get('t', 0)?.topicId).toBe(TOPIC_ID);
    expect((await refusal(again.store.open('t', 0, OTHER_ID, topicConfig()))).kind).toBe('inconsistentTopicId');
    await again.store.close();
    await disk.writeFile('/data/t-0/partition.metadata', Buffer.from('version: 0\ntopic_id: short'));
    expect(await startError(startStore({ disk, ports }))).toMatchObject({ code: 'corrupt', path: '/data/t-0/partition.metadata' });
  });

  it('is there after a power loss right after', async () => {
    const { store, disk, ports } = await startStore();
    await store.open('t', 7, TOPIC_ID, topicConfig());
    const after = await startStore({ disk: disk.crash(), ports });
    expect(after.store.get('t', 7)).toMatchObject({ logEndOffset: 0, topicId: TOPIC_ID });
    await after.store.close();
  });

  it('fails when the store is closed', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    await store.close();
    await store.close();
    expect((await refusal(store.open('t', 1, TOPIC_ID, topicConfig()))).kind).toBe('closed');
    expect((await refusal(append(log, batchOf(['x'])))).kind).toBe('closed');
    expect(() => log.read(0, 1, 1, true)).toThrow(expect.objectContaining({ kind: 'closed' }));
  });
});

describe('deleting a log', () => {
  it('renames its folder at once and removes it later; the name is free at once', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    for (let index = 0; index < 5; index += 1) await append(log, batchOf(['old']));
    await store.checkpoint();
    await store.delete('t', 0);
    expect((await refusal(append(log, batchOf(['x'])))).kind).toBe('closed');
    expect((await names(disk, '/data')).filter((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))).toHaveLength(1);
    const next = await store.open('t', 0, OTHER_ID, topicConfig());
    expect(next.logEndOffset).toBe(0);
    await append(next, batchOf(['new']));
    await ports.clock.advance(60_000);
    await settle();
    expect((await names(disk, '/data')).filter((name) => name.startsWith('t-0'))).toEqual(['t-0']);
    expect(await text(disk, '/data/recovery-point-offset-checkpoint')).not.toContain('t 0 5');
    await store.delete('none', 0);
    await store.close();
  });

  it('fails those who wait for it', async () => {
    const { store, disk } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    await settle();
    disk.syncDelayMs = 50;
    const waiting = refusal(append(log, batchOf(['x'])));
    disk.syncDelayMs = 0;
    await store.delete('t', 0);
    expect((await waiting).kind).toBe('closed');
  });

  it('survives a power loss', async () => {
    const { store, disk, ports } = await startStore();
    await append(await store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['x']));
    await store.delete('t', 0);
    const after = await startStore({ disk: disk.crash(), ports });
    expect(after.store.get('t', 0)).toBeUndefined();
    expect((await names(after.disk, '/data')).filter((name) => name.startsWith('t-0'))).toEqual([]);
    await after.store.close();
  });

  it('as stray keeps the files', async () => {
    const { store, disk, ports } = await startStore();
    await append(await store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['x']));
    await store.stray('t', 0);
    await ports.clock.advance(1_000_000);
    await store.close();
    const [name] = (await names(disk, '/data')).filter((candidate) => candidate.endsWith('-stray'));
    expect((await names(disk, `/data/${name}`)).filter((file) => file.endsWith('.log'))).toHaveLength(1);
    const again = await startStore({ disk, ports });
    expect([...again.store.logs()]).toEqual([]);
    await again.store.close();
  });
});

describe('checkpoints', () => {
  it('are written as time passes, in the text format', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 2, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    for (let index = 0; index < 4; index += 1) await append(log, batchOf(['x']));
    await log.deleteRecordsBefore(1);
    await ports.clock.advance(5_000);
    expect(await text(disk, '/data/replication-offset-checkpoint')).toBe('0\n1\nt 2 4\n');
    expect(await text(disk, '/data/log-start-offset-checkpoint')).toBe('0\n1\nt 2 1\n');
    await ports.clock.advance(60_000);
    expect(await text(disk, '/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 2 4\n');
    await store.close();
  });

  it('that are corrupt are passed over with a warning', async () => {
    const { store, disk, ports } = await startStore();
    const config: TopicConfigView = topicConfig({ segmentBytes: 200 });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 8; index += 1) await append(log, batchOf(['x'.repeat(60)]));
    await store.checkpoint();
    const killed = afterKill(disk, ports);
    for (const name of ['recovery-point-offset-checkpoint', 'replication-offset-checkpoint']) await killed.writeFile(`/data/${name}`, Buffer.from('0\n5\nt 0 x\n'));
    const again = await startStore({ disk: killed, ports, config });
    expect(readAll(again.store.get('t', 0)!)).toHaveLength(8);
    expect(ports.logger.lines.filter((line) => line.includes('checkpoint is damaged'))).toHaveLength(2);
    await again.store.close();
  });

  it('let a restart begin at the high watermark that was known', async () => {
    const first = await startStore({ highWatermarkFollowsEnd: false });
    const log = await first.store.open('t', 0, TOPIC_ID, topicConfig());
    for (let index = 0; index < 4; index += 1) await append(log, batchOf(['x']));
    log.highWatermark = 3;
    log.highWatermark = 9;
    expect(log.highWatermark).toBe(4);
    log.highWatermark = 3;
    await first.store.close();
    const second = await startStore({ disk: first.disk, ports: first.ports, highWatermarkFollowsEnd: false });
    expect(second.store.get('t', 0)).toMatchObject({ highWatermark: 3, logEndOffset: 4 });
    await second.store.close();
  });
});

describe('a start', () => {
  it('reports its progress', async () => {
    const first = await startStore();
    for (let partition = 0; partition < 5; partition += 1) await first.store.open('t', partition, TOPIC_ID, topicConfig());
    await first.store.close();
    const { createStore } = await import('../../src/storage/index.ts');
    const store = createStore({ directories: ['/data'], disk: first.disk, ports: first.ports });
    const progress: number[] = [];
    await store.start(() => topicConfig(), { onProgress: (done, total) => progress.push(done * 10 + total) });
    expect(progress).toEqual([15, 25, 35, 45, 55]);
    await store.close();
  });

  it('after a clean stop scans nothing, and forgets that it was clean', async () => {
    const first = await startStore();
    await append(await first.store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['abc']));
    await first.store.close();
    expect(await text(first.disk, '/data/.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":-1}');
    first.disk.flipBit('/data/t-0/00000000000000000000.log', 70, 1);
    const second = await startStore({ disk: first.disk, ports: first.ports });
    expect(second.store.get('t', 0)?.logEndOffset).toBe(1);
    expect(await names(first.disk, '/data')).not.toContain('.kafka_cleanshutdown');
    await second.store.close();
  });
});

describe('a start that fails', () => {
  it('leaves the clean stop of the time before', async () => {
    const first = await startStore();
    await append(await first.store.open('t', 0, TOPIC_ID, topicConfig()), batchOf(['abc']));
    await first.store.close();
    await first.disk.writeFile('/data/t-0/partition.metadata', Buffer.from('garbage'));
    expect(await startError(startStore({ disk: first.disk, ports: first.ports }))).toMatchObject({ code: 'corrupt' });
    const { createStore } = await import('../../src/storage/index.ts');
    const claimed = createStore({ directories: ['/data'], disk: first.disk, ports: first.ports });
    await claimed.claim();
    expect(claimed.clusterId).toBe(first.store.clusterId);
    await claimed.close();
    expect(await names(first.disk, '/data')).toContain('.kafka_cleanshutdown');
  });
});
