/** Transactional producers and read-committed readers against a whole broker in one thread. */
import * as addOffsetsToTxn from '../../../src/protocol/generated/addOffsetsToTxn.ts';
import * as addPartitionsToTxn from '../../../src/protocol/generated/addPartitionsToTxn.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import * as describeProducers from '../../../src/protocol/generated/describeProducers.ts';
import * as describeTransactions from '../../../src/protocol/generated/describeTransactions.ts';
import * as endTxn from '../../../src/protocol/generated/endTxn.ts';
import { makeFetchPartition, makeFetchRequest } from '../../../src/protocol/generated/fetch.ts';
import type { PartitionData } from '../../../src/protocol/generated/fetch.ts';
import { makeFindCoordinatorRequest } from '../../../src/protocol/generated/findCoordinator.ts';
import * as listTransactions from '../../../src/protocol/generated/listTransactions.ts';
import { makeOffsetFetchRequest } from '../../../src/protocol/generated/offsetFetch.ts';
import type { PartitionProduceResponse } from '../../../src/protocol/generated/produce.ts';
import * as txnOffsetCommit from '../../../src/protocol/generated/txnOffsetCommit.ts';
import * as writeTxnMarkers from '../../../src/protocol/generated/writeTxnMarkers.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { Attribute, attributesOf, baseOffsetOf, lastOffsetOf, nextBatch, producerIdOf } from '../../../src/record/batchHeader.ts';
import { ControlType, controlTypeOf } from '../../../src/record/control.ts';
import { decodeBatch } from '../../../src/record/iterate.ts';
import { Fetch, FindCoordinator, InitProducerId, OffsetFetch, Produce } from '../support/apis.ts';
import { call } from '../support/node.ts';
import type { ClientApi, TestNode } from '../support/node.ts';
import { batch, produceBody } from '../support/work.ts';

const api = <Request, Response>(apiKey: number, write: ClientApi<Request, Response>['write'], read: ClientApi<Request, Response>['read']): ClientApi<Request, Response> =>
  ({ apiKey, write, read });

export const AddPartitionsToTxn = api(ApiKey.AddPartitionsToTxn, addPartitionsToTxn.writeAddPartitionsToTxnRequest, addPartitionsToTxn.readAddPartitionsToTxnResponse);
export const AddOffsetsToTxn = api(ApiKey.AddOffsetsToTxn, addOffsetsToTxn.writeAddOffsetsToTxnRequest, addOffsetsToTxn.readAddOffsetsToTxnResponse);
export const EndTxn = api(ApiKey.EndTxn, endTxn.writeEndTxnRequest, endTxn.readEndTxnResponse);
export const TxnOffsetCommit = api(ApiKey.TxnOffsetCommit, txnOffsetCommit.writeTxnOffsetCommitRequest, txnOffsetCommit.readTxnOffsetCommitResponse);
export const WriteTxnMarkers = api(ApiKey.WriteTxnMarkers, writeTxnMarkers.writeWriteTxnMarkersRequest, writeTxnMarkers.readWriteTxnMarkersResponse);
export const DescribeTransactions = api(ApiKey.DescribeTransactions, describeTransactions.writeDescribeTransactionsRequest, describeTransactions.readDescribeTransactionsResponse);
export const ListTransactions = api(ApiKey.ListTransactions, listTransactions.writeListTransactionsRequest, listTransactions.readListTransactionsResponse);
export const DescribeProducers = api(ApiKey.DescribeProducers, describeProducers.writeDescribeProducersRequest, describeProducers.readDescribeProducersResponse);

export const GROUP = 'readers';
export const TIMEOUT_MS = 30_000;

/** By which requests a producer works: 'new' lets the broker add partitions and takes its epoch from EndTxn; 'old' adds partitions and keeps its epoch. */
export type Style = 'new' | 'old';

export interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Makes the coordinator's topic, as a client's first request does. */
export async function findTransactionCoordinator(node: TestNode, transactionalId: string): Promise<number> {
  const response = await call(node, FindCoordinator, 4, makeFindCoordinatorRequest({ keyType: 1, coordinatorKeys: [transactionalId] }));
  await findGroupCoordinator(node);
  return response.coordinators[0]!.errorCode;
}

