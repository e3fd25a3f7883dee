/** Transactions: by their id, with the groups and topics that they touch. */
import { AclOperation, ResourceType } from '../../../../metadata/acls.ts';
import { isInternalTopic } from '../../../../metadata/topicNames.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import type { AddOffsetsToTxnRequest } from '../../../../protocol/generated/addOffsetsToTxn.ts';
import { makeAddPartitionsToTxnResponse } from '../../../../protocol/generated/addPartitionsToTxn.ts';
import type { AddPartitionsToTxnRequest, AddPartitionsToTxnResponse } from '../../../../protocol/generated/addPartitionsToTxn.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import { makeTransactionState } from '../../../../protocol/generated/describeTransactions.ts';
import type { DescribeTransactionsRequest, DescribeTransactionsResponse } from '../../../../protocol/generated/describeTransactions.ts';
import type { EndTxnRequest } from '../../../../protocol/generated/endTxn.ts';
import type { InitProducerIdRequest } from '../../../../protocol/generated/initProducerId.ts';
import type { ListTransactionsRequest, ListTransactionsResponse } from '../../../../protocol/generated/listTransactions.ts';
import type { TxnOffsetCommitRequest, TxnOffsetCommitResponse } from '../../../../protocol/generated/txnOffsetCommit.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';
import { refusedCommit } from './offsets.ts';

const { clusterAction, describe, idempotentWrite, read, twoPhaseCommit, write } = AclOperation;
const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED } = ErrorCode;
const FIRST_ADD_VERSION_OF_BROKERS = 4;
const FIRST_COMMIT_VERSION_WITH_ID = 6;

const REFUSED = { refusal: TRANSACTIONAL_ID_AUTHORIZATION_FAILED };

function initProducerId(request: InitProducerIdRequest, { caller, access }: GuardCall): { readonly refusal: number } | null {
  const { transactionalId } = request;
  if (transactionalId === null) {
    const isAllowed = caller.mayCluster(idempotentWrite) || access.allowsAny(caller.connection, write, ResourceType.topic);
    return isAllowed ? null : { refusal: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
  }
  if (!caller.mayTransaction(write, transactionalId)) return REFUSED;
  return request.enable2Pc && !caller.mayTransaction(twoPhaseCommit, transactionalId) ? REFUSED : null;
}

const endTxn = ({ transactionalId }: EndTxnRequest, { caller }: GuardCall) => (caller.mayTransaction(write, transactionalId) ? null : REFUSED);

function addOffsetsToTxn({ transactionalId, groupId }: AddOffsetsToTxnRequest, { caller }: GuardCall): { readonly refusal: number } | null {
  if (!caller.mayTransaction(write, transactionalId)) return REFUSED;
  return caller.mayGroup(read, groupId) ? null : { refusal: GROUP_AUTHORIZATION_FAILED };
}

/** All or nothing: with one topic refused, the others are not attempted. */
function addPartitionsToTxn(request: AddPartitionsToTxnRequest, { caller, apiVersion }: GuardCall): Verdict<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> | null {
  if (apiVersion >= FIRST_ADD_VERSION_OF_BROKERS) return caller.mayCluster(clusterAction) ? null : { refusal: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
  if (!caller.mayTransaction(write, request.v3AndBelowTransactionalId)) return REFUSED;
  const topics = request.v3AndBelowTopics;
  const parts = split(topics, ({ name }) => !isInternalTopic(name) && caller.mayTopic(write, name));
  if (parts === null) return null;
  const denied = new Set(parts.denied);
  return {
    response: makeAddPartitionsToTxnResponse({
      resultsByTopicV3AndBelow: topics.map((topic) => ({
        name: topic.name,
        resultsByPartition: topic.partitions.map((partitionIndex) => ({
          partitionIndex, partitionErrorCode: denied.has(topic) ? TOPIC_AUTHORIZATION_FAILED : ErrorCode.OPERATION_NOT_ATTEMPTED,
        })),
      })),
    }),
  };
}

function txnOffsetCommit(request: TxnOffsetCommitRequest, { caller, apiVersion, metadata }: GuardCall): Verdict<TxnOffsetCommitRequest, TxnOffsetCommitResponse> | null {
  if (!caller.mayTransaction(write, request.transactionalId)) return REFUSED;
  if (!caller.mayGroup(read, request.groupId)) return { refusal: GROUP_AUTHORIZATION_FAILED };
  const parts = split(request.topics, ({ name, topicId }) => {
    const known = apiVersion >= FIRST_COMMIT_VERSION_WITH_ID ? metadata.image.topicsById.get(topicId)?.name : name;
    return known === undefined || caller.mayTopic(read, known);
  });
  if (parts === null) return null;
  const denied = parts.denied.map(refusedCommit);
  if (parts.allowed.length === 0) return { response: { throttleTimeMs: 0, topics: denied } };
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

function describeTransactions(request: DescribeTransactionsRequest, { caller }: GuardCall): Verdict<DescribeTransactionsRequest, DescribeTransactionsResponse> | null {
  const parts = split(request.transactionalIds, (id) => caller.mayTransaction(describe, id));
  const denied = (parts?.denied ?? []).map((transactionalId) => makeTransactionState({ transactionalId, errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED }));
  return {
    request: parts === null ? request : { ...request, transactionalIds: parts.allowed },
    finish(response) {
      for (const state of response.transactionStates) state.topics = state.topics.filter(({ topic }) => caller.mayTopic(describe, topic));
      response.transactionStates = [...response.transactionStates, ...denied];
    },
  };
}

function listTransactions(_request: ListTransactionsRequest, { caller }: GuardCall): Verdict<ListTransactionsRequest, ListTransactionsResponse> | null {
  return { finish: (response) => void (response.transactionStates = response.transactionStates.filter(({ transactionalId }) => caller.mayTransaction(describe, transactionalId))) };
}

export const transactionGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.InitProducerId, initProducerId),
  guardOf(ApiKey.AddPartitionsToTxn, addPartitionsToTxn),
  guardOf(ApiKey.AddOffsetsToTxn, addOffsetsToTxn),
  guardOf(ApiKey.EndTxn, endTxn),
  guardOf(ApiKey.TxnOffsetCommit, txnOffsetCommit),
  guardOf(ApiKey.DescribeTransactions, describeTransactions),
  guardOf(ApiKey.ListTransactions, listTransactions),
];
