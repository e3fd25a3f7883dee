/** SyncGroup (14), versions 0 to 5: the leader hands in the assignment of a generation, every member fetches its own. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readSyncGroupRequest, writeSyncGroupResponse } from '../../../protocol/generated/syncGroup.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/generated/syncGroup.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import { syncError } from '../classic/replies.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

const PROTOCOL_REQUIRED_FROM = 5;

export const syncGroupHandler: ApiHandler<GroupServices, SyncGroupRequest, SyncGroupResponse> = {
  ...spanOf(ApiKey.SyncGroup),
  read: readSyncGroupRequest,
  write: writeSyncGroupResponse,
  handle(request, context, services) {
    const isProtocolNamed = request.protocolType !== null && request.protocolName !== null;
    if (context.apiVersion >= PROTOCOL_REQUIRED_FROM && !isProtocolNamed) return answer(context, syncError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL));
    services.groupCoordinator.sync(request, (response) => answer(context, response));
  },
  errorResponse: (_request, errorCode) => syncError(errorCode),
};
