import { randomUUID } from 'node:crypto';
import type { Clock, Logger, Random } from '../../base/ports.ts';
import { silentLogger, systemClock, systemRandom } from '../../base/systemPorts.ts';
import { packageVersion } from '../../base/version.ts';
import type { Network } from '../../base/wire.ts';
import { createTcpNetwork } from '../../net/tcp.ts';
import { CODEC_NAMES } from '../../record/codecs.ts';
import type { Codec } from '../../record/batchHeader.ts';
import { Admin } from '../admin/admin.ts';
import { clientClock } from '../clientClock.ts';
import type { AssignorProtocol } from '../consumer/assignorProtocol.ts';
import { rangeAssignor, roundRobinAssignor, type Assignor } from '../consumer/assignor.ts';
import { cooperativeStickyAssignor, stickyAssignor } from '../consumer/stickyAssignor.ts';
import type { ConsumerOptions } from '../consumer/consumerOptions.ts';
import { parseBootstrap, type BrokerAddress } from '../core/bootstrap.ts';
import { ClientError } from '../core/clientError.ts';
import { Cluster, type ClusterOptions } from '../core/cluster.ts';
import type { ClusterCounters } from '../core/requestObserver.ts';
import { diagnosticsObserver } from '../diagnostics.ts';
import { clientSecurity, type ClientSecurity } from '../security/clientSecurity.ts';
import type { PartitionerFactory } from '../producer/partitioner.ts';
import { defaultPartitioner, roundRobinPartitioner, uniformStickyPartitioner } from '../producer/partitioner.ts';
import type { ProducerOptions } from '../producer/producerOptions.ts';
import type { Uuid } from '../../protocol/types.ts';
import { ClientTelemetry, type ClientParts } from '../telemetry/clientTelemetry.ts';
import { bothObservers, RequestMeter } from '../telemetry/requestMeter.ts';
import { checkNumber, checkOneOf, checkOptionNames } from './optionCheck.ts';
import { RecordConsumer } from './recordConsumer.ts';
import { RecordProducer } from './recordProducer.ts';
import { Runner, type RunOptions } from './runner.ts';
import { bytes, type Deserializer, type Serializer } from './serdes.ts';
import { ShareConsumer, type ShareConsumerOptions } from './shareConsumer.ts';
import type { ClientTracer } from './tracing.ts';

export interface ClientOptions {
  /** `host:port`, several with commas or as a list. */
  readonly bootstrap: string | readonly string[];
  readonly clientId?: string;
  readonly requestTimeoutMs?: number;
  readonly apiTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly retryBackoffMs?: number;
  readonly retryBackoffMaxMs?: number;
  readonly reconnectBackoffMs?: number;
  readonly reconnectBackoffMaxMs?: number;
  readonly metadataMaxAgeMs?: number;
  readonly rebootstrapTriggerMs?: number;
  /** Where log lines go. Absent: nowhere. */
  readonly logger?: Logger;
  readonly tracer?: ClientTracer;
  /** Whether brokers are told how this client does, where they ask for it (KIP-714, `enable.metrics.push`). Absent: they are. */
  readonly metricsPush?: boolean;
  /** Kafka's settings of TLS and SASL by their names: `{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN', ... }`. */
  readonly security?: Readonly<Record<string, string>>;
  /** A network of one's own, as one inside the process. Absent: TCP. */
  readonly network?: Network;
  readonly authenticate?: ClusterOptions['authenticate'];
  readonly clock?: Clock;
  readonly random?: Random;
}

const CLIENT_OPTIONS = [
  'bootstrap', 'clientId', 'requestTimeoutMs', 'apiTimeoutMs', 'connectTimeoutMs', 'retryBackoffMs', 'retryBackoffMaxMs', 'reconnectBackoffMs', 'reconnectBackoffMaxMs',
  'metadataMaxAgeMs', 'rebootstrapTriggerMs', 'logger', 'tracer', 'metricsPush', 'security', 'network', 'authenticate', 'clock', 'random',
] as const satisfies readonly (keyof ClientOptions)[];

