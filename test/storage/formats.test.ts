import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { CheckpointFile, formatEpochCheckpoint, formatOffsetCheckpoint, parseEpochCheckpoint, parseOffsetCheckpoint } from '../../src/storage/checkpoints.ts';
import { detachedFolder, folderKind, isTopicName, offsetStem, segmentFileName } from '../../src/storage/fileNames.ts';
import { formatMetaProperties, parseMetaProperties } from '../../src/storage/metaProperties.ts';
import { parsePartitionMetadata } from '../../src/storage/partitionMetadata.ts';
import { ProducerEntry } from '../../src/storage/producerEntry.ts';
import { decodeProducerSnapshot, encodeProducerSnapshot } from '../../src/storage/producerSnapshot.ts';
import { TransactionIndex } from '../../src/storage/transactionIndex.ts';
import { fakePorts, settle } from './support/ports.ts';
import { memoryDisk } from './support/store.ts';

describe('offset checkpoints', () => {
  it('are read as Kafka writes them', () => {
    expect(parseOffsetCheckpoint('0\n2\n__consumer_offsets 3 17\nt.a_b-1 0 0\n')).toEqual([
      { topic: '__consumer_offsets', partition: 3, offset: 17 }, { topic: 't.a_b-1', partition: 0, offset: 0 },
    ]);
    expect(String(formatOffsetCheckpoint([{ topic: 't', partition: 1, offset: 9007199254740991 }]))).toBe('0\n1\nt 1 9007199254740991\n');
    expect(parseOffsetCheckpoint('0\n0\n')).toEqual([]);
  });

  it.each(['', '1\n0\n', '0\n', '0\n1\n', '0\n1\nt 0\n', '0\n1\nt 0 1 2\n', '0\n1\nt -1 2\n', '0\n1\nt 0 -2\n', '0\n1\nt 0 1e3\n', '0\n2\nt 0 1\n', '0\nx\nt 0 1\n', '0\n1\nt 0 99999999999999999\n', '\0\0\0'])(
    'that are malformed are nothing: %j', (text) => expect(parseOffsetCheckpoint(text)).toBeNull());

  it('of epochs ascend', () => {
    expect(parseEpochCheckpoint('0\n2\n1 0\n4 30\n')).toEqual([{ epoch: 1, startOffset: 0 }, { epoch: 4, startOffset: 30 }]);
    expect(String(formatEpochCheckpoint([{ epoch: 1, startOffset: 0 }]))).toBe('0\n1\n1 0\n');
    for (const text of ['0\n2\n4 0\n1 30\n', '0\n2\n1 30\n4 0\n', '0\n1\n-1 0\n', '0\n1\n1\n']) expect(parseEpochCheckpoint(text)).toBeNull();
  });

  it('are written one after the other, and together where they waited', async () => {
    const ports = fakePorts();
    const disk = memoryDisk(ports);
    await disk.makeDirectory('/d');
    disk.syncDelayMs = 10;
    let version = 0;
    const written: number[] = [];
    const file = new CheckpointFile(disk, '/d/c', () => {
      written.push(version);
      return Buffer.from(String(version));
    });
    const writes = [file.write()];
    for (version = 1; version < 5; version += 1) writes.push(file.write());
    await ports.clock.advance(100);
    await Promise.all(writes);
    expect(written).toEqual([0, 5]);
    disk.failNextSync('/d/c');
    version = 6;
    const failing = file.write();
    const next = file.write();
    const failed = expect(failing).rejects.toThrow('input/output');
    await ports.clock.advance(100);
    await failed;
    await next;
    expect(String(await disk.readFile('/d/c', 10))).toBe('6');
    await settle();
  });
});

describe('names', () => {
  it('of segments have twenty digits', () => {
    expect(offsetStem(42)).toBe('00000000000000000042');
    expect(segmentFileName('00000000000000000042.timeindex.swap')).toEqual({ baseOffset: 42, type: '.timeindex', state: '.swap' });
    for (const name of ['42.log', '00000000000000000042.txt', '00000000000000000042.log.x', '99999999999999999999.log', 'a00000000000000000042.log']) expect(segmentFileName(name)).toBeNull();
  });

  it('of folders say what they hold', () => {
    expect(folderKind('a-b-3')).toEqual({ kind: 'partition', topic: 'a-b', partition: 3 });
    expect(folderKind('__cluster_metadata-0')).toEqual({ kind: 'partition', topic: '__cluster_metadata', partition: 0 });
    expect(folderKind(detachedFolder('x'.repeat(249), 2147483647, 'a'.repeat(32), 'delete'))).toEqual({ kind: 'delete' });
    for (const name of ['x', '-1', 'x-', 'x-01', 'x-99999999999', 'x--1x', '..-0/..', 't-0.abc-delete']) expect(folderKind(name).kind).toBe('unknown');
    expect(isTopicName('.')).toBe(false);
  });
});

