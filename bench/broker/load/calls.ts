/** The requests of the load, in versions that Kafka 2.4 and later answer; those of producers with an id need Kafka 4. */
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeAclCreation, makeCreateAclsRequest, readCreateAclsResponse, writeCreateAclsRequest } from '../../../src/protocol/generated/createAcls.ts';
import type { AclCreation, CreateAclsRequest, CreateAclsResponse } from '../../../src/protocol/generated/createAcls.ts';
import { makeCreatableTopic, makeCreateTopicsRequest, readCreateTopicsResponse, writeCreateTopicsRequest } from '../../../src/protocol/generated/createTopics.ts';
import type { CreateTopicsRequest, CreateTopicsResponse } from '../../../src/protocol/generated/createTopics.ts';
import { makeDeleteTopicsRequest, readDeleteTopicsResponse, writeDeleteTopicsRequest } from '../../../src/protocol/generated/deleteTopics.ts';
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../../../src/protocol/generated/deleteTopics.ts';
import { makeEndTxnRequest, readEndTxnResponse, writeEndTxnRequest } from '../../../src/protocol/generated/endTxn.ts';
import type { EndTxnRequest, EndTxnResponse } from '../../../src/protocol/generated/endTxn.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic, readFetchResponse, writeFetchRequest } from '../../../src/protocol/generated/fetch.ts';
import type { FetchRequest, FetchResponse } from '../../../src/protocol/generated/fetch.ts';
import { makeFindCoordinatorRequest, readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../../src/protocol/generated/findCoordinator.ts';
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../../../src/protocol/generated/findCoordinator.ts';
import { makeInitProducerIdRequest, readInitProducerIdResponse, writeInitProducerIdRequest } from '../../../src/protocol/generated/initProducerId.ts';
import type { InitProducerIdRequest, InitProducerIdResponse } from '../../../src/protocol/generated/initProducerId.ts';
import { makeMetadataRequest, makeMetadataRequestTopic, readMetadataResponse, writeMetadataRequest } from '../../../src/protocol/generated/metadata.ts';
import type { MetadataRequest, MetadataResponse } from '../../../src/protocol/generated/metadata.ts';
import { makePartitionProduceData, makeProduceRequest, makeTopicProduceData, readProduceResponse, writeProduceRequest } from '../../../src/protocol/generated/produce.ts';
import type { ProduceRequest, ProduceResponse } from '../../../src/protocol/generated/produce.ts';
import { makeSaslAuthenticateRequest, readSaslAuthenticateResponse, writeSaslAuthenticateRequest } from '../../../src/protocol/generated/saslAuthenticate.ts';
import type { SaslAuthenticateRequest, SaslAuthenticateResponse } from '../../../src/protocol/generated/saslAuthenticate.ts';
import { makeSaslHandshakeRequest, readSaslHandshakeResponse, writeSaslHandshakeRequest } from '../../../src/protocol/generated/saslHandshake.ts';
import type { SaslHandshakeRequest, SaslHandshakeResponse } from '../../../src/protocol/generated/saslHandshake.ts';
import type { Call } from './connection.ts';

const TIMEOUT_MS = 30_000;
const FETCH_PARTITION_BYTES = 2 ** 20;
const FETCH_BYTES = 2 ** 26;
const FETCH_WAIT_MS = 500;

export const createTopics: Call<CreateTopicsRequest, CreateTopicsResponse> = { apiKey: ApiKey.CreateTopics, apiVersion: 4, write: writeCreateTopicsRequest, read: readCreateTopicsResponse };
export const deleteTopics: Call<DeleteTopicsRequest, DeleteTopicsResponse> = { apiKey: ApiKey.DeleteTopics, apiVersion: 3, write: writeDeleteTopicsRequest, read: readDeleteTopicsResponse };
export const metadata: Call<MetadataRequest, MetadataResponse> = { apiKey: ApiKey.Metadata, apiVersion: 4, write: writeMetadataRequest, read: readMetadataResponse };
export const produce: Call<ProduceRequest, ProduceResponse> = { apiKey: ApiKey.Produce, apiVersion: 7, write: writeProduceRequest, read: readProduceResponse };
/** Adds partitions to transactions by itself. */
export const produceByProducer: Call<ProduceRequest, ProduceResponse> = { ...produce, apiVersion: 12 };
export const initProducerId: Call<InitProducerIdRequest, InitProducerIdResponse> = {
  apiKey: ApiKey.InitProducerId, apiVersion: 5, write: writeInitProducerIdRequest, read: readInitProducerIdResponse,
};
export const endTransaction: Call<EndTxnRequest, EndTxnResponse> = { apiKey: ApiKey.EndTxn, apiVersion: 5, write: writeEndTxnRequest, read: readEndTxnResponse };
export const findCoordinator: Call<FindCoordinatorRequest, FindCoordinatorResponse> = {
  apiKey: ApiKey.FindCoordinator, apiVersion: 4, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse,
};
export const createAcls: Call<CreateAclsRequest, CreateAclsResponse> = { apiKey: ApiKey.CreateAcls, apiVersion: 3, write: writeCreateAclsRequest, read: readCreateAclsResponse };
export const saslHandshake: Call<SaslHandshakeRequest, SaslHandshakeResponse> = {
  apiKey: ApiKey.SaslHandshake, apiVersion: 1, write: writeSaslHandshakeRequest, read: readSaslHandshakeResponse,
};
export const saslAuthenticate: Call<SaslAuthenticateRequest, SaslAuthenticateResponse> = {
  apiKey: ApiKey.SaslAuthenticate, apiVersion: 2, write: writeSaslAuthenticateRequest, read: readSaslAuthenticateResponse,
};
export const fetch: Call<FetchRequest, FetchResponse> = { apiKey: ApiKey.Fetch, apiVersion: 11, write: writeFetchRequest, read: readFetchResponse };

export function createTopicsRequest(name: string, partitions: number, config: Readonly<Record<string, string>>): CreateTopicsRequest {
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  return makeCreateTopicsRequest({ timeoutMs: TIMEOUT_MS, topics: [makeCreatableTopic({ name, numPartitions: partitions, replicationFactor: 1, configs })] });
}

export const deleteTopicsRequest = (name: string): DeleteTopicsRequest => makeDeleteTopicsRequest({ timeoutMs: TIMEOUT_MS, topicNames: [name] });
export const metadataRequest = (name: string): MetadataRequest => makeMetadataRequest({ topics: [makeMetadataRequestTopic({ name })], allowAutoTopicCreation: false });

export function produceRequest(topic: string, partition: number, batch: Buffer, producer: { readonly transactionalId: string | null } | null = null): ProduceRequest {
  const partitionData = [makePartitionProduceData({ index: partition, records: batch })];
  return makeProduceRequest({
    transactionalId: producer?.transactionalId ?? null, acks: producer === null ? 1 : -1, timeoutMs: TIMEOUT_MS, topicData: [makeTopicProduceData({ name: topic, partitionData })],
  });
}

const TRANSACTION_KEY_TYPE = 1;

export const findCoordinatorRequest = (transactionalId: string): FindCoordinatorRequest => makeFindCoordinatorRequest({ keyType: TRANSACTION_KEY_TYPE, coordinatorKeys: [transactionalId] });
export const initProducerIdRequest = (transactionalId: string | null): InitProducerIdRequest =>
  makeInitProducerIdRequest({ transactionalId, transactionTimeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: -1 });
export const commitRequest = (transactionalId: string, producerId: number, producerEpoch: number): EndTxnRequest =>
  makeEndTxnRequest({ transactionalId, producerId, producerEpoch, committed: true });
export const createAclsRequest = (creations: readonly Partial<AclCreation>[]): CreateAclsRequest => makeCreateAclsRequest({ creations: creations.map(makeAclCreation) });
export const saslHandshakeRequest = (mechanism: string): SaslHandshakeRequest => makeSaslHandshakeRequest({ mechanism });
export const saslAuthenticateRequest = (authBytes: Buffer): SaslAuthenticateRequest => makeSaslAuthenticateRequest({ authBytes });

export function fetchRequest(topic: string, partition: number, offset: number): FetchRequest {
  const partitions = [makeFetchPartition({ partition, fetchOffset: offset, partitionMaxBytes: FETCH_PARTITION_BYTES })];
  return makeFetchRequest({ maxWaitMs: FETCH_WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES, topics: [makeFetchTopic({ topic, partitions })] });
}
