import { baseOffsetOf, lastOffsetDeltaOf, nextBatch } from '../../record/batchHeader.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { FetchResponse, FetchableTopicResponse, PartitionData } from '../../protocol/generated/fetch.ts';
import { isSafeOffset } from '../../protocol/offsets.ts';
import { emptyBytes } from '../../protocol/types.ts';
import type { Log, LogError, ReadResult } from '../../storage/types.ts';
import type { RequestContext } from '../contract.ts';
import { errorCodeOf, logErrorCode } from '../errorMapping.ts';
import type { Isolation, Partition } from '../partition/partition.ts';
import { endpointOf } from '../services.ts';
import type { BrokerServices } from '../services.ts';
import { AclOperation, ResourceType } from '../../metadata/acls.ts';
import type { Parked } from '../waiting.ts';
import type { FetchContext, FetchTarget } from './sessions.ts';

export interface FetchParameters {
  readonly isolation: Isolation;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}

const FIRST_VERSION_WITH_IDS = 13;
const FIRST_VERSION_WITH_ZSTD = 10;
const FIRST_VERSION_WITH_LEADER = 16;
const FIRST_VERSION_WITH_ENDPOINTS = 16;
/** Older clients do not know KAFKA_STORAGE_ERROR. */
const LAST_VERSION_WITHOUT_STORAGE_ERROR = 5;
const NO_EPOCH = { epoch: -1, endOffset: -1 };
const NO_LEADER = { leaderId: -1, leaderEpoch: -1 };
const NO_SNAPSHOT = { endOffset: -1, epoch: -1 };

/**
 * One fetch from request to reply: looks whether there is enough to answer, waits for it if not, then reads every partition once, in order, and sends views of
 * the log. Nothing is read before it is sent.
 */
export class FetchAttempt implements Parked {
  deadlineBucket = -1;
  wakeQueued = false;
  parkedOn: readonly Partition[] | null = null;
  readonly #services: BrokerServices;
  readonly #context: RequestContext<FetchResponse>;
  readonly #fetch: FetchContext;
  readonly #parameters: FetchParameters;
  readonly #data: (PartitionData | null)[] = [];
  /** Leases of the views in `#data`. */
  readonly #reads: ReadResult[] = [];
  #next = 0;
  #bytesLeft: number;
  #isReading = false;
  readonly #onRead = (error: LogError | null, result: ReadResult | null): void => this.#afterRead(error, result);
  readonly #onClose = (): void => this.#abandon();

  constructor(services: BrokerServices, context: RequestContext<FetchResponse>, fetch: FetchContext, parameters: FetchParameters) {
    this.#services = services;
    this.#context = context;
    this.#fetch = fetch;
    this.#parameters = parameters;
    this.#bytesLeft = parameters.maxBytes;
  }

