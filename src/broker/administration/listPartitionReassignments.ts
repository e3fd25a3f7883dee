/** ListPartitionReassignments (46), version 0: none is ever under way on one node. */
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeListPartitionReassignmentsResponse, readListPartitionReassignmentsRequest, writeListPartitionReassignmentsResponse,
} from '../../protocol/generated/listPartitionReassignments.ts';
import type { ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse } from '../../protocol/generated/listPartitionReassignments.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const listPartitionReassignmentsHandler: ApiHandler<BrokerServices, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse> = {
  ...spanOf(ApiKey.ListPartitionReassignments),
  read: readListPartitionReassignmentsRequest,
  write: writeListPartitionReassignmentsResponse,
  handle: (_request, context) => context.reply(makeListPartitionReassignmentsResponse({ errorMessage: null })),
  errorResponse: (_request, errorCode, errorMessage) => makeListPartitionReassignmentsResponse({ errorCode, errorMessage }),
};
