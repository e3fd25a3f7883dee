/** Makes and deletes the topic that a load uses. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopics, createTopicsRequest, deleteTopics, deleteTopicsRequest, metadata, metadataRequest } from './calls.ts';
import type { LoadConnection } from './connection.ts';
import type { LoadOrder } from './order.ts';

const NONE = 0;
const ATTEMPTS = 200;
const WAIT_MS = 50;

/** Resolves when every partition has a leader. */
export async function createTopic(connection: LoadConnection, { topic, partitions, topicConfig }: Pick<LoadOrder, 'topic' | 'partitions' | 'topicConfig'>): Promise<void> {
  const created = await connection.call(createTopics, createTopicsRequest(topic, partitions, topicConfig));
  const error = created.topics[0]?.errorCode;
  if (error !== NONE) throw new Error(`CreateTopics failed with error code ${error}`);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const answer = await connection.call(metadata, metadataRequest(topic));
    const found = answer.topics[0];
    const isReady = found?.errorCode === NONE && found.partitions.length === partitions;
    if (isReady && found.partitions.every((partition) => partition.errorCode === NONE && partition.leaderId >= 0)) return;
    await sleep(WAIT_MS);
  }
  throw new Error('the topic has no leaders');
}

export async function deleteTopic(connection: LoadConnection, { topic }: LoadOrder): Promise<void> {
  const error = (await connection.call(deleteTopics, deleteTopicsRequest(topic))).responses[0]?.errorCode;
  if (error !== NONE) throw new Error(`DeleteTopics failed with error code ${error}`);
}