  start(): void {
    const { maxWaitMs } = this.#parameters;
    if (maxWaitMs <= 0 || this.#fetch.targets.length === 0 || this.#isDue()) return this.#readAll();
    const partitions = this.#fetch.targets.map((target) => this.#partitionOf(target)!);
    if (!this.#services.waiting.park(this, partitions, maxWaitMs)) return this.#readAll();
    this.#context.connection.onClose(this.#onClose);
  }

  onWake(): void {
    if (this.#isDue()) this.onDeadline();
  }

  onDeadline(): void {
    this.#services.waiting.unpark(this);
    this.#context.connection.offClose(this.#onClose);
    this.#goOn();
  }

  /** Nobody above would catch a defect of ours here. */
  #goOn(): void {
    try {
      this.#readAll();
    } catch (error) {
      this.#services.logger.error('a fetch failed', { clientId: this.#context.clientId, reason: String(error) });
      this.#release();
      this.#context.closeConnection('internal error');
    }
  }

  /** Nobody is left to answer. */
  #abandon(): void {
    if (this.parkedOn === null) return;
    this.#services.waiting.unpark(this);
    this.#context.replyNothing();
  }

  /** Enough bytes, or something to tell that will not go away by waiting. */
  #isDue(): boolean {
    const { minBytes, isolation } = this.#parameters;
    let bytes = 0;
    for (const target of this.#fetch.targets) {
      const partition = this.#partitionOf(target);
      if (this.#isDenied(target)) return true;
      if (partition === undefined || partition.accessError(target.currentLeaderEpoch) !== ErrorCode.NONE) return true;
      const log = partition.log!;
      const limit = partition.readLimit(log, isolation);
      if (!isReadable(log, target.fetchOffset) || hasDiverged(log, target)) return true;
      if (target.fetchOffset < limit) bytes += Math.min(bytesAvailable(log, target.fetchOffset, limit), Math.max(target.maxBytes, 1));
    }
    return bytes >= minBytes;
  }

  /** An id that nobody knows is told to be one. */
  #isDenied(target: FetchTarget): boolean {
    const { access, partitions } = this.#services;
    if (access === null) return false;
    const name = this.#context.apiVersion >= FIRST_VERSION_WITH_IDS ? partitions.topicById(target.topicId)?.name : target.topicName;
    return name !== undefined && !access.allows(this.#context.connection, AclOperation.read, ResourceType.topic, name);
  }

  #partitionOf(target: FetchTarget): Partition | undefined {
    const { partitions } = this.#services;
    const topic = this.#context.apiVersion >= FIRST_VERSION_WITH_IDS ? partitions.topicById(target.topicId) : partitions.topic(target.topicName);
    return topic?.partitions[target.index];
  }