describe('meta.properties', () => {
  it('is read as Kafka writes it, in both of its versions', () => {
    expect(parseMetaProperties('#\n#Sat\ncluster.id=a\\=b\ndirectory.id=xyz\nnode.id=1\nversion=1\n')).toEqual({ clusterId: 'a=b', nodeId: 1, directoryId: 'xyz', formatVersion: null });
    expect(parseMetaProperties('broker.id=0\nversion=0\ncluster.id=abc')).toEqual({ clusterId: 'abc', nodeId: 0, directoryId: null, formatVersion: null });
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }).filter((text) => text.trim() === text && !/[\s]/.test(text)), fc.nat(), (clusterId, nodeId) => {
        const meta = { clusterId, nodeId, directoryId: clusterId, formatVersion: 1 };
        expect(parseMetaProperties(String(formatMetaProperties(meta)))).toEqual(meta);
      }),
    );
  });

  it.each(['', 'version=1', 'version=2\ncluster.id=a\nnode.id=1', 'version=1\ncluster.id=a\nnode.id=x', 'version=1\ncluster.id=a\nnode.id=1\nnode.id=2', 'version=1\ncluster.id=a\nnode.id=1\ngarbage', '\0\0'])(
    'that is malformed is nothing: %j', (text) => expect(parseMetaProperties(text)).toBeNull());
});

describe('partition.metadata', () => {
  it('has a topic id of 22 characters', () => {
    expect(parsePartitionMetadata('version: 0\ntopic_id: AbCdEfGhIjKlMnOpQrStUw')).toBe('AbCdEfGhIjKlMnOpQrStUw');
    for (const text of ['', 'version: 1\ntopic_id: AbCdEfGhIjKlMnOpQrStUw', 'version: 0\ntopic_id: short', 'topic_id: AbCdEfGhIjKlMnOpQrStUw']) expect(parsePartitionMetadata(text)).toBeNull();
  });
});

function someProducers(): ProducerEntry[] {
  const first = new ProducerEntry(1000);
  first.addBatch(3, 41, 99, 4, 1_700_000_000_000);
  first.coordinatorEpoch = 7;
  first.transactionFirstOffset = 90;
  const second = new ProducerEntry(2 ** 40);
  second.moveToEpoch(0);
  second.lastTimestampMs = 5;
  return [first, second];
}

describe('producer snapshots', () => {
  it('have the bytes that Kafka writes', () => {
    const bytes = encodeProducerSnapshot(someProducers(), 2);
    expect(bytes.length).toBe(10 + 2 * 46);
    expect(bytes.toString('hex', 0, 2)).toBe('0001');
    expect(bytes.toString('hex', 6, 56)).toBe(
      ['00000002', '00000000000003e8', '0003', '00000029', '0000000000000063', '00000004', '0000018bcfe56800', '00000007', '000000000000005a'].join(''));
    expect(bytes.toString('hex', 56)).toBe(['0000010000000000', '0000', 'ffffffff', 'ffffffffffffffff', '00000000', '0000000000000005', 'ffffffff', 'ffffffffffffffff'].join(''));
  });

  it('are read back, and refused when a byte differs', () => {
    const bytes = encodeProducerSnapshot(someProducers(), 2);
    const [first, second] = decodeProducerSnapshot(bytes)!;
    expect(first).toMatchObject({ producerId: 1000, epoch: 3, lastSequence: 41, lastOffset: 99, lastOffsetDelta: 4, coordinatorEpoch: 7, transactionFirstOffset: 90 });
    expect(second).toMatchObject({ producerId: 2 ** 40, epoch: 0, lastSequence: -1, hasBatches: false });
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 0x10;
      expect(decodeProducerSnapshot(damaged)).toBeNull();
    }
    for (let length = 0; length < bytes.length; length += 1) expect(decodeProducerSnapshot(bytes.subarray(0, length))).toBeNull();
  });
});

describe('transaction indexes', () => {
  it('have entries of 34 bytes and are read back', () => {
    const index = new TransactionIndex();
    index.add({ producerId: 1, firstOffset: 10, lastOffset: 20, isAborted: true, lastStableOffset: 15 });
    index.add({ producerId: 2, firstOffset: 15, lastOffset: 30, isAborted: true, lastStableOffset: 31 });
    const bytes = index.encode();
    expect(bytes.toString('hex', 0, 34)).toBe(['0000', '0000000000000001', '000000000000000a', '0000000000000014', '000000000000000f'].join(''));
    const read = new TransactionIndex();
    expect(read.decode(bytes, 5)).toBe(true);
    expect(read.encode().equals(bytes)).toBe(true);
    expect(read.decode(bytes.subarray(0, 40), 5)).toBe(false);
    expect(read.decode(bytes, 25)).toBe(false);
  });
});
