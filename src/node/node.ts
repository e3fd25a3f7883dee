/**
 * A whole node as a library: storage, metadata, broker and server put together.
 *
 *     const { config } = validateBrokerConfig([{ key: 'log.dirs', value: folder, origin: 'mine' }]);
 *     const node = await startNode({ config });
 *     ...
 *     await node.close();
 */
import type { Disk } from '../base/disk.ts';
import type { Logger, Ports } from '../base/ports.ts';
import { silentLogger, systemClock, systemRandom } from '../base/systemPorts.ts';
import type { Network } from '../base/wire.ts';
import { createBroker, storeSettings, type Broker, type RequestSink } from '../broker/index.ts';
import type { BrokerConfig } from '../config/types.ts';
import { adoptKafkaData, ConfigResourceType, EMBEDDED_METADATA_FOLDER, openEmbeddedMetadata, type EmbeddedMetadata } from '../metadata/index.ts';
import { MetricsRegistry } from '../metrics/registry.ts';
import { fetchDocument } from '../net/documents.ts';
import { createTcpNetwork, type TcpNetworkOptions } from '../net/tcp.ts';
import { LimitedLog } from '../base/limitedLog.ts';
import { createServer, type BoundListener, type Server, type ServerSettings } from '../server/index.ts';
import { openDisk } from '../storage/disk/index.ts';
import { createStore } from '../storage/open.ts';
import type { StoreManager } from '../storage/manager.ts';
import type { Pages } from '../http/pages.ts';
import type { Phase } from './operations/index.ts';
import { measureCleaner } from './storeMetrics.ts';
import { addFirstScramUsers, type FirstScramUser } from './firstScramUsers.ts';
import { connectionLimits } from './connectionLimits.ts';
import { connectionsMaxFor, openFilesMax } from './openFiles.ts';
import { openSecureListeners, type SecureListeners } from './secureListeners.ts';

export interface NodeOptions {
  /** Checked and resolved: see `validateBrokerConfig`. */
  readonly config: BrokerConfig;
  /** Default: the machine's clock and randomness; no log output. */
  readonly ports?: Partial<Ports>;
  /** Default: the best that this machine can run, closed with the node. */
  readonly disk?: Disk;
  /** Default: TCP. `createLoopbackNetwork` makes one inside the process. */
  readonly network?: Network;
  /** Take over directories that an Apache Kafka broker stopped in order. Default false. */
  readonly adoptKafkaData?: boolean;
  /** Default: what the directories say, or a new one. */
  readonly clusterId?: string;
  /** Users that a cluster without SCRAM users begins with; left out where there are some already. */
  readonly firstScramUsers?: readonly FirstScramUser[];
  /** Puts something between the server and the broker, for tests that script faults. */
  readonly sinkBefore?: (broker: Broker) => RequestSink;
  /** Hears how far loading the logs is. */
  readonly onProgress?: (done: number, total: number, path: string) => void;
}

export interface Node {
  readonly listeners: readonly BoundListener[];
  /** Where metrics and health are read; null for nowhere. */
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly clusterId: string;
  readonly broker: Broker;
  readonly metrics: MetricsRegistry;
  /** Stops accepting, lets requests in flight be answered for at most `drainMs`, makes everything durable and marks a clean end. */
  close(drainMs?: number): Promise<void>;
}

