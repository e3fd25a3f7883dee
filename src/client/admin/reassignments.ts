import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAlterPartitionReassignmentsRequest, makeReassignablePartition, makeReassignableTopic, readAlterPartitionReassignmentsResponse, writeAlterPartitionReassignmentsRequest } from '../../protocol/generated/alterPartitionReassignments.ts';
import { makeListPartitionReassignmentsRequest, makeListPartitionReassignmentsTopics, readListPartitionReassignmentsResponse, writeListPartitionReassignmentsRequest } from '../../protocol/generated/listPartitionReassignments.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import { valueOf, type Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { controller } from './routes.ts';

const alterReassignmentsApi = { apiKey: ApiKey.AlterPartitionReassignments, versionMax: 1, write: writeAlterPartitionReassignmentsRequest, read: readAlterPartitionReassignmentsResponse } as const;
const listReassignmentsApi = { apiKey: ApiKey.ListPartitionReassignments, versionMax: 0, write: writeListPartitionReassignmentsRequest, read: readListPartitionReassignmentsResponse } as const;
/** The first one that can forbid another replication factor. (KIP-860) */
const FACTOR_VERSION = 1;

export interface Reassignment {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

interface Move extends TopicPartition {
  readonly replicas: readonly number[] | null;
}

/** Moves partitions to these brokers, the first one preferred; null: ends the move under way. */
export async function alterReassignments(cluster: Cluster, moves: Iterable<readonly [TopicPartition, readonly number[] | null]>, allowReplicationFactorChange = true): Promise<PartitionMap<Outcome<null>>> {
  const keys: Move[] = [...moves].map(([{ topic, partition }, replicas]) => ({ topic, partition, replicas }));
  const outcomes = await askForEach<Move, null>(cluster, keys, controller(cluster), async (connection, asked) => {
    const topics = [...byTopic(asked)].map(([name, list]) => makeReassignableTopic({
      name, partitions: list.map(({ partition, replicas }) => makeReassignablePartition({ partitionIndex: partition, replicas: replicas === null ? null : [...replicas] })),
    }));
    const body = makeAlterPartitionReassignmentsRequest({ timeoutMs: cluster.options.requestTimeoutMs, allowReplicationFactorChange, topics });
    const version = connection.versionOf(alterReassignmentsApi, allowReplicationFactorChange ? 0 : FACTOR_VERSION);
    const answer = await connection.request(alterReassignmentsApi, body, { version });
    if (answer.errorCode !== ErrorCode.NONE) return new Map(asked.map((key) => [key, failure(answer.errorCode, answer.errorMessage)]));
    const results = new PartitionMap<Outcome<null>>();
    for (const { name, partitions } of answer.responses) for (const { partitionIndex, errorCode, errorMessage } of partitions) results.set({ topic: name, partition: partitionIndex }, outcomeOf(errorCode, errorMessage, null));
    return new Map(asked.flatMap((key) => (results.has(key) ? [[key, results.get(key) as Outcome<null>] as const] : [])));
  });
  return new PartitionMap([...outcomes].map(([{ topic, partition }, outcome]) => [{ topic, partition }, outcome]));
}

/** Moves under way; null: of all partitions. */
export async function listReassignments(cluster: Cluster, partitions: readonly TopicPartition[] | null = null): Promise<PartitionMap<Reassignment>> {
  const topics = partitions === null ? null : [...byTopic(partitions)].map(([name, list]) => makeListPartitionReassignmentsTopics({ name, partitionIndexes: list.map(({ partition }) => partition) }));
  const outcomes = await askForEach<null, PartitionMap<Reassignment>>(cluster, [null], controller(cluster), async (connection) => {
    const answer = await connection.request(listReassignmentsApi, makeListPartitionReassignmentsRequest({ topics, timeoutMs: cluster.options.requestTimeoutMs }));
    const ongoing = new PartitionMap<Reassignment>();
    for (const { name, partitions: list } of answer.topics) for (const { partitionIndex, replicas, addingReplicas, removingReplicas } of list) ongoing.set({ topic: name, partition: partitionIndex }, { replicas, addingReplicas, removingReplicas });
    return new Map([[null, outcomeOf(answer.errorCode, answer.errorMessage, ongoing)]]);
  });
  return valueOf(outcomes.get(null));
}

