import { describe, expect, it } from 'vitest';
import { defaultTopicConfig, NO_SETTINGS, resolveTopicConfig, staticLayers, topicTable, validateTopicConfigs } from '../../src/config/index.ts';

const none = staticLayers(NO_SETTINGS);
const settings = (object: Record<string, string>) => new Map(Object.entries(object));
const check = (object: Record<string, string | null>) => validateTopicConfigs(new Map(Object.entries(object)), none);

describe('a topic', () => {
  it('has Kafka\'s defaults', () => {
    expect(defaultTopicConfig).toEqual({
      segmentBytes: 1073741824, segmentMs: 604800000, segmentJitterMs: 0, segmentIndexBytes: 10485760, indexIntervalBytes: 4096, retentionMs: 604800000,
      retentionBytes: -1, flushMessages: Number.MAX_SAFE_INTEGER, flushMs: Number.MAX_SAFE_INTEGER, fileDeleteDelayMs: 60000, maxMessageBytes: 1048588,
      minInsyncReplicas: 1, cleanupPolicy: { delete: true, compact: false }, compressionType: 'producer', compressionGzipLevel: -1, compressionLz4Level: 9,
      compressionZstdLevel: 3, messageTimestampType: 'CreateTime', messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER, messageTimestampAfterMaxMs: 3600000,
      preallocate: false, deleteRetentionMs: 86400000, minCleanableDirtyRatio: 0.5, minCompactionLagMs: 0, maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
      uncleanLeaderElectionEnable: false, batchValidation: 'full',
    });
  });

  it('takes its own settings over those of the broker, from the strongest layer', () => {
    const layers = {
      dynamicBroker: settings({ 'log.segment.bytes': '3000000' }),
      dynamicDefault: settings({ 'log.segment.bytes': '2000000', 'message.max.bytes': '20' }),
      static: settings({ 'log.segment.bytes': '1100000', 'message.max.bytes': '10', 'log.retention.minutes': '1' }),
    };
    expect(resolveTopicConfig(NO_SETTINGS, layers)).toMatchObject({ segmentBytes: 3000000, maxMessageBytes: 20, retentionMs: 60000 });
    expect(resolveTopicConfig(settings({ 'segment.bytes': '4000000', 'retention.ms': '5' }), layers)).toMatchObject({ segmentBytes: 4000000, retentionMs: 5 });
  });

  it('can be both compacted and deleted, or neither', () => {
    const policy = (text: string) => resolveTopicConfig(settings({ 'cleanup.policy': text }), none).cleanupPolicy;
    expect(policy('compact, delete')).toEqual({ delete: true, compact: true });
    expect(policy('')).toEqual({ delete: false, compact: false });
  });

  it('never trusts headers alone when it is compacted', () => {
    const validation = (policy: string) => resolveTopicConfig(settings({ 'cleanup.policy': policy, 'tidelog.batch.validation': 'header' }), none).batchValidation;
    expect(validation('delete')).toBe('header');
    expect(validation('compact')).toBe('full');
    expect(validation('compact,delete')).toBe('full');
  });

  it('may have tiny segments by Kafka\'s internal key', () => {
    expect(check({ 'internal.segment.bytes': '100' })).toBeNull();
    expect(resolveTopicConfig(settings({ 'internal.segment.bytes': '100' }), none).segmentBytes).toBe(100);
  });
});

describe('settings asked for a topic', () => {
  it.each([
    [{ 'retention.ms': '-1', 'cleanup.policy': 'compact', 'compression.type': 'zstd', 'flush.messages': '9223372036854775807' }, null],
    [{ 'compression.gzip.level': '-1' }, null],
    [{ 'leader.replication.throttled.replicas': '*' }, null],
    [{ 'leader.replication.throttled.replicas': '0:1,1:2' }, null],
    [{ 'no.such': '1' }, 'Unknown topic config name: no.such'],
    [{ 'retention.ms': null, 'segment.ms': null }, 'Null value not supported for topic configs: retention.ms,segment.ms'],
    [{ 'retention.ms': 'x' }, 'Invalid value x for configuration retention.ms: Not a number of type LONG'],
    [{ 'retention.ms': '9223372036854775808' }, 'Invalid value 9223372036854775808 for configuration retention.ms: Not a number of type LONG'],
    [{ 'retention.ms': '-2' }, 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
    [{ 'segment.bytes': '1' }, 'Invalid value 1 for configuration segment.bytes: Value must be at least 1048576'],
    [{ 'cleanup.policy': 'shred' }, 'Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete'],
    [{ 'preallocate': 'yes' }, 'Invalid value yes for configuration preallocate: Expected value to be either true or false'],
    [{ 'min.cleanable.dirty.ratio': '1.5' }, 'Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1'],
    [{ 'min.cleanable.dirty.ratio': 'NaN' }, 'Invalid value NaN for configuration min.cleanable.dirty.ratio: Not a number of type DOUBLE'],
    [{ 'compression.gzip.level': '0' }, 'Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1'],
    [{ 'compression.type': 'lzma' }, 'Invalid value lzma for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer'],
    [{ 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '4' }, 'conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)'],
    [{ 'remote.storage.enable': 'true' }, 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.'],
  ])('%j: %s', (asked, message) => {
    expect(check(asked as Record<string, string | null>)).toBe(message);
  });

  it('refuses replicas of another form', () => {
    expect(check({ 'leader.replication.throttled.replicas': '1' })).toMatch(/must be the literal '\*' or a list of replicas/);
  });

  it('is not held up by a huge value', () => {
    expect(check({ 'retention.ms': '9'.repeat(1_000_000) })).toMatch(/Not a number/);
    expect(check({ 'min.cleanable.dirty.ratio': '9'.repeat(1_000_000) })).toMatch(/Not a number/);
    expect(check({ 'cleanup.policy': `${' '.repeat(1_000_000)}x` })).toMatch(/String must be one of/);
  });
});

describe('the table of topic keys', () => {
  it('gives each default as the broker key does that stands for it', () => {
    expect(topicTable.size).toBe(35);
    expect(topicTable.has('message.format.version')).toBe(false);
  });
});
