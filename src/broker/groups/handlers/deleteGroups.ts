/** DeleteGroups (42), versions 0 to 3: empty groups go with all that they have committed. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readDeleteGroupsRequest, writeDeleteGroupsResponse } from '../../../protocol/generated/deleteGroups.ts';
import type { DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse } from '../../../protocol/generated/deleteGroups.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

export const deleteGroupsHandler: ApiHandler<GroupServices, DeleteGroupsRequest, DeleteGroupsResponse> = {
  ...spanOf(ApiKey.DeleteGroups),
  read: readDeleteGroupsRequest,
  write: writeDeleteGroupsResponse,
  handle(request, context, services) {
    const groupIds = [...new Set(request.groupsNames)];
    const results: DeletableGroupResult[] = [];
    let left = groupIds.length;
    if (left === 0) return answer(context, { throttleTimeMs: 0, results });
    groupIds.forEach((groupId, index) => {
      services.groupCoordinator.deleteGroup(groupId, (errorCode) => {
        results[index] = result(groupId, errorCode);
        if (--left === 0) answer(context, { throttleTimeMs: 0, results });
      });
    });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, results: [...new Set(request.groupsNames)].map((groupId) => result(groupId, errorCode)) }),
};

function result(groupId: string, errorCode: number): DeletableGroupResult {
  return { groupId, errorCode, errorMessage: null };
}