export interface RecordProducerOptions<K, V> {
  readonly key?: Serializer<K>;
  readonly value?: Serializer<V>;
  readonly acks?: 0 | 1 | 'all';
  readonly compression?: (typeof CODEC_NAMES)[number];
  readonly compressionLevel?: number;
  readonly lingerMs?: number;
  readonly batchSizeBytes?: number;
  readonly bufferMemoryBytes?: number;
  readonly requestSizeMaxBytes?: number;
  readonly deliveryTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly maxBlockMs?: number;
  readonly retries?: number;
  readonly inFlightMax?: number;
  /** Absent: where acks are 'all'. */
  readonly idempotent?: boolean;
  readonly partitioner?: 'default' | 'uniformSticky' | 'roundRobin' | PartitionerFactory;
  readonly transactionalId?: string;
  readonly transactionTimeoutMs?: number;
  /** Hears of records of `push` that were lost. Absent: the logger does. */
  readonly onLost?: (error: Error, topic: string, partition: number, count: number) => void;
}

const PRODUCER_OPTIONS = [
  'key', 'value', 'acks', 'compression', 'compressionLevel', 'lingerMs', 'batchSizeBytes', 'bufferMemoryBytes', 'requestSizeMaxBytes', 'deliveryTimeoutMs', 'requestTimeoutMs',
  'maxBlockMs', 'retries', 'inFlightMax', 'idempotent', 'partitioner', 'transactionalId', 'transactionTimeoutMs', 'onLost',
] as const satisfies readonly (keyof RecordProducerOptions<unknown, unknown>)[];

export interface RecordConsumerOptions<K, V> {
  readonly key?: Deserializer<K>;
  readonly value?: Deserializer<V>;
  readonly groupId?: string;
  /** Static membership. */
  readonly instanceId?: string;
  /** `consumer`: the coordinator assigns (KIP-848). */
  readonly groupProtocol?: 'classic' | 'consumer';
  readonly assignors?: readonly ('range' | 'roundrobin' | 'sticky' | 'cooperative-sticky' | Assignor | AssignorProtocol)[];
  readonly remoteAssignor?: string;
  readonly autoOffsetReset?: 'earliest' | 'latest' | 'none';
  readonly autoCommit?: boolean;
  readonly autoCommitIntervalMs?: number;
  readonly isolationLevel?: 'read_committed' | 'read_uncommitted';
  readonly rackId?: string;
  readonly sessionTimeoutMs?: number;
  readonly heartbeatIntervalMs?: number;
  readonly maxPollIntervalMs?: number;
  readonly fetchMinBytes?: number;
  readonly fetchWaitMsMax?: number;
  readonly fetchMaxBytes?: number;
  readonly maxPartitionFetchBytes?: number;
  readonly prefetchBytes?: number;
  readonly checkCrcs?: boolean;
  readonly allowAutoCreateTopics?: boolean;
}

const CONSUMER_OPTIONS = [
  'key', 'value', 'groupId', 'instanceId', 'groupProtocol', 'assignors', 'remoteAssignor', 'autoOffsetReset', 'autoCommit', 'autoCommitIntervalMs', 'isolationLevel', 'rackId', 'sessionTimeoutMs',
  'heartbeatIntervalMs', 'maxPollIntervalMs', 'fetchMinBytes', 'fetchWaitMsMax', 'fetchMaxBytes', 'maxPartitionFetchBytes', 'prefetchBytes', 'checkCrcs', 'allowAutoCreateTopics',
] as const satisfies readonly (keyof RecordConsumerOptions<unknown, unknown>)[];

const ASSIGNORS: Readonly<Record<string, Assignor>> = { range: rangeAssignor, roundrobin: roundRobinAssignor, sticky: stickyAssignor, 'cooperative-sticky': cooperativeStickyAssignor };
const PARTITIONERS: Readonly<Record<string, PartitionerFactory>> = { default: defaultPartitioner, uniformSticky: uniformStickyPartitioner, roundRobin: roundRobinPartitioner };
/** Kafka's is 16 KiB. */
const BATCH_SIZE_BYTES = 128 * 1024;
const ACKS = new Map<unknown, 0 | 1 | -1>([[0, 0], [1, 1], ['all', -1], [undefined, -1]]);

interface Closeable {
  close(): Promise<void>;
}

/** One application's way to one cluster. Producers, consumers and the admin made here share what is known of it and its connections. */
export class Client {
  readonly cluster: Cluster;
  readonly #tracer: ClientTracer | null;
  readonly #open = new Set<Closeable>();
  readonly #telemetry: ClientTelemetry | null;
  #admin: Admin | null = null;

