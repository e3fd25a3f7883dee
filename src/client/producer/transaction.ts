import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { makeAddOffsetsToTxnRequest, readAddOffsetsToTxnResponse, writeAddOffsetsToTxnRequest } from '../../protocol/generated/addOffsetsToTxn.ts';
import { makeAddPartitionsToTxnRequest, makeAddPartitionsToTxnTopic, readAddPartitionsToTxnResponse, writeAddPartitionsToTxnRequest } from '../../protocol/generated/addPartitionsToTxn.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeEndTxnRequest, readEndTxnResponse, writeEndTxnRequest } from '../../protocol/generated/endTxn.ts';
import { makeInitProducerIdRequest, readInitProducerIdResponse, writeInitProducerIdRequest } from '../../protocol/generated/initProducerId.ts';
import { makeTxnOffsetCommitRequest, makeTxnOffsetCommitRequestPartition, makeTxnOffsetCommitRequestTopic, readTxnOffsetCommitResponse, writeTxnOffsetCommitRequest } from '../../protocol/generated/txnOffsetCommit.ts';
import type { ClientApi } from '../core/clientApi.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { Coordinator, CoordinatorKind } from '../core/coordinators.ts';
import { isRetriableError } from '../core/wait.ts';
import type { ProducerIdentity } from './batch.ts';

const initApi = { apiKey: ApiKey.InitProducerId, versionMax: 5, write: writeInitProducerIdRequest, read: readInitProducerIdResponse } as const;
/** From version 4 on it is spoken among brokers. */
const addPartitionsApi = { apiKey: ApiKey.AddPartitionsToTxn, versionMax: 3, write: writeAddPartitionsToTxnRequest, read: readAddPartitionsToTxnResponse } as const;
const addOffsetsApi = { apiKey: ApiKey.AddOffsetsToTxn, versionMax: 4, write: writeAddOffsetsToTxnRequest, read: readAddOffsetsToTxnResponse } as const;
const plainEndApi = { apiKey: ApiKey.EndTxn, versionMax: 4, write: writeEndTxnRequest, read: readEndTxnResponse } as const;
const endApi = { ...plainEndApi, versionMax: 5 } as const;
const plainOffsetsApi = { apiKey: ApiKey.TxnOffsetCommit, versionMax: 4, write: writeTxnOffsetCommitRequest, read: readTxnOffsetCommitResponse } as const;
const offsetsApi = { ...plainOffsetsApi, versionMax: 5 } as const;
/** Level of the feature transaction.version from which partitions join by themselves and every end renews the epoch (KIP-890). */
const IMPLICIT_LEVEL = 2;
const IMPLICIT_END_VERSION = 5;
/** From this version on a producer can renew its own epoch (KIP-360). */
const RENEW_VERSION = 3;

/** Who reads, as a consumer's membership says it: so that offsets of a member that was replaced are refused. */
export interface GroupIdentity {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly instanceId: string | null;
}

export interface TransactionOffset {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

/** `none`: before `init`; `failed`: can only be aborted; `fatal`: over for good. */
type State = 'none' | 'ready' | 'open' | 'failed' | 'ending' | 'fatal';

/** The transactions of one transactional.id, one after the other (KIP-98, KIP-447, KIP-890). */
export class TransactionManager {
  readonly #cluster: Cluster;
  readonly #transactionalId: string;
  readonly #timeoutMs: number;
  readonly #maxBlockMs: number;
  readonly #coordinator: Coordinator;
  readonly #enlisted = new Set<string>();
  #toEnlist = new Map<string, { readonly topic: string; readonly partition: number }>();
  #enlisting: Promise<void> | null = null;
  readonly #groups = new Map<string, Coordinator>();
  #hasGroupOffsets = false;
  #identity: ProducerIdentity = { producerId: -1, producerEpoch: -1 };
  #state: State = 'none';
  #failure: Error | null = null;
  #needsNewEpoch = false;
  #isImplicit = false;

  constructor(cluster: Cluster, transactionalId: string, timeoutMs: number, maxBlockMs: number) {
    this.#cluster = cluster;
    this.#transactionalId = transactionalId;
    this.#timeoutMs = timeoutMs;
    this.#maxBlockMs = maxBlockMs;
    this.#coordinator = new Coordinator(cluster, CoordinatorKind.transaction, transactionalId);
  }

  get state(): State {
    return this.#state;
  }

  /** Brokers add partitions to the transaction as they see them. */
  get isImplicit(): boolean {
    return this.#isImplicit;
  }

  /** Nothing may be sent any more before it is aborted. */
  get mustAbort(): boolean {
    return this.#state === 'failed' || this.#state === 'fatal';
  }

  get failure(): Error | null {
    return this.#failure;
  }

  /** Takes over the transactional id: ends what an earlier producer left open, and fences it. */
  async init(): Promise<void> {
    this.#expect('none', 'initTransactions');
    await this.#initProducerId();
    this.#state = 'ready';
  }

  begin(): void {
    this.#expect('ready', 'beginTransaction');
    this.#state = 'open';
  }

