import { describe, expect, it } from 'vitest';
import { ConfigResourceType } from '../../src/metadata/types.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeDescribeLogDirsRequest } from '../../src/protocol/generated/describeLogDirs.ts';
import type { PartitionLog } from '../../src/storage/log.ts';
import { DescribeLogDirs, IncrementalAlterConfigs } from './support/apis.ts';
import { call, startNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { batch, createTopic, fetchOne, produce, valuesIn } from './support/work.ts';

async function alter(node: TestNode, resourceType: number, resourceName: string, settings: Readonly<Record<string, string>>): Promise<number> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, configOperation: 0, value }));
  const { responses } = await call(node, IncrementalAlterConfigs, 1, { resources: [{ resourceType, resourceName, configs }], validateOnly: false });
  return responses[0]!.errorCode;
}

const logOf = (node: TestNode, topic: string) => (node.store.get(topic, 0) as PartitionLog).state;

describe('settings of storage', () => {
  it('of a topic reach its log while it is used', async () => {
    const node = await startNode();
    await createTopic(node, 'a');
    await produce(node, 'a', 0, batch(['x']));
    const settings = {
      'segment.bytes': '1048576', 'segment.ms': '5000', 'segment.jitter.ms': '7', 'index.interval.bytes': '100', 'segment.index.bytes': '1000', 'retention.ms': '9000', 'retention.bytes': '8000',
      'flush.messages': '3', 'flush.ms': '400', preallocate: 'true', 'file.delete.delay.ms': '11', 'max.message.bytes': '5000', 'message.timestamp.type': 'LogAppendTime',
      'message.timestamp.before.max.ms': '12', 'message.timestamp.after.max.ms': '13', 'compression.type': 'gzip', 'compression.gzip.level': '2', 'compression.lz4.level': '3',
      'compression.zstd.level': '4', 'cleanup.policy': 'compact,delete', 'delete.retention.ms': '14', 'min.cleanable.dirty.ratio': '0.25', 'min.compaction.lag.ms': '15', 'max.compaction.lag.ms': '16',
    };
    expect(await alter(node, ConfigResourceType.topic, 'a', settings)).toBe(0);
    expect(logOf(node, 'a').config).toMatchObject({
      segmentBytes: 1_048_576, segmentMs: 5000, segmentJitterMs: 7, indexIntervalBytes: 100, segmentIndexBytes: 1000, retentionMs: 9000, retentionBytes: 8000, flushMessages: 3, flushMs: 400, preallocate: true,
      fileDeleteDelayMs: 11, maxMessageBytes: 5000, messageTimestampType: 'LogAppendTime', messageTimestampBeforeMaxMs: 12, messageTimestampAfterMaxMs: 13, compressionType: 'gzip',
      compressionGzipLevel: 2, compressionLz4Level: 3, compressionZstdLevel: 4, cleanupPolicy: { compact: true, delete: true }, deleteRetentionMs: 14, minCleanableDirtyRatio: 0.25,
      minCompactionLagMs: 15, maxCompactionLagMs: 16,
    });
    expect(await produce(node, 'a', 0, batch(['no key']))).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD });
    await node.stop();
  });

  it('of the cleaner are taken into use, and a topic is compacted by them', async () => {
    const node = await startNode({ settings: { 'log.cleaner.backoff.ms': '1000000000', 'log.cleaner.min.cleanable.ratio': '0.01' } });
    await createTopic(node, 'c', 1, { configs: [{ name: 'cleanup.policy', value: 'compact' }, { name: 'segment.bytes', value: '1048576' }] });
    for (let index = 0; index < 5; index += 1) await produce(node, 'c', 0, batch([`v${index}`], { key: 'k' }));
    await (node.store.get('c', 0) as PartitionLog).beginSegment();
    await produce(node, 'c', 0, batch(['active'], { key: 'other' }));
    expect(await alter(node, ConfigResourceType.broker, '', { 'log.cleaner.threads': '0' })).toBe(ErrorCode.INVALID_REQUEST);
    const settings = { 'log.cleaner.threads': '2', 'log.cleaner.dedupe.buffer.size': '4000000', 'log.cleaner.io.buffer.size': '100000', 'log.cleaner.io.buffer.load.factor': '0.5',
      'log.cleaner.io.max.bytes.per.second': '1000000', 'log.cleaner.backoff.ms': '500' };
    expect(await alter(node, ConfigResourceType.broker, '', settings)).toBe(0);
    expect(node.store.cleaner.settings).toEqual({
      enable: true, threads: 2, dedupeBufferSizeBytes: 4_000_000, ioBufferSizeBytes: 100_000, ioBufferLoadFactor: 0.5, ioMaxBytesPerSecond: 1_000_000, backoffMs: 500,
    });
    await node.ports.clock.advance(2000);
    expect(valuesIn((await fetchOne(node, 'c', 0, 0)).records)).toEqual(['v4']);
    await node.stop();
  });

  it('of a log directory: its size and what is free are told', async () => {
    const node = await startNode();
    const { results } = await call(node, DescribeLogDirs, 4, makeDescribeLogDirsRequest({ topics: null }));
    expect(results[0]!.totalBytes).toBeGreaterThan(0);
    expect(results[0]!.usableBytes).toBeGreaterThan(0);
    await node.stop();
  });

  it('a partition whose log could not be opened for want of files is tried again', async () => {
    const node = await startNode();
    node.disk.failNextWrite('/data/f-0', 'EMFILE');
    await createTopic(node, 'f').catch(() => {});
    expect(await produce(node, 'f', 0, batch(['x']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    await node.ports.clock.advance(5001);
    expect(await produce(node, 'f', 0, batch(['x']))).toMatchObject({ errorCode: 0 });
    await node.stop();
  });
});
