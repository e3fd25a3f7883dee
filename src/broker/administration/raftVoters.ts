/**
 * AddRaftVoter (80), versions 0 to 1, and RemoveRaftVoter (81), version 0 (KIP-853). This node is the only voter and stays it: while the feature kraft.version
 * is 0 the quorum cannot be changed at all, at 1 it answers as Apache Kafka's only controller does of itself and of nodes that it cannot reach.
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
import { hasVoterDirectories, soleVoter, voterText } from './quorum.ts';

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** A request that was meant for another cluster learns that first; null when the quorum can be spoken of. */
function refusal(clusterId: string | null, services: BrokerServices, errorMessage: string): Refusal | null {
  if (clusterId !== null && clusterId !== services.metadata.image.clusterId) return { errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID, errorMessage: null };
  return hasVoterDirectories(services) ? null : { errorCode: ErrorCode.UNSUPPORTED_VERSION, errorMessage };
}

function additionRefused({ voterId, voterDirectoryId }: AddRaftVoterRequest, services: BrokerServices): Refusal {
  const { id, directoryId } = soleVoter(services);
  if (voterId !== id) return { errorCode: ErrorCode.REQUEST_TIMED_OUT, errorMessage: 'Aborted add voter operation: another node cannot take part in the metadata of this one' };
  return { errorCode: ErrorCode.DUPLICATE_VOTER, errorMessage: `The voter id for ${voterText(voterId, voterDirectoryId)} is already part of the set of voters [${voterText(id, directoryId)}].` };
}

export const addRaftVoterHandler: ApiHandler<BrokerServices, AddRaftVoterRequest, AddRaftVoterResponse> = {
  ...spanOf(ApiKey.AddRaftVoter),
  read: readAddRaftVoterRequest,
  write: writeAddRaftVoterResponse,
  handle(request, context, services) {
    const refused = refusal(request.clusterId, services, 'No voter can be added while kraft.version is 0') ?? additionRefused(request, services);
    context.reply(makeAddRaftVoterResponse(refused));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeAddRaftVoterResponse({ errorCode, errorMessage }),
};

/** The only voter cannot be taken away either. */
function removalRefused({ voterId, voterDirectoryId }: RemoveRaftVoterRequest, services: BrokerServices): Refusal {
  const { id, directoryId } = soleVoter(services);
  return { errorCode: ErrorCode.VOTER_NOT_FOUND, errorMessage: `Cannot remove voter ${voterText(voterId, voterDirectoryId)} from the set of voters [${voterText(id, directoryId)}]` };
}

export const removeRaftVoterHandler: ApiHandler<BrokerServices, RemoveRaftVoterRequest, RemoveRaftVoterResponse> = {
  ...spanOf(ApiKey.RemoveRaftVoter),
  read: readRemoveRaftVoterRequest,
  write: writeRemoveRaftVoterResponse,
  handle(request, context, services) {
    const refused = refusal(request.clusterId, services, 'No voter can be removed while kraft.version is 0') ?? removalRefused(request, services);
    context.reply(makeRemoveRaftVoterResponse(refused));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeRemoveRaftVoterResponse({ errorCode, errorMessage }),
};