  /** Throws unless records may be sent now. */
  checkOpen(): void {
    if (this.#state === 'open') return;
    if (this.mustAbort) throw this.#failed();
    throw new ClientError('INVALID_STATE', 'no transaction is open: beginTransaction comes before send');
  }

  isEnlisted(topic: string, partition: number): boolean {
    return this.#enlisted.has(`${partition}/${topic}`);
  }

  /** Makes the partition part of the transaction, together with others that are asked for at the same time. */
  async enlist(topic: string, partition: number): Promise<ProducerIdentity> {
    const key = `${partition}/${topic}`;
    while (!this.#enlisted.has(key)) {
      if (this.mustAbort) throw this.#failed();
      if (this.#isImplicit) this.#enlisted.add(key);
      else {
        this.#toEnlist.set(key, { topic, partition });
        await (this.#enlisting ??= Promise.resolve().then(() => this.#enlistAll()).finally(() => {
          this.#enlisting = null;
        }));
      }
    }
    return this.#identity;
  }

  /** Offsets that are committed together with the records. Throws ClientError REBALANCED where the group has moved on: then abort. */
  async sendOffsets(group: GroupIdentity, offsets: readonly TransactionOffset[]): Promise<void> {
    this.checkOpen();
    if (offsets.length === 0) return;
    try {
      if (!this.#isImplicit) {
        const body = () => makeAddOffsetsToTxnRequest({ ...this.#who(), groupId: group.groupId });
        await this.#ask(addOffsetsApi, body, ({ errorCode }) => errorCode);
      }
      this.#hasGroupOffsets = true;
      await this.#commitOffsets(group, offsets);
    } catch (error) {
      this.onFailure(error as Error);
      throw error;
    }
  }

  /** After everything was delivered. Throws ClientError TRANSACTION_ABORTABLE where something was not. */
  async commit(): Promise<void> {
    if (this.mustAbort) throw this.#failed();
    this.#expect('open', 'commitTransaction');
    await this.#end(true);
  }

  async abort(): Promise<void> {
    if (this.#state === 'fatal') throw this.#failed();
    if (this.#state !== 'failed') this.#expect('open', 'abortTransaction');
    await this.#end(false);
  }

  /** A record or an offset could not be written: the transaction can only be aborted. */
  onFailure(error: Error): void {
    if (this.#state === 'fatal' || this.#state === 'ready') return;
    this.#failure ??= error;
    this.#needsNewEpoch = true;
    this.#state = isFatal(error) ? 'fatal' : 'failed';
  }

  /** As onFailure, but an open transaction in which nothing failed keeps its epoch. */
  onFailureUnlessEnded(error: Error): void {
    if (this.#state !== 'open') return;
    this.#failure = error;
    this.#state = 'failed';
    // batches that were numbered and will not be sent leave a gap
    this.#needsNewEpoch = true;
  }

  /** Nothing more is asked. A transaction that is open stays so until it times out, or another producer of this name begins. */
  close(): void {
    this.#coordinator.close();
    for (const coordinator of this.#groups.values()) coordinator.close();
  }

  async #end(isCommit: boolean): Promise<void> {
    const hasStarted = this.#enlisted.size > 0 || this.#hasGroupOffsets || this.#toEnlist.size > 0;
    const before = this.#state;
    this.#state = 'ending';
    try {
      if (hasStarted) await this.#sendEnd(isCommit);
      if (this.#needsNewEpoch && !(hasStarted && this.#isImplicit)) await this.#initProducerId();
    } catch (error) {
      // whether it was ended is not known: the same end may be asked for again
      this.#state = isFatal(error as Error) ? 'fatal' : before;
      this.#failure = error as Error;
      throw error;
    }
    this.#enlisted.clear();
    this.#toEnlist.clear();
    this.#hasGroupOffsets = false;
    this.#needsNewEpoch = false;
    this.#failure = null;
    this.#state = 'ready';
  }

  async #sendEnd(isCommit: boolean): Promise<void> {
    const body = () => makeEndTxnRequest({ ...this.#who(), committed: isCommit });
    const answer = await this.#ask(this.#isImplicit ? endApi : plainEndApi, body, ({ errorCode }) => errorCode);
    if (this.#isImplicit && answer.producerId >= 0) this.#identity = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  async #initProducerId(): Promise<void> {
    const connection = await this.#cluster.retrying(() => this.#coordinator.connection(), this.#maxBlockMs);
    this.#isImplicit = connection.featureLevel('transaction.version') >= IMPLICIT_LEVEL && connection.offeredVersion(ApiKey.EndTxn) >= IMPLICIT_END_VERSION;
    const body = (version: number) => makeInitProducerIdRequest({
      transactionalId: this.#transactionalId, transactionTimeoutMs: this.#timeoutMs, ...(version >= RENEW_VERSION ? this.#identity : {}),
    });
    const answer = await this.#ask(initApi, body, ({ errorCode }) => errorCode);
    this.#identity = { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  async #enlistAll(): Promise<void> {
    const asked = this.#toEnlist;
    this.#toEnlist = new Map();
    const topics = [...groupBy(asked.values(), ({ topic }) => topic)].map(([name, all]) => makeAddPartitionsToTxnTopic({ name, partitions: all.map(({ partition }) => partition) }));
    const who = this.#who();
    const body = makeAddPartitionsToTxnRequest({
      v3AndBelowTransactionalId: who.transactionalId, v3AndBelowProducerId: who.producerId, v3AndBelowProducerEpoch: who.producerEpoch, v3AndBelowTopics: topics,
    });
    try {
      await this.#ask(addPartitionsApi, () => body, ({ resultsByTopicV3AndBelow }) => {
        const codes = resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) => resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode));
        const failed = codes.filter((code) => code !== ErrorCode.NONE && code !== ErrorCode.OPERATION_NOT_ATTEMPTED);
        return failed[0] ?? codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE;
      });
    } catch (error) {
      this.onFailure(error as Error);
      throw error;
    }
    for (const key of asked.keys()) this.#enlisted.add(key);
  }

  async #commitOffsets(group: GroupIdentity, offsets: readonly TransactionOffset[]): Promise<void> {
    const topics = [...groupBy(offsets, ({ topic }) => topic)].map(([name, all]) => makeTxnOffsetCommitRequestTopic({
      name, partitions: all.map(({ partition, offset, leaderEpoch, metadata }) =>
        makeTxnOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch ?? -1, committedMetadata: metadata ?? '' })),
    }));
    const { groupId, generationId, memberId, instanceId } = group;
    const body = (version: number) => makeTxnOffsetCommitRequest({
      ...this.#who(), groupId, topics, ...(version >= 3 ? { generationIdOrMemberEpoch: generationId, memberId, groupInstanceId: instanceId } : {}),
    });
    let coordinator = this.#groups.get(groupId);
    if (coordinator === undefined) this.#groups.set(groupId, (coordinator = new Coordinator(this.#cluster, CoordinatorKind.group, groupId)));
    await this.#ask(this.#isImplicit ? offsetsApi : plainOffsetsApi, body, (answer) => {
      const codes = answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
      return codes.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE;
    }, coordinator);
  }

