/** From entries of a file and of the command line to the settings of one broker. */
import { nearestName } from '../base/nearest.ts';
import { checkBrokerSettings } from './brokerChecks.ts';
import { ConfigError } from './configError.ts';
import { systemEnvironment, type ConfigEnvironment } from './environment.ts';
import { brokerValue, staticLayers, type BrokerLayers, type Settings } from './layers.ts';
import { parseHttpListener } from './httpListener.ts';
import { parseOverridesPerIp } from './ipOverrides.ts';
import { isSecretKey, keyPerListener } from './listenerKeys.ts';
import { resolveListeners, type Findings } from './listeners.ts';
import { checkListenerValues, checkSecuritySettings } from './securityChecks.ts';
import { brokerTable } from './tables.ts';
import type { BrokerConfig, ConfigEntry, ConfigProblem, ListenerConfig } from './types.ts';
import { allowedText, canonicalText, parseValue, splitList } from './values.ts';

export interface ValidatedBrokerConfig {
  readonly config: BrokerConfig;
  /** What a person who starts the broker should know: unknown keys, keys without effect, lowered values. */
  readonly warnings: readonly string[];
}

/**
 * Checks all entries together; of several for one key the last wins. Throws ConfigError with every problem. The
 * values of passwords, and of keys that are not known, are never part of a message.
 */
export function validateBrokerConfig(entries: readonly ConfigEntry[], environment: ConfigEnvironment = systemEnvironment()): ValidatedBrokerConfig {
  const lastEntries = new Map(entries.map((entry) => [entry.key, entry]));
  const settings: Settings = new Map([...lastEntries].map(([key, entry]) => [key, entry.value]));
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const findings: Findings = {
    refuse: (key, message) => problems.push(toProblem(key, lastEntries.get(key), message)),
    note: (message) => warnings.push(message),
  };
  checkValues(settings, findings);
  checkListenerValues(settings, findings);
  stopOnProblems(problems);
  noteKeysWithoutEffect(lastEntries, findings);
  const listeners = resolveListeners(settings, environment, findings);
  const logDirs = resolveLogDirs(settings, environment);
  checkBrokerSettings(settings, logDirs, findings);
  checkSecuritySettings(settings, findings);
  stopOnProblems(problems);
  return { config: buildConfig(staticLayers(settings), listeners, logDirs), warnings };
}

/** The same broker with other settings made while running; both maps hold checked values. */
export function withDynamicSettings(config: BrokerConfig, dynamicBroker: Settings, dynamicDefault: Settings): BrokerConfig {
  const layers: BrokerLayers = { dynamicBroker, dynamicDefault, static: config.layers.static };
  return buildConfig(layers, config.listeners, config.logDirs);
}

function stopOnProblems(problems: readonly ConfigProblem[]): void {
  if (problems.length > 0) throw new ConfigError(problems);
}

function toProblem(key: string, entry: ConfigEntry | undefined, message: string): ConfigProblem {
  const isSecret = isSecretKey(key);
  const value = entry === undefined ? null : isSecret ? '[hidden]' : entry.value;
  return { key, value, origin: entry?.origin ?? '', message };
}

function checkValues(settings: Settings, findings: Findings): void {
  for (const [name, text] of settings) {
    const key = brokerTable.get(name);
    if (!key) continue;
    const parsed = parseValue(key, text);
    if (!parsed.ok) findings.refuse(name, `${parsed.problem}; allowed: ${allowedText(key)}`);
  }
}

function noteKeysWithoutEffect(entries: ReadonlyMap<string, ConfigEntry>, findings: Findings): void {
  const withoutEffect: string[] = [];
  for (const { key: name, value, origin } of entries.values()) {
    const key = brokerTable.get(name) ?? keyPerListener(name);
    if (!key && !isListenerKey(name)) findings.note(unknownKeyText(name, origin));
    else if (!key || (key.use === 'accepted' && canonicalText(key, value) !== key.defaultText)) withoutEffect.push(name);
  }
  if (withoutEffect.length > 0) findings.note(`known, without effect here: ${withoutEffect.sort().join(', ')}`);
}

/** `listener.name.<name>.<key>`, or with a SASL mechanism before the key: settings of one listener. */
function isListenerKey(name: string): boolean {
  return /^listener\.name\.[^.]+\../.test(name);
}

function unknownKeyText(name: string, origin: string): string {
  const nearest = nearestName(name, brokerTable.keys());
  return `unknown key ${name} (${origin})${nearest === null ? '' : `; did you mean ${nearest}?`}`;
}

function resolveLogDirs(settings: Settings, environment: ConfigEnvironment): string[] {
  const text = settings.get('log.dirs') ?? settings.get('log.dir');
  return text === undefined ? [environment.defaultLogDir] : splitList(text);
}

