/**
 * Produce (0), versions 3 to 13. The frame is borrowed: every append starts before `handle` returns. No promise on the way; the reply goes out when the last
 * partition is done.
 */
import { Attribute, Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES, MAGIC, attributesOf, codecIn, isTransactional, magicOf } from '../../record/batchHeader.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readProduceRequest, writeProduceResponse } from '../../protocol/generated/produce.ts';
import type { BatchIndexAndErrorMessage, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse } from '../../protocol/generated/produce.ts';
import type { AppendInfo, LogError } from '../../storage/types.ts';
import type { ApiHandler, RequestContext } from '../contract.ts';
import { logErrorCode } from '../errorMapping.ts';
import type { Partition, TopicState } from '../partition/partition.ts';
import { endpointOf } from '../services.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { appendTransactional, produceMode } from '../transactions/appends.ts';

/** Kafka's own tools may write to internal topics under this client id. */
const ADMIN_CLIENT_ID = '__admin_client';
const FIRST_VERSION_WITH_TOPIC_ID = 13;
const FIRST_VERSION_WITH_LEADER = 10;
const FIRST_VERSION_WITH_ZSTD = 7;
/** A record that is no record of magic 0 either. */
const RECORD_OVERHEAD_BYTES_MIN = 14;
const NO_RECORD_ERRORS: BatchIndexAndErrorMessage[] = [];

export const produceHandler: ApiHandler<BrokerServices, ProduceRequest, ProduceResponse> = {
  ...spanOf(ApiKey.Produce),
  read: readProduceRequest,
  write: writeProduceResponse,
  handle(request, context, services) {
    const produce = new PendingProduce(request, context, services);
    produce.start(request);
  },
  errorResponse: (request, errorCode, message) => ({
    responses: request.topicData.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map(({ index }) => ({ ...unansweredPartition(index), errorCode, errorMessage: message })),
    })),
    throttleTimeMs: 0,
    nodeEndpoints: [],
  }),
};

function unansweredPartition(index: number): PartitionProduceResponse {
  return {
    index,
    errorCode: ErrorCode.NONE,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: null,
    currentLeader: NO_LEADER,
  };
}

/** Each record for itself: a client may send those again that nothing is wrong with. */
function recordErrors({ badRecordIndexes, message }: LogError): BatchIndexAndErrorMessage[] {
  if (badRecordIndexes.length === 0) return NO_RECORD_ERRORS;
  return badRecordIndexes.map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: message }));
}

const NO_LEADER = { leaderId: -1, leaderEpoch: -1 };

class PendingProduce {
  readonly #context: RequestContext<ProduceResponse>;
  readonly #services: BrokerServices;
  readonly #acks: number;
  readonly #internalAllowed: boolean;
  readonly #transactionalId: string | null;
  readonly #responses: TopicProduceResponse[] = [];
  /** Partitions not done yet, and one for `start` itself. */
  #left = 1;
  #failed: PartitionProduceResponse | null = null;
  #leaderAsked = false;

  constructor(request: ProduceRequest, context: RequestContext<ProduceResponse>, services: BrokerServices) {
    this.#context = context;
    this.#services = services;
    this.#acks = request.acks;
    this.#transactionalId = request.transactionalId;
    this.#internalAllowed = context.clientId === ADMIN_CLIENT_ID;
  }

  start(request: ProduceRequest): void {
    const topics = request.topicData;
    for (let i = 0; i < topics.length; i++) this.#startTopic(topics[i]!);
    this.#finishOne();
  }

