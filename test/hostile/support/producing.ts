/** Produce requests with any bytes for records. */
import { makeProduceRequest } from '../../../src/protocol/generated/produce.ts';
import { Produce } from '../../broker/support/apis.ts';
import type { RawClient } from './rawClient.ts';

export interface ProduceAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly baseOffset: number;
}

export const produceRequest = (topic: string, records: Buffer | null, acks = -1, index = 0) =>
  makeProduceRequest({ acks, timeoutMs: 30_000, topicData: [{ name: topic, topicId: '', partitionData: [{ index, records }] }] });

export async function produce(client: RawClient, topic: string, records: Buffer | null, acks = -1, index = 0): Promise<ProduceAnswer> {
  const response = await client.call(Produce, 9, produceRequest(topic, records, acks, index));
  const { errorCode, errorMessage, baseOffset } = response.responses[0]!.partitionResponses[0]!;
  return { errorCode, errorMessage, baseOffset: baseOffset as number };
}