function buildConfig(layers: BrokerLayers, listeners: readonly ListenerConfig[], logDirs: readonly string[]): BrokerConfig {
  const number = (name: string) => brokerValue(layers, name) as number;
  const flag = (name: string) => brokerValue(layers, name) as boolean;
  return {
    nodeId: nodeId(layers.static),
    rack: brokerValue(layers, 'broker.rack') as string | null,
    listeners,
    logDirs,
    socketRequestMaxBytes: number('socket.request.max.bytes'),
    socketListenBacklogSize: number('socket.listen.backlog.size'),
    connectionsMaxIdleMs: number('connections.max.idle.ms'),
    connectionFailedAuthenticationDelayMs: number('connection.failed.authentication.delay.ms'),
    sslPrincipalMappingRules: brokerValue(layers, 'ssl.principal.mapping.rules') as string,
    delegationTokenSecretKey: brokerValue(layers, 'delegation.token.secret.key') as string | null,
    delegationTokenMaxLifetimeMs: number('delegation.token.max.lifetime.ms'),
    delegationTokenExpiryTimeMs: number('delegation.token.expiry.time.ms'),
    delegationTokenExpiryCheckIntervalMs: number('delegation.token.expiry.check.interval.ms'),
    maxConnections: number('max.connections'),
    maxConnectionsPerIp: number('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: parseOverridesPerIp(brokerValue(layers, 'max.connections.per.ip.overrides') as string) ?? new Map(),
    queuedMaxRequestBytes: number('queued.max.request.bytes'),
    autoCreateTopicsEnable: flag('auto.create.topics.enable'),
    deleteTopicEnable: flag('delete.topic.enable'),
    numPartitions: number('num.partitions'),
    defaultReplicationFactor: 1,
    maxRequestPartitionSizeLimit: number('max.request.partition.size.limit'),
    fetchMaxBytes: number('fetch.max.bytes'),
    maxIncrementalFetchSessionCacheSlots: number('max.incremental.fetch.session.cache.slots'),
    logRetentionCheckIntervalMs: number('log.retention.check.interval.ms'),
    logInitialTaskDelayMs: number('log.initial.task.delay.ms'),
    logFlushOffsetCheckpointIntervalMs: number('log.flush.offset.checkpoint.interval.ms'),
    logFlushStartOffsetCheckpointIntervalMs: number('log.flush.start.offset.checkpoint.interval.ms'),
    replicaHighWatermarkCheckpointIntervalMs: number('replica.high.watermark.checkpoint.interval.ms'),
    telemetryMaxBytes: number('telemetry.max.bytes'),
    httpListener: parseHttpListener((brokerValue(layers, 'tidelog.http.listener') as string | null) ?? ''),
    slowRequestMs: number('tidelog.slow.request.ms'),
    numRecoveryThreadsPerDataDir: number('num.recovery.threads.per.data.dir'),
    logCleanerEnable: flag('log.cleaner.enable'),
    logCleanerThreads: number('log.cleaner.threads'),
    logCleanerDedupeBufferSize: number('log.cleaner.dedupe.buffer.size'),
    logCleanerIoBufferLoadFactor: number('log.cleaner.io.buffer.load.factor'),
    logCleanerIoBufferSize: number('log.cleaner.io.buffer.size'),
    logCleanerIoMaxBytesPerSecond: number('log.cleaner.io.max.bytes.per.second'),
    logCleanerBackoffMs: number('log.cleaner.backoff.ms'),
    producerIdExpirationMs: number('producer.id.expiration.ms'),
    producerIdExpirationCheckIntervalMs: number('producer.id.expiration.check.interval.ms'),
    groupInitialRebalanceDelayMs: number('group.initial.rebalance.delay.ms'),
    groupMinSessionTimeoutMs: number('group.min.session.timeout.ms'),
    groupMaxSessionTimeoutMs: number('group.max.session.timeout.ms'),
    groupMaxSize: number('group.max.size'),
    offsetMetadataMaxBytes: number('offset.metadata.max.bytes'),
    offsetsCommitTimeoutMs: number('offsets.commit.timeout.ms'),
    offsetsRetentionMs: number('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: number('offsets.retention.check.interval.ms'),
    offsetsTopicNumPartitions: number('offsets.topic.num.partitions'),
    offsetsTopicReplicationFactor: 1,
    offsetsTopicSegmentBytes: number('offsets.topic.segment.bytes'),
    layers,
  };
}

/** What a node is called that was given no number; the same as in Kafka's own single-node example. */
const DEFAULT_NODE_ID = 1;

function nodeId(settings: Settings): number {
  const id = Number(settings.get('node.id') ?? settings.get('broker.id') ?? DEFAULT_NODE_ID);
  return id < 0 ? DEFAULT_NODE_ID : id;
}