  /** Asks until the answer is no error that passes. */
  #ask<Request, Response>(api: ClientApi<Request, Response>, body: (version: number) => Request, codeOf: (answer: Response) => number, coordinator = this.#coordinator): Promise<Response> {
    return this.#cluster.retrying(async () => {
      const answer = await coordinator.ask<Request, Response>(api, body);
      const code = codeOf(answer);
      if (code === ErrorCode.NONE) return answer;
      if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) coordinator.forget();
      return raise(code);
    }, this.#maxBlockMs);
  }

  #who(): ProducerIdentity & { readonly transactionalId: string } {
    return { transactionalId: this.#transactionalId, ...this.#identity };
  }

  #expect(state: State, call: string): void {
    if (this.#state === state) return;
    if (this.#state === 'fatal') throw this.#failed();
    const advice = this.#state === 'none' ? ': initTransactions comes first' : '';
    throw new ClientError('INVALID_STATE', `${call} does not fit: the transaction is "${this.#state}"${advice}`);
  }

  #failed(): Error {
    const cause = this.#failure;
    if (this.#state === 'fatal') return cause ?? new ClientError('PRODUCER_FENCED', 'the producer is fenced');
    return new ClientError('TRANSACTION_ABORTABLE', `the transaction must be aborted: ${cause?.message ?? 'it failed'}`, cause);
  }
}

function raise(code: number): never {
  switch (code) {
    case ErrorCode.PRODUCER_FENCED:
    case ErrorCode.INVALID_PRODUCER_EPOCH:
      throw new ClientError('PRODUCER_FENCED', 'another producer with the same transactional.id has taken over');
    case ErrorCode.ILLEGAL_GENERATION:
    case ErrorCode.UNKNOWN_MEMBER_ID:
    case ErrorCode.FENCED_INSTANCE_ID:
    case ErrorCode.STALE_MEMBER_EPOCH:
    case ErrorCode.REBALANCE_IN_PROGRESS:
      // asking again would not help: the offsets belong to an assignment that is gone
      throw new ClientError('TRANSACTION_ABORTABLE', `the group has moved on (${new KafkaError(code).codeName}): abort the transaction`);
    default:
      throwOnError(code);
      throw new KafkaError(code);
  }
}

const FATAL_CODES: ReadonlySet<number> = new Set([
  ErrorCode.PRODUCER_FENCED, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ErrorCode.CLUSTER_AUTHORIZATION_FAILED, ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.TRANSACTION_COORDINATOR_FENCED, ErrorCode.UNSUPPORTED_VERSION,
]);

function isFatal(error: Error): boolean {
  if (error instanceof KafkaError) return FATAL_CODES.has(error.code);
  return error instanceof ClientError && (error.code === 'PRODUCER_FENCED' || error.code === 'UNSUPPORTED_VERSION') && !isRetriableError(error);
}
