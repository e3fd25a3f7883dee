/** OffsetFetch (9), versions 1 to 10: committed offsets of one group, or of several since version 8. Topics by id from version 10. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readOffsetFetchRequest, writeOffsetFetchResponse } from '../../../protocol/generated/offsetFetch.ts';
import type { OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchResponse, OffsetFetchResponseGroup, OffsetFetchResponseTopics } from '../../../protocol/generated/offsetFetch.ts';
import { zeroUuid } from '../../../protocol/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TopicIds } from '../cluster.ts';
import type { GroupCoordinator } from '../groupCoordinator.ts';
import { noOffset } from '../offsets/fetch.ts';
import type { FetchedTopic } from '../offsets/fetch.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

const ALL_TOPICS_FROM = 2;
const GROUPS_FROM = 8;
const TOPIC_IDS_FROM = 10;

export const offsetFetchHandler: ApiHandler<GroupServices, OffsetFetchRequest, OffsetFetchResponse> = {
  ...spanOf(ApiKey.OffsetFetch),
  read: readOffsetFetchRequest,
  write: writeOffsetFetchResponse,
  handle(request, context, { groupCoordinator }) {
    const { apiVersion } = context;
    const wanted = wantedGroups(request, apiVersion);
    const groups: OffsetFetchResponseGroup[] = [];
    let left = wanted.length;
    if (left === 0) return answer(context, response(groups, apiVersion));
    wanted.forEach((group, index) => {
      fetchGroup(group, request.requireStable, apiVersion, groupCoordinator, (fetched) => {
        groups[index] = fetched;
        if (--left === 0) answer(context, response(groups, apiVersion));
      });
    });
  },
  errorResponse: (request, errorCode, _message, version) =>
    response(wantedGroups(request, version).map((group) => failedGroup(group, errorCode, version)), version),
};

function wantedGroups(request: OffsetFetchRequest, version: number): OffsetFetchRequestGroup[] {
  if (version >= GROUPS_FROM) return withoutRepeats(request.groups);
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: zeroUuid })) ?? null;
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics: version < ALL_TOPICS_FROM ? (topics ?? []) : topics }];
}

/** All that a group has committed is told once, however often it is asked for. */
function withoutRepeats(groups: readonly OffsetFetchRequestGroup[]): OffsetFetchRequestGroup[] {
  const whole = new Set<string>();
  return groups.filter(({ groupId, topics }) => topics !== null || (!whole.has(groupId) && whole.add(groupId)));
}

function fetchGroup(
  group: OffsetFetchRequestGroup, requireStable: boolean, version: number, coordinator: GroupCoordinator, done: (fetched: OffsetFetchResponseGroup) => void,
): void {
  const { groupId } = group;
  const isById = version >= TOPIC_IDS_FROM;
  const known: FetchedTopic[] = [];
  const unknown: OffsetFetchResponseTopics[] = [];
  for (const topic of group.topics ?? []) {
    const resolved = resolve(topic, isById, coordinator.cluster);
    if (resolved === null) unknown.push({ ...topic, partitions: topic.partitionIndexes.map((index) => noOffset(index, ErrorCode.UNKNOWN_TOPIC_ID)) });
    else known.push(resolved);
  }
  coordinator.fetch(groupId, group.topics === null ? null : known, requireStable, (errorCode, fetched) => {
    if (errorCode !== ErrorCode.NONE) return done(failedGroup(group, errorCode, version));
    const topics = group.topics === null && isById ? withIds(fetched, coordinator.cluster) : fetched;
    done({ groupId, topics: unknown.length === 0 ? topics : [...topics, ...unknown], errorCode });
  }, { memberId: group.memberId, memberEpoch: group.memberEpoch });
}

/** Null: an id that no topic has. A name that no topic has is looked up all the same: its offsets may still be there. */
function resolve(topic: { name: string; topicId: string; partitionIndexes: number[] }, isById: boolean, topicIds: TopicIds): FetchedTopic | null {
  const { partitionIndexes } = topic;
  if (!isById) return { name: topic.name, topicId: topicIds.idOf(topic.name) ?? zeroUuid, partitionIndexes };
  const name = topicIds.nameOf(topic.topicId);
  return name === undefined ? null : { name, topicId: topic.topicId, partitionIndexes };
}

/** Topics that have gone cannot be named in a reply that speaks of ids. */
function withIds(topics: OffsetFetchResponseTopics[], topicIds: TopicIds): OffsetFetchResponseTopics[] {
  return topics.flatMap((topic) => {
    const topicId = topicIds.idOf(topic.name);
    return topicId === undefined ? [] : [{ ...topic, topicId }];
  });
}

/** Before version 2 there was no place for the error of a group but at each partition. */
function failedGroup(group: OffsetFetchRequestGroup, errorCode: number, version: number): OffsetFetchResponseGroup {
  const topics = version >= ALL_TOPICS_FROM ? [] : (group.topics ?? []);
  return {
    groupId: group.groupId,
    topics: topics.map(({ name, topicId, partitionIndexes }) => ({ name, topicId, partitions: partitionIndexes.map((index) => noOffset(index, errorCode)) })),
    errorCode,
  };
}

function response(groups: OffsetFetchResponseGroup[], version: number): OffsetFetchResponse {
  if (version >= GROUPS_FROM) return { throttleTimeMs: 0, topics: [], errorCode: ErrorCode.NONE, groups };
  const { topics, errorCode } = groups[0] ?? { topics: [], errorCode: ErrorCode.NONE };
  return { throttleTimeMs: 0, topics, errorCode, groups: [] };
}
