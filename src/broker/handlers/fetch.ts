/** Fetch (1), versions 4 to 18. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFetchResponse, readFetchRequest, writeFetchResponse } from '../../protocol/generated/fetch.ts';
import type { FetchRequest, FetchResponse } from '../../protocol/generated/fetch.ts';
import type { ApiHandler } from '../contract.ts';
import { errorData, FetchAttempt } from '../fetch/attempt.ts';
import type { FetchParameters } from '../fetch/attempt.ts';
import type { Isolation } from '../partition/partition.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

/** Replica ids that are none: a consumer, and Kafka's ReplicaVerificationTool, which may read up to the end of the log. */
const CONSUMER = -1;
const DEBUGGING = -2;
const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_REPLICA_STATE = 15;
const FIRST_VERSION_WITH_SESSION = 7;

export const fetchHandler: ApiHandler<BrokerServices, FetchRequest, FetchResponse> = {
  ...spanOf(ApiKey.Fetch),
  read: readFetchRequest,
  write: writeFetchResponse,
  handle(request, context, services) {
    const replicaId = context.apiVersion >= FIRST_VERSION_WITH_REPLICA_STATE ? request.replicaState.replicaId : request.replicaId;
    // Every partition has one replica, this one: nobody else can be a follower.
    if (replicaId >= 0) return context.reply(refusal(request, ErrorCode.NOT_LEADER_OR_FOLLOWER, context.apiVersion));
    const fetch = services.fetchSessions.contextFor(request, context.apiVersion, false);
    if (fetch.errorCode !== ErrorCode.NONE) return context.reply(makeFetchResponse({ errorCode: fetch.errorCode }));
    new FetchAttempt(services, context, fetch, parametersOf(request, replicaId, services, services.quotas.fetchBytesMax(context.connection, context.clientId))).start();
  },
  errorResponse: (request, errorCode, _message, version) => refusal(request, errorCode, version),
};

function parametersOf(request: FetchRequest, replicaId: number, services: BrokerServices, quotaBytesMax: number): FetchParameters {
  const maxBytes = Math.min(request.maxBytes, services.config.fetchMaxBytes, quotaBytesMax);
  return {
    isolation: isolationOf(request, replicaId),
    maxWaitMs: request.maxWaitMs,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxBytes,
  };
}

function isolationOf(request: FetchRequest, replicaId: number): Isolation {
  if (replicaId === DEBUGGING) return 'logEnd';
  return replicaId === CONSUMER && request.isolationLevel === READ_COMMITTED ? 'committed' : 'uncommitted';
}

function refusal(request: FetchRequest, errorCode: number, version: number): FetchResponse {
  return makeFetchResponse({
    errorCode: version >= FIRST_VERSION_WITH_SESSION ? errorCode : ErrorCode.NONE,
    responses: request.topics.map((topic) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: topic.partitions.map(({ partition }) => errorData(partition, errorCode)),
    })),
  });
}
