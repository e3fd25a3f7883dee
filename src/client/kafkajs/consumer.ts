import { clientClock } from '../clientClock.ts';
import { ClassicMember } from '../consumer/classicMember.ts';
import { Consumer as Engine } from '../consumer/consumer.ts';
import type { ConsumerOptions } from '../consumer/consumerOptions.ts';
import type { RebalanceListener } from '../consumer/rebalanceListener.ts';
import type { Cluster } from '../core/cluster.ts';
import { PartitionAssigners, toProtocol } from './assigners.ts';
import { decodeBatches } from './compression.ts';
import type { KafkaConfig } from './connection.ts';
import type { ConsumerConfig, ConsumerRunConfig, ConsumerSubscribeTopic, ConsumerSubscribeTopics, TopicPartition, TopicPartitionOffset, TopicPartitionOffsetAndMetadata } from './consumerTypes.ts';
import { asKafkaJS, KafkaJSNonRetriableError } from './errors.ts';
import { consumerEvents } from './events.ts';
import { describeGroup, type GroupDescription } from './groupDescription.ts';
import type { Logger } from './logger.ts';
import type { TopicPartitions } from './offsetTypes.ts';
import { Participant } from './participant.ts';
import { defaultRetry, sleep } from './retry.ts';
import { Runner } from './runner.ts';

const SESSION_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const HEARTBEAT_INTERVAL_MS = 3000;
const MAX_BYTES_PER_PARTITION = 1_048_576;
const MAX_BYTES = 10_485_760;
const MAX_WAIT_MS = 5000;

/** KafkaJS's consumer over the client's. */
export class Consumer extends Participant<typeof consumerEvents> {
  readonly #config: ConsumerConfig;
  /** Topics by name, and whether from their beginning. */
  readonly #topics = new Map<string, boolean>();
  #patterns: { readonly pattern: RegExp; readonly fromBeginning: boolean }[] = [];
  readonly #seeks = new Map<string, TopicPartitionOffset>();
  readonly #paused = new Map<string, Set<number> | 'all'>();
  #engine: Engine | null = null;
  #runner: Runner | null = null;
  #isStopping = false;

  constructor(config: KafkaConfig, consumerConfig: ConsumerConfig, logger: Logger) {
    super('Consumer', consumerEvents, config, consumerConfig, logger);
    if (!consumerConfig.groupId) throw new KafkaJSNonRetriableError('Consumer groupId must be a non-empty string.');
    this.#config = consumerConfig;
  }

