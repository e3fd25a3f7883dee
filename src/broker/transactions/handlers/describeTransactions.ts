/** DescribeTransactions (65), version 0. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeTransactionState, readDescribeTransactionsRequest, writeDescribeTransactionsResponse } from '../../../protocol/generated/describeTransactions.ts';
import type { DescribeTransactionsRequest, DescribeTransactionsResponse, TransactionState } from '../../../protocol/generated/describeTransactions.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';
import { STATUS_NAMES } from '../transaction.ts';
import type { Transaction } from '../transaction.ts';

export const describeTransactionsHandler: ApiHandler<TransactionServices, DescribeTransactionsRequest, DescribeTransactionsResponse> = {
  ...spanOf(ApiKey.DescribeTransactions),
  read: readDescribeTransactionsRequest,
  write: writeDescribeTransactionsResponse,
  handle(request, context, { transactions }) {
    const transactionStates = request.transactionalIds.map((transactionalId) => {
      const described = transactions.coordinator.describe(transactionalId);
      return typeof described === 'number' ? failed(transactionalId, described) : stateOf(described);
    });
    context.reply({ throttleTimeMs: 0, transactionStates });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, transactionStates: request.transactionalIds.map((transactionalId) => failed(transactionalId, errorCode)) }),
};

function failed(transactionalId: string, errorCode: number): TransactionState {
  return makeTransactionState({ transactionalId, errorCode });
}

function stateOf(transaction: Transaction): TransactionState {
  return {
    errorCode: ErrorCode.NONE,
    transactionalId: transaction.transactionalId,
    transactionState: STATUS_NAMES[transaction.status],
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStartTimeMs: transaction.startedMs,
    producerId: transaction.producerId,
    producerEpoch: transaction.producerEpoch,
    topics: [...transaction.partitions].map(([topic, indexes]) => ({ topic, partitions: [...indexes] })),
  };
}
