/** What consumers of the classic protocol say and are told inside JoinGroup and SyncGroup (`ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`). */
import { readConsumerProtocolAssignment, readConsumerProtocolSubscription, writeConsumerProtocolAssignment } from '../../../protocol/generated/data/consumerProtocol.ts';
import type { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../../protocol/generated/data/consumerProtocol.ts';
import { Reader } from '../../../protocol/reader.ts';
import { Writer } from '../../../protocol/writer.ts';
import type { ClusterView } from '../cluster.ts';
import type { EpochAssignment, TopicPartitionList } from '../modern/assignment.ts';
import { listOf } from '../modern/assignment.ts';

const NEWEST_VERSION = 3;
const HEAP_BYTES_MAX = 16 * 1024 * 1024;

function open(bytes: Uint8Array): { reader: Reader; version: number } | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader = new Reader(buffer, 0, buffer.length, HEAP_BYTES_MAX);
  const version = reader.int16();
  return reader.ok && version >= 0 ? { reader, version: Math.min(version, NEWEST_VERSION) } : null;
}

/** Null: the bytes are none. */
export function readSubscription(bytes: Uint8Array): ConsumerProtocolSubscription | null {
  const opened = open(bytes);
  if (opened === null) return null;
  const subscription = readConsumerProtocolSubscription(opened.reader, opened.version);
  return opened.reader.ok ? subscription : null;
}

/** Null: the bytes are none. */
export function readAssignment(bytes: Uint8Array): ConsumerProtocolAssignment | null {
  const opened = open(bytes);
  if (opened === null) return null;
  const assignment = readConsumerProtocolAssignment(opened.reader, opened.version);
  return opened.reader.ok ? assignment : null;
}

/** In the version in which the member spoke. */
export function writeAssignment(assigned: EpochAssignment, subscription: Uint8Array, cluster: ClusterView): Buffer {
  const version = open(subscription)?.version ?? 0;
  const writer = new Writer();
  writer.int16(version);
  const assignedPartitions = listOf(assigned).flatMap(({ topicId, partitions }) => {
    const topic = cluster.nameOf(topicId);
    return topic === undefined ? [] : [{ topic, partitions }];
  });
  writeConsumerProtocolAssignment(writer, { assignedPartitions, userData: null }, version);
  return writer.takeBuffer();
}

/** By topic id; topics that are gone are left out. */
export function withTopicIds(topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[], cluster: ClusterView): TopicPartitionList[] {
  return topics.flatMap(({ topic, partitions }) => {
    const topicId = cluster.idOf(topic);
    return topicId === undefined ? [] : [{ topicId, partitions }];
  });
}
