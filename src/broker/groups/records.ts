/**
 * The records of `__consumer_offsets` (docs/formats/consumer-offsets.md): committed offsets and classic groups here, the other groups in modernRecords.ts.
 * Kafka's own tools and brokers read them. A key begins with its record type, a value with its version, both int16.
 */
import type { Writer } from '../../protocol/writer.ts';
import { Reader } from '../../protocol/reader.ts';
import { readGroupMetadataKey, readGroupMetadataValue, writeGroupMetadataKey, writeGroupMetadataValue } from '../../protocol/generated/records/groupMetadata.ts';
import type { GroupMetadataValue } from '../../protocol/generated/records/groupMetadata.ts';
import { readOffsetCommitKey, readOffsetCommitValue, writeOffsetCommitKey, writeOffsetCommitValue } from '../../protocol/generated/records/offsetCommit.ts';
import { ProtocolError } from '../../protocol/protocolError.ts';
import type { Uuid } from '../../protocol/types.ts';
import type { CoordinatorRecord } from '../contract.ts';
import { decodeModernChange, encodeModernChange, isModern } from './modernRecords.ts';
import type { ModernChange } from './modernRecords.ts';

/** Type of the key. 0 is what Kafka before 0.9 wrote for offsets; it reads like 1. */
const RecordType = { legacyOffsetCommit: 0, offsetCommit: 1, groupMetadata: 2 } as const;

const OFFSET_COMMIT_VERSION = 4;
/** The one version that keeps the time at which a client wanted its offset forgotten (OffsetCommit v2 to v4). */
const OFFSET_COMMIT_EXPIRING_VERSION = 1;
const GROUP_METADATA_VERSION = 3;
const GROUP_METADATA_NEWEST = 4;
const OFFSET_COMMIT_NEWEST = 4;

/** A committed offset as it is kept. */
export interface CommittedOffset {
  /** As the client gave it: Kafka takes any int64, so may this be a bigint under a cast. */
  readonly offset: number;
  /** -1: unknown. */
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When the client wants it forgotten; -1: the broker's retention holds. */
  readonly expireTimestampMs: number;
  /** The topic's id at the time of the commit; zero when it was not known. */
  readonly topicId: Uuid;
}

/** A change of a group shard: one record. A null value is a tombstone. */
export type GroupChange =
  | ModernChange
  | { readonly kind: 'offset'; readonly groupId: string; readonly topic: string; readonly partition: number; readonly value: CommittedOffset | null }
  | { readonly kind: 'group'; readonly groupId: string; readonly value: GroupMetadataValue | null };

export function encodeGroupChange(change: GroupChange, writer: Writer): CoordinatorRecord {
  if (isModern(change)) return encodeModernChange(change, writer);
  if (change.kind === 'offset') {
    writer.int16(RecordType.offsetCommit);
    writeOffsetCommitKey(writer, { group: change.groupId, topic: change.topic, partition: change.partition }, 0);
    const key = writer.takeBuffer();
    return { key, value: change.value === null ? null : encodeOffset(change.value, writer) };
  }
  writer.int16(RecordType.groupMetadata);
  writeGroupMetadataKey(writer, { group: change.groupId }, 0);
  const key = writer.takeBuffer();
  if (change.value === null) return { key, value: null };
  writer.int16(GROUP_METADATA_VERSION);
  writeGroupMetadataValue(writer, change.value, GROUP_METADATA_VERSION);
  return { key, value: writer.takeBuffer() };
}

function encodeOffset(value: CommittedOffset, writer: Writer): Buffer {
  const version = value.expireTimestampMs === -1 ? OFFSET_COMMIT_VERSION : OFFSET_COMMIT_EXPIRING_VERSION;
  writer.int16(version);
  const fields = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestamp: value.commitTimestampMs,
    expireTimestamp: value.expireTimestampMs,
    topicId: value.topicId,
  };
  writeOffsetCommitValue(writer, fields, version);
  return writer.takeBuffer();
}

/** Null: a record of a later release. Throws ProtocolError on damaged bytes. */
export function decodeGroupChange(key: Buffer, value: Buffer | null): GroupChange | null {
  const reader = new Reader(key);
  const type = reader.int16();
  if (type === RecordType.offsetCommit || type === RecordType.legacyOffsetCommit) {
    const { group, topic, partition } = readOffsetCommitKey(reader, 0);
    reader.finish();
    return { kind: 'offset', groupId: group, topic, partition, value: value === null ? null : decodeOffset(value) };
  }
  if (type === RecordType.groupMetadata) {
    const { group } = readGroupMetadataKey(reader, 0);
    reader.finish();
    return { kind: 'group', groupId: group, value: value === null ? null : decodeGroup(value) };
  }
  const change = decodeModernChange(type, reader, value);
  if (change === null) reader.finish(true);
  return change;
}

function decodeOffset(bytes: Buffer): CommittedOffset {
  const reader = new Reader(bytes);
  const version = knownVersion(reader.int16(), OFFSET_COMMIT_NEWEST);
  const value = readOffsetCommitValue(reader, version);
  reader.finish();
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: Number(value.commitTimestamp),
    expireTimestampMs: Number(value.expireTimestamp),
    topicId: value.topicId,
  };
}

function decodeGroup(bytes: Buffer): GroupMetadataValue {
  const reader = new Reader(bytes);
  const value = readGroupMetadataValue(reader, knownVersion(reader.int16(), GROUP_METADATA_NEWEST));
  reader.finish();
  return value;
}

function knownVersion(version: number, newest: number): number {
  if (version < 0 || version > newest) throw new ProtocolError('UNSUPPORTED_VERSION', `value of version ${version}, known are 0 to ${newest}`);
  return version;
}