  #startTopic(data: TopicProduceData): void {
    const byId = this.#context.apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
    const topic = byId ? this.#services.partitions.topicById(data.topicId) : this.#services.partitions.topic(data.name);
    const partitionResponses: PartitionProduceResponse[] = [];
    this.#responses.push({ name: data.name, topicId: data.topicId, partitionResponses });
    const unknown = byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const partitions = data.partitionData;
    for (let i = 0; i < partitions.length; i++) {
      const { index, records } = partitions[i]!;
      const entry = unansweredPartition(index);
      partitionResponses.push(entry);
      if (topic === undefined) this.#refuse(entry, unknown, null);
      else this.#startPartition(topic, entry, records as Buffer | null);
    }
  }

  #startPartition(topic: TopicState, entry: PartitionProduceResponse, records: Buffer | null): void {
    const partition = topic.partitions[entry.index];
    if (partition === undefined) return this.#refuse(entry, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null);
    const code = recordsError(records, this.#context.apiVersion);
    if (code !== ErrorCode.NONE) return this.#refuse(entry, code, recordsMessage(code, this.#context.apiVersion));
    if (this.#acks < -1 || this.#acks > 1) return this.#refuse(entry, ErrorCode.INVALID_REQUIRED_ACKS, null);
    if (topic.internal && !this.#internalAllowed) {
      return this.#refuse(entry, ErrorCode.INVALID_TOPIC_EXCEPTION, `Cannot append to internal topic ${topic.name}`);
    }
    const error = partition.appendError(this.#acks);
    if (error !== ErrorCode.NONE) return this.#refusePartition(partition, entry, error);
    this.#left++;
    // The bytes are borrowed.
    const sizeBytes = records!.length;
    if (isTransactional(attributesOf(records!, 0))) this.#appendTransactional(partition, entry, records!);
    else partition.append(records!, 'client', (failure, info) => this.#settle(partition, entry, sizeBytes, failure, info));
  }

  #appendTransactional(partition: Partition, entry: PartitionProduceResponse, records: Buffer): void {
    const refused = (code: number, message: string | null): void => {
      this.#refusePartition(partition, entry, code);
      entry.errorMessage = message;
      this.#finishOne();
    };
    const transactionalId = this.#transactionalId;
    if (transactionalId === null) return refused(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, null);
    const append = { transactionalId, acks: this.#acks, mode: produceMode(this.#context.apiVersion) };
    const sizeBytes = records.length;
    const done = (failure: LogError | null, info: AppendInfo | null): void => this.#settle(partition, entry, sizeBytes, failure, info);
    appendTransactional(this.#services.transactions.verifier, partition, records, append, done, refused);
  }

  #refusePartition(partition: Partition, entry: PartitionProduceResponse, code: number): void {
    this.#refuse(entry, code, null);
    if (code !== ErrorCode.NOT_LEADER_OR_FOLLOWER || this.#context.apiVersion < FIRST_VERSION_WITH_LEADER) return;
    entry.currentLeader = { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch };
    this.#leaderAsked = true;
  }

  #refuse(entry: PartitionProduceResponse, code: number, message: string | null): void {
    entry.errorCode = code;
    entry.errorMessage = message;
    this.#failed ??= entry;
  }

  #settle(partition: Partition, entry: PartitionProduceResponse, sizeBytes: number, error: LogError | null, info: AppendInfo | null): void {
    if (info !== null) {
      partition.topic.traffic.noteProduced(info.lastOffset - info.firstOffset + 1, sizeBytes);
      entry.baseOffset = info.firstOffset;
      entry.logAppendTimeMs = info.logAppendTimeMs;
      entry.logStartOffset = info.logStartOffset;
    } else {
      partition.topic.traffic.noteProduceFailed(sizeBytes);
      this.#refuseRecords(partition, entry, error!);
    }
    this.#finishOne();
  }

  #refuseRecords(partition: Partition, entry: PartitionProduceResponse, error: LogError): void {
    this.#refuse(entry, logErrorCode(error), error.message);
    entry.logStartOffset = partition.log?.logStartOffset ?? -1;
    entry.recordErrors = recordErrors(error);
  }

  #finishOne(): void {
    this.#left--;
    if (this.#left > 0) return;
    if (this.#acks === 0) this.#finishUnanswered();
    else this.#context.reply({ responses: this.#responses, throttleTimeMs: 0, nodeEndpoints: this.#leaderAsked ? this.#nodeEndpoints() : [] });
  }

  /** No reply is expected: the client learns of an error by the end of its connection. */
  #finishUnanswered(): void {
    if (this.#failed === null) return this.#context.replyNothing();
    this.#context.closeConnection(`acks=0 and ${errorName(this.#failed.errorCode)}`);
  }

  #nodeEndpoints(): ProduceResponse['nodeEndpoints'] {
    const leaders = new Set<number>();
    for (const topic of this.#responses) for (const { currentLeader } of topic.partitionResponses) leaders.add(currentLeader.leaderId);
    const endpoints: ProduceResponse['nodeEndpoints'] = [];
    for (const id of leaders) {
      const broker = this.#services.metadata.image.brokers.get(id);
      const endpoint = endpointOf(broker, this.#context.connection.listenerName);
      if (broker !== undefined && endpoint !== undefined) endpoints.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
    }
    return endpoints;
  }
}

/** What is wrong with the shape of the bytes for this version; their content is the log's to check. */
function recordsError(records: Buffer | null, version: number): number {
  if (records === null || records.length === 0) return ErrorCode.INVALID_RECORD;
  if (records.length < HEADER_BYTES) return records.length < LOG_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES_MIN ? ErrorCode.CORRUPT_MESSAGE : ErrorCode.INVALID_RECORD;
  if (magicOf(records, 0) !== MAGIC) return ErrorCode.INVALID_RECORD;
  const length = records.readInt32BE(Field.length);
  if (length < RECORD_OVERHEAD_BYTES_MIN) return ErrorCode.CORRUPT_MESSAGE;
  if (length + LOG_OVERHEAD_BYTES !== records.length) return ErrorCode.INVALID_RECORD;
  const attributes = attributesOf(records, 0);
  if ((attributes & Attribute.control) !== 0) return ErrorCode.INVALID_RECORD;
  return codecIn(attributes) === Codec.zstd && version < FIRST_VERSION_WITH_ZSTD ? ErrorCode.UNSUPPORTED_COMPRESSION_TYPE : ErrorCode.NONE;
}

function recordsMessage(code: number, version: number): string | null {
  return code === ErrorCode.INVALID_RECORD ? `Produce requests with version ${version} must have exactly one record batch of magic version 2, without control records` : null;
}
