import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestTopic, readOffsetFetchResponse, writeOffsetFetchRequest } from '../../protocol/generated/offsetFetch.ts';
import { isCoordinatorLost, type Coordinator } from '../core/coordinators.ts';
import type { GroupIdentity } from '../producer/transaction.ts';
import type { Assignment } from './assignor.ts';
import { partitionKey } from './partitionState.ts';

/** Versions that name topics instead of ids; 9 is the first one for members of the consumer protocol. */
const offsetCommitApi = { apiKey: ApiKey.OffsetCommit, versionMax: 9, write: writeOffsetCommitRequest, read: readOffsetCommitResponse } as const;
/** From 8 on several groups are asked for at once, which is not needed here. */
const offsetFetchApi = { apiKey: ApiKey.OffsetFetch, versionMax: 7, write: writeOffsetFetchRequest, read: readOffsetFetchResponse } as const;
const INSTANCE_VERSION = 7;
const EPOCH_VERSION = 6;
const STABLE_VERSION = 7;

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

export interface CommittedOffset {
  readonly offset: number;
  readonly metadata: string;
}

/** The error of a partition, with `onError` called for each: raise what should be raised from there. */
export type CodeCheck = (code: number, where?: string) => void;

/** Commits once. Every code of the answer goes through `check`. */
export async function commitOffsets(coordinator: Coordinator, identity: GroupIdentity, offsets: readonly OffsetToCommit[], check: CodeCheck): Promise<void> {
  if (offsets.length === 0) return;
  const { groupId, generationId, memberId, instanceId } = identity;
  const answer = await coordinator.ask(offsetCommitApi, (version) => {
    const topics = [...groupBy(offsets, ({ topic }) => topic)].map(([name, all]) => makeOffsetCommitRequestTopic({
      name, partitions: all.map(({ partition, offset, leaderEpoch, metadata }) => makeOffsetCommitRequestPartition({
        partitionIndex: partition, committedOffset: offset, committedMetadata: metadata ?? '', ...(version >= EPOCH_VERSION ? { committedLeaderEpoch: leaderEpoch ?? -1 } : {}),
      })),
    }));
    const instance = version >= INSTANCE_VERSION && instanceId !== null ? { groupInstanceId: instanceId } : {};
    return makeOffsetCommitRequest({ groupId, generationIdOrMemberEpoch: generationId, memberId, topics, ...instance });
  });
  for (const topic of answer.topics) {
    for (const partition of topic.partitions) {
      if (isCoordinatorLost(partition.errorCode)) coordinator.forget();
      check(partition.errorCode, `${topic.name}-${partition.partitionIndex}`);
    }
  }
}

/** Committed offsets by `partitionKey`; absent where there is none. `isStable`: not before open transactions have decided them. */
export async function fetchCommitted(coordinator: Coordinator, groupId: string, assignment: Assignment, isStable: boolean): Promise<Map<string, CommittedOffset>> {
  const offsets = new Map<string, CommittedOffset>();
  if (assignment.size === 0) return offsets;
  const topics = [...assignment].map(([name, partitionIndexes]) => makeOffsetFetchRequestTopic({ name, partitionIndexes: [...partitionIndexes] }));
  const answer = await coordinator.ask(offsetFetchApi, (version) => makeOffsetFetchRequest({ groupId, topics, ...(version >= STABLE_VERSION ? { requireStable: isStable } : {}) }));
  const check = (code: number, where?: string): void => {
    if (isCoordinatorLost(code)) coordinator.forget();
    if (code !== ErrorCode.NONE) throw new KafkaError(code, where);
  };
  check(answer.errorCode);
  for (const topic of answer.topics) {
    for (const { partitionIndex, committedOffset, metadata, errorCode } of topic.partitions) {
      check(errorCode, `${topic.name}-${partitionIndex}`);
      if (committedOffset >= 0) offsets.set(partitionKey(topic.name, partitionIndex), { offset: committedOffset, metadata: metadata ?? '' });
    }
  }
  return offsets;
}
