import { ErrorCode } from '../../../protocol/errors.ts';
import { makePartitionData } from '../../../protocol/generated/shareFetch.ts';
import type { PartitionData } from '../../../protocol/generated/shareFetch.ts';
import type { Log, LogError, ReadResult } from '../../../storage/types.ts';
import { errorCodeOf, logErrorCode } from '../../errorMapping.ts';
import type { Partition } from '../../partition/partition.ts';
import type { ClientConnection } from '../../contract.ts';
import type { Parked } from '../../waiting.ts';
import type { Acquired } from '../partition/acquire.ts';
import type { SharePartition } from '../partition/sharePartition.ts';
import type { ShareTarget } from '../sessions.ts';
import type { ShareServices } from '../share.ts';
import { abortedSpans, sliceOf, spansOf, without } from './aborted.ts';

export interface ShareFetchParameters {
  readonly groupId: string;
  readonly memberId: string;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
  readonly batchSize: number;
  readonly acquireMode: number;
}

/** What was fetched of one partition: records that the member has now, or an error. */
export interface FetchedPartition {
  readonly target: ShareTarget;
  readonly partition: Partition | undefined;
  readonly data: PartitionData;
}

/** `release` gives the memory of the records back. */
export type OnFetched = (fetched: readonly FetchedPartition[], release: () => void) => void;

interface Source {
  readonly target: ShareTarget;
  readonly partition: Partition | undefined;
  readonly share: SharePartition | null;
}

/**
 * The fetch of one member from request to reply: waits until there are records that can be acquired, then reads partition after partition and acquires as it
 * reads. Nothing is acquired for a connection that has ended.
 */
export class ShareFetchAttempt implements Parked {
  deadlineBucket = -1;
  wakeQueued = false;
  parkedOn: readonly Partition[] | null = null;
  readonly #services: ShareServices;
  readonly #connection: ClientConnection;
  readonly #parameters: ShareFetchParameters;
  readonly #sources: Source[];
  readonly #onFetched: OnFetched;
  readonly #fetched: FetchedPartition[] = [];
  readonly #reads: { readonly result: ReadResult; readonly at: number }[] = [];
  readonly #deadlineMs: number;
  #next = 0;
  #readOffset = 0;
  #recordsLeft: number;
  #bytesLeft: number;
  #isReading = false;
  /** A read is on its way. */
  #isPending = false;
  /** Where this round read, and the one before: a round that comes to nothing where the last one did is not repeated. */
  #offsets: number[] = [];
  #offsetsBefore: number[] = [];
  /** The time is over: what is there is answered. */
  #isFinal = false;
  #isAbandoned = false;
  readonly #onRead = (error: LogError | null, result: ReadResult | null): void => this.#afterRead(error, result);
  readonly #onClose = (): void => this.#abandon();

  constructor(services: ShareServices, connection: ClientConnection, targets: readonly ShareTarget[], parameters: ShareFetchParameters, onFetched: OnFetched) {
    this.#services = services;
    this.#connection = connection;
    this.#parameters = parameters;
    this.#onFetched = onFetched;
    // Not even the one batch that other fetches get whatever its size.
    this.#recordsLeft = parameters.maxBytes > 0 ? parameters.maxRecords : 0;
    this.#bytesLeft = parameters.maxBytes;
    this.#deadlineMs = services.clock.monotonicMs() + parameters.maxWaitMs;
    this.#sources = targets.map((target) => this.#sourceOf(target));
  }