  override async disconnect(): Promise<void> {
    await this.stop();
    await super.disconnect();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const [runner, engine] = [this.#runner, this.#engine];
    this.#runner = null;
    this.#engine = null;
    await runner?.stop();
    await engine?.close();
    if (runner !== null) this.emitter.emit(consumerEvents.STOP);
  }

  /** Before `run`. */
  async subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void> {
    if (this.#runner !== null) throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running');
    const { fromBeginning = false } = subscription;
    const topics = 'topics' in subscription ? subscription.topics : [subscription.topic];
    if (!Array.isArray(topics)) throw new KafkaJSNonRetriableError('Argument "topics" must be an array');
    for (const topic of topics) {
      if (topic instanceof RegExp) this.#patterns.push({ pattern: new RegExp(topic.source, topic.flags.replaceAll(/[gy]/g, '')), fromBeginning });
      else if (typeof topic === 'string' && topic !== '') this.#topics.set(topic, fromBeginning);
      else throw new KafkaJSNonRetriableError(`Invalid topic ${String(topic)} (${typeof topic}), the topic name has to be a String or a RegExp`);
    }
  }

  /** Resolves when the consumer runs; it then goes on by itself. */
  async run(config: ConsumerRunConfig = {}): Promise<void> {
    if (this.#runner !== null) {
      this.logger().warn('consumer#run was called, but the consumer is already running', { groupId: this.#config.groupId });
      return;
    }
    this.#isStopping = false;
    this.#start(this.cluster.get('consumer'), config);
  }

  /** Takes effect with the next fetch, or when the partition is assigned. */
  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
    if (!Number.isInteger(partition)) throw new KafkaJSNonRetriableError(`Invalid partition, expected a number received ${partition}`);
    const value = Number(offset);
    if (!Number.isSafeInteger(value) || value < -2) throw new KafkaJSNonRetriableError(`Invalid offset, expected a long received ${offset}`);
    const engine = this.#engine;
    if (engine === null) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first');
    this.#seeks.set(`${partition}/${topic}`, { topic, partition, offset });
    this.#applySeeks(engine);
  }

  pause(topics: { topic: string; partitions?: number[] }[] = []): void {
    this.#requireEngine();
    for (const { topic, partitions } of topics) {
      const known = this.#paused.get(topic);
      if (partitions === undefined || known === 'all') this.#paused.set(topic, 'all');
      else this.#paused.set(topic, new Set([...(known ?? []), ...partitions]));
    }
    this.#applyPauses();
  }

  resume(topics: { topic: string; partitions?: number[] }[] = []): void {
    const engine = this.#requireEngine();
    for (const { topic, partitions } of topics) {
      const known = this.#paused.get(topic);
      if (partitions === undefined || known === undefined) this.#paused.delete(topic);
      else {
        const all = known === 'all' ? engine.assignment.filter((entry) => entry.topic === topic).map(({ partition }) => partition) : [...known];
        const left = all.filter((partition) => !partitions.includes(partition));
        if (left.length === 0) this.#paused.delete(topic);
        else this.#paused.set(topic, new Set(left));
      }
    }
    this.#applyPauses();
  }

  paused(): TopicPartitions[] {
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of this.#engine?.paused ?? []) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
  }

  async commitOffsets(topicPartitions: TopicPartitionOffsetAndMetadata[]): Promise<void> {
    const runner = this.#runner;
    if (runner === null) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first');
    await asKafkaJS(runner.commit(topicPartitions.map(({ topic, partition, offset, metadata }) => ({ topic, partition, offset: Number(offset), metadata: metadata ?? '' }))));
  }

  async describeGroup(): Promise<GroupDescription> {
    return asKafkaJS(describeGroup(this.cluster.get('consumer'), this.#config.groupId));
  }

  #requireEngine(): Engine {
    if (this.#engine === null) throw new KafkaJSNonRetriableError('Consumer group was not initialized, consumer#run must be called first');
    return this.#engine;
  }

  #start(cluster: Cluster, config: ConsumerRunConfig): void {
    const { groupId } = this.#config;
    const engine = new Engine(cluster, this.#engineOptions(cluster));
    this.#engine = engine;
    const runner: Runner = new Runner({
      engine, groupId, config, retry: { ...defaultRetry, ...this.cluster.retry }, emitter: this.emitter, logger: this.logger(),
      onPause: (topic, partition) => {
        this.pause([{ topic, partitions: [partition] }]);
        return () => this.resume([{ topic, partitions: [partition] }]);
      },
      onCrash: (error) => void this.#onCrash(error, config),
    });
    this.#runner = runner;
    const listener: RebalanceListener = {
      onAssigned: () => {
        this.#applySeeks(engine);
        this.#applyPauses();
      },
      onRevoked: (partitions) => runner.letGo(partitions),
      onLost: (partitions) => runner.forget(partitions),
    };
    this.#follow(engine, groupId);
    const [names, patterns] = [[...this.#topics.keys()], this.#patterns];
    engine.subscribe(patterns.length === 0 ? { topics: names } : { matches: (topic) => this.#topics.has(topic) || patterns.some(({ pattern }) => pattern.test(topic)) }, listener);
  }

  #follow(engine: Engine, groupId: string): void {
    const member = engine.membership;
    if (!(member instanceof ClassicMember)) return;
    const startMs = clientClock.monotonicMs();
    member.onJoined = ({ memberId, leaderId, protocol, assignment }) => {
      const payload = { groupId, memberId, leaderId, isLeader: leaderId === memberId, memberAssignment: Object.fromEntries(assignment), groupProtocol: protocol, duration: clientClock.monotonicMs() - startMs };
      this.logger().info('Consumer has joined the group', payload);
      this.emitter.emit(consumerEvents.GROUP_JOIN, payload);
    };
    member.onHeartbeat = () => {
      const { memberId, generationId } = member.identity;
      this.emitter.emit(consumerEvents.HEARTBEAT, { groupId, memberId, groupGenerationId: generationId });
    };
  }

  #engineOptions(cluster: Cluster): Partial<ConsumerOptions> {
    const { groupId, sessionTimeout, rebalanceTimeout, heartbeatInterval, maxBytesPerPartition, minBytes, maxBytes, maxWaitTimeInMs, allowAutoTopicCreation, readUncommitted, rackId, partitionAssigners } = this.#config;
    return {
      fetchMinBytes: minBytes ?? 1, fetchWaitMsMax: maxWaitTimeInMs ?? MAX_WAIT_MS, fetchMaxBytes: maxBytes ?? MAX_BYTES, maxPartitionFetchBytes: maxBytesPerPartition ?? MAX_BYTES_PER_PARTITION,
      isolationLevel: readUncommitted === true ? 'read_uncommitted' : 'read_committed', enableAutoCommit: false, decodeBatches, allowAutoCreateTopics: allowAutoTopicCreation ?? true, autoOffsetReset: 'latest',
      autoOffsetResetOf: (topic) => (this.#isFromBeginning(topic) ? 'earliest' : 'latest'), ...(rackId === undefined ? {} : { rackId }),
      assignors: (partitionAssigners ?? [PartitionAssigners.roundRobin]).map((make) => toProtocol(make, cluster, groupId, this.logger())),
      group: { groupId, sessionTimeoutMs: sessionTimeout ?? SESSION_TIMEOUT_MS, heartbeatIntervalMs: heartbeatInterval ?? HEARTBEAT_INTERVAL_MS, maxPollIntervalMs: rebalanceTimeout ?? REBALANCE_TIMEOUT_MS },
    };
  }

  #isFromBeginning(topic: string): boolean {
    return this.#topics.get(topic) ?? this.#patterns.find(({ pattern }) => pattern.test(topic))?.fromBeginning ?? false;
  }

  #applySeeks(engine: Engine): void {
    for (const [key, { topic, partition, offset }] of this.#seeks) {
      const isAssigned = engine.assignment.some((entry) => entry.topic === topic && entry.partition === partition);
      if (!isAssigned) continue;
      this.#seeks.delete(key);
      this.#runner?.noteSeek(topic, partition);
      const value = Number(offset);
      engine.seek(topic, partition, value === -1 ? 'latest' : value === -2 ? 'earliest' : value);
    }
  }

  #applyPauses(): void {
    const engine = this.#engine;
    if (engine === null) return;
    const isPaused = ({ topic, partition }: TopicPartition): boolean => {
      const paused = this.#paused.get(topic);
      return paused === 'all' || paused?.has(partition) === true;
    };
    engine.pause(engine.assignment.filter(isPaused));
    engine.resume(engine.assignment.filter((entry) => !isPaused(entry)));
  }

  async #onCrash(error: Error, config: ConsumerRunConfig): Promise<void> {
    const { groupId } = this.#config;
    const { retry } = this.cluster;
    const engine = this.#engine;
    this.#runner = null;
    this.#engine = null;
    this.logger().error(`Crash: ${error.name}: ${error.message}`, { groupId, stack: error.stack });
    await engine?.close();
    const isRetriable = error.name === 'KafkaJSNumberOfRetriesExceeded' || (error as { readonly retriable?: boolean }).retriable === true;
    const isWanted = isRetriable && (retry.restartOnFailure === undefined || (await retry.restartOnFailure(error).catch(() => true)));
    this.emitter.emit(consumerEvents.CRASH, { error, groupId, restart: isWanted });
    if (!isWanted) {
      this.cluster.disconnect();
      this.emitter.emit(consumerEvents.DISCONNECT);
      return;
    }
    const delayMs = { ...defaultRetry, ...retry }.initialRetryTime;
    this.logger().error(`Restarting the consumer in ${delayMs}ms`, { groupId });
    await sleep(clientClock, delayMs);
    if (!this.#isStopping && this.#runner === null && this.cluster.isConnected) this.#start(this.cluster.get('consumer'), config);
  }
}
