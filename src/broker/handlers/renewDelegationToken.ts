/** RenewDelegationToken (39), versions 1 and 2. */
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeRenewDelegationTokenResponse, readRenewDelegationTokenRequest, writeRenewDelegationTokenResponse } from '../../protocol/generated/renewDelegationToken.ts';
import type { RenewDelegationTokenRequest, RenewDelegationTokenResponse } from '../../protocol/generated/renewDelegationToken.ts';
import type { ApiHandler } from '../contract.ts';
import { changeToken } from '../security/tokens/requests.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const renewDelegationTokenHandler: ApiHandler<BrokerServices, RenewDelegationTokenRequest, RenewDelegationTokenResponse> = {
  ...spanOf(ApiKey.RenewDelegationToken),
  read: readRenewDelegationTokenRequest,
  write: writeRenewDelegationTokenResponse,
  async handle({ hmac, renewPeriodMs }, context, services) {
    context.reply(makeRenewDelegationTokenResponse(await changeToken(context.connection, hmac, 'renew', Number(renewPeriodMs), services)));
  },
  errorResponse: (_request, errorCode) => makeRenewDelegationTokenResponse({ errorCode, expiryTimestampMs: -1 }),
};
