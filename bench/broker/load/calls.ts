/** The requests of the load, in versions that Kafka 2.4 and later answer. */
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeCreatableTopic, makeCreateTopicsRequest, readCreateTopicsResponse, writeCreateTopicsRequest } from '../../../src/protocol/generated/createTopics.ts';
import type { CreateTopicsRequest, CreateTopicsResponse } from '../../../src/protocol/generated/createTopics.ts';
import { makeDeleteTopicsRequest, readDeleteTopicsResponse, writeDeleteTopicsRequest } from '../../../src/protocol/generated/deleteTopics.ts';
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../../../src/protocol/generated/deleteTopics.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic, readFetchResponse, writeFetchRequest } from '../../../src/protocol/generated/fetch.ts';
import type { FetchRequest, FetchResponse } from '../../../src/protocol/generated/fetch.ts';
import { makeMetadataRequest, makeMetadataRequestTopic, readMetadataResponse, writeMetadataRequest } from '../../../src/protocol/generated/metadata.ts';
import type { MetadataRequest, MetadataResponse } from '../../../src/protocol/generated/metadata.ts';
import { makePartitionProduceData, makeProduceRequest, makeTopicProduceData, readProduceResponse, writeProduceRequest } from '../../../src/protocol/generated/produce.ts';
import type { ProduceRequest, ProduceResponse } from '../../../src/protocol/generated/produce.ts';
import type { Call } from './connection.ts';

const TIMEOUT_MS = 30_000;
const FETCH_PARTITION_BYTES = 2 ** 20;
const FETCH_BYTES = 2 ** 26;
const FETCH_WAIT_MS = 500;

export const createTopics: Call<CreateTopicsRequest, CreateTopicsResponse> = { apiKey: ApiKey.CreateTopics, apiVersion: 4, write: writeCreateTopicsRequest, read: readCreateTopicsResponse };
export const deleteTopics: Call<DeleteTopicsRequest, DeleteTopicsResponse> = { apiKey: ApiKey.DeleteTopics, apiVersion: 3, write: writeDeleteTopicsRequest, read: readDeleteTopicsResponse };
export const metadata: Call<MetadataRequest, MetadataResponse> = { apiKey: ApiKey.Metadata, apiVersion: 4, write: writeMetadataRequest, read: readMetadataResponse };
export const produce: Call<ProduceRequest, ProduceResponse> = { apiKey: ApiKey.Produce, apiVersion: 7, write: writeProduceRequest, read: readProduceResponse };
export const fetch: Call<FetchRequest, FetchResponse> = { apiKey: ApiKey.Fetch, apiVersion: 11, write: writeFetchRequest, read: readFetchResponse };

export function createTopicsRequest(name: string, partitions: number, config: Readonly<Record<string, string>>): CreateTopicsRequest {
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  return makeCreateTopicsRequest({ timeoutMs: TIMEOUT_MS, topics: [makeCreatableTopic({ name, numPartitions: partitions, replicationFactor: 1, configs })] });
}

export const deleteTopicsRequest = (name: string): DeleteTopicsRequest => makeDeleteTopicsRequest({ timeoutMs: TIMEOUT_MS, topicNames: [name] });
export const metadataRequest = (name: string): MetadataRequest => makeMetadataRequest({ topics: [makeMetadataRequestTopic({ name })], allowAutoTopicCreation: false });

export function produceRequest(topic: string, partition: number, batch: Buffer): ProduceRequest {
  const partitionData = [makePartitionProduceData({ index: partition, records: batch })];
  return makeProduceRequest({ acks: 1, timeoutMs: TIMEOUT_MS, topicData: [makeTopicProduceData({ name: topic, partitionData })] });
}

export function fetchRequest(topic: string, partition: number, offset: number): FetchRequest {
  const partitions = [makeFetchPartition({ partition, fetchOffset: offset, partitionMaxBytes: FETCH_PARTITION_BYTES })];
  return makeFetchRequest({ maxWaitMs: FETCH_WAIT_MS, minBytes: 1, maxBytes: FETCH_BYTES, topics: [makeFetchTopic({ topic, partitions })] });
}
