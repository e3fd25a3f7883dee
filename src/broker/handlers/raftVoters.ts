/**
 * AddRaftVoter (80), versions 0 to 1, and RemoveRaftVoter (81), version 0. There is no Raft quorum to change: they answer as Apache Kafka's controllers do
 * while the feature kraft.version is 0 (KIP-853).
 */
import { ErrorCode } from '../../protocol/errors.ts';
import { makeAddRaftVoterResponse, readAddRaftVoterRequest, writeAddRaftVoterResponse } from '../../protocol/generated/addRaftVoter.ts';
import type { AddRaftVoterRequest, AddRaftVoterResponse } from '../../protocol/generated/addRaftVoter.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeRemoveRaftVoterResponse, readRemoveRaftVoterRequest, writeRemoveRaftVoterResponse } from '../../protocol/generated/removeRaftVoter.ts';
import type { RemoveRaftVoterRequest, RemoveRaftVoterResponse } from '../../protocol/generated/removeRaftVoter.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** A request that was meant for another cluster learns that first. */
function refusal(clusterId: string | null, { metadata }: BrokerServices, errorMessage: string): Refusal {
  if (clusterId !== null && clusterId !== metadata.image.clusterId) return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, errorMessage: null };
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, errorMessage };
}

export const addRaftVoterHandler: ApiHandler<BrokerServices, AddRaftVoterRequest, AddRaftVoterResponse> = {
  ...spanOf(ApiKey.AddRaftVoter),
  read: readAddRaftVoterRequest,
  write: writeAddRaftVoterResponse,
  handle({ clusterId }, context, services) {
    context.reply(makeAddRaftVoterResponse(refusal(clusterId, services, 'No voter can be added: this cluster has no Raft quorum, its kraft.version is 0')));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeAddRaftVoterResponse({ errorCode, errorMessage }),
};

export const removeRaftVoterHandler: ApiHandler<BrokerServices, RemoveRaftVoterRequest, RemoveRaftVoterResponse> = {
  ...spanOf(ApiKey.RemoveRaftVoter),
  read: readRemoveRaftVoterRequest,
  write: writeRemoveRaftVoterResponse,
  handle({ clusterId }, context, services) {
    context.reply(makeRemoveRaftVoterResponse(refusal(clusterId, services, 'No voter can be removed: this cluster has no Raft quorum, its kraft.version is 0')));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeRemoveRaftVoterResponse({ errorCode, errorMessage }),
};
