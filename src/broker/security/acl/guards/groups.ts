/** Groups of every kind: joining and committing reads the group, and the topics that are committed or subscribed to. */
import { AclOperation, ResourceType } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { DeleteGroupsRequest, DeleteGroupsResponse } from '../../../../protocol/generated/deleteGroups.ts';
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../../../../protocol/generated/findCoordinator.ts';
import type { ListGroupsRequest, ListGroupsResponse } from '../../../../protocol/generated/listGroups.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { clusterAction, describe, read } = AclOperation;
const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCode;
const GROUP_REFUSED = 'Group authorization failed.';
const MEMBERSHIP: readonly number[] = [ApiKey.JoinGroup, ApiKey.SyncGroup, ApiKey.Heartbeat, ApiKey.LeaveGroup, ApiKey.StreamsGroupTopologyDescriptionUpdate];

const memberOf = ({ groupId }: { readonly groupId: string }, { caller }: GuardCall) =>
  (caller.mayGroup(read, groupId) ? null : { refusal: GROUP_AUTHORIZATION_FAILED, message: GROUP_REFUSED });

/** A member of a group whose coordinator assigns says what it subscribes to. */
const subscriberOf = (request: { readonly groupId: string; readonly subscribedTopicNames: string[] | null }, call: GuardCall) => {
  const refused = memberOf(request, call);
  if (refused !== null) return refused;
  const isAllowed = (request.subscribedTopicNames ?? []).every((name) => call.caller.mayTopic(describe, name));
  return isAllowed ? null : { refusal: TOPIC_AUTHORIZATION_FAILED };
};

interface DescribedGroup {
  groupId: string;
  errorCode: number;
  errorMessage: string | null;
  authorizedOperations: number;
}

interface Describing<Group> {
  groups: Group[];
}

/** For the four APIs that describe groups by id; `hide` mends what the group says of topics. */
function describing<Request, Group extends DescribedGroup>(
  idsOf: (request: Request) => string[],
  withIds: (request: Request, ids: string[]) => Request,
  refused: (groupId: string) => Group,
  hide: (group: Group, call: GuardCall) => Group,
) {
  return (request: Request & { readonly includeAuthorizedOperations: boolean }, call: GuardCall): Verdict<Request, Describing<Group>> | null => {
    const { caller, access } = call;
    const parts = split(idsOf(request), (groupId) => caller.mayGroup(describe, groupId));
    const denied = [...new Set(parts?.denied ?? [])].map(refused);
    return {
      request: parts === null ? request : withIds(request, parts.allowed),
      finish(response) {
        for (const group of response.groups) {
          if (request.includeAuthorizedOperations && group.errorCode === ErrorCode.NONE) {
            group.authorizedOperations = access.operations(caller.connection, ResourceType.group, group.groupId);
          }
        }
        response.groups = [...denied, ...response.groups.map((group) => hide(group, call))];
      },
    };
  };
}

export { describing };
export type { DescribedGroup };

function listGroups(_request: ListGroupsRequest, { caller }: GuardCall): Verdict<ListGroupsRequest, ListGroupsResponse> | null {
  if (caller.mayCluster(describe)) return null;
  return { finish: (response) => void (response.groups = response.groups.filter(({ groupId }) => caller.mayGroup(describe, groupId))) };
}

function deleteGroups(request: DeleteGroupsRequest, { caller }: GuardCall): Verdict<DeleteGroupsRequest, DeleteGroupsResponse> | null {
  const parts = split(request.groupsNames, (groupId) => caller.mayGroup(AclOperation.delete, groupId));
  if (parts === null) return null;
  const denied = [...new Set(parts.denied)].map((groupId) => ({ groupId, errorCode: GROUP_AUTHORIZATION_FAILED, errorMessage: null }));
  return { request: { ...request, groupsNames: parts.allowed }, finish: (response) => void (response.results = [...response.results, ...denied]) };
}

const KeyType = { group: 0, transaction: 1, share: 2 } as const;
const FIRST_VERSION_WITH_MANY_KEYS = 4;

function findCoordinator(request: FindCoordinatorRequest, { caller, apiVersion }: GuardCall): Verdict<FindCoordinatorRequest, FindCoordinatorResponse> | null {
  const { keyType } = request;
  if (keyType === KeyType.share) return caller.mayCluster(clusterAction) ? null : { refusal: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
  if (keyType !== KeyType.group && keyType !== KeyType.transaction) return null;
  const errorCode = keyType === KeyType.group ? GROUP_AUTHORIZATION_FAILED : TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
  const isAllowed = (key: string): boolean => (keyType === KeyType.group ? caller.mayGroup(describe, key) : caller.mayTransaction(describe, key));
  if (apiVersion < FIRST_VERSION_WITH_MANY_KEYS) return isAllowed(request.key) ? null : { refusal: errorCode };
  const parts = split(request.coordinatorKeys, isAllowed);
  if (parts === null) return null;
  const denied = parts.denied.map((key) => ({ key, nodeId: -1, host: '', port: -1, errorCode, errorMessage: null }));
  return { request: { ...request, coordinatorKeys: parts.allowed }, finish: (response) => void (response.coordinators = [...response.coordinators, ...denied]) };
}

export const groupGuards: readonly GuardOfApi[] = [
  ...MEMBERSHIP.map((apiKey) => guardOf(apiKey, memberOf)),
  guardOf(ApiKey.ConsumerGroupHeartbeat, subscriberOf),
  guardOf(ApiKey.ShareGroupHeartbeat, subscriberOf),
  guardOf(ApiKey.ListGroups, listGroups),
  guardOf(ApiKey.DeleteGroups, deleteGroups),
  guardOf(ApiKey.FindCoordinator, findCoordinator),
];
