import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../protocol/generated/offsetCommit.ts';
import { makeOffsetDeleteRequest, makeOffsetDeleteRequestPartition, makeOffsetDeleteRequestTopic, readOffsetDeleteResponse, writeOffsetDeleteRequest } from '../../protocol/generated/offsetDelete.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestGroup, makeOffsetFetchRequestTopic, makeOffsetFetchRequestTopics, readOffsetFetchResponse, writeOffsetFetchRequest, type OffsetFetchResponsePartitions } from '../../protocol/generated/offsetFetch.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import { valueOf, type Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { coordinators, CoordinatorType } from './routes.ts';

/** Version 10 names topics by id. */
const offsetFetchApi = { apiKey: ApiKey.OffsetFetch, versionMax: 9, write: writeOffsetFetchRequest, read: readOffsetFetchResponse } as const;
const offsetCommitApi = { apiKey: ApiKey.OffsetCommit, versionMax: 9, write: writeOffsetCommitRequest, read: readOffsetCommitResponse } as const;
const offsetDeleteApi = { apiKey: ApiKey.OffsetDelete, versionMax: 0, write: writeOffsetDeleteRequest, read: readOffsetDeleteResponse } as const;
/** From here on one request asks for several groups. */
const GROUPS_VERSION = 8;
const ALL_TOPICS_VERSION = 2;
const STABLE_VERSION = 7;
const NO_MEMBER = -1;

export interface CommittedOffset {
  readonly offset: number;
  /** -1: not known. */
  readonly leaderEpoch: number;
  readonly metadata: string;
}

export type CommittedOffsets = PartitionMap<Outcome<CommittedOffset | null>>;

/** What groups have committed; null as partitions: everywhere. A partition without a commit has null, or is left out where everything was asked for. */
export function listConsumerGroupOffsets(cluster: Cluster, groups: ReadonlyMap<string, readonly TopicPartition[] | null>, requireStable = false): Promise<Map<string, Outcome<CommittedOffsets>>> {
  return askForEach<string, CommittedOffsets>(cluster, [...groups.keys()], coordinators(cluster, CoordinatorType.group, (id) => id), async (connection, keys) => {
    const version = connection.versionOf(offsetFetchApi, requireStable ? STABLE_VERSION : 1);
    if (version >= GROUPS_VERSION) return fetchTogether(connection, version, keys, groups, requireStable);
    const answers = new Map<string, Outcome<CommittedOffsets>>();
    for (const key of keys) answers.set(key, await fetchOne(connection, key, groups.get(key) ?? null, requireStable));
    return answers;
  });
}

async function fetchTogether(connection: BrokerConnection, version: number, keys: readonly string[], groups: ReadonlyMap<string, readonly TopicPartition[] | null>, requireStable: boolean): Promise<Map<string, Outcome<CommittedOffsets>>> {
  const asked = keys.map((groupId) => {
    const partitions = groups.get(groupId) ?? null;
    const topics = partitions === null ? null : [...byTopic(partitions)].map(([name, list]) => makeOffsetFetchRequestTopics({ name, partitionIndexes: list.map(({ partition }) => partition) }));
    return makeOffsetFetchRequestGroup({ groupId, topics });
  });
  const answer = await connection.request(offsetFetchApi, makeOffsetFetchRequest({ groups: asked, requireStable }), { version });
  return new Map(answer.groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode === ErrorCode.NONE ? { value: committed(topics) } : failure(errorCode)]));
}

async function fetchOne(connection: BrokerConnection, groupId: string, partitions: readonly TopicPartition[] | null, requireStable: boolean): Promise<Outcome<CommittedOffsets>> {
  const topics = partitions === null ? null : [...byTopic(partitions)].map(([name, list]) => makeOffsetFetchRequestTopic({ name, partitionIndexes: list.map(({ partition }) => partition) }));
  const version = connection.versionOf(offsetFetchApi, partitions === null ? ALL_TOPICS_VERSION : 1);
  const answer = await connection.request(offsetFetchApi, makeOffsetFetchRequest({ groupId, topics, requireStable }), { version });
  return answer.errorCode === ErrorCode.NONE ? { value: committed(answer.topics) } : failure(answer.errorCode);
}

function committed(topics: readonly { readonly name: string; readonly partitions: readonly OffsetFetchResponsePartitions[] }[]): CommittedOffsets {
  const offsets: CommittedOffsets = new PartitionMap();
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of partitions) {
      const value = committedOffset < 0 ? null : { offset: committedOffset, leaderEpoch: committedLeaderEpoch, metadata: metadata ?? '' };
      offsets.set({ topic: name, partition: partitionIndex }, outcomeOf(errorCode, null, value));
    }
  }
  return offsets;
}

/** Commits offsets for a group without members. Throws when the group as a whole is refused. */
export function alterConsumerGroupOffsets(cluster: Cluster, groupId: string, offsets: Iterable<readonly [TopicPartition, CommittedOffset]>): Promise<PartitionMap<Outcome<null>>> {
  const wanted = [...offsets].map(([{ topic, partition }, value]) => ({ topic, partition, ...value }));
  const topics = [...byTopic(wanted)].map(([name, partitions]) => makeOffsetCommitRequestTopic({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch, metadata }) => makeOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata })),
  }));
  return askGroup(cluster, groupId, async (connection) => {
    const body = makeOffsetCommitRequest({ groupId, generationIdOrMemberEpoch: NO_MEMBER, memberId: '', topics });
    const answer = await connection.request(offsetCommitApi, body, { version: connection.versionOf(offsetCommitApi, 2) });
    return { value: codesOf(answer.topics) };
  });
}

/** Forgets what a group has committed. Throws when the group as a whole is refused. */
export function deleteConsumerGroupOffsets(cluster: Cluster, groupId: string, partitions: readonly TopicPartition[]): Promise<PartitionMap<Outcome<null>>> {
  const topics = [...byTopic(partitions)].map(([name, list]) => makeOffsetDeleteRequestTopic({ name, partitions: list.map(({ partition }) => makeOffsetDeleteRequestPartition({ partitionIndex: partition })) }));
  return askGroup(cluster, groupId, async (connection) => {
    const answer = await connection.request(offsetDeleteApi, makeOffsetDeleteRequest({ groupId, topics }));
    return answer.errorCode === ErrorCode.NONE ? { value: codesOf(answer.topics) } : failure(answer.errorCode);
  });
}

function codesOf(topics: readonly { readonly name: string; readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[] }[]): PartitionMap<Outcome<null>> {
  return new PartitionMap(topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex, errorCode }) => [{ topic: name, partition: partitionIndex }, outcomeOf(errorCode, null, null)] as const)));
}

/** Asks the group's coordinator; an answer with a passing error for a partition counts as passing as a whole, and is asked for again. */
async function askGroup<V>(cluster: Cluster, groupId: string, ask: (connection: BrokerConnection) => Promise<Outcome<PartitionMap<Outcome<V>>>>): Promise<PartitionMap<Outcome<V>>> {
  const route = coordinators<string>(cluster, CoordinatorType.group, (id) => id);
  const outcomes = await askForEach<string, PartitionMap<Outcome<V>>>(cluster, [groupId], route, async (connection) => {
    const outcome = await ask(connection);
    const passing = outcome.value?.values().find(({ error }) => error !== undefined && 'codeName' in error && route.isPassing(error));
    return new Map([[groupId, passing === undefined ? outcome : passing as Outcome<never>]]);
  });
  return valueOf(outcomes.get(groupId));
}
