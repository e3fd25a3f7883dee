/** The settings of topics: checking what a client asks for, and resolving what holds. */
import type { ConfigKey } from './keys.ts';
import { brokerTextForTopic, NO_SETTINGS, type BrokerLayers, type Settings } from './layers.ts';
import { topicKey, topicTable } from './tables.ts';
import type { BatchValidation, CompressionTypeName, TimestampTypeName, TopicConfig } from './types.ts';
import { canonicalText, parseValue, valueOf, type ConfigValue } from './values.ts';

/** A topic key without a default and without a setting has no text: only `internal.segment.bytes` is so. */
export function effectiveTopicText(key: ConfigKey, topic: Settings, layers: BrokerLayers): string | null {
  const text = topic.get(key.name) ?? brokerTextForTopic(layers, key) ?? key.defaultText;
  return text === null ? null : canonicalText(key, text);
}

/**
 * Checks the settings asked for one topic, whole: `topic` is what the topic will have. Returns null, or the message
 * that goes with INVALID_CONFIG.
 */
export function validateTopicConfigs(topic: ReadonlyMap<string, string | null>, layers: BrokerLayers): string | null {
  const withoutValue = [...topic].filter(([, text]) => text === null).map(([name]) => name);
  if (withoutValue.length > 0) return `Null value not supported for topic configs: ${withoutValue.join(',')}`;
  const settings = topic as Settings;
  for (const [name, text] of settings) {
    const problem = checkTopicSetting(name, text);
    if (problem !== null) return problem;
  }
  return checkTogether(settings, layers);
}

function checkTopicSetting(name: string, text: string): string | null {
  const key = topicTable.get(name);
  if (!key) return `Unknown topic config name: ${name}`;
  const parsed = parseValue(key, text);
  return parsed.ok ? null : `Invalid value ${text} for configuration ${name}: ${parsed.problem}`;
}

function checkTogether(topic: Settings, layers: BrokerLayers): string | null {
  const config = resolveTopicConfig(topic, layers);
  if (config.minCompactionLagMs > config.maxCompactionLagMs) {
    return `conflict topic config setting min.compaction.lag.ms (${config.minCompactionLagMs}) > max.compaction.lag.ms (${config.maxCompactionLagMs})`;
  }
  if (topic.get('remote.storage.enable')?.trim().toLowerCase() === 'true') {
    return 'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.';
  }
  return null;
}

/** Resolves the settings of one topic. `topic` holds its own, checked, settings. */
export function resolveTopicConfig(topic: Settings, layers: BrokerLayers): TopicConfig {
  const value = (name: string): ConfigValue => {
    const key = topicKey(name);
    return valueOf(key, effectiveTopicText(key, topic, layers) ?? '');
  };
  const number = (name: string) => value(name) as number;
  const flag = (name: string) => value(name) as boolean;
  const policies = value('cleanup.policy') as readonly string[];
  const compact = policies.includes('compact');
  return {
    segmentBytes: segmentBytes(topic, layers, number('segment.bytes')),
    segmentMs: number('segment.ms'),
    segmentJitterMs: number('segment.jitter.ms'),
    segmentIndexBytes: number('segment.index.bytes'),
    indexIntervalBytes: number('index.interval.bytes'),
    retentionMs: unlimitedBelowZero(number('retention.ms')),
    retentionBytes: unlimitedBelowZero(number('retention.bytes')),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    maxMessageBytes: number('max.message.bytes'),
    minInsyncReplicas: number('min.insync.replicas'),
    cleanupPolicy: { delete: policies.includes('delete'), compact },
    compressionType: value('compression.type') as CompressionTypeName,
    compressionGzipLevel: number('compression.gzip.level'),
    compressionLz4Level: number('compression.lz4.level'),
    compressionZstdLevel: number('compression.zstd.level'),
    messageTimestampType: value('message.timestamp.type') as TimestampTypeName,
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    preallocate: flag('preallocate'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    uncleanLeaderElectionEnable: flag('unclean.leader.election.enable'),
    batchValidation: compact ? 'full' : (value('tidelog.batch.validation') as BatchValidation),
  };
}

/** Kafka's own way below the public minimum of `segment.bytes`, which its tests use. */
function segmentBytes(topic: Settings, layers: BrokerLayers, publicBytes: number): number {
  const key = topicKey('internal.segment.bytes');
  const text = effectiveTopicText(key, topic, layers);
  return text === null ? publicBytes : Math.max(1, valueOf(key, text) as number);
}

const unlimitedBelowZero = (value: number): number => (value < 0 ? -1 : value);

const noLayers: BrokerLayers = { dynamicBroker: NO_SETTINGS, dynamicDefault: NO_SETTINGS, static: NO_SETTINGS };

/** What a topic gets when nothing at all is set: for a storage engine that is used without a broker. */
export const defaultTopicConfig: TopicConfig = resolveTopicConfig(NO_SETTINGS, noLayers);
