/** What the APIs of delegation tokens (KIP-48) have in common. */
import type { ClientConnection } from '../../contract.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { BrokerServices } from '../../services.ts';
import { ANONYMOUS } from '../login.ts';

export interface PrincipalParts {
  readonly principalType: string;
  readonly principalName: string;
}

/** `User:name` in its two parts. */
export function partsOf(principal: string): PrincipalParts {
  const at = principal.indexOf(':');
  return { principalType: principal.slice(0, at), principalName: principal.slice(at + 1) };
}

export const principalOf = ({ principalType, principalName }: PrincipalParts): string => `${principalType}:${principalName}`;

/** Who came in by a token, or without showing who he is, may not deal with tokens. */
export function requestProblem(connection: ClientConnection): number {
  const { isTokenAuthenticated, securityProtocol, principal } = connection;
  const isUnknown = securityProtocol === 'PLAINTEXT' || (securityProtocol === 'SSL' && principal === ANONYMOUS.principal);
  return isTokenAuthenticated || isUnknown ? ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED : ErrorCode.NONE;
}

/** Renews or ends the token that the HMAC is of. */
export async function changeToken(
  connection: ClientConnection, hmac: Buffer, kind: 'renew' | 'expire', periodMs: number, services: BrokerServices,
): Promise<{ readonly errorCode: number; readonly expiryTimestampMs: number }> {
  const failed = (errorCode: number) => ({ errorCode, expiryTimestampMs: -1 });
  const problem = requestProblem(connection);
  if (problem !== ErrorCode.NONE) return failed(problem);
  const { config, metadata, authentication, clock } = services;
  const secretKey = config.delegationTokenSecretKey;
  if (secretKey === null) return failed(ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED);
  const token = authentication.tokenSecrets.findByHmac(metadata.image.credentials, hmac, secretKey);
  if (token === null) return failed(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
  const { code, expiryTimestampMs } = await metadata.controller.changeDelegationToken({
    tokenId: token.tokenId, principal: connection.principal, kind, periodMs, renewMsMax: config.delegationTokenExpiryTimeMs, nowMs: clock.now(),
  });
  return code === ErrorCode.NONE ? { errorCode: code, expiryTimestampMs } : failed(code);
}
