/**
 * InitProducerId (22), versions 0 to 5, for idempotent producers. Transactions are not served: a transactional id is answered UNSUPPORTED_VERSION, which every
 * client takes as final and shows.
 */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeInitProducerIdResponse, readInitProducerIdRequest, writeInitProducerIdResponse } from '../../protocol/generated/initProducerId.ts';
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/generated/initProducerId.ts';
import { isSafeInt64 } from '../../protocol/offsets.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const NONE = -1;

export const initProducerIdHandler: ApiHandler<BrokerServices, InitProducerIdRequest, InitProducerIdResponse> = {
  ...spanOf(ApiKey.InitProducerId),
  read: readInitProducerIdRequest,
  write: writeInitProducerIdResponse,
  async handle(request, context, services) {
    const refused = refusal(request);
    if (refused !== ErrorCode.NONE) return context.reply(failed(refused));
    // Without a transactional id Kafka gives a new id each time, also to a producer that asks to go on with an old one.
    const { producerId, producerEpoch } = await services.producerIds.next();
    context.reply(makeInitProducerIdResponse({ producerId, producerEpoch }));
  },
  errorResponse: (_request, errorCode) => failed(errorCode),
};

const failed = (errorCode: number): InitProducerIdResponse => makeInitProducerIdResponse({ errorCode, producerId: NONE, producerEpoch: NONE });

function refusal({ transactionalId, producerId, producerEpoch }: InitProducerIdRequest): number {
  if ((producerId === NONE) !== (producerEpoch === NONE)) return ErrorCode.INVALID_REQUEST;
  if (!isSafeInt64(producerId) || producerId < NONE || producerEpoch < NONE) return ErrorCode.INVALID_REQUEST;
  if (transactionalId === null) return ErrorCode.NONE;
  return transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.UNSUPPORTED_VERSION;
}
