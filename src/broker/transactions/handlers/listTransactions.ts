/** ListTransactions (66), versions 0 to 2. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeListTransactionsResponse, readListTransactionsRequest, writeListTransactionsResponse } from '../../../protocol/generated/listTransactions.ts';
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../../protocol/generated/listTransactions.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import { compilePattern, listTransactions, unknownStates } from '../list.ts';
import type { TransactionServices } from '../services.ts';
import { STATUS_NAMES } from '../transaction.ts';

export const listTransactionsHandler: ApiHandler<TransactionServices, ListTransactionsRequest, ListTransactionsResponse> = {
  ...spanOf(ApiKey.ListTransactions),
  read: readListTransactionsRequest,
  write: writeListTransactionsResponse,
  handle(request, context, { transactions, clock }) {
    const text = request.transactionalIdPattern ?? '';
    const pattern = text === '' ? null : compilePattern(text);
    if (text !== '' && pattern === null) return context.reply(makeListTransactionsResponse({ errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION }));
    const found = transactions.coordinator.list();
    if (typeof found === 'number') return context.reply(makeListTransactionsResponse({ errorCode: found }));
    const { stateFilters: stateNames, producerIdFilters: producerIds, durationFilter: durationMs } = request;
    const listed = listTransactions(found, { stateNames, producerIds, durationMs, pattern: text }, pattern, clock.now());
    const transactionStates = listed.map(({ transactionalId, producerId, status }) => ({ transactionalId, producerId, transactionState: STATUS_NAMES[status] }));
    context.reply(makeListTransactionsResponse({ unknownStateFilters: unknownStates(stateNames), transactionStates }));
  },
  errorResponse: (_request, errorCode) => makeListTransactionsResponse({ errorCode }),
};