  /** Throws ClientError INVALID_ARGUMENT. Connects with the first call that needs it. */
  constructor(options: ClientOptions) {
    checkOptionNames('a client', options, CLIENT_OPTIONS);
    checkOneOf('metricsPush', options.metricsPush, [true, false]);
    const meter = options.metricsPush === false ? null : new RequestMeter(options.clock ?? clientClock);
    this.cluster = new Cluster({ ...clusterOptions(options), observer: meter === null ? diagnosticsObserver : bothObservers(diagnosticsObserver, meter) });
    // clientClock's timers would keep the process alive
    this.#telemetry = meter === null ? null : new ClientTelemetry(this.cluster, meter, options.clock ?? systemClock, () => this.#parts());
    this.#tracer = options.tracer ?? null;
  }

  #parts(): ClientParts {
    const open = [...this.#open];
    const consumers = open.filter((part) => part instanceof RecordConsumer);
    return {
      hasAdmin: this.#admin !== null, hasProducers: open.some((part) => part instanceof RecordProducer), hasConsumers: consumers.length > 0,
      assignedPartitions: consumers.reduce((count, consumer) => count + consumer.assignment.length, 0),
    };
  }

  /** Keys and values are bytes unless serializers say otherwise. */
  producer<K = Uint8Array | null, V = Uint8Array | null>(options: RecordProducerOptions<K, V> = {}): RecordProducer<K, V> {
    const producer: RecordProducer<K, V> = new RecordProducer<K, V>({
      cluster: this.cluster, options: producerOptions(options), tracer: this.#tracer,
      key: options.key ?? (bytes as unknown as Serializer<K>), value: options.value ?? (bytes as unknown as Serializer<V>),
      onLost: options.onLost ?? ((error, topic, partition, count) => this.cluster.options.logger.error(`${count} record(s) for ${topic}-${partition} were lost: ${error.message}`)),
      onClose: () => this.#open.delete(producer),
    });
    this.#open.add(producer);
    return producer;
  }

  consumer<K = Buffer | null, V = Buffer | null>(options: RecordConsumerOptions<K, V> = {}): RecordConsumer<K, V> {
    const consumer: RecordConsumer<K, V> = new RecordConsumer<K, V>({
      cluster: this.cluster, options: consumerOptions(options), tracer: this.#tracer,
      key: options.key ?? (bytes as unknown as Deserializer<K>), value: options.value ?? (bytes as unknown as Deserializer<V>),
      onClose: () => this.#open.delete(consumer),
    });
    this.#open.add(consumer);
    return consumer;
  }

