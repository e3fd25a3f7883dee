/** What the parts of one log share: its fields, and the rules that tie them together. `Log` (log.ts) is the face of it. */
import { assert } from '../base/assert.ts';
import type { Disk } from '../base/disk.ts';
import type { Ports } from '../base/ports.ts';
import type { Inflater } from '../record/inflater.ts';
import type { Cleaning } from './compaction/cleaning.ts';
import { DirectoryChecksums } from './checksums.ts';
import { diskTrouble } from './diskErrors.ts';
import { EpochCache } from './epochs.ts';
import { LogFlush } from './flush.ts';
import type { Naming } from './naming.ts';
import { ProducerStates } from './producerState.ts';
import { SegmentList } from './segments.ts';
import type { SegmentPlace } from './segments.ts';
import type { TopicConfigView } from './settings.ts';
import { LogError } from './types.ts';

/** What logs get from the store that holds them. */
export interface LogEnvironment {
  readonly disk: Disk;
  readonly ports: Ports;
  readonly inflater: Inflater;
  /** A compressed batch that would become larger is refused. */
  readonly inflatedBatchMaxBytes: number;
  /** producer.id.expiration.ms; live. */
  producerIdExpirationMs: number;
  readonly reserveAheadBytes: number;
  /** For use without a broker: the high watermark follows the log's end. */
  readonly highWatermarkFollowsEnd: boolean;
  /** Somebody else keeps the list of logs durably and opens each again at a start: the folder of a new one becomes durable with its first records. */
  readonly logsAreListedElsewhere: boolean;
  /** Runs `work` later unless the store is closed before; `work` must not throw. */
  defer(delayMs: number, work: () => void): void;
}

/** The log directory as a log sees it. */
export interface LogHost {
  readonly path: string;
  readonly online: boolean;
  /** An I/O error happened: takes every log of the directory offline. */
  fail(reason: string): void;
  /** Makes the log durable in the next round of group commit. */
  requestSync(log: LogState): void;
  /** A whole segment became durable: the recovery point is worth writing soon. */
  noteSegmentDurable(): void;
  /** Makes its folder and its topic's id durable soon. */
  nameSoon(log: LogState): void;
  /** Makes the names of folders durable. Rejects with DiskError. */
  syncRoot(): Promise<void>;
  /** Resolves when the offsets up to which logs were compacted are durable. */
  saveCleanedOffsets(): Promise<void>;
  /** Resolves when the start offsets and recovery points of now are durable. */
  saveOffsets(): Promise<void>;
}

export interface LogIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly folder: string;
}

export class LogState implements SegmentPlace {
  readonly topic: string;
  readonly partition: number;
  topicId: string;
  folder: string;
  config: TopicConfigView;
  readonly host: LogHost;
  readonly environment: LogEnvironment;
  readonly segments: SegmentList;
  readonly epochs = new EpochCache();
  readonly producers = new ProducerStates();
  /** Of the leader epochs, the transaction indexes and the indexes of sealed segments. */
  readonly checksums = new DirectoryChecksums(this);
  readonly flush: LogFlush;
  logStartOffset = 0;
  logEndOffset = 0;
  /** Everything below is on the medium. */
  durableOffset = 0;
  /** Up to where a sync has been asked for; at least `durableOffset`. */
  syncRequestedOffset = 0;
  /** What the checkpoint file says or will say: at most `durableOffset`, and everything beside the segments is durable up to it too. */
  recoveryPoint = 0;
  /** Compaction has covered everything below; -1 where it never ran. */
  cleanedOffset = -1;
  /** A compaction of this log is under way. */
  cleaning: Cleaning | null = null;
  /** While above 0 no compaction begins. */
  cleaningHolds = 0;
  /** Producer snapshots on disk, ascending. */
  snapshotOffsets: number[] = [];
  /** Whether the folder itself and `partition.metadata` are. */
  naming: Naming = 'durable';
  /** The folder got new names since it was last synced. */
  folderDirty = false;
  /** What a full disk took of an append was cut again, and the cut has not been synced. */
  cutIsUnsynced = false;
  /** The leader epochs on disk were corrupt: made anew while loading. */
  epochsAreLost = false;
  /** What sealed segments say of their latest timestamps has not been held to checksums yet. */
  mustCheckLatest = false;
  /** Milliseconds taken off segment.ms for the active segment. */
  rollJitterMs = 0;
  /** The disk has an append that it has not answered: the active segment must stay the active one. */
  isAppending = false;
  #highWatermark = 0;
  #refusal: LogError | null = null;

  constructor(identity: LogIdentity, config: TopicConfigView, host: LogHost, environment: LogEnvironment) {
    this.topic = identity.topic;
    this.partition = identity.partition;
    this.topicId = identity.topicId;
    this.folder = identity.folder;
    this.config = config;
    this.host = host;
    this.environment = environment;
    this.segments = new SegmentList(this);
    this.flush = new LogFlush(this);
  }

  get disk(): Disk {
    return this.environment.disk;
  }

  get reserveAheadBytes(): number {
    return this.environment.reserveAheadBytes;
  }

  get name(): string {
    return `${this.topic}-${this.partition}`;
  }

  /** Why nothing can be read or written any more; null while the log is in use. */
  get refusal(): LogError | null {
    return this.#refusal;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  set highWatermark(offset: number) {
    this.#highWatermark = Math.min(Math.max(offset, this.logStartOffset), this.logEndOffset);
    this.producers.onHighWatermark(this.#highWatermark);
  }

  get lastStableOffset(): number {
    const unstable = this.producers.firstUnstableOffset;
    if (unstable < 0 || unstable >= this.#highWatermark) return this.#highWatermark;
    return Math.max(unstable, this.logStartOffset);
  }

  /** Throws what makes the log unusable. */
  checkUsable(): void {
    if (this.#refusal !== null) throw this.#refusal;
  }

  /** From now on everything is refused with this. The first reason stays. */
  refuse(reason: LogError): void {
    this.#refusal ??= reason;
  }

  /** Notes that the log now ends at `offset` (after an append or a cut). */
  moveEnd(offset: number): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset} is out of range`);
    this.logEndOffset = offset;
    this.producers.endOffset = offset;
    if (this.environment.highWatermarkFollowsEnd || this.#highWatermark > offset) this.highWatermark = offset;
  }

  /**
   * What a failed disk call means for this log: a lack of space, descriptors or memory leaves it usable, anything else takes the directory offline. Returns
   * the error for whoever asked.
   */
  diskFailure(error: unknown, doing: string): LogError {
    if (error instanceof LogError) return error;
    const trouble = diskTrouble(error);
    const message = `${doing} of ${this.name} failed: ${(error as Error).message}`;
    if (trouble === 'full') return new LogError('diskFull', message);
    if (trouble === 'broken') this.host.fail(message);
    return new LogError('storage', message);
  }
}