  /** Reads from where it stands; comes back through `#afterRead` when a read has to wait. */
  #readAll(): void {
    const { targets } = this.#fetch;
    this.#isReading = true;
    while (this.#next < targets.length) {
      const before = this.#next;
      this.#readTarget(targets[before]!);
      if (this.#next === before) {
        this.#isReading = false;
        return;
      }
    }
    this.#finish();
  }

  /** Adds this target's data now or later; `#next` moves on when it is there. */
  #readTarget(target: FetchTarget): void {
    const partition = this.#partitionOf(target);
    if (this.#isDenied(target)) return this.#push(errorData(target.index, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
    const refused = partition === undefined ? this.#unknownError(target) : this.#refusal(partition, target);
    if (refused !== ErrorCode.NONE) return this.#push(this.#errorData(target, partition, refused));
    const log = partition!.log!;
    if (!isReadable(log, target.fetchOffset)) return this.#push(this.#errorData(target, partition, ErrorCode.OFFSET_OUT_OF_RANGE));
    if (hasDiverged(log, target)) return this.#push(this.#divergence(log, target));
    const limit = partition!.readLimit(log, this.#parameters.isolation);
    if (target.fetchOffset >= limit) return this.#push(goodData(target.index, log, this.#parameters.isolation, null));
    const maxBytes = Math.max(Math.min(target.maxBytes, this.#bytesLeft), 0);
    try {
      log.readWarm(target.fetchOffset, maxBytes, limit, this.#reads.length === 0, this.#onRead);
    } catch (error) {
      this.#push(this.#errorData(target, partition, this.#codeOf(error)));
    }
  }

  #codeOf(error: unknown): number {
    const code = errorCodeOf(error);
    if (code === ErrorCode.UNKNOWN_SERVER_ERROR) this.#services.logger.error('a log could not be read', { reason: String(error) });
    return code;
  }

  #unknownError(target: FetchTarget): number {
    if (this.#context.apiVersion < FIRST_VERSION_WITH_IDS) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return this.#services.partitions.topicById(target.topicId) === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }

  #refusal(partition: Partition, target: FetchTarget): number {
    const error = partition.accessError(target.currentLeaderEpoch);
    if (error !== ErrorCode.NONE) return error;
    const isTooNew = this.#context.apiVersion < FIRST_VERSION_WITH_ZSTD && partition.topic.config.compressionType === 'zstd';
    return isTooNew ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.NONE;
  }

  /** KIP-595: where the reader's history and this one part ways. */
  #divergence(log: Log, target: FetchTarget): PartitionData {
    const { leaderEpoch, endOffset } = log.endOffsetForEpoch(target.lastFetchedEpoch);
    if (leaderEpoch === -1) return this.#errorData(target, undefined, ErrorCode.OFFSET_OUT_OF_RANGE);
    const data = goodData(target.index, log, this.#parameters.isolation, null);
    data.divergingEpoch = { epoch: leaderEpoch, endOffset };
    return data;
  }

  #push(data: PartitionData): void {
    this.#data.push(data);
    this.#next++;
  }

  #afterRead(error: LogError | null, result: ReadResult | null): void {
    const target = this.#fetch.targets[this.#next]!;
    const partition = this.#partitionOf(target);
    if (result !== null && (partition === undefined || partition.log === null)) {
      // Deleted while the read waited.
      result.release();
      this.#push(this.#errorData(target, partition, partition === undefined ? this.#unknownError(target) : ErrorCode.NOT_LEADER_OR_FOLLOWER));
    } else if (result === null) {
      this.#push(this.#errorData(target, partition, logErrorCode(error!)));
    } else {
      this.#push(this.#readData(target, partition!, result));
    }
    if (!this.#isReading) this.#goOn();
  }

  #readData(target: FetchTarget, partition: Partition, result: ReadResult): PartitionData {
    const { isolation } = this.#parameters;
    const log = partition.log!;
    const data = goodData(target.index, log, isolation, result.bytes);
    partition.topic.traffic.noteFetched(result.bytes.length);
    if (result.bytes.length === 0) {
      result.release();
      data.records = emptyBytes;
      return data;
    }
    if (isolation === 'committed') {
      try {
        data.abortedTransactions = log.abortedTransactions(target.fetchOffset, endOffsetOf(result.bytes, target.fetchOffset));
      } catch (error) {
        result.release();
        return this.#errorData(target, partition, this.#codeOf(error));
      }
    }
    this.#reads.push(result);
    this.#bytesLeft -= result.bytes.length;
    return data;
  }

  #errorData(target: FetchTarget, partition: Partition | undefined, code: number): PartitionData {
    const { apiVersion } = this.#context;
    const isTooNew = code === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion <= LAST_VERSION_WITHOUT_STORAGE_ERROR;
    partition?.topic.traffic.noteFetchFailed();
    const data = errorData(target.index, isTooNew ? ErrorCode.NOT_LEADER_OR_FOLLOWER : code);
    const tellsLeader = code === ErrorCode.NOT_LEADER_OR_FOLLOWER || code === ErrorCode.FENCED_LEADER_EPOCH;
    if (partition !== undefined && tellsLeader && apiVersion >= FIRST_VERSION_WITH_LEADER) {
      data.currentLeader = { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch };
    }
    return data;
  }

  #finish(): void {
    this.#isReading = false;
    this.#dropLostReads();
    const { connection, clientId } = this.#context;
    const throttleTimeMs = this.#services.quotas.fetch(connection, clientId, this.#parameters.maxBytes - this.#bytesLeft);
    if (throttleTimeMs > 0) return this.#withhold(throttleTimeMs);
    const { errorCode, sessionId } = this.#fetch.conclude(this.#data);
    const responses = errorCode === ErrorCode.NONE ? this.#groupByTopic() : [];
    const response: FetchResponse = { throttleTimeMs: 0, errorCode, sessionId, responses, nodeEndpoints: this.#nodeEndpoints(responses) };
    if (this.#reads.length === 0) this.#context.reply(response);
    else this.#context.reply(response, () => this.#release());
  }

  /** Over its quota: nothing of what was read goes out, and the session does not move. */
  #withhold(throttleTimeMs: number): void {
    this.#release();
    this.#context.reply({ throttleTimeMs, ...this.#fetch.withhold(), responses: [], nodeEndpoints: [] });
  }

  /** A page under a view could not be read: its bytes must not go out. */
  #dropLostReads(): void {
    if (this.#reads.every((read) => read.intact)) return;
    for (const read of this.#reads) {
      if (read.intact) continue;
      const place = this.#data.findIndex((data) => data !== null && data.records === read.bytes);
      if (place !== -1) this.#data[place] = this.#errorData(this.#fetch.targets[place]!, undefined, ErrorCode.KAFKA_STORAGE_ERROR);
    }
  }

  #release(): void {
    for (const read of this.#reads) read.release();
    this.#reads.length = 0;
  }

  /** Targets of one topic that follow each other share an entry. */
  #groupByTopic(): FetchableTopicResponse[] {
    const responses: FetchableTopicResponse[] = [];
    let last: FetchTarget | null = null;
    for (let i = 0; i < this.#data.length; i++) {
      const data = this.#data[i]!;
      if (data === null) continue;
      const target = this.#fetch.targets[i]!;
      const isSame = last !== null && last.topicId === target.topicId && last.topicName === target.topicName;
      if (isSame) responses[responses.length - 1]!.partitions.push(data);
      else responses.push({ topic: target.topicName, topicId: target.topicId, partitions: [data] });
      last = target;
    }
    return responses;
  }

  #nodeEndpoints(responses: readonly FetchableTopicResponse[]): FetchResponse['nodeEndpoints'] {
    if (this.#context.apiVersion < FIRST_VERSION_WITH_ENDPOINTS) return [];
    const leaders = new Set<number>();
    for (const topic of responses) {
      for (const { currentLeader } of topic.partitions) if (currentLeader.leaderId !== -1) leaders.add(currentLeader.leaderId);
    }
    const endpoints: FetchResponse['nodeEndpoints'] = [];
    for (const id of leaders) {
      const broker = this.#services.metadata.image.brokers.get(id);
      const endpoint = endpointOf(broker, this.#context.connection.listenerName);
      if (broker !== undefined && endpoint !== undefined) endpoints.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
    }
    return endpoints;
  }
}

