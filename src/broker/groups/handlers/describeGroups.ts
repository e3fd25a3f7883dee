/** DescribeGroups (15), versions 0 to 6: state and members of classic groups. An unknown group is Dead; since version 6 also an error. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readDescribeGroupsRequest, writeDescribeGroupsResponse } from '../../../protocol/generated/describeGroups.ts';
import type { DescribedGroup, DescribeGroupsRequest, DescribeGroupsResponse } from '../../../protocol/generated/describeGroups.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupCoordinator } from '../groupCoordinator.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS } from './operations.ts';

const NOT_FOUND_FROM = 6;

export const describeGroupsHandler: ApiHandler<GroupServices, DescribeGroupsRequest, DescribeGroupsResponse> = {
  ...spanOf(ApiKey.DescribeGroups),
  read: readDescribeGroupsRequest,
  write: writeDescribeGroupsResponse,
  handle(request, context, services) {
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS;
    // Each once: a group that is named a million times would be told a million times.
    const groups = [...new Set(request.groups)].map((groupId) => ({ ...describe(groupId, services.groupCoordinator, context.apiVersion), authorizedOperations }));
    answer(context, { throttleTimeMs: 0, groups });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, groups: request.groups.map((groupId) => makeDescribedGroup({ groupId, errorCode })) }),
};

function describe(groupId: string, coordinator: GroupCoordinator, version: number): DescribedGroup {
  const description = coordinator.describe(groupId);
  if (typeof description === 'number') return makeDescribedGroup({ groupId, errorCode: description });
  const { isKnown, isOfOtherKind, groupState, protocolType, protocolData, members } = description;
  if (isKnown || version < NOT_FOUND_FROM) return makeDescribedGroup({ groupId, groupState, protocolType, protocolData, members });
  return makeDescribedGroup({ groupId, groupState, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: isOfOtherKind ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.` });
}
