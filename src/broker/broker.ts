import type { Disk } from '../base/disk.ts';
import { LogThreshold } from '../base/logThreshold.ts';
import type { Ports } from '../base/ports.ts';
import { accessConfig, quotaConfig } from '../config/accessConfig.ts';
import { withDynamicSettings } from '../config/brokerConfig.ts';
import { resolveTopicConfig } from '../config/topicConfig.ts';
import type { BrokerConfig, TopicConfig } from '../config/types.ts';
import { ConfigResourceType, MetadataError } from '../metadata/types.ts';
import type { BrokerEndpoint, ClusterImage, ClusterMetadata, MetadataDelta } from '../metadata/types.ts';
import { MetricsRegistry } from '../metrics/registry.ts';
import { zeroUuid } from '../protocol/types.ts';
import type { Log, LogManager } from '../storage/types.ts';
import { CONSUMER_OFFSETS_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC } from '../metadata/topicNames.ts';
import { servedHandlers } from './apiTable.ts';
import type { ClientConnection, ReplySlot, RequestSink } from './contract.ts';
import { Dispatcher } from './dispatch.ts';
import type { Served } from './dispatch.ts';
import { PartitionedCoordinatorLog } from './coordinatorLog.ts';
import { FetchSessions } from './fetch/sessions.ts';
import { clusterViewOf } from './groups/clusterView.ts';
import { internalTopicMaker } from './groups/streams/internalTopics.ts';
import { createGroupCoordinator } from './groups/index.ts';
import type { GroupCoordinator } from './groups/index.ts';
import { transactionTopicPartitions } from './internalTopics.ts';
import { PartitionTable } from './partition/partitions.ts';
import { ProducerIds } from './producerIds.ts';
import { Authentication, type FetchDocument } from './security/index.ts';
import { ClientQuotas } from './quotas/clientQuotas.ts';
import { Access } from './security/acl/index.ts';
import type { BrokerServices, ServedApi } from './services.ts';
import { storeSettings } from './storeSettings.ts';
import { createShare, createShareGroups } from './share/index.ts';
import { Telemetry } from './telemetry/index.ts';
import { TopicCreation } from './topicCreation.ts';
import { createTransactions } from './transactions/index.ts';
import type { Transactions } from './transactions/index.ts';
import { Waiting } from './waiting.ts';

export interface BrokerOptions {
  /** From the file; what is set while running comes on top of it from the metadata. */
  readonly config: BrokerConfig;
  readonly ports: Ports;
  readonly disk: Disk;
  /** Not started; the broker starts and closes it. */
  readonly logs: LogManager;
  /** Open; the broker closes it. */
  readonly metadata: ClusterMetadata;
  /** Nothing is known of any topic yet: partitions on disk would mean that the metadata was lost, and stop the start. */
  readonly metadataIsNew?: boolean;
  readonly metrics?: MetricsRegistry;
  /**
   * Runs a task when everything is handled that the present turn of the event loop brought, so that what many connections want written meets in one append.
   * The next microtask if not given: each connection has its own.
   */
  readonly afterTurn?: (task: () => void) => void;
  /** Reads the keys of token issuers. None are read if not given. */
  readonly fetchDocument?: FetchDocument;
}

export interface Broker extends RequestSink {
  readonly services: BrokerServices;
  /**
   * Loads the logs and brings them in line with the metadata. Requests may be given to it when this has resolved. Rejects with MetadataError, StoreError, DiskError or LogError, and has given back what it held then.
   */
  start(onProgress?: (done: number, total: number, path: string) => void): Promise<void>;
  /** Tells the cluster, and so all clients, where this broker is reached. Before it, Metadata lists no broker. */
  announce(endpoints: readonly BrokerEndpoint[]): Promise<void>;
  /** Answers everyone who waits, long polls and members of groups alike, so that connections can end. Requests that still come are served without waiting. */
  drain(): void;
  /** Answers a request by its API's own error, whatever it asks for. False when it cannot be read; then nothing was answered. */
  answerError(frame: Buffer, connection: ClientConnection, slot: ReplySlot, errorCode: number, message: string | null): boolean;
  /** After the last request: drains, makes everything durable and marks a clean end. */
  stop(): Promise<void>;
}

