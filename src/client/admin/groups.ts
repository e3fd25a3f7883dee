import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDeleteGroupsRequest, readDeleteGroupsResponse, writeDeleteGroupsRequest } from '../../protocol/generated/deleteGroups.ts';
import { makeLeaveGroupRequest, makeMemberIdentity, readLeaveGroupResponse, writeLeaveGroupRequest } from '../../protocol/generated/leaveGroup.ts';
import { makeListGroupsRequest, readListGroupsResponse, writeListGroupsRequest } from '../../protocol/generated/listGroups.ts';
import { ErrorCode, type KafkaError } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import { throwFirst, valueOf, type Outcome } from './outcome.ts';
import { brokerIds, brokers, coordinators, CoordinatorType } from './routes.ts';

const listGroupsApi = { apiKey: ApiKey.ListGroups, versionMax: 5, write: writeListGroupsRequest, read: readListGroupsResponse } as const;
const deleteGroupsApi = { apiKey: ApiKey.DeleteGroups, versionMax: 2, write: writeDeleteGroupsRequest, read: readDeleteGroupsResponse } as const;
const leaveGroupApi = { apiKey: ApiKey.LeaveGroup, versionMax: 5, write: writeLeaveGroupRequest, read: readLeaveGroupResponse } as const;
const STATES_VERSION = 4;
const TYPES_VERSION = 5;
/** The first one that names members by their instance ids. */
const INSTANCES_VERSION = 3;
const CONSUMER_PROTOCOL = 'consumer';

/** Kafka's names of the kinds of groups. */
export const GroupType = { classic: 'Classic', consumer: 'Consumer', share: 'Share', streams: 'Streams' } as const;
export type GroupType = (typeof GroupType)[keyof typeof GroupType];

export interface GroupListing {
  readonly groupId: string;
  /** `consumer` for groups of consumers, '' for groups that only hold offsets, `share`, `streams`, or what others chose. */
  readonly protocol: string;
  /** '': the broker does not tell. */
  readonly state: string;
  /** null: the broker does not tell. */
  readonly type: GroupType | null;
}

export interface GroupFilter {
  /** Empty: all. */
  readonly states?: readonly string[];
  readonly types?: readonly GroupType[];
}

/** Groups of all brokers, sorted by name. Throws the first broker's error, as a list with gaps misleads. */
export async function listGroups(cluster: Cluster, filter: GroupFilter = {}): Promise<GroupListing[]> {
  const ids = await brokerIds(cluster);
  const { states = [], types = [] } = filter;
  const route = { ...brokers<number>(cluster, (id) => id), isPassing: (error: KafkaError) => error.retriable };
  const outcomes = await askForEach<number, GroupListing[]>(cluster, ids, route, async (connection, [id]) => {
    const version = connection.versionOf(listGroupsApi, types.length > 0 ? typesVersion(types, connection.versionOf(listGroupsApi)) : states.length > 0 ? STATES_VERSION : 0);
    const answer = await connection.request(listGroupsApi, makeListGroupsRequest({ statesFilter: [...states], typesFilter: version >= TYPES_VERSION ? [...types] : [] }), { version });
    const groups = answer.groups.map(({ groupId, protocolType, groupState, groupType }) => ({ groupId, protocol: protocolType, state: groupState, type: groupTypeOf(groupType) }));
    return new Map([[id as number, outcomeOf(answer.errorCode, null, groups)]]);
  });
  const found = new Map<string, GroupListing>();
  for (const outcome of outcomes.values()) for (const listing of valueOf(outcome)) found.set(listing.groupId, listing);
  return [...found.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

/** All groups of an older broker are classic ones. */
const typesVersion = (types: readonly GroupType[], offered: number): number => (types.every((type) => type === GroupType.classic) && offered < TYPES_VERSION ? 0 : TYPES_VERSION);

function groupTypeOf(text: string): GroupType | null {
  return Object.values(GroupType).find((type) => type.toLowerCase() === text.toLowerCase()) ?? null;
}

/** Groups whose members are consumers, of either protocol, and groups that only hold offsets. */
export async function listConsumerGroups(cluster: Cluster, filter: GroupFilter = {}): Promise<GroupListing[]> {
  const groups = await listGroups(cluster, filter);
  return groups.filter(({ protocol, type }) => (protocol === CONSUMER_PROTOCOL || protocol === '') && type !== GroupType.share && type !== GroupType.streams);
}

/** Deletes groups without members, whatever their kind. */
export function deleteGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome<null>>> {
  return askForEach<string, null>(cluster, groupIds, coordinators(cluster, CoordinatorType.group, (id) => id), async (connection, keys) => {
    const answer = await connection.request(deleteGroupsApi, makeDeleteGroupsRequest({ groupsNames: [...keys] }));
    return new Map(answer.results.map(({ groupId, errorCode, errorMessage }) => [groupId, outcomeOf(errorCode, errorMessage, null)]));
  });
}

export interface MemberToRemove {
  readonly memberId?: string;
  readonly groupInstanceId?: string;
}

/** Makes members leave a classic group, by instance id or by member id. */
export async function removeMembers(cluster: Cluster, groupId: string, members: readonly MemberToRemove[], reason = 'removed by an administrator'): Promise<Map<MemberToRemove, Outcome<null>>> {
  const removed = new Map<MemberToRemove, Outcome<null>>();
  const outcomes = await askForEach<string, null>(cluster, [groupId], coordinators(cluster, CoordinatorType.group, (id) => id), async (connection) => {
    const identities = members.map(({ memberId = '', groupInstanceId = null }) => makeMemberIdentity({ memberId, groupInstanceId, reason }));
    const answer = await connection.request(leaveGroupApi, makeLeaveGroupRequest({ groupId, members: identities }), { version: connection.versionOf(leaveGroupApi, INSTANCES_VERSION) });
    if (answer.errorCode !== ErrorCode.NONE) return new Map([[groupId, failure(answer.errorCode)]]);
    for (const [index, member] of members.entries()) {
      const found = answer.members[index];
      removed.set(member, found === undefined ? { error: new ClientError('INVALID_RESPONSE', 'the broker did not answer for all members') } : outcomeOf(found.errorCode, null, null));
    }
    return new Map([[groupId, { value: null }]]);
  });
  throwFirst(outcomes);
  return removed;
}
