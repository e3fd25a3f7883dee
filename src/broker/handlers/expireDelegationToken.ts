/** ExpireDelegationToken (40), versions 1 and 2. A negative period ends the token at once. */
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeExpireDelegationTokenResponse, readExpireDelegationTokenRequest, writeExpireDelegationTokenResponse } from '../../protocol/generated/expireDelegationToken.ts';
import type { ExpireDelegationTokenRequest, ExpireDelegationTokenResponse } from '../../protocol/generated/expireDelegationToken.ts';
import type { ApiHandler } from '../contract.ts';
import { changeToken } from '../security/tokens/requests.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const expireDelegationTokenHandler: ApiHandler<BrokerServices, ExpireDelegationTokenRequest, ExpireDelegationTokenResponse> = {
  ...spanOf(ApiKey.ExpireDelegationToken),
  read: readExpireDelegationTokenRequest,
  write: writeExpireDelegationTokenResponse,
  async handle({ hmac, expiryTimePeriodMs }, context, services) {
    context.reply(makeExpireDelegationTokenResponse(await changeToken(context.connection, hmac, 'expire', Number(expiryTimePeriodMs), services)));
  },
  errorResponse: (_request, errorCode) => makeExpireDelegationTokenResponse({ errorCode, expiryTimestampMs: -1 }),
};