/** Resolves when every listener accepts. On failure everything that was opened is closed again, and the error says what to do. */
export async function startNode(options: NodeOptions): Promise<Node> {
  const opened = new Opened();
  try {
    return await start(options, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** What was opened so far, closed in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<unknown>)[] = [];

  add(close: () => Promise<unknown>): void {
    this.#closers.unshift(close);
  }

  /** The first failure counts; the rest is closed all the same. */
  async close(): Promise<Error | null> {
    let failure: Error | null = null;
    for (const close of this.#closers.splice(0)) {
      try {
        await close();
      } catch (error) {
        failure ??= error instanceof Error ? error : new Error(String(error));
      }
    }
    return failure;
  }
}

async function start(options: NodeOptions, opened: Opened): Promise<Node> {
  const { config } = options;
  const ports: Ports = { clock: systemClock, random: systemRandom, logger: silentLogger, ...options.ports };
  const disk = options.disk ?? openDisk();
  if (options.disk === undefined) opened.add(() => disk.close());
  const store = openStorage(options, disk, ports);
  opened.add(() => store.close());
  await store.claim();
  const metadata = await openMetadata(config, disk, ports, store);
  opened.add(() => metadata.close());
  const metrics = new MetricsRegistry();
  measureCleaner(store, metrics);
  const broker = await createBroker({ config, ports, disk, logs: store, metadata, metadataIsNew: metadata.isNew, metrics, afterTurn, fetchDocument });
  opened.add(() => broker.stop());
  await broker.start(options.onProgress);
  await addScramUsers(options, metadata, ports);
  const secure = await openSecureListeners(() => broker.services.config, ports, tcpOptions(ports, metrics));
  opened.add(async () => secure.close());
  metadata.subscribe(({ configsChanged }) => {
    if (configsChanged.some(({ type }) => type === ConfigResourceType.broker)) secure.refresh();
  });
  const server = openServer(options, broker, secure, ports, metrics);
  opened.add(() => server.close(0));
  let phase: Phase = 'starting';
  const pages = await openHttp(options, broker, ports.logger, metrics, () => phase);
  if (pages !== null) opened.add(() => pages.close());
  const listeners = await server.open();
  await broker.announce(listeners.map((listener) => endpointOf(listener, config)));
  server.serve();
  phase = 'running';
  const close = (drainMs?: number): Promise<void> => {
    phase = 'stopping';
    return closeNode(broker, server, opened, drainMs);
  };
  return { listeners, http: pages === null ? null : { host: pages.host, port: pages.port }, clusterId: store.clusterId, broker, metrics, close };
}

/** Between the reads of one turn and those of the next. */
function afterTurn(task: () => void): void {
  setImmediate(task);
}

async function closeNode(broker: Broker, server: Server, opened: Opened, drainMs: number | undefined): Promise<void> {
  // Long polls and members of groups would hold their connections for as long as they may wait.
  broker.drain();
  await server.close(drainMs);
  const failure = await opened.close();
  if (failure !== null) throw failure;
}

function openStorage(options: NodeOptions, disk: Disk, ports: Ports): StoreManager {
  const { config } = options;
  return createStore({
    directories: config.logDirs,
    disk,
    ports,
    nodeId: config.nodeId,
    adoptKafkaData: options.adoptKafkaData ?? false,
    // Files of a new log are made with it, while there are descriptors to be had: at its first records connections may hold them all.
    logsAreListedElsewhere: false,
    ...(options.clusterId === undefined ? {} : { clusterId: options.clusterId }),
    duties: {
      retentionCheckIntervalMs: config.logRetentionCheckIntervalMs,
      initialDelayMs: config.logInitialTaskDelayMs,
      recoveryPointIntervalMs: config.logFlushOffsetCheckpointIntervalMs,
      startOffsetIntervalMs: config.logFlushStartOffsetCheckpointIntervalMs,
      highWatermarkIntervalMs: config.replicaHighWatermarkCheckpointIntervalMs,
      producerExpiryIntervalMs: config.producerIdExpirationCheckIntervalMs,
    },
    ...storeSettings(config),
    recoveryThreads: config.numRecoveryThreadsPerDataDir,
  });
}

/** In the log directory that has a journal already, also when log.dirs were put in another order; else in the first. */
async function openMetadata(config: BrokerConfig, disk: Disk, ports: Ports, store: StoreManager): Promise<EmbeddedMetadata> {
  const { clusterId } = store;
  const directory = await directoryOfJournal(config.logDirs, disk);
  return openEmbeddedMetadata({
    disk,
    clock: ports.clock,
    random: ports.random,
    logger: ports.logger,
    directory,
    clusterId: () => clusterId,
    nodeId: config.nodeId,
    defaults: { partitions: config.numPartitions, replicationFactor: config.defaultReplicationFactor },
    staticSettings: config.layers.static,
    ...(store.adoptsDirectories ? { firstRecords: () => recordsOfKafka(config, disk, ports) } : {}),
  });
}

function recordsOfKafka(config: BrokerConfig, disk: Disk, { random, logger }: Ports): ReturnType<typeof adoptKafkaData> {
  return adoptKafkaData({ disk, random, logger, directories: config.logDirs, nodeId: config.nodeId, layers: config.layers });
}

async function directoryOfJournal(directories: readonly string[], disk: Disk): Promise<string> {
  for (const directory of directories) {
    const entries = await disk.list(directory).catch(() => []);
    if (entries.some((entry) => entry.name === EMBEDDED_METADATA_FOLDER)) return directory;
  }
  return directories[0] as string;
}

/** Only where there are none; later they are made and removed by the cluster's administrators. */
async function addScramUsers({ firstScramUsers = [] }: NodeOptions, metadata: EmbeddedMetadata, { random, logger }: Ports): Promise<void> {
  if (firstScramUsers.length === 0) return;
  if (metadata.image.credentials.scram.size === 0) await addFirstScramUsers(firstScramUsers, metadata.controller, random);
  else logger.warn('the SCRAM users that were named are left out: there are SCRAM users already');
}

async function openHttp(options: NodeOptions, broker: Broker, logger: Logger, metrics: MetricsRegistry, phase: () => Phase): Promise<Pages | null> {
  const listener = options.config.httpListener;
  if (listener === null) return null;
  const { openOperations } = await import('./operations/index.ts');
  return openOperations({ listener, broker, metrics, logger, phase });
}

function openServer(options: NodeOptions, broker: Broker, secure: SecureListeners, ports: Ports, metrics: MetricsRegistry): Server {
  const logger: Logger = ports.logger;
  const network = options.network ?? createTcpNetwork(tcpOptions(ports, metrics));
  const listeners = options.config.listeners.map((listener) => {
    const own = secure.networkOf(listener.name);
    return own === undefined ? listener : { ...listener, network: own };
  });
  const connectionsMax = connectionsMaxFor(openFilesMax());
  const settings = (): ServerSettings => {
    const { config } = broker.services;
    return config.maxConnections <= connectionsMax ? config : { ...config, maxConnections: connectionsMax };
  };
  const limits = connectionLimits(broker, connectionsMax);
  const server = createServer({ settings, listeners, network, sink: options.sinkBefore?.(broker) ?? broker, authentication: broker.services.authentication, clock: ports.clock, logger, limits });
  metrics.gauge('connections', () => server.connectionCount);
  metrics.gauge('request_bytes', () => server.requestBytes);
  return server;
}

function tcpOptions(ports: Ports, metrics: MetricsRegistry): TcpNetworkOptions {
  const acceptErrors = metrics.counter('accept_errors');
  const log = new LimitedLog(ports.logger, ports.clock);
  return {
    onAcceptError(error) {
      acceptErrors.add();
      log.warn('accept', 'a connection could not be accepted', { reason: error.message });
    },
  };
}

function endpointOf(listener: BoundListener, config: BrokerConfig): { listener: string; host: string; port: number; securityProtocol: string } {
  const { securityProtocol } = config.listeners.find(({ name }) => name === listener.name) ?? { securityProtocol: 'PLAINTEXT' };
  return { listener: listener.name, host: listener.advertisedHost, port: listener.advertisedPort, securityProtocol };
}
