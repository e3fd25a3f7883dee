import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeElectLeadersRequest, makeTopicPartitions, readElectLeadersResponse, writeElectLeadersRequest } from '../../protocol/generated/electLeaders.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import { valueOf, type Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { controller } from './routes.ts';

const electLeadersApi = { apiKey: ApiKey.ElectLeaders, versionMax: 2, write: writeElectLeadersRequest, read: readElectLeadersResponse } as const;

export const ElectionType = { preferred: 0, unclean: 1 } as const;

/** Elects leaders; null: for all partitions, where those that need none are left out of the answer. */
export async function electLeaders(cluster: Cluster, electionType: (typeof ElectionType)[keyof typeof ElectionType], partitions: readonly TopicPartition[] | null): Promise<PartitionMap<Outcome<null>>> {
  const topicPartitions = partitions === null ? null : [...byTopic(partitions)].map(([topic, list]) => makeTopicPartitions({ topic, partitions: list.map(({ partition }) => partition) }));
  const outcomes = await askForEach<null, PartitionMap<Outcome<null>>>(cluster, [null], controller(cluster), async (connection) => {
    const version = connection.versionOf(electLeadersApi, electionType === ElectionType.unclean ? 1 : 0);
    const answer = await connection.request(electLeadersApi, makeElectLeadersRequest({ electionType, topicPartitions, timeoutMs: cluster.options.requestTimeoutMs }), { version });
    const results = new PartitionMap<Outcome<null>>();
    for (const { topic, partitionResult } of answer.replicaElectionResults) for (const { partitionId, errorCode, errorMessage } of partitionResult) results.set({ topic, partition: partitionId }, outcomeOf(errorCode, errorMessage, null));
    return new Map([[null, outcomeOf(answer.errorCode, null, results)]]);
  });
  return valueOf(outcomes.get(null));
}
