/**
 * AddPartitionsToTxn (24), versions 0 to 5. Clients send versions up to 3, one transaction at a time; brokers later ones, several at a time, to add
 * partitions or only to ask for them.
 */
import { isInternalTopic } from '../../../metadata/topicNames.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import {
  makeAddPartitionsToTxnResponse, readAddPartitionsToTxnRequest, writeAddPartitionsToTxnResponse,
} from '../../../protocol/generated/addPartitionsToTxn.ts';
import type {
  AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, AddPartitionsToTxnResult, AddPartitionsToTxnTopicResult, AddPartitionsToTxnTransaction,
} from '../../../protocol/generated/addPartitionsToTxn.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';
import { EPOCH_BUMP_VERSION } from '../transaction.ts';
import { fencedBefore } from './olderErrors.ts';

const FIRST_VERSION_OF_BROKERS = 4;
const FIRST_VERSION_WITH_FENCED = 2;

interface Place {
  readonly topic: string;
  readonly partition: number;
}

type ErrorOf = (place: Place) => number;

export const addPartitionsToTxnHandler: ApiHandler<TransactionServices, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> = {
  ...spanOf(ApiKey.AddPartitionsToTxn),
  read: readAddPartitionsToTxnRequest,
  write: writeAddPartitionsToTxnResponse,
  handle(request, context, services) {
    const { apiVersion } = context;
    const asked = transactionsOf(request, apiVersion);
    const results: AddPartitionsToTxnResult[] = [];
    let left = asked.length;
    if (left === 0) return context.reply(response([], apiVersion));
    asked.forEach((transaction, index) => {
      add(transaction, apiVersion, services, (errorOf) => {
        results[index] = resultOf(transaction, errorOf);
        if (--left === 0) context.reply(response(results, apiVersion));
      });
    });
  },
  errorResponse: (request, errorCode, _message, version) => {
    if (version >= FIRST_VERSION_OF_BROKERS) return makeAddPartitionsToTxnResponse({ errorCode });
    return response(transactionsOf(request, version).map((transaction) => resultOf(transaction, () => errorCode)), version);
  },
};

function transactionsOf(request: AddPartitionsToTxnRequest, version: number): AddPartitionsToTxnTransaction[] {
  if (version >= FIRST_VERSION_OF_BROKERS) return request.transactions;
  return [{
    transactionalId: request.v3AndBelowTransactionalId, producerId: request.v3AndBelowProducerId, producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false, topics: request.v3AndBelowTopics,
  }];
}

function placesOf({ topics }: AddPartitionsToTxnTransaction): Place[] {
  return topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ topic: name, partition })));
}

function add(transaction: AddPartitionsToTxnTransaction, version: number, services: TransactionServices, done: (errorOf: ErrorOf) => void): void {
  const { transactionalId, verifyOnly, topics } = transaction;
  const { coordinator } = services.transactions;
  const places = placesOf(transaction);
  const isClient = version < FIRST_VERSION_OF_BROKERS;
  const refused: ErrorOf = ({ topic, partition }) => {
    if (isClient && isInternalTopic(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    return services.metadata.image.topicsByName.get(topic)?.partitions[partition] === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE;
  };
  if (places.some((place) => refused(place) !== ErrorCode.NONE)) return done((place) => refused(place) || ErrorCode.OPERATION_NOT_ATTEMPTED);
  if (verifyOnly) {
    const indexes = new Map(places.map(({ topic, partition }, index) => [`${partition}/${topic}`, index]));
    coordinator.verifyPartitions(transactionalId, transaction, places, (errorCodes) => done(({ topic, partition }) => errorCodes[indexes.get(`${partition}/${topic}`)!]!));
    return;
  }
  const partitions = new Map(topics.map(({ name, partitions: indexes }) => [name, new Set(indexes)]));
  coordinator.addPartitions(transactionalId, transaction, partitions, isClient ? 0 : EPOCH_BUMP_VERSION, (errorCode) => {
    const told = fencedBefore(FIRST_VERSION_WITH_FENCED, version, errorCode);
    done(() => told);
  });
}

function resultOf({ transactionalId, topics }: AddPartitionsToTxnTransaction, errorOf: ErrorOf): AddPartitionsToTxnResult {
  const topicResults: AddPartitionsToTxnTopicResult[] = topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partition) => ({ partitionIndex: partition, partitionErrorCode: errorOf({ topic: name, partition }) })),
  }));
  return { transactionalId, topicResults };
}

function response(results: AddPartitionsToTxnResult[], version: number): AddPartitionsToTxnResponse {
  if (version >= FIRST_VERSION_OF_BROKERS) return makeAddPartitionsToTxnResponse({ resultsByTransaction: results });
  return makeAddPartitionsToTxnResponse({ resultsByTopicV3AndBelow: results[0]?.topicResults ?? [] });
}
