/** SaslHandshake (17), versions 0 and 1. The order of a login is kept by security/sasl/saslLogin. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeSaslHandshakeResponse, readSaslHandshakeRequest, writeSaslHandshakeResponse } from '../../protocol/generated/saslHandshake.ts';
import type { SaslHandshakeRequest, SaslHandshakeResponse } from '../../protocol/generated/saslHandshake.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const saslHandshakeHandler: ApiHandler<BrokerServices, SaslHandshakeRequest, SaslHandshakeResponse> = {
  ...spanOf(ApiKey.SaslHandshake),
  read: readSaslHandshakeRequest,
  write: writeSaslHandshakeResponse,
  handle(request, context) {
    const { login } = context.connection;
    if (login === null) return context.reply(makeSaslHandshakeResponse({ errorCode: ErrorCode.ILLEGAL_SASL_STATE }));
    login.handshake(request.mechanism, context.apiVersion, ({ errorCode, mechanisms }) => context.reply({ errorCode, mechanisms: [...mechanisms] }));
  },
  errorResponse: (_request, errorCode) => makeSaslHandshakeResponse({ errorCode }),
};
