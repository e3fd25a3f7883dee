/** SaslAuthenticate (36), versions 0 to 2. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeSaslAuthenticateResponse, readSaslAuthenticateRequest, writeSaslAuthenticateResponse } from '../../protocol/generated/saslAuthenticate.ts';
import type { SaslAuthenticateRequest, SaslAuthenticateResponse } from '../../protocol/generated/saslAuthenticate.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const saslAuthenticateHandler: ApiHandler<BrokerServices, SaslAuthenticateRequest, SaslAuthenticateResponse> = {
  ...spanOf(ApiKey.SaslAuthenticate),
  read: readSaslAuthenticateRequest,
  write: writeSaslAuthenticateResponse,
  handle(request, context) {
    const { login } = context.connection;
    if (login === null) {
      context.reply(makeSaslAuthenticateResponse({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage: 'SaslAuthenticate request received after successful authentication' }));
      return;
    }
    login.authenticate(request.authBytes, ({ errorCode, errorMessage, token, sessionLifetimeMs }) => {
      context.reply(makeSaslAuthenticateResponse({ errorCode, errorMessage, authBytes: token, sessionLifetimeMs: Math.floor(sessionLifetimeMs) }));
    });
  },
  errorResponse: (_request, errorCode, errorMessage) => makeSaslAuthenticateResponse({ errorCode, errorMessage }),
};