async function findGroupCoordinator(node: TestNode): Promise<void> {
  await call(node, FindCoordinator, 4, makeFindCoordinatorRequest({ keyType: 0, coordinatorKeys: [GROUP] }));
}

/** Asks until the answer is none of those that ask to come again. */
async function patiently(node: TestNode, ask: () => Promise<number>): Promise<number> {
  for (let attempt = 0; attempt < 80; attempt++) {
    const errorCode = await ask();
    if (!RETRIABLE.has(errorCode)) return errorCode;
    await node.ports.clock.advance(20);
  }
  throw new Error('asked for too long');
}

const RETRIABLE = new Set<number>([
  ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_ENOUGH_REPLICAS,
]);

export class TransactionalProducer {
  readonly node: TestNode;
  readonly transactionalId: string;
  readonly style: Style;
  identity: Identity = { producerId: -1, producerEpoch: -1 };
  readonly #sequences = new Map<string, number>();
  readonly #added = new Set<string>();

  constructor(node: TestNode, transactionalId: string, style: Style = 'new') {
    this.node = node;
    this.transactionalId = transactionalId;
    this.style = style;
  }

  async init(timeoutMs = TIMEOUT_MS): Promise<number> {
    await findTransactionCoordinator(this.node, this.transactionalId);
    return patiently(this.node, () => this.initOnce(timeoutMs));
  }

  async initOnce(timeoutMs = TIMEOUT_MS, expected: Identity = { producerId: -1, producerEpoch: -1 }): Promise<number> {
    const request = { transactionalId: this.transactionalId, transactionTimeoutMs: timeoutMs, ...expected, enable2Pc: false, keepPreparedTxn: false };
    const { errorCode, producerId, producerEpoch } = await call(this.node, InitProducerId, 5, request);
    if (errorCode === ErrorCode.NONE) this.#become({ producerId, producerEpoch });
    return errorCode;
  }

  #become(identity: Identity): void {
    this.#added.clear();
    if (identity.producerId === this.identity.producerId && identity.producerEpoch === this.identity.producerEpoch) return;
    this.identity = identity;
    this.#sequences.clear();
  }

  async addPartition(topic: string, partition: number): Promise<number> {
    const response = await call(this.node, AddPartitionsToTxn, 3, addPartitionsToTxn.makeAddPartitionsToTxnRequest({
      v3AndBelowTransactionalId: this.transactionalId, v3AndBelowProducerId: this.identity.producerId, v3AndBelowProducerEpoch: this.identity.producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
    }));
    return response.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode;
  }

  /** The error code; 0 means that the values are in the log. */
  async produce(topic: string, partition: number, values: readonly string[]): Promise<number> {
    const key = `${topic}-${partition}`;
    if (this.style === 'old' && !this.#added.has(key)) {
      const errorCode = await patiently(this.node, () => this.addPartition(topic, partition));
      if (errorCode !== ErrorCode.NONE) return errorCode;
      this.#added.add(key);
    }
    return patiently(this.node, async () => (await this.produceOnce(topic, partition, values)).errorCode);
  }

  async produceOnce(topic: string, partition: number, values: readonly string[], version = this.style === 'new' ? 12 : 11): Promise<PartitionProduceResponse> {
    const key = `${topic}-${partition}`;
    const baseSequence = this.#sequences.get(key) ?? 0;
    const records = batch(values, { ...this.identity, baseSequence, isTransactional: true });
    const response = await call(this.node, Produce, version, produceBody(topic, partition, records, { transactionalId: this.transactionalId }));
    const result = response.responses[0]!.partitionResponses[0]!;
    if (result.errorCode === ErrorCode.NONE) this.#sequences.set(key, baseSequence + values.length);
    return result;
  }

  async commitOffset(topic: string, partition: number, offset: number, group = GROUP): Promise<number> {
    if (this.style === 'old') {
      const request = { transactionalId: this.transactionalId, ...this.identity, groupId: group };
      const errorCode = await patiently(this.node, async () => (await call(this.node, AddOffsetsToTxn, 4, request)).errorCode);
      if (errorCode !== ErrorCode.NONE) return errorCode;
    }
    return patiently(this.node, () => this.commitOffsetOnce(topic, partition, offset, group));
  }

  async commitOffsetOnce(topic: string, partition: number, offset: number, group = GROUP, version = this.style === 'new' ? 5 : 4): Promise<number> {
    const response = await call(this.node, TxnOffsetCommit, version, txnOffsetCommit.makeTxnOffsetCommitRequest({
      transactionalId: this.transactionalId, groupId: group, ...this.identity,
      topics: [{ name: topic, topicId: zeroUuid, partitions: [{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }] }],
    }));
    return response.topics[0]!.partitions[0]!.errorCode;
  }

  end(isCommit: boolean): Promise<number> {
    return patiently(this.node, () => this.endOnce(isCommit));
  }

  async endOnce(isCommit: boolean, version = this.style === 'new' ? 5 : 4): Promise<number> {
    const response = await call(this.node, EndTxn, version, { transactionalId: this.transactionalId, ...this.identity, committed: isCommit });
    if (response.errorCode !== ErrorCode.NONE) return response.errorCode;
    this.#added.clear();
    if (version >= 5) this.#become({ producerId: response.producerId, producerEpoch: response.producerEpoch });
    return ErrorCode.NONE;
  }

  commit(): Promise<number> {
    return this.end(true);
  }

  abort(): Promise<number> {
    return this.end(false);
  }
}