function isReadable(log: Log, offset: number): boolean {
  return isSafeOffset(offset) && offset >= log.logStartOffset && offset <= log.logEndOffset;
}

/** Whether the last record that the reader has, by its epoch, is none of this log's. */
function hasDiverged(log: Log, target: FetchTarget): boolean {
  if (target.lastFetchedEpoch < 0) return false;
  const { leaderEpoch, endOffset } = log.endOffsetForEpoch(target.lastFetchedEpoch);
  return leaderEpoch < target.lastFetchedEpoch || endOffset < target.fetchOffset;
}

/** A failure counts as enough: the read that follows will say what it is. */
function bytesAvailable(log: Log, offset: number, limit: number): number {
  try {
    return log.bytesAvailable(offset, limit);
  } catch {
    return Infinity;
  }
}

function goodData(partitionIndex: number, log: Log, isolation: Isolation, records: Buffer | null): PartitionData {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    highWatermark: log.highWatermark,
    lastStableOffset: log.lastStableOffset,
    logStartOffset: log.logStartOffset,
    divergingEpoch: NO_EPOCH,
    currentLeader: NO_LEADER,
    snapshotId: NO_SNAPSHOT,
    abortedTransactions: isolation === 'committed' ? [] : null,
    preferredReadReplica: -1,
    records: records ?? emptyBytes,
  };
}

export function errorData(partitionIndex: number, errorCode: number): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: NO_EPOCH,
    currentLeader: NO_LEADER,
    snapshotId: NO_SNAPSHOT,
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: emptyBytes,
  };
}

/** The offset after the last record of whole batches. */
function endOffsetOf(bytes: Buffer, fetchOffset: number): number {
  let end = fetchOffset;
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    end = baseOffsetOf(bytes, at) + lastOffsetDeltaOf(bytes, at) + 1;
  }
  return end;
}
