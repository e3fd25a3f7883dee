/** ShareFetch (78), versions 1 and 2: records that a member may work on, and acknowledgements of earlier ones on the way. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionData, makeShareFetchResponse, readShareFetchRequest, writeShareFetchResponse } from '../../../protocol/generated/shareFetch.ts';
import type { PartitionData, ShareFetchRequest, ShareFetchResponse, ShareFetchableTopicResponse } from '../../../protocol/generated/shareFetch.ts';
import type { ApiHandler, RequestContext } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { ShareFetchAttempt } from '../fetch/attempt.ts';
import type { FetchedPartition, ShareFetchParameters } from '../fetch/attempt.ts';
import { AcquireMode } from '../partition/acquire.ts';
import { FINAL_EPOCH } from '../sessions.ts';
import type { SessionChange, ShareSession, ShareTarget } from '../sessions.ts';
import { acknowledgeAll, isMemberId } from './acknowledgements.ts';
import type { AcknowledgedPartition, AcknowledgeResult } from './acknowledgements.ts';
import { endpointsOf, leaderToTell } from './leaders.ts';
import type { Leader } from './leaders.ts';

const FIRST_VERSION_WITH_RENEWAL = 2;

export const shareFetchHandler: ApiHandler<BrokerServices, ShareFetchRequest, ShareFetchResponse> = {
  ...spanOf(ApiKey.ShareFetch),
  read: readShareFetchRequest,
  write: writeShareFetchResponse,
  handle(request, context, services) {
    const { groupId, memberId } = request;
    const problem = problemOf(request, context.apiVersion);
    if (problem !== null || groupId === null || memberId === null) return refuse(context, ErrorCode.INVALID_REQUEST, problem);
    // Kafka's own answer to what it cannot name.
    if (!isAcquireMode(request.shareAcquireMode)) return refuse(context, ErrorCode.UNKNOWN_SERVER_ERROR, `Unknown share acquire mode id: ${request.shareAcquireMode}`);
    if (services.share.isClosed) return refuse(context, ErrorCode.SHARE_SESSION_NOT_FOUND);
    const change = sessionChange(request, groupId, memberId);
    const { errorCode, session } = services.share.sessions.fetch(change, context.connection);
    if (session === null) return refuseSession(request, context, services, errorCode);
    new ShareFetchWork(request, context, services, session).start();
  },
  errorResponse: (_request, errorCode, errorMessage) => makeShareFetchResponse({ errorCode, errorMessage }),
};

const isAcquireMode = (mode: number): boolean => mode === AcquireMode.batchOptimized || mode === AcquireMode.recordLimit;

function refuse(context: RequestContext<ShareFetchResponse>, errorCode: number, errorMessage: string | null = null): void {
  context.reply(makeShareFetchResponse({ errorCode, errorMessage }));
}

/** A client that finds no room would ask again at once: it waits here instead, as long as it would for records. */
function refuseSession(request: ShareFetchRequest, context: RequestContext<ShareFetchResponse>, services: BrokerServices, errorCode: number): void {
  if (errorCode !== ErrorCode.SHARE_SESSION_LIMIT_REACHED || request.maxWaitMs <= 0) return refuse(context, errorCode);
  const timer = services.clock.setTimer(Math.min(request.maxWaitMs, DELAY_MS_MAX), () => {
    context.connection.offClose(cancel);
    refuse(context, errorCode);
  });
  const cancel = (): void => {
    timer.cancel();
    context.replyNothing();
  };
  context.connection.onClose(cancel);
}

const DELAY_MS_MAX = 60_000;

function problemOf(request: ShareFetchRequest, version: number): string | null {
  if (request.groupId === null) return 'Invalid group id in the request.';
  if (!isMemberId(request.memberId)) return 'Invalid member id in the request.';
  if (version < FIRST_VERSION_WITH_RENEWAL || !request.isRenewAck) return null;
  const { maxBytes, minBytes, maxRecords, maxWaitMs } = request;
  return maxBytes === 0 && minBytes === 0 && maxRecords === 0 && maxWaitMs === 0
    ? null
    : 'A request that renews acquisition locks must not fetch: max bytes, min bytes, max records and max wait must be 0.';
}

function sessionChange(request: ShareFetchRequest, groupId: string, memberId: string): SessionChange {
  const hasAcknowledgements = request.topics.some(({ partitions }) => partitions.some(({ acknowledgementBatches }) => acknowledgementBatches.length > 0));
  return {
    groupId,
    memberId,
    epoch: request.shareSessionEpoch,
    added: request.topics.flatMap(({ topicId, partitions }) => partitions.map(({ partitionIndex }) => ({ topicId, index: partitionIndex }))),
    forgotten: request.forgottenTopicsData.flatMap(({ topicId, partitions }) => partitions.map((index) => ({ topicId, index }))),
    hasAcknowledgements,
  };
}

