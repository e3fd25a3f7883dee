/** DescribeDelegationToken (41), versions 1 to 3. Whose tokens somebody may see is decided by the access lists. */
import type { DelegationToken } from '../../metadata/index.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeDelegationTokenResponse, makeDescribedDelegationToken, readDescribeDelegationTokenRequest, writeDescribeDelegationTokenResponse } from '../../protocol/generated/describeDelegationToken.ts';
import type { DescribeDelegationTokenRequest, DescribeDelegationTokenResponse, DescribedDelegationToken } from '../../protocol/generated/describeDelegationToken.ts';
import type { ApiHandler } from '../contract.ts';
import { partsOf, principalOf, requestProblem } from '../security/tokens/requests.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const describeDelegationTokenHandler: ApiHandler<BrokerServices, DescribeDelegationTokenRequest, DescribeDelegationTokenResponse> = {
  ...spanOf(ApiKey.DescribeDelegationToken),
  read: readDescribeDelegationTokenRequest,
  write: writeDescribeDelegationTokenResponse,
  handle({ owners }, context, services) {
    const secretKey = services.config.delegationTokenSecretKey;
    const problem = requestProblem(context.connection);
    if (problem !== ErrorCode.NONE || secretKey === null) {
      return context.reply(makeDescribeDelegationTokenResponse({ errorCode: problem === ErrorCode.NONE ? ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED : problem }));
    }
    const wanted = owners === null ? null : new Set(owners.map(principalOf));
    const isWanted = ({ owner, renewers }: DelegationToken): boolean => wanted === null || wanted.has(owner) || renewers.some((renewer) => wanted.has(renewer));
    const tokens = [...services.metadata.image.credentials.tokens.values()].filter(isWanted).map((token) => describe(token, services.authentication.tokenSecrets.hmacOf(token, secretKey)));
    context.reply(makeDescribeDelegationTokenResponse({ tokens }));
  },
  errorResponse: (_request, errorCode) => makeDescribeDelegationTokenResponse({ errorCode }),
};

function describe(token: DelegationToken, hmac: Buffer): DescribedDelegationToken {
  const { principalType: tokenRequesterPrincipalType, principalName: tokenRequesterPrincipalName } = partsOf(token.requester);
  return makeDescribedDelegationToken({
    ...partsOf(token.owner), tokenRequesterPrincipalType, tokenRequesterPrincipalName, issueTimestamp: token.issueTimestampMs, expiryTimestamp: token.expiryTimestampMs,
    maxTimestamp: token.maxTimestampMs, tokenId: token.tokenId, hmac, renewers: token.renewers.map(partsOf),
  });
}