/** Puts a broker together. It does nothing until `start`. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  return new LocalBroker(options);
}

class LocalBroker implements Broker {
  readonly services: BrokerServices;
  readonly #options: BrokerOptions;
  readonly #served: readonly Served[];
  readonly #dispatcher: Dispatcher;
  #config: BrokerConfig;
  #unsubscribe: (() => void) | null = null;
  #endSweeping: (() => void) | null = null;
  #drained = false;
  #stopped = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#config = liveConfig(options.config, options.metadata.image);
    this.services = this.#composeServices();
    this.#served = servedHandlers(this.services);
    (this.services.servedApis as ServedApi[]).push(...this.#served.map(({ handler }) => spanOf(handler)).sort((a, b) => a.apiKey - b.apiKey));
    const { clock, logger, metrics } = this.services;
    this.#dispatcher = new Dispatcher({ served: this.#served, clock, logger, metrics, quotas: this.services.quotas, slowRequestMs: () => this.#config.slowRequestMs });
  }

  onRequest(frame: Buffer, connection: ClientConnection, slot: ReplySlot): void {
    this.#dispatcher.onRequest(frame, connection, slot);
  }

  answerError(frame: Buffer, connection: ClientConnection, slot: ReplySlot, errorCode: number, message: string | null): boolean {
    return this.#dispatcher.answerError(frame, connection, slot, errorCode, message);
  }

  async start(onProgress?: (done: number, total: number, path: string) => void): Promise<void> {
    try {
      await this.#start(onProgress);
    } catch (error) {
      this.#stopped = true;
      await this.#options.metadata.close();
      throw error;
    }
  }

  async #start(onProgress?: (done: number, total: number, path: string) => void): Promise<void> {
    const { logs, metadata } = this.#options;
    logs.onDirectoryOffline = (path, reason) => this.#onDirectoryOffline(path, reason);
    logs.reconfigure(storeSettings(this.#config));
    await logs.start((topic) => this.#topicConfig(topic), onProgress === undefined ? {} : { onProgress });
    await this.#setStraysAside();
    this.#unsubscribe = metadata.subscribe((delta, image) => this.#onDelta(delta, image));
    await this.services.partitions.reconcile(metadata.image);
    this.#electCoordinators();
    this.#endSweeping = this.services.authentication.sweepTokens();
  }

  /** Folders that the metadata does not know. Without any metadata they are its loss, not strays. */
  async #setStraysAside(): Promise<void> {
    const { logs, metadata, metadataIsNew = false } = this.#options;
    const strays = [...logs.logs()].filter((log) => !isKnown(metadata.image, log));
    if (metadataIsNew && strays.length > 0) {
      await logs.close();
      throw new MetadataError('corrupt', `there is no metadata, but partitions are there, such as ${strays[0]!.directory}: put the metadata back, or move the ${strays.length} folders away`);
    }
    for (const log of strays) {
      this.services.logger.warn('a folder belongs to no topic and is set aside', { path: log.directory });
      await logs.stray(log.topic, log.partition);
    }
  }

  async announce(endpoints: readonly BrokerEndpoint[]): Promise<void> {
    await this.#options.metadata.register({ id: this.#config.nodeId, rack: this.#config.rack, endpoints });
  }

  drain(): void {
    if (this.#drained) return;
    this.#drained = true;
    // Before those who wait are answered: their share sessions end with this broker.
    this.services.share.close();
    this.services.waiting.drain();
    this.services.transactions.coordinator.close();
    this.services.groupCoordinator.close();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.drain();
    this.#unsubscribe?.();
    this.#endSweeping?.();
    await this.services.partitions.whenAllSettled();
    await this.#options.logs.close();
    await this.#options.metadata.close();
  }

  #composeServices(): BrokerServices {
    const { ports, logs, metadata, disk } = this.#options;
    const { clock, random, logger } = ports;
    const metrics = this.#options.metrics ?? new MetricsRegistry();
    const waiting = new Waiting(clock);
    const nodeId = this.#config.nodeId;
    const partitions = new PartitionTable({ nodeId, logs, waiting, logger, clock, topicConfigOf: (name) => this.#topicConfig(name) });
    const config = (): BrokerConfig => this.#config;
    const topicCreation = new TopicCreation(metadata, partitions, config);
    metrics.gauge('parked_requests', () => waiting.parkedCount);
    const { afterTurn } = this.#options;
    const share = createShare({ config, ports, metadata, partitions, topicCreation, waiting, ...(afterTurn === undefined ? {} : { defer: afterTurn }) });
    const access = accessConfig(this.#config.layers.static);
    const producerIds = new ProducerIds(metadata);
    const groupCoordinator = this.#composeGroups(partitions, topicCreation);
    return {
      nodeId, clock, random, logger, logThreshold: ports.logThreshold ?? new LogThreshold(), metrics, disk, logs, metadata, partitions, waiting,
      get config(): BrokerConfig {
        return config();
      },
      fetchSessions: new FetchSessions(clock, random, () => this.#config.maxIncrementalFetchSessionCacheSlots, metrics),
      producerIds,
      topicCreation,
      groupCoordinator,
      transactions: this.#composeTransactions(partitions, topicCreation, producerIds, groupCoordinator),
      share,
      shareGroups: createShareGroups(share, groupCoordinator),
      access: access === null ? null : new Access({ metadata, settings: access, logger, metrics }),
      quotas: new ClientQuotas({ metadata, clock, metrics, settings: quotaConfig(this.#config.layers.static) }),
      authentication: this.#composeAuthentication(metrics),
      telemetry: new Telemetry(metadata, clock, random),
      servedApis: [],
    };
  }

  #composeGroups(partitions: PartitionTable, topicCreation: TopicCreation): GroupCoordinator {
    const { ports, metadata, afterTurn } = this.#options;
    const log = new PartitionedCoordinatorLog({
      topic: CONSUMER_OFFSETS_TOPIC, partitions, topicCreation, clock: ports.clock, partitionCountWanted: () => this.#config.offsetsTopicNumPartitions,
    });
    return createGroupCoordinator({
      log,
      config: () => this.#config,
      ports,
      cluster: clusterViewOf(metadata),
      makeTopics: internalTopicMaker(metadata, ports.logger),
      ...(afterTurn === undefined ? {} : { defer: afterTurn }),
    });
  }

  #composeTransactions(partitions: PartitionTable, topicCreation: TopicCreation, producerIds: ProducerIds, groupCoordinator: GroupCoordinator): Transactions {
    const { ports, metadata, afterTurn } = this.#options;
    const log = new PartitionedCoordinatorLog({
      topic: TRANSACTION_STATE_TOPIC, partitions, topicCreation, clock: ports.clock, partitionCountWanted: () => transactionTopicPartitions(this.#config),
    });
    return createTransactions({
      log, ports, metadata, partitions, producerIds, groupCoordinator, config: () => this.#config, ...(afterTurn === undefined ? {} : { defer: afterTurn }),
    });
  }

  #composeAuthentication(metrics: MetricsRegistry): Authentication {
    const { ports, metadata, fetchDocument = () => Promise.reject(new Error('no documents are fetched here')) } = this.#options;
    const answerError: Dispatcher['answerError'] = (frame, connection, slot, errorCode, message) => this.#dispatcher.answerError(frame, connection, slot, errorCode, message);
    return new Authentication({ ...ports, config: () => this.#config, metadata, metrics, fetchDocument, answerError });
  }

  /** Loads the groups of every partition of the coordinator's topic that is here. */
  #electCoordinators(): void {
    const { groupCoordinator, transactions, share } = this.services;
    this.#elect(CONSUMER_OFFSETS_TOPIC, groupCoordinator);
    this.#elect(TRANSACTION_STATE_TOPIC, transactions.coordinator);
    this.#elect(SHARE_GROUP_STATE_TOPIC, share.coordinator);
  }

  /** Partitions that are still being opened have their turn when their topic has settled. */
  #elect(topicName: string, coordinator: { onElected(partition: number): void }): void {
    for (const partition of this.services.partitions.topic(topicName)?.partitions ?? []) {
      if (partition.isLeader && partition.log !== null) coordinator.onElected(partition.index);
    }
  }

  #topicConfig(name: string): TopicConfig {
    return resolveTopicConfig(this.#options.metadata.image.configsOf(ConfigResourceType.topic, name), this.#config.layers);
  }

  #onDelta(delta: MetadataDelta, image: ClusterImage): void {
    const concernsBroker = delta.configsChanged.some(({ type, name }) =>
      type === ConfigResourceType.broker && (name === '' || name === String(this.services.nodeId)));
    if (concernsBroker) this.#config = liveConfig(this.#options.config, image);
    if (concernsBroker) this.#options.logs.reconfigure(storeSettings(this.#config));
    this.services.partitions.apply(delta, image);
    if (concernsBroker) this.services.partitions.reconfigureAll();
    this.#tellCoordinators(delta);
  }

  #tellCoordinators(delta: MetadataDelta): void {
    const { groupCoordinator, transactions, partitions, share } = this.services;
    for (const topic of delta.topicsDeleted) {
      if (topic.name === CONSUMER_OFFSETS_TOPIC) for (const { index } of topic.partitions) groupCoordinator.onResigned(index);
      if (topic.name === TRANSACTION_STATE_TOPIC) for (const { index } of topic.partitions) transactions.coordinator.onResigned(index);
      if (topic.name === SHARE_GROUP_STATE_TOPIC) for (const { index } of topic.partitions) share.coordinator.onResigned(index);
    }
    if (delta.topicsDeleted.length > 0) {
      groupCoordinator.onTopicsDeleted(delta.topicsDeleted.map(({ name }) => name));
      share.onTopicsDeleted(new Set(delta.topicsDeleted.map(({ id }) => id)));
    }
    for (const { name } of [...delta.topicsCreated, ...delta.topicsChanged]) {
      if (name === CONSUMER_OFFSETS_TOPIC || name === TRANSACTION_STATE_TOPIC || name === SHARE_GROUP_STATE_TOPIC) void partitions.whenSettled(name).then(() => this.#electCoordinators());
    }
  }

  #onDirectoryOffline(path: string, reason: string): void {
    this.services.logger.error('a log directory went offline', { path, reason });
    for (const topic of this.services.partitions.topics()) {
      for (const partition of topic.partitions) {
        if (partition.log?.logDirectory === path) this.services.waiting.wake(partition);
      }
    }
  }
}

const spanOf = ({ apiKey, minVersion, maxVersion }: ServedApi): ServedApi => ({ apiKey, minVersion, maxVersion });

function liveConfig(config: BrokerConfig, image: ClusterImage): BrokerConfig {
  const ofBroker = image.configsOf(ConfigResourceType.broker, String(config.nodeId));
  return withDynamicSettings(config, ofBroker, image.configsOf(ConfigResourceType.broker, ''));
}

function isKnown(image: ClusterImage, log: Log): boolean {
  const topic = image.topicsByName.get(log.topic);
  if (topic === undefined || log.partition >= topic.partitions.length) return false;
  // A crash between the folder and its partition.metadata leaves no id: the name decides.
  return log.topicId === zeroUuid || log.topicId === topic.id;
}
