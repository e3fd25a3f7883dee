/** Heartbeat (12), versions 0 to 4: a member of a classic group is alive, and asks whether a rebalance has begun. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readHeartbeatRequest, writeHeartbeatResponse } from '../../../protocol/generated/heartbeat.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../../../protocol/generated/heartbeat.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

export const heartbeatHandler: ApiHandler<GroupServices, HeartbeatRequest, HeartbeatResponse> = {
  ...spanOf(ApiKey.Heartbeat),
  read: readHeartbeatRequest,
  write: writeHeartbeatResponse,
  handle(request, context, services) {
    answer(context, { throttleTimeMs: 0, errorCode: services.groupCoordinator.heartbeat(request) });
  },
  errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
};