/** Both halves of one request; the reply goes out when both are done. */
class ShareFetchWork {
  readonly #request: ShareFetchRequest;
  readonly #context: RequestContext<ShareFetchResponse>;
  readonly #services: BrokerServices;
  readonly #session: ShareSession;
  #acknowledged: readonly AcknowledgeResult[] | null = null;
  #fetched: readonly FetchedPartition[] | null = null;
  #release: () => void = () => undefined;

  constructor(request: ShareFetchRequest, context: RequestContext<ShareFetchResponse>, services: BrokerServices, session: ShareSession) {
    this.#request = request;
    this.#context = context;
    this.#services = services;
    this.#session = session;
  }

  start(): void {
    const { share } = this.#services;
    const { groupId, memberId } = this.#session;
    const isRenewal = this.#context.apiVersion >= FIRST_VERSION_WITH_RENEWAL && this.#request.isRenewAck;
    // What is released here can be acquired again by this very fetch.
    acknowledgeAll(share, groupId, memberId, acknowledgedOf(this.#request), isRenewal, (results) => {
      this.#acknowledged = results;
      this.#answer();
    });
    if (isRenewal || this.#request.shareSessionEpoch === FINAL_EPOCH) {
      this.#fetched = [];
      return this.#answer();
    }
    new ShareFetchAttempt(this.#services, this.#context.connection, this.#targets(), this.#parameters(), (fetched, release) => {
      this.#fetched = fetched;
      this.#release = release;
      this.#answer();
    }).start();
  }

  /** In another order each time, so that no partition is always the first. */
  #targets(): ShareTarget[] {
    const targets = [...this.#session.targets.values()];
    const first = targets.length === 0 ? 0 : this.#session.epoch % targets.length;
    return first === 0 ? targets : [...targets.slice(first), ...targets.slice(0, first)];
  }

  #parameters(): ShareFetchParameters {
    const { maxWaitMs, minBytes, maxBytes, maxRecords, batchSize, shareAcquireMode } = this.#request;
    return {
      groupId: this.#session.groupId,
      memberId: this.#session.memberId,
      maxWaitMs, minBytes, maxRecords, batchSize,
      maxBytes: Math.min(maxBytes, this.#services.config.fetchMaxBytes),
      acquireMode: shareAcquireMode,
    };
  }

  #answer(): void {
    const fetched = this.#fetched;
    const acknowledged = this.#acknowledged;
    if (fetched === null || acknowledged === null) return;
    const { share } = this.#services;
    if (share.isClosed) {
      // Nobody could end the session any more: a client that believes in it would try.
      this.#release();
      return refuse(this.#context, ErrorCode.SHARE_SESSION_NOT_FOUND);
    }
    if (this.#request.shareSessionEpoch === FINAL_EPOCH) share.sessions.end(this.#session);
    const response = makeShareFetchResponse({
      acquisitionLockTimeoutMs: share.config.group(this.#session.groupId).recordLockDurationMs,
      responses: combine(fetched, acknowledged),
    });
    response.nodeEndpoints = endpointsOf(this.#services, this.#context.connection, leadersIn(response));
    this.#context.reply(response, this.#release);
  }
}

function acknowledgedOf(request: ShareFetchRequest): AcknowledgedPartition[] {
  return request.topics.flatMap(({ topicId, partitions }) => partitions
    .filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
    .map(({ partitionIndex, acknowledgementBatches }) => ({ topicId, index: partitionIndex, batches: acknowledgementBatches })));
}

/** One entry for each partition that has something to tell. */
function combine(fetched: readonly FetchedPartition[], acknowledged: readonly AcknowledgeResult[]): ShareFetchableTopicResponse[] {
  const topics = new Map<string, Map<number, PartitionData>>();
  const partitionsOf = (topicId: string): Map<number, PartitionData> => {
    const known = topics.get(topicId) ?? new Map<number, PartitionData>();
    topics.set(topicId, known);
    return known;
  };
  for (const { target, partition, data } of fetched) {
    partitionsOf(target.topicId).set(target.index, { ...data, currentLeader: leaderToTell(partition, data.errorCode) });
  }
  for (const { topicId, index, partition, errorCode, message } of acknowledged) {
    const data = partitionsOf(topicId).get(index) ?? makePartitionData({ partitionIndex: index });
    const currentLeader = leaderToTell(partition, data.errorCode, errorCode);
    partitionsOf(topicId).set(index, { ...data, acknowledgeErrorCode: errorCode, acknowledgeErrorMessage: message, currentLeader });
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.values()] }));
}

function* leadersIn(response: ShareFetchResponse): Generator<Leader> {
  for (const { partitions } of response.responses) for (const { currentLeader } of partitions) yield currentLeader;
}
