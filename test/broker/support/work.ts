/** What most tests do: make a topic, produce, fetch. */
import { makeCreatableTopic } from '../../../src/protocol/generated/createTopics.ts';
import type { CreatableTopic } from '../../../src/protocol/generated/createTopics.ts';
import { makeFetchPartition, makeFetchRequest } from '../../../src/protocol/generated/fetch.ts';
import type { FetchPartition, FetchRequest, FetchResponse } from '../../../src/protocol/generated/fetch.ts';
import { makeProduceRequest } from '../../../src/protocol/generated/produce.ts';
import type { PartitionProduceResponse, ProduceRequest } from '../../../src/protocol/generated/produce.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { BatchBuilder } from '../../../src/record/build.ts';
import type { BatchOptions } from '../../../src/record/build.ts';
import { nextBatch } from '../../../src/record/batchHeader.ts';
import { decodeBatch } from '../../../src/record/iterate.ts';
import type { DecodedRecord } from '../../../src/record/iterate.ts';
import { CreateTopics, Fetch, Produce } from './apis.ts';
import { call } from './node.ts';
import type { TestConnection, TestNode } from './node.ts';

export const T0 = 1_700_000_000_000;

export function batch(values: readonly string[], options: BatchOptions & { readonly timestampMs?: number; readonly key?: string } = {}): Buffer {
  const builder = new BatchBuilder();
  const key = options.key === undefined ? null : Buffer.from(options.key);
  values.forEach((value) => builder.append(key, Buffer.from(value), null, options.timestampMs ?? T0));
  return builder.close(options);
}

export async function createTopic(node: TestNode, name: string, partitions = 1, fields: Partial<CreatableTopic> = {}): Promise<string> {
  const topic = makeCreatableTopic({ name, numPartitions: partitions, replicationFactor: 1, ...fields });
  const response = await call(node, CreateTopics, 7, { topics: [topic], timeoutMs: 1000, validateOnly: false });
  const [result] = response.topics;
  if (result!.errorCode !== 0) throw new Error(`${name}: ${result!.errorCode} ${result!.errorMessage}`);
  return result!.topicId;
}

export function produceBody(topic: string, index: number, records: Buffer | null, fields: Partial<ProduceRequest> = {}): ProduceRequest {
  return makeProduceRequest({ acks: -1, timeoutMs: 1000, topicData: [{ name: topic, topicId: zeroUuid, partitionData: [{ index, records }] }], ...fields });
}

export async function produce(node: TestNode, topic: string, index: number, records: Buffer | null, version = 11, clientId = 'tester'): Promise<PartitionProduceResponse> {
  const response = await call(node, Produce, version, produceBody(topic, index, records), undefined, clientId);
  return response.responses[0]!.partitionResponses[0]!;
}

export function fetchBody(topic: string, partitions: readonly Partial<FetchPartition>[], fields: Partial<FetchRequest> = {}): FetchRequest {
  return makeFetchRequest({
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic, topicId: zeroUuid, partitions: partitions.map((partition) => makeFetchPartition({ partitionMaxBytes: 1 << 20, ...partition })) }],
    ...fields,
  });
}

export async function fetchOne(node: TestNode, topic: string, index: number, fetchOffset: number, fields: Partial<FetchRequest> = {}, connection?: TestConnection) {
  const response = await call(node, Fetch, 12, fetchBody(topic, [{ partition: index, fetchOffset }], fields), connection);
  return response.responses[0]!.partitions[0]!;
}

/** All records of a partition's answer. */
export function recordsIn(records: unknown): DecodedRecord[] {
  const bytes = records as Buffer;
  const decoded: DecodedRecord[] = [];
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) decoded.push(...decodeBatch(bytes, at));
  return decoded;
}

export const valuesIn = (records: unknown): string[] => recordsIn(records).map(({ value }) => value!.toString());

export const partitionsOf = (response: FetchResponse): number[] => response.responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex));
