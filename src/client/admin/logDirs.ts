import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAlterReplicaLogDir, makeAlterReplicaLogDirsRequest, makeAlterReplicaLogDirTopic, readAlterReplicaLogDirsResponse, writeAlterReplicaLogDirsRequest } from '../../protocol/generated/alterReplicaLogDirs.ts';
import { makeDescribeLogDirsRequest, readDescribeLogDirsResponse, writeDescribeLogDirsRequest, type DescribeLogDirsResult } from '../../protocol/generated/describeLogDirs.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { brokers } from './routes.ts';

const describeLogDirsApi = { apiKey: ApiKey.DescribeLogDirs, versionMax: 5, write: writeDescribeLogDirsRequest, read: readDescribeLogDirsResponse } as const;
const alterReplicaLogDirsApi = { apiKey: ApiKey.AlterReplicaLogDirs, versionMax: 2, write: writeAlterReplicaLogDirsRequest, read: readAlterReplicaLogDirsResponse } as const;

export interface ReplicaLog {
  readonly sizeBytes: number;
  /** How far it is behind: the high watermark less its end, or the present log's end less its own for one that moves in. */
  readonly offsetLag: number;
  /** It is being copied here from another directory of the broker. */
  readonly isFuture: boolean;
}

export interface LogDirectory {
  readonly path: string;
  /** null: it is well. */
  readonly error: KafkaError | null;
  readonly replicas: PartitionMap<ReplicaLog>;
  /** Of the volume; -1: the broker does not tell. */
  readonly totalBytes: number;
  readonly usableBytes: number;
  /** Takes no new partitions. */
  readonly isCordoned: boolean;
}

/** The directories of each broker, by broker id. */
export function describeLogDirs(cluster: Cluster, brokerIds: readonly number[]): Promise<Map<number, Outcome<LogDirectory[]>>> {
  return askForEach<number, LogDirectory[]>(cluster, brokerIds, brokers(cluster, (id) => id), async (connection, [id]) => {
    const answer = await connection.request(describeLogDirsApi, makeDescribeLogDirsRequest({ topics: null }));
    return new Map([[id as number, outcomeOf(answer.errorCode, null, answer.results.map(directoryOf))]]);
  });
}

function directoryOf({ errorCode, logDir, topics, totalBytes, usableBytes, isCordoned }: DescribeLogDirsResult): LogDirectory {
  const replicas = new PartitionMap<ReplicaLog>();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, partitionSize, offsetLag, isFutureKey } of partitions) replicas.set({ topic: name, partition: partitionIndex }, { sizeBytes: partitionSize, offsetLag, isFuture: isFutureKey });
  }
  return { path: logDir, error: errorCode === ErrorCode.NONE ? null : new KafkaError(errorCode), replicas, totalBytes, usableBytes, isCordoned };
}

/** Where a replica lies, and where it is being moved to; null: nowhere. */
export interface ReplicaPlace {
  readonly current: { readonly path: string } & ReplicaLog | null;
  readonly future: { readonly path: string } & ReplicaLog | null;
}

/** The directories of single replicas, in the order asked for. */
export async function describeReplicaLogDirs(cluster: Cluster, replicas: readonly TopicPartitionReplica[]): Promise<Map<TopicPartitionReplica, Outcome<ReplicaPlace>>> {
  const byBroker = await describeLogDirs(cluster, [...new Set(replicas.map(({ brokerId }) => brokerId))]);
  return new Map(replicas.map((replica) => {
    const directories = byBroker.get(replica.brokerId) as Outcome<LogDirectory[]>;
    return [replica, directories.error === undefined ? { value: placeOf(replica, directories.value) } : directories];
  }));
}

function placeOf(replica: TopicPartition, directories: readonly LogDirectory[]): ReplicaPlace {
  let current: ReplicaPlace['current'] = null;
  let future: ReplicaPlace['future'] = null;
  for (const { path, replicas } of directories) {
    const log = replicas.get(replica);
    if (log?.isFuture === true) future = { path, ...log };
    else if (log !== undefined) current = { path, ...log };
  }
  return { current, future };
}

export interface TopicPartitionReplica extends TopicPartition {
  readonly brokerId: number;
}

/** Moves replicas to other directories of their brokers. */
export function alterReplicaLogDirs(cluster: Cluster, moves: ReadonlyMap<TopicPartitionReplica, string>): Promise<Map<TopicPartitionReplica, Outcome<null>>> {
  return askForEach<TopicPartitionReplica, null>(cluster, [...moves.keys()], brokers(cluster, ({ brokerId }) => brokerId), async (connection, keys) => {
    const paths = [...new Set(keys.map((key) => moves.get(key) as string))];
    const dirs = paths.map((path) => makeAlterReplicaLogDir({
      path,
      topics: [...byTopic(keys.filter((key) => moves.get(key) === path))].map(([name, replicas]) => makeAlterReplicaLogDirTopic({ name, partitions: replicas.map(({ partition }) => partition) })),
    }));
    const answer = await connection.request(alterReplicaLogDirsApi, makeAlterReplicaLogDirsRequest({ dirs }));
    const codes = new PartitionMap<number>();
    for (const { topicName, partitions } of answer.results) for (const { partitionIndex, errorCode } of partitions) codes.set({ topic: topicName, partition: partitionIndex }, errorCode);
    return new Map(keys.flatMap((key) => (codes.has(key) ? [[key, outcomeOf(codes.get(key) as number, null, null)] as const] : [])));
  });
}
