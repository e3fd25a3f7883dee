/**
 * InitProducerId (22), versions 0 to 5: who a producer is, with a transactional id also over its restarts. Version 6 (KIP-939, unstable) is served when the
 * broker offers unstable versions.
 */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeInitProducerIdResponse, readInitProducerIdRequest, writeInitProducerIdResponse } from '../../protocol/generated/initProducerId.ts';
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../protocol/generated/initProducerId.ts';
import { isSafeInt64 } from '../../protocol/offsets.ts';
import type { ApiHandler, RequestContext } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { fencedBefore } from '../transactions/handlers/olderErrors.ts';

const NONE = -1;
const FIRST_VERSION_WITH_FENCED = 4;

export const initProducerIdHandler: ApiHandler<BrokerServices, InitProducerIdRequest, InitProducerIdResponse> = {
  ...spanOf(ApiKey.InitProducerId),
  read: readInitProducerIdRequest,
  write: writeInitProducerIdResponse,
  async handle(request, context, services) {
    const refused = refusal(request);
    if (refused !== ErrorCode.NONE) return context.reply(failed(refused));
    if (request.transactionalId !== null) return initTransactional(request.transactionalId, request, context, services);
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
  return transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.NONE;
}

function initTransactional(transactionalId: string, request: InitProducerIdRequest, context: RequestContext<InitProducerIdResponse>, { transactions }: BrokerServices): void {
  const { producerId, producerEpoch, transactionTimeoutMs: timeoutMs, enable2Pc: isTwoPhase } = request;
  // nobody could tell a prepared transaction from another yet, in Kafka neither
  if (request.keepPreparedTxn) return context.reply(failed(ErrorCode.UNSUPPORTED_VERSION));
  const expected = producerId === NONE ? null : { producerId, producerEpoch };
  transactions.coordinator.init({ transactionalId, timeoutMs, expected, isTwoPhase }, (errorCode, nextProducerId, nextEpoch) => {
    const told = fencedBefore(FIRST_VERSION_WITH_FENCED, context.apiVersion, errorCode);
    context.reply(makeInitProducerIdResponse({ errorCode: told, producerId: nextProducerId, producerEpoch: nextEpoch }));
  });
}
