/** ListGroups (16), versions 0 to 5: the groups that this broker coordinates. Filters by state since version 4, by type since version 5. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readListGroupsRequest, writeListGroupsResponse } from '../../../protocol/generated/listGroups.ts';
import type { ListGroupsRequest, ListGroupsResponse } from '../../../protocol/generated/listGroups.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

export const listGroupsHandler: ApiHandler<GroupServices, ListGroupsRequest, ListGroupsResponse> = {
  ...spanOf(ApiKey.ListGroups),
  read: readListGroupsRequest,
  write: writeListGroupsResponse,
  handle(request, context, services) {
    const listed = services.groupCoordinator.list({ states: request.statesFilter, types: request.typesFilter });
    if (typeof listed === 'number') answer(context, { throttleTimeMs: 0, errorCode: listed, groups: [] });
    else answer(context, { throttleTimeMs: 0, errorCode: ErrorCode.NONE, groups: listed });
  },
  errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, groups: [] }),
};