  #sourceOf(target: ShareTarget): Source {
    const { partitions } = this.#services.share;
    const partition = partitions.find(target.topicId, target.index);
    if (partition === undefined || partition.accessError(-1) !== ErrorCode.NONE) return { target, partition, share: null };
    return { target, partition, share: partitions.of(this.#parameters.groupId, partition) };
  }

  start(): void {
    this.#connection.onClose(this.#onClose);
    this.#readOrWait();
  }

  #readOrWait(): void {
    if (this.#parameters.maxWaitMs <= 0 || this.#recordsLeft <= 0 || this.#sources.length === 0) this.#isFinal = true;
    if (this.#isFinal || this.#isDue() || !this.#park()) this.#readAll();
  }

  /** False: there is no time, or no room, to wait. */
  #park(): boolean {
    const leftMs = this.#deadlineMs - this.#services.clock.monotonicMs();
    const partitions = this.#sources.flatMap(({ partition }) => partition ?? []);
    if (leftMs > 0 && this.#services.waiting.park(this, partitions, leftMs)) return true;
    this.#isFinal = true;
    return false;
  }

  onWake(): void {
    if (!this.#isDue()) return;
    this.#services.waiting.unpark(this);
    this.#goOn();
  }

  onDeadline(): void {
    this.#services.waiting.unpark(this);
    this.#isFinal = true;
    this.#goOn();
  }

  /** Nobody above would catch a defect of ours here. */
  #goOn(): void {
    try {
      this.#readAll();
    } catch (error) {
      this.#services.logger.error('a share fetch failed', { groupId: this.#parameters.groupId, reason: error instanceof Error ? error.stack : String(error) });
      this.#finish();
    }
  }

  #abandon(): void {
    this.#isAbandoned = true;
    this.#services.waiting.unpark(this);
    if (!this.#isPending) this.#finish();
  }

  /** Enough that can be acquired, or something to tell that will not go away by waiting. */
  #isDue(): boolean {
    let bytes = 0;
    for (const source of this.#sources) {
      if (errorOf(source) !== ErrorCode.NONE) return true;
      const { share } = source;
      const offset = share!.isFree ? share!.acquirableFrom : -1;
      if (offset === -1) continue;
      const log = source.partition!.log!;
      const limit = source.partition!.readLimit(log, share!.config.isolation);
      if (offset < limit) bytes += Math.max(bytesAvailable(log, offset, limit), 1);
    }
    return bytes > 0 && bytes >= Math.min(this.#parameters.minBytes, this.#parameters.maxBytes);
  }

  /** Reads from where it stands; comes back through `#afterRead` when a read has to wait. */
  #readAll(): void {
    this.#isReading = true;
    while (this.#next < this.#sources.length && !this.#isAbandoned) {
      const before = this.#next;
      this.#readSource(this.#sources[before]!);
      if (this.#next !== before) continue;
      this.#isReading = false;
      this.#isPending = true;
      return;
    }
    this.#isReading = false;
    this.#conclude();
  }

  #conclude(): void {
    if (this.#fetched.length > 0 || this.#isFinal || this.#isAbandoned) return this.#finish();
    // What was there was for nobody (aborted, or gone): go on behind it, or wait for more.
    const isRepeated = this.#offsets.every((offset, i) => offset === this.#offsetsBefore[i]);
    this.#offsetsBefore = this.#offsets;
    this.#offsets = [];
    this.#next = 0;
    if (!this.#park()) return this.#finish();
    if (!isRepeated) for (const { partition } of this.#sources) if (partition !== undefined) this.#services.waiting.wake(partition);
  }

  /** Adds this partition's records now or later; `#next` moves on when they are there. */
  #readSource(source: Source): void {
    const errorCode = errorOf(source);
    if (errorCode !== ErrorCode.NONE) return this.#push(source, errorData(source, this.#toldError(source, errorCode)));
    const share = source.share!;
    const offset = this.#recordsLeft > 0 && share.isFree ? share.acquirableFrom : -1;
    const log = source.partition!.log!;
    const limit = source.partition!.readLimit(log, share.config.isolation);
    if (offset === -1 || offset >= limit) {
      this.#next++;
      return;
    }
    share.beginRead();
    this.#readOffset = offset;
    this.#offsets.push(offset);
    try {
      log.readWarm(offset, this.#bytesFor(), limit, this.#reads.length === 0, this.#onRead);
    } catch (error) {
      share.endRead();
      this.#push(source, errorData(source, errorCodeOf(error)));
    }
  }

  /** Every partition gets its share, so that the first ones do not take it all. */
  #bytesFor(): number {
    return Math.max(Math.floor(this.#bytesLeft / (this.#sources.length - this.#next)), 0);
  }

  #toldError(source: Source, errorCode: number): number {
    if (source.partition !== undefined) return errorCode;
    return this.#services.share.partitions.hasTopic(source.target.topicId) ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.UNKNOWN_TOPIC_ID;
  }

  #push(source: Source, data: PartitionData): void {
    this.#fetched.push({ target: source.target, partition: source.partition, data });
    this.#next++;
  }

  #afterRead(error: LogError | null, result: ReadResult | null): void {
    const source = this.#sources[this.#next]!;
    this.#isPending = false;
    try {
      if (result === null) this.#push(source, errorData(source, logErrorCode(error!)));
      else this.#take(source, result);
    } finally {
      source.share!.endRead();
    }
    if (!this.#isReading) this.#goOn();
  }

  #take(source: Source, result: ReadResult): void {
    const acquired = this.#isAbandoned || !result.intact ? [] : this.#acquire(source, result.bytes);
    if (acquired.length === 0) {
      result.release();
      this.#next++;
      return;
    }
    for (const { firstOffset, lastOffset } of acquired) this.#recordsLeft -= lastOffset - firstOffset + 1;
    const records = sliceOf(result.bytes, acquired[0]!.firstOffset, acquired.at(-1)!.lastOffset);
    this.#bytesLeft -= records.length;
    this.#reads.push({ result, at: this.#fetched.length });
    this.#push(source, makePartitionData({ partitionIndex: source.target.index, records, acquiredRecords: acquired }));
  }

  #acquire(source: Source, bytes: Buffer): Acquired[] {
    const { memberId, acquireMode, batchSize } = this.#parameters;
    const share = source.share!;
    const request = { memberId, mode: acquireMode, batchSize, maxRecords: this.#recordsLeft, fetchOffset: this.#readOffset, spans: spansOf(bytes) };
    const acquired = share.acquire(request);
    if (acquired.length === 0 || share.config.isolation !== 'committed') return acquired;
    const aborted = source.partition!.log?.abortedTransactions(request.spans[0]!.first, request.spans.at(-1)!.last + 1) ?? [];
    if (aborted.length === 0) return acquired;
    const spans = abortedSpans(bytes, aborted);
    for (const { first, last } of spans) {
      for (const { firstOffset, lastOffset } of acquired) share.archive(Math.max(first, firstOffset), Math.min(last, lastOffset));
    }
    return without(acquired, spans);
  }

  /** A page under a view could not be read: its bytes must not go out. The records come again when their locks run out. */
  #dropLost(at: number): void {
    const { target, partition } = this.#fetched[at]!;
    this.#fetched[at] = { target, partition, data: makePartitionData({ partitionIndex: target.index, errorCode: ErrorCode.KAFKA_STORAGE_ERROR }) };
  }

  #finish(): void {
    this.#connection.offClose(this.#onClose);
    this.#isFinal = true;
    this.#next = this.#sources.length;
    for (const { result, at } of this.#reads) if (!result.intact) this.#dropLost(at);
    this.#onFetched(this.#fetched, () => {
      for (const { result } of this.#reads.splice(0)) result.release();
    });
  }
}

function errorOf({ partition, share }: Source): number {
  if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const refused = partition.accessError(-1);
  if (refused !== ErrorCode.NONE) return refused;
  return share === null ? ErrorCode.NOT_LEADER_OR_FOLLOWER : share.failure.errorCode;
}

function errorData({ target, share }: Source, errorCode: number): PartitionData {
  return makePartitionData({ partitionIndex: target.index, errorCode, errorMessage: share?.failure.message ?? null });
}

/** A failure counts as enough: the read that follows will say what it is. */
function bytesAvailable(log: Log, offset: number, limit: number): number {
  try {
    return log.bytesAvailable(offset, limit);
  } catch {
    return Infinity;
  }
}
