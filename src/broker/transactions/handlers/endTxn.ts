/** EndTxn (26), versions 0 to 5. From version 5 on the client's epoch grows with each transaction, and the answer tells the next one. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeEndTxnResponse, readEndTxnRequest, writeEndTxnResponse } from '../../../protocol/generated/endTxn.ts';
import type { EndTxnRequest, EndTxnResponse } from '../../../protocol/generated/endTxn.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';
import { EPOCH_BUMP_VERSION } from '../transaction.ts';
import { fencedBefore } from './olderErrors.ts';

const FIRST_VERSION_THAT_BUMPS = 5;
const FIRST_VERSION_WITH_FENCED = 2;

export const endTxnHandler: ApiHandler<TransactionServices, EndTxnRequest, EndTxnResponse> = {
  ...spanOf(ApiKey.EndTxn),
  read: readEndTxnRequest,
  write: writeEndTxnResponse,
  handle(request, context, { transactions }) {
    const { transactionalId, producerId, producerEpoch, committed: isCommit } = request;
    const clientVersion = context.apiVersion >= FIRST_VERSION_THAT_BUMPS ? EPOCH_BUMP_VERSION : 0;
    transactions.coordinator.end(transactionalId, { producerId, producerEpoch, isCommit, clientVersion }, (errorCode, nextProducerId, nextEpoch) => {
      const told = fencedBefore(FIRST_VERSION_WITH_FENCED, context.apiVersion, errorCode);
      const identity = clientVersion === 0 ? {} : { producerId: nextProducerId, producerEpoch: nextEpoch };
      context.reply(makeEndTxnResponse({ errorCode: told, ...identity }));
    });
  },
  errorResponse: (_request, errorCode) => makeEndTxnResponse({ errorCode }),
};