/** What a reader of committed records makes of a partition, as a client does: it skips what was aborted, and control batches. */
export async function readCommitted(node: TestNode, topic: string, partition: number, fromOffset = 0): Promise<{ values: string[]; nextOffset: number }> {
  const values: string[] = [];
  let offset = fromOffset;
  for (;;) {
    const data = await fetchOnce(node, topic, partition, offset, 1);
    if (data.errorCode !== ErrorCode.NONE) throw new Error(`fetch: ${data.errorCode}`);
    const next = takeCommitted(data, offset, values);
    if (next === offset) return { values, nextOffset: offset };
    offset = next;
  }
}

export async function fetchOnce(node: TestNode, topic: string, partition: number, fetchOffset: number, isolationLevel: number): Promise<PartitionData> {
  const partitions = [makeFetchPartition({ partition, fetchOffset, partitionMaxBytes: 400 })];
  const response = await call(node, Fetch, 12, makeFetchRequest({ maxWaitMs: 0, minBytes: 0, isolationLevel, topics: [{ topic, topicId: zeroUuid, partitions }] }));
  return response.responses[0]!.partitions[0]!;
}

function takeCommitted(data: PartitionData, fromOffset: number, values: string[]): number {
  const bytes = data.records as Buffer;
  const aborted = (data.abortedTransactions ?? []).toSorted((left, right) => left.firstOffset - right.firstOffset);
  const abortedNow = new Set<number>();
  let next = fromOffset;
  for (let at = 0, after = nextBatch(bytes, 0); after !== -1; at = after, after = nextBatch(bytes, at)) {
    while (aborted.length > 0 && aborted[0]!.firstOffset <= lastOffsetOf(bytes, at)) abortedNow.add(aborted.shift()!.producerId);
    const attributes = attributesOf(bytes, at);
    const producerId = producerIdOf(bytes, at);
    const records = decodeBatch(bytes, at);
    if ((attributes & Attribute.control) !== 0) {
      if (controlTypeOf(records[0]!.key as Buffer) === ControlType.abort) abortedNow.delete(producerId);
    } else if ((attributes & Attribute.transactional) === 0 || !abortedNow.has(producerId)) {
      for (const [index, { value }] of records.entries()) if (baseOffsetOf(bytes, at) + index >= fromOffset) values.push(value!.toString());
    }
    next = Math.max(lastOffsetOf(bytes, at) + 1, next);
  }
  return next;
}

/** The committed offset; null while it is not stable. */
export async function committedOffset(node: TestNode, topic: string, partition: number, requireStable = true, group = GROUP): Promise<number | null> {
  const groups = [{ groupId: group, memberId: null, memberEpoch: -1, topics: [{ name: topic, topicId: zeroUuid, partitionIndexes: [partition] }] }];
  let found: { errorCode: number; committedOffset: number } | undefined;
  await patiently(node, async () => {
    const response = await call(node, OffsetFetch, 8, makeOffsetFetchRequest({ groups, requireStable }));
    found = response.groups[0]!.topics[0]?.partitions[0];
    return response.groups[0]!.errorCode;
  });
  return found!.errorCode === ErrorCode.UNSTABLE_OFFSET_COMMIT ? null : found!.committedOffset;
}
