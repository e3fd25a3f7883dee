/** UnregisterBroker (64), version 0: forgets a broker that is gone for good. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeUnregisterBrokerResponse, readUnregisterBrokerRequest, writeUnregisterBrokerResponse } from '../../protocol/generated/unregisterBroker.ts';
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '../../protocol/generated/unregisterBroker.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const unregisterBrokerHandler: ApiHandler<BrokerServices, UnregisterBrokerRequest, UnregisterBrokerResponse> = {
  ...spanOf(ApiKey.UnregisterBroker),
  read: readUnregisterBrokerRequest,
  write: writeUnregisterBrokerResponse,
  handle({ brokerId }, context, services) {
    const isKnown = services.metadata.image.brokers.has(brokerId);
    context.reply(makeUnregisterBrokerResponse(isKnown
      // The node that answers is the only one there is: without it the cluster would have no broker.
      ? { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: `Broker ID ${brokerId} is this broker, which runs` }
      : { errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED, errorMessage: `Broker ID ${brokerId} is not currently registered` }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeUnregisterBrokerResponse({ errorCode, errorMessage }),
};
