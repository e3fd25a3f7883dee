/** CreateDelegationToken (38), versions 1 to 3. */
import { emptyBytes } from '../../protocol/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreateDelegationTokenResponse, readCreateDelegationTokenRequest, writeCreateDelegationTokenResponse } from '../../protocol/generated/createDelegationToken.ts';
import type { CreateDelegationTokenRequest, CreateDelegationTokenResponse } from '../../protocol/generated/createDelegationToken.ts';
import { isSafeInt64 } from '../../protocol/offsets.ts';
import type { ApiHandler, ClientConnection } from '../contract.ts';
import { partsOf, principalOf, requestProblem } from '../security/tokens/requests.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const TOKEN_ID_BYTES = 16;
const USER = 'User';

export const createDelegationTokenHandler: ApiHandler<BrokerServices, CreateDelegationTokenRequest, CreateDelegationTokenResponse> = {
  ...spanOf(ApiKey.CreateDelegationToken),
  read: readCreateDelegationTokenRequest,
  write: writeCreateDelegationTokenResponse,
  async handle(request, context, services) {
    const { connection } = context;
    const owner = ownerOf(request, connection);
    const problem = problemOf(request, connection, services);
    const secretKey = services.config.delegationTokenSecretKey;
    if (problem !== ErrorCode.NONE || secretKey === null) return context.reply(failed(problem, owner, connection.principal));
    const { config, clock, random, metadata, authentication } = services;
    const nowMs = clock.now();
    const lifetimeMs = Number(request.maxLifetimeMs) > 0 ? Math.min(request.maxLifetimeMs, config.delegationTokenMaxLifetimeMs) : config.delegationTokenMaxLifetimeMs;
    const maxTimestampMs = nowMs + lifetimeMs;
    const token = {
      tokenId: Buffer.from(random.bytes(TOKEN_ID_BYTES)).toString('base64url'), owner, requester: connection.principal, renewers: request.renewers.map(principalOf),
      issueTimestampMs: nowMs, maxTimestampMs, expiryTimestampMs: Math.min(maxTimestampMs, nowMs + config.delegationTokenExpiryTimeMs),
    };
    const { code } = await metadata.controller.createDelegationToken(token);
    if (code !== ErrorCode.NONE) return context.reply(failed(code, owner, connection.principal));
    context.reply({
      ...failed(ErrorCode.NONE, owner, connection.principal), issueTimestampMs: nowMs, expiryTimestampMs: token.expiryTimestampMs, maxTimestampMs,
      tokenId: token.tokenId, hmac: authentication.tokenSecrets.hmacOf(token, secretKey),
    });
  },
  errorResponse: (_request, errorCode) => failed(errorCode, ':', ':'),
};

function ownerOf({ ownerPrincipalType, ownerPrincipalName }: CreateDelegationTokenRequest, { principal }: ClientConnection): string {
  return ownerPrincipalName === null || ownerPrincipalName === '' ? principal : `${ownerPrincipalType ?? USER}:${ownerPrincipalName}`;
}

function problemOf(request: CreateDelegationTokenRequest, connection: ClientConnection, services: BrokerServices): number {
  const problem = requestProblem(connection);
  if (problem !== ErrorCode.NONE) return problem;
  if (!isSafeInt64(request.maxLifetimeMs)) return ErrorCode.INVALID_REQUEST;
  if (request.renewers.some(({ principalType }) => principalType !== USER)) return ErrorCode.INVALID_PRINCIPAL_TYPE;
  return services.config.delegationTokenSecretKey === null ? ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED : ErrorCode.NONE;
}

function failed(errorCode: number, owner: string, requester: string): CreateDelegationTokenResponse {
  const { principalType, principalName } = partsOf(owner);
  const { principalType: tokenRequesterPrincipalType, principalName: tokenRequesterPrincipalName } = partsOf(requester);
  return makeCreateDelegationTokenResponse({
    errorCode, principalType, principalName, tokenRequesterPrincipalType, tokenRequesterPrincipalName, issueTimestampMs: -1, expiryTimestampMs: -1, maxTimestampMs: -1, hmac: emptyBytes,
  });
}
