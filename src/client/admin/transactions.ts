import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeProducersRequest, makeTopicRequest, readDescribeProducersResponse, writeDescribeProducersRequest } from '../../protocol/generated/describeProducers.ts';
import { makeDescribeTransactionsRequest, readDescribeTransactionsResponse, writeDescribeTransactionsRequest } from '../../protocol/generated/describeTransactions.ts';
import { makeInitProducerIdRequest, readInitProducerIdResponse, writeInitProducerIdRequest } from '../../protocol/generated/initProducerId.ts';
import { makeListTransactionsRequest, readListTransactionsResponse, writeListTransactionsRequest } from '../../protocol/generated/listTransactions.ts';
import { makeWritableTxnMarker, makeWritableTxnMarkerTopic, makeWriteTxnMarkersRequest, readWriteTxnMarkersResponse, writeWriteTxnMarkersRequest } from '../../protocol/generated/writeTxnMarkers.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf, type Route } from './driver.ts';
import { throwFirst, valueOf, type Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { brokerIds, brokers, coordinators, CoordinatorType, leaders } from './routes.ts';

const listTransactionsApi = { apiKey: ApiKey.ListTransactions, versionMax: 2, write: writeListTransactionsRequest, read: readListTransactionsResponse } as const;
const describeTransactionsApi = { apiKey: ApiKey.DescribeTransactions, versionMax: 0, write: writeDescribeTransactionsRequest, read: readDescribeTransactionsResponse } as const;
const describeProducersApi = { apiKey: ApiKey.DescribeProducers, versionMax: 0, write: writeDescribeProducersRequest, read: readDescribeProducersResponse } as const;
const writeTxnMarkersApi = { apiKey: ApiKey.WriteTxnMarkers, versionMax: 1, write: writeWriteTxnMarkersRequest, read: readWriteTxnMarkersResponse } as const;
const initProducerIdApi = { apiKey: ApiKey.InitProducerId, versionMax: 5, write: writeInitProducerIdRequest, read: readInitProducerIdResponse } as const;
const DURATION_VERSION = 1;
const PATTERN_VERSION = 2;
/** A fencing producer's transaction never begins, so this bounds nothing; the broker wants one all the same. */
const FENCE_TIMEOUT_MS = 1;

export interface TransactionListing {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly state: string;
  readonly coordinatorId: number;
}

export interface TransactionDescription {
  readonly coordinatorId: number;
  readonly state: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly timeoutMs: number;
  /** null: there is none under way. */
  readonly startMs: number | null;
  readonly partitions: readonly TopicPartition[];
}

export interface ActiveProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestampMs: number;
  /** -1: not known. */
  readonly coordinatorEpoch: number;
  /** null: it has no transaction under way here. */
  readonly transactionStartOffset: number | null;
}

export interface TransactionFilter {
  readonly states?: readonly string[];
  readonly producerIds?: readonly number[];
  /** Running longer than this; -1: all. */
  readonly durationMsMin?: number;
  /** Broker-side regular expression (RE2). */
  readonly transactionalIdPattern?: string | null;
}

export async function listTransactions(cluster: Cluster, { states = [], producerIds = [], durationMsMin = -1, transactionalIdPattern = null }: TransactionFilter = {}): Promise<TransactionListing[]> {
  const ids = await brokerIds(cluster);
  const route: Route<number> = { ...brokers<number>(cluster, (id) => id), isPassing: (error) => error.retriable };
  const versionMin = transactionalIdPattern !== null ? PATTERN_VERSION : durationMsMin >= 0 ? DURATION_VERSION : 0;
  const outcomes = await askForEach<number, TransactionListing[]>(cluster, ids, route, async (connection, [id]) => {
    const body = makeListTransactionsRequest({ stateFilters: [...states], producerIdFilters: [...producerIds], durationFilter: durationMsMin, transactionalIdPattern });
    const answer = await connection.request(listTransactionsApi, body, { version: connection.versionOf(listTransactionsApi, versionMin) });
    const listed = answer.transactionStates.map(({ transactionalId, producerId, transactionState }) => ({ transactionalId, producerId, state: transactionState, coordinatorId: id as number }));
    return new Map([[id as number, outcomeOf(answer.errorCode, null, listed)]]);
  });
  return [...outcomes.values()].flatMap((outcome) => valueOf(outcome));
}

