/** AddOffsetsToTxn (25), versions 0 to 4: the partition of `__consumer_offsets` that keeps the group becomes part of the transaction. */
import { CONSUMER_OFFSETS_TOPIC } from '../../../metadata/topicNames.ts';
import { makeAddOffsetsToTxnResponse, readAddOffsetsToTxnRequest, writeAddOffsetsToTxnResponse } from '../../../protocol/generated/addOffsetsToTxn.ts';
import type { AddOffsetsToTxnRequest, AddOffsetsToTxnResponse } from '../../../protocol/generated/addOffsetsToTxn.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';
import { fencedBefore } from './olderErrors.ts';

const FIRST_VERSION_WITH_FENCED = 2;

export const addOffsetsToTxnHandler: ApiHandler<TransactionServices, AddOffsetsToTxnRequest, AddOffsetsToTxnResponse> = {
  ...spanOf(ApiKey.AddOffsetsToTxn),
  read: readAddOffsetsToTxnRequest,
  write: writeAddOffsetsToTxnResponse,
  handle(request, context, { transactions, groupCoordinator }) {
    const partitions = new Map([[CONSUMER_OFFSETS_TOPIC, new Set([groupCoordinator.partitionFor(request.groupId)])]]);
    transactions.coordinator.addPartitions(request.transactionalId, request, partitions, 0, (errorCode) => {
      context.reply(makeAddOffsetsToTxnResponse({ errorCode: fencedBefore(FIRST_VERSION_WITH_FENCED, context.apiVersion, errorCode) }));
    });
  },
  errorResponse: (_request, errorCode) => makeAddOffsetsToTxnResponse({ errorCode }),
};