  /** Records of a share group (KIP-932): each goes to one of many consumers, and is acknowledged by itself. */
  shareConsumer<K = Buffer | null, V = Buffer | null>(options: ShareConsumerOptions<K, V>): ShareConsumer<K, V> {
    const consumer: ShareConsumer<K, V> = new ShareConsumer<K, V>(this.cluster, options, () => this.#open.delete(consumer));
    this.#open.add(consumer);
    return consumer;
  }

  /** Handles records in lanes, with retries and dead letters: see Runner. The consumer must not be read otherwise. */
  run<K, V>(consumer: RecordConsumer<K, V>, options: RunOptions<K, V>): Runner<K, V> {
    checkNumber('lanes', options.lanes, { min: 1, max: 10_000 });
    checkNumber('queuedMax', options.queuedMax, { min: 1 });
    checkNumber('attempts', options.attempts, { min: 1 });
    return new Runner(consumer, options);
  }

  get admin(): Admin {
    return (this.#admin ??= new Admin(this.cluster));
  }

  metrics(): ClusterCounters {
    return { ...this.cluster.counters };
  }

  /**
   * The brokers' name for this client, under which they keep its metrics (KIP-714). Rejects with ClientError INVALID_STATE where `metricsPush` is false,
   * UNSUPPORTED_VERSION where the brokers take no metrics.
   */
  clientInstanceId(): Promise<Uuid> {
    if (this.#telemetry === null) return Promise.reject(new ClientError('INVALID_STATE', 'metricsPush is false: this client has no instance id'));
    return this.#telemetry.instanceId();
  }

  /** Tells brokers that ask for it a number of the application's own, read at each push (KIP-1076). Nothing happens where `metricsPush` is false. */
  registerMetric(name: string, read: () => number): void {
    this.#telemetry?.register(name, read);
  }

  unregisterMetric(name: string): void {
    this.#telemetry?.unregister(name);
  }

  /** Closes everything that was made here, in order, then the connections. */
  async close(): Promise<void> {
    await this.#telemetry?.close();
    await Promise.allSettled([...this.#open].map((part) => part.close()));
    this.cluster.close();
  }
}

/** `createClient({ bootstrap: 'localhost:9092' })`. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}

function clusterOptions(options: ClientOptions): ClusterOptions {
  const { bootstrap, clientId, logger, network, clock, random, security, tracer: _tracer, metricsPush: _metricsPush, ...rest } = options;
  const secured: ClientSecurity = security === undefined ? {} : clientSecurity(new Map(Object.entries(security)));
  for (const [name, value] of Object.entries(rest)) if (name !== 'authenticate') checkNumber(name, value as number | undefined, { min: 0, max: Infinity, isWhole: false });
  return {
    bootstrap: addresses(bootstrap), clientId: clientId ?? `tidelog-${randomUUID()}`, network: network ?? secured.network ?? createTcpNetwork(), clock: clock ?? clientClock, random: random ?? systemRandom,
    logger: logger ?? silentLogger, requestTimeoutMs: 30_000, apiTimeoutMs: 60_000, connectTimeoutMs: 10_000, retryBackoffMs: 100, retryBackoffMaxMs: 1000, metadataMaxAgeMs: 300_000,
    softwareVersion: packageVersion(),
    ...(secured.authenticate === undefined ? {} : { authenticate: secured.authenticate }), ...defined(rest),
  };
}

type Defined<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** Without those that are undefined, so that defaults hold. */
function defined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function addresses(bootstrap: string | readonly string[]): BrokerAddress[] {
  if (typeof bootstrap !== 'string' && !Array.isArray(bootstrap)) throw new ClientError('INVALID_ARGUMENT', 'bootstrap: host:port is wanted, as text or a list');
  return parseBootstrap(typeof bootstrap === 'string' ? bootstrap : bootstrap.join(','));
}

function producerOptions<K, V>(options: RecordProducerOptions<K, V>): Partial<ProducerOptions> {
  checkOptionNames('a producer', options, PRODUCER_OPTIONS);
  const { key: _key, value: _value, onLost: _onLost, acks, compression, retries, idempotent, partitioner, ...rest } = options;
  checkOneOf('acks', acks, [0, 1, 'all']);
  checkOneOf('compression', compression, CODEC_NAMES);
  if (typeof partitioner === 'string') checkOneOf('partitioner', partitioner, Object.keys(PARTITIONERS));
  for (const [name, value] of Object.entries(rest)) if (name !== 'transactionalId' && name !== 'compressionLevel') checkNumber(name, value as number | undefined, { min: name === 'inFlightMax' ? 1 : 0 });
  const known = ACKS.get(acks) as 0 | 1 | -1;
  return {
    batchSizeBytes: BATCH_SIZE_BYTES, ...defined(rest), acks: known, isIdempotent: idempotent ?? known === -1,
    ...(compression === undefined ? {} : { codec: CODEC_NAMES.indexOf(compression) as Codec }), ...(retries === undefined ? {} : { retriesMax: retries }),
    ...(partitioner === undefined ? {} : { partitioner: typeof partitioner === 'string' ? (PARTITIONERS[partitioner] as PartitionerFactory) : partitioner }),
  };
}

function consumerOptions<K, V>(options: RecordConsumerOptions<K, V>): Partial<ConsumerOptions> {
  checkOptionNames('a consumer', options, CONSUMER_OPTIONS);
  const { key: _key, value: _value, groupId, instanceId, assignors, autoCommit, sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs, ...rest } = options;
  checkOneOf('autoOffsetReset', rest.autoOffsetReset, ['earliest', 'latest', 'none']);
  checkOneOf('isolationLevel', rest.isolationLevel, ['read_committed', 'read_uncommitted']);
  checkOneOf('groupProtocol', rest.groupProtocol, ['classic', 'consumer']);
  for (const [name, value] of Object.entries({ sessionTimeoutMs, heartbeatIntervalMs, maxPollIntervalMs })) checkNumber(name, value, { min: 1 });
  const group = groupId === undefined ? {} : { group: {
    groupId, sessionTimeoutMs: sessionTimeoutMs ?? 45_000, heartbeatIntervalMs: heartbeatIntervalMs ?? 3000, maxPollIntervalMs: maxPollIntervalMs ?? 300_000,
    ...(instanceId === undefined ? {} : { instanceId }),
  } };
  const named = assignors?.map((assignor) => {
    if (typeof assignor !== 'string') return assignor;
    checkOneOf('assignors', assignor, Object.keys(ASSIGNORS));
    return ASSIGNORS[assignor] as Assignor;
  });
  return { ...defined(rest), ...group, ...(autoCommit === undefined ? {} : { enableAutoCommit: autoCommit }), ...(named === undefined ? {} : { assignors: named }) };
}
