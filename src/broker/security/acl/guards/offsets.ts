/** Committed offsets: of a group that may be read, for topics that may be. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { OffsetCommitRequest, OffsetCommitResponse, OffsetCommitResponseTopic } from '../../../../protocol/generated/offsetCommit.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse } from '../../../../protocol/generated/offsetDelete.ts';
import { makeOffsetFetchResponse } from '../../../../protocol/generated/offsetFetch.ts';
import type { OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponse, OffsetFetchResponseGroup } from '../../../../protocol/generated/offsetFetch.ts';
import type { Caller } from '../access.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { describe, read } = AclOperation;
const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
/** Of OffsetCommit and OffsetFetch. */
const FIRST_VERSION_WITH_ID = 10;
const FIRST_FETCH_VERSION_WITH_GROUPS = 8;

interface CommittedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly { readonly partitionIndex: number }[];
}

/** The name behind an id; undefined for one that nobody knows, which is the handler's to refuse. */
function nameOf(topic: { readonly name: string; readonly topicId: string }, { apiVersion, metadata }: GuardCall): string | undefined {
  return apiVersion >= FIRST_VERSION_WITH_ID ? metadata.image.topicsById.get(topic.topicId)?.name : topic.name;
}

export function refusedCommit({ name, topicId, partitions }: CommittedTopic): OffsetCommitResponseTopic {
  return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })) };
}

function offsetCommit(request: OffsetCommitRequest, call: GuardCall): Verdict<OffsetCommitRequest, OffsetCommitResponse> | null {
  if (!call.caller.mayGroup(read, request.groupId)) return { refusal: GROUP_AUTHORIZATION_FAILED };
  const parts = split(request.topics, (topic) => {
    const name = nameOf(topic, call);
    return name === undefined || call.caller.mayTopic(read, name);
  });
  if (parts === null) return null;
  const denied = parts.denied.map(refusedCommit);
  if (parts.allowed.length === 0) return { response: { throttleTimeMs: 0, topics: denied } };
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

function offsetDelete(request: OffsetDeleteRequest, { caller }: GuardCall): Verdict<OffsetDeleteRequest, OffsetDeleteResponse> | null {
  if (!caller.mayGroup(AclOperation.delete, request.groupId)) return { refusal: GROUP_AUTHORIZATION_FAILED };
  const parts = split(request.topics, ({ name }) => caller.mayTopic(read, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name, partitions }) => ({
    name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED })),
  }));
  if (parts.allowed.length === 0) return { response: { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics: denied } };
  return {
    request: { ...request, topics: parts.allowed },
    finish(response) {
      if (response.errorCode === ErrorCode.NONE) response.topics = [...response.topics, ...denied];
    },
  };
}

const refusedIndexes = (partitionIndexes: readonly number[]) =>
  partitionIndexes.map((partitionIndex) => ({ partitionIndex, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: TOPIC_AUTHORIZATION_FAILED }));

function offsetFetch(request: OffsetFetchRequest, call: GuardCall): Verdict<OffsetFetchRequest, OffsetFetchResponse> | null {
  return call.apiVersion >= FIRST_FETCH_VERSION_WITH_GROUPS ? fetchGroups(request, call) : fetchOneGroup(request, call);
}

function fetchOneGroup(request: OffsetFetchRequest, { caller }: GuardCall): Verdict<OffsetFetchRequest, OffsetFetchResponse> | null {
  if (!caller.mayGroup(describe, request.groupId)) return { refusal: GROUP_AUTHORIZATION_FAILED };
  const { topics } = request;
  if (topics === null) return { finish: (response) => void (response.topics = response.topics.filter(({ name }) => caller.mayTopic(describe, name))) };
  const parts = split(topics, ({ name }) => caller.mayTopic(describe, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name, partitionIndexes }) => ({ name, partitions: refusedIndexes(partitionIndexes) }));
  return {
    request: { ...request, topics: parts.allowed },
    finish(response) {
      if (response.errorCode === ErrorCode.NONE) response.topics = [...response.topics, ...denied];
    },
  };
}

function fetchGroups(request: OffsetFetchRequest, call: GuardCall): Verdict<OffsetFetchRequest, OffsetFetchResponse> | null {
  const { caller } = call;
  const parts = split(request.groups, ({ groupId }) => caller.mayGroup(describe, groupId));
  const refused = (parts?.denied ?? []).map(({ groupId }): OffsetFetchResponseGroup => ({ groupId, topics: [], errorCode: GROUP_AUTHORIZATION_FAILED }));
  const allowed = parts?.allowed ?? request.groups;
  if (allowed.length === 0 && refused.length > 0) return { response: makeOffsetFetchResponse({ groups: refused }) };
  const deniedTopics = new Map<string, OffsetFetchRequestTopics[]>();
  const groups = allowed.map((group) => withoutDenied(group, call, deniedTopics));
  return {
    request: { ...request, groups },
    finish(response) {
      for (const group of response.groups) mendGroup(group, deniedTopics.get(group.groupId), caller, call);
      response.groups = [...response.groups, ...refused];
    },
  };
}

function withoutDenied(group: OffsetFetchRequestGroup, call: GuardCall, deniedTopics: Map<string, OffsetFetchRequestTopics[]>): OffsetFetchRequestGroup {
  const parts = group.topics === null ? null : split(group.topics, (topic) => {
    const name = nameOf(topic, call);
    return name === undefined || call.caller.mayTopic(describe, name);
  });
  if (parts === null) return group;
  deniedTopics.set(group.groupId, parts.denied);
  return { ...group, topics: parts.allowed };
}

/** Whoever asks for everything hears of what he may describe; whoever asks for a topic hears why not. */
function mendGroup(group: OffsetFetchResponseGroup, denied: readonly OffsetFetchRequestTopics[] | undefined, caller: Caller, call: GuardCall): void {
  if (group.errorCode !== ErrorCode.NONE) return;
  group.topics = group.topics.filter((topic) => {
    const name = topic.name === '' ? nameOf(topic, call) : topic.name;
    return name === undefined || caller.mayTopic(describe, name);
  });
  for (const { name, topicId, partitionIndexes } of denied ?? []) group.topics.push({ name, topicId, partitions: refusedIndexes(partitionIndexes) });
}

export const offsetGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.OffsetCommit, offsetCommit),
  guardOf(ApiKey.OffsetDelete, offsetDelete),
  guardOf(ApiKey.OffsetFetch, offsetFetch),
];
