/** JoinGroup (11), versions 0 to 9: become a member of a classic group, or stay one in its next generation. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readJoinGroupRequest, writeJoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import type { Reader } from '../../../protocol/reader.ts';
import type { Writer } from '../../../protocol/writer.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import { joinError } from '../classic/replies.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

const REBALANCE_TIMEOUT_FROM = 1;
const NULL_PROTOCOL_NAME_FROM = 7;

/** Before version 1 the session timeout was the rebalance timeout too. */
function read(reader: Reader, version: number): JoinGroupRequest {
  const request = readJoinGroupRequest(reader, version);
  if (version < REBALANCE_TIMEOUT_FROM) request.rebalanceTimeoutMs = request.sessionTimeoutMs;
  return request;
}

function write(writer: Writer, response: JoinGroupResponse, version: number): void {
  const isNullTold = response.protocolName !== null || version >= NULL_PROTOCOL_NAME_FROM;
  writeJoinGroupResponse(writer, isNullTold ? response : { ...response, protocolName: '' }, version);
}

export const joinGroupHandler: ApiHandler<GroupServices, JoinGroupRequest, JoinGroupResponse> = {
  ...spanOf(ApiKey.JoinGroup),
  read,
  write,
  handle(request, context, services) {
    const client = { clientId: context.clientId, host: `/${context.connection.remoteAddress}`, apiVersion: context.apiVersion };
    services.groupCoordinator.join(request, client, (response) => answer(context, response));
  },
  errorResponse: (request, errorCode) => joinError(request.memberId, errorCode),
};
