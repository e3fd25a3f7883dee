/** ShareGroupHeartbeat (76), version 1: members of share groups come, stay and go. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeShareGroupHeartbeatResponse, readShareGroupHeartbeatRequest, writeShareGroupHeartbeatResponse } from '../../../protocol/generated/shareGroupHeartbeat.ts';
import type { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '../../../protocol/generated/shareGroupHeartbeat.ts';
import type { ApiHandler } from '../../contract.ts';
import { errorMessageOf } from '../../errorMapping.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';

export const shareGroupHeartbeatHandler: ApiHandler<BrokerServices, ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse> = {
  ...spanOf(ApiKey.ShareGroupHeartbeat),
  read: readShareGroupHeartbeatRequest,
  write: writeShareGroupHeartbeatResponse,
  handle(request, context, { shareGroups }) {
    const client = { clientId: context.clientId, host: `/${context.connection.remoteAddress}`, apiVersion: context.apiVersion };
    shareGroups.heartbeat(request, client, (error, response) => {
      if (error === null && response !== null) context.reply(response);
      else context.reply(makeShareGroupHeartbeatResponse({ errorCode: error?.code ?? ErrorCode.UNKNOWN_SERVER_ERROR, errorMessage: errorMessageOf(error) }));
    });
  },
  errorResponse: (_request, errorCode, errorMessage) => makeShareGroupHeartbeatResponse({ errorCode, errorMessage }),
};