export function describeTransactions(cluster: Cluster, transactionalIds: readonly string[]): Promise<Map<string, Outcome<TransactionDescription>>> {
  const route = coordinators<string>(cluster, CoordinatorType.transaction, (id) => id);
  return askForEach<string, TransactionDescription>(cluster, transactionalIds, route, async (connection, keys, brokerId) => {
    const answer = await connection.request(describeTransactionsApi, makeDescribeTransactionsRequest({ transactionalIds: [...keys] }));
    return new Map(answer.transactionStates.map((found) => [found.transactionalId, outcomeOf(found.errorCode, null, {
      coordinatorId: brokerId ?? -1, state: found.transactionState, producerId: found.producerId, producerEpoch: found.producerEpoch, timeoutMs: found.transactionTimeoutMs,
      startMs: found.transactionStartTimeMs < 0 ? null : found.transactionStartTimeMs,
      partitions: found.topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
    })]));
  });
}

/** Producers that have written to partitions; asks the leaders, or the broker named. */
export async function describeProducers(cluster: Cluster, partitions: readonly TopicPartition[], brokerId: number | null = null): Promise<PartitionMap<Outcome<ActiveProducer[]>>> {
  const route: Route<TopicPartition> = brokerId === null ? leaders(cluster) : brokers(cluster, () => brokerId);
  const outcomes = await askForEach<TopicPartition, ActiveProducer[]>(cluster, partitions, route, async (connection, asked) => {
    const topics = [...byTopic(asked)].map(([name, list]) => makeTopicRequest({ name, partitionIndexes: list.map(({ partition }) => partition) }));
    const answer = await connection.request(describeProducersApi, makeDescribeProducersRequest({ topics }));
    const found = new PartitionMap<Outcome<ActiveProducer[]>>();
    for (const { name, partitions: list } of answer.topics) {
      for (const { partitionIndex, errorCode, errorMessage, activeProducers } of list) {
        const producers = activeProducers.map(({ producerId, producerEpoch, lastSequence, lastTimestamp, coordinatorEpoch, currentTxnStartOffset }) => ({
          producerId, producerEpoch, lastSequence, lastTimestampMs: lastTimestamp, coordinatorEpoch, transactionStartOffset: currentTxnStartOffset < 0 ? null : currentTxnStartOffset,
        }));
        found.set({ topic: name, partition: partitionIndex }, outcomeOf(errorCode, errorMessage, producers));
      }
    }
    return new Map(asked.flatMap((key) => (found.has(key) ? [[key, found.get(key) as Outcome<ActiveProducer[]>] as const] : [])));
  });
  return new PartitionMap(outcomes);
}

export interface HangingTransaction extends TopicPartition {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

/** Writes an abort marker for a transaction that its coordinator has lost. (KIP-664) */
export async function abortTransaction(cluster: Cluster, transaction: HangingTransaction): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch } = transaction;
  const outcomes = await askForEach<HangingTransaction, null>(cluster, [transaction], leaders(cluster), async (connection) => {
    const marker = makeWritableTxnMarker({ producerId, producerEpoch, coordinatorEpoch, transactionResult: false, topics: [makeWritableTxnMarkerTopic({ name: topic, partitionIndexes: [partition] })] });
    const answer = await connection.request(writeTxnMarkersApi, makeWriteTxnMarkersRequest({ markers: [marker] }));
    const code = answer.markers[0]?.topics[0]?.partitions[0]?.errorCode;
    return code === undefined ? new Map() : new Map([[transaction, outcomeOf(code, null, null)]]);
  });
  throwFirst(outcomes);
}

export interface FencedProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Ends what producers of these transactional ids have under way, and fences them off. */
export function fenceProducers(cluster: Cluster, transactionalIds: readonly string[]): Promise<Map<string, Outcome<FencedProducer>>> {
  return askForEach<string, FencedProducer>(cluster, transactionalIds, coordinators(cluster, CoordinatorType.transaction, (id) => id), async (connection, keys) => {
    const fenced = new Map<string, Outcome<FencedProducer>>();
    for (const transactionalId of keys) {
      const answer = await connection.request(initProducerIdApi, makeInitProducerIdRequest({ transactionalId, transactionTimeoutMs: FENCE_TIMEOUT_MS, producerId: -1, producerEpoch: -1 }));
      fenced.set(transactionalId, outcomeOf(answer.errorCode, null, { producerId: answer.producerId, producerEpoch: answer.producerEpoch }));
    }
    return fenced;
  });
}

/** Ends the transaction of a producer that is gone, so that readers of committed records can go on. */
export async function forceTerminateTransaction(cluster: Cluster, transactionalId: string): Promise<void> {
  throwFirst(await fenceProducers(cluster, [transactionalId]));
}
