/** Puts a store together: what a broker and an embedding application begin with. */
import type { Disk } from '../base/disk.ts';
import type { Ports } from '../base/ports.ts';
import { silentLogger, systemClock, systemRandom } from '../base/systemPorts.ts';
import { defaultTopicConfig } from '../config/topicConfig.ts';
import type { Compactor } from '../record/compact/compactor.ts';
import { openCompactor } from '../record/compact/workerCompactor.ts';
import type { Inflater } from '../record/inflater.ts';
import { openInflater } from '../record/workerInflater.ts';
import { DEFAULT_CLEANER_SETTINGS } from './compaction/settings.ts';
import type { CleanerSettings } from './compaction/settings.ts';
import type { DutySettings } from './duties.ts';
import { openDisk } from './disk/index.ts';
import { StoreManager } from './manager.ts';
import type { TopicConfigView } from './settings.ts';

export interface StoreOptions {
  /** log.dirs: root data directories, made where absent. */
  readonly directories: readonly string[];
  /** Default: the best one that this machine can run, closed with the store. */
  readonly disk?: Disk;
  /** Default: the machine's clock and randomness, no log output. */
  readonly ports?: Ports;
  /** Default: worker threads where they can be had. The store closes only the one that it made. */
  readonly inflater?: Inflater;
  /** Default 0. */
  readonly nodeId?: number;
  /** Default: what the directories say, or a new one. */
  readonly clusterId?: string;
  /** Take over directories that Apache Kafka stopped in order. Default false: they are refused. */
  readonly adoptKafkaData?: boolean;
  readonly duties?: Partial<DutySettings>;
  /** log.cleaner.*: how logs with `cleanupPolicy.compact` are compacted. Kafka's defaults. */
  readonly cleaner?: Partial<CleanerSettings>;
  /** Default: worker threads where they can be had. Closed with the store. */
  readonly compactor?: Compactor;
  /** producer.id.expiration.ms, default one day. */
  readonly producerIdExpirationMs?: number;
  /** A compressed batch that would become larger is refused, whatever its topic allows. Default 512 MiB. */
  readonly inflatedBatchMaxBytes?: number;
  /** num.recovery.threads.per.data.dir: how much of the machine a start may take for each directory. Default 2. */
  readonly recoveryThreads?: number;
  /** Blocks reserved ahead in the segment that is appended to. Default 16 MiB. */
  readonly reserveAheadBytes?: number;
  /** For use without a broker: records count as committed once they are appended. Default false. */
  readonly highWatermarkFollowsEnd?: boolean;
  /** Somebody else keeps the list of logs durably and opens each again at a start: the folder of a new one becomes durable with its first records. Default false. */
  readonly logsAreListedElsewhere?: boolean;
}

/** Kafka's defaults. */
const DUTIES: DutySettings = {
  retentionCheckIntervalMs: 300_000,
  initialDelayMs: 30_000,
  recoveryPointIntervalMs: 60_000,
  startOffsetIntervalMs: 60_000,
  highWatermarkIntervalMs: 5_000,
  producerExpiryIntervalMs: 600_000,
};
const PRODUCER_EXPIRATION_MS = 86_400_000;
const INFLATED_BATCH_MAX_BYTES = 2 ** 29;
const RECOVERY_THREADS = 2;
const RESERVE_AHEAD_BYTES = 2 ** 24;

export const systemPorts: Ports = { clock: systemClock, random: systemRandom, logger: silentLogger };

/** A store that has not been started: set its callbacks, then call `start`. */
export function createStore(options: StoreOptions): StoreManager {
  return new StoreManager({
    disk: options.disk ?? openDisk(),
    ownsDisk: options.disk === undefined,
    ports: options.ports ?? systemPorts,
    inflater: options.inflater ?? openInflater(),
    ownsInflater: options.inflater === undefined,
    directories: options.directories,
    nodeId: options.nodeId ?? 0,
    clusterId: options.clusterId ?? null,
    adoptKafkaData: options.adoptKafkaData ?? false,
    duties: { ...DUTIES, ...options.duties },
    compactor: options.compactor ?? openCompactor(),
    cleaner: { ...DEFAULT_CLEANER_SETTINGS, ...options.cleaner },
    producerIdExpirationMs: options.producerIdExpirationMs ?? PRODUCER_EXPIRATION_MS,
    inflatedBatchMaxBytes: options.inflatedBatchMaxBytes ?? INFLATED_BATCH_MAX_BYTES,
    recoveryThreads: options.recoveryThreads ?? RECOVERY_THREADS,
    reserveAheadBytes: options.reserveAheadBytes ?? RESERVE_AHEAD_BYTES,
    highWatermarkFollowsEnd: options.highWatermarkFollowsEnd ?? false,
    logsAreListedElsewhere: options.logsAreListedElsewhere ?? false,
  });
}

/**
 * A started store for use without a broker: high watermarks follow the ends of the logs. `configOf` gives the settings of topics found on
 * disk, Kafka's defaults where absent.
 */
export async function openStore(options: StoreOptions & { readonly configOf?: (topic: string) => TopicConfigView }): Promise<StoreManager> {
  const store = createStore({ highWatermarkFollowsEnd: true, ...options });
  await store.start(options.configOf ?? (() => defaultTopicConfig));
  return store;
}
