/**
 * The records of `__share_group_state` (docs/formats/share-group-state.md), as Kafka writes them: a snapshot of one share partition, and updates
 * that are laid over it. A key begins with its record type, a value with its version, both int16.
 */
import { ProtocolError } from '../../../protocol/protocolError.ts';
import { Reader } from '../../../protocol/reader.ts';
import { readShareSnapshotKey, readShareSnapshotValue, writeShareSnapshotKey, writeShareSnapshotValue } from '../../../protocol/generated/records/shareSnapshot.ts';
import { readShareUpdateKey, readShareUpdateValue, writeShareUpdateKey, writeShareUpdateValue } from '../../../protocol/generated/records/shareUpdate.ts';
import { isSafeOffset, offsetOrThrow } from '../../../protocol/offsets.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { Writer } from '../../../protocol/writer.ts';
import type { CoordinatorRecord } from '../../contract.ts';
import type { StateBatch } from '../partition/inFlight.ts';

const RecordType = { snapshot: 0, update: 1 } as const;
const VALUE_VERSION = 0;

/** One partition of one topic as one group shares it. */
export interface SharePartitionKey {
  readonly groupId: string;
  readonly topicId: Uuid;
  readonly partition: number;
}

/** What is kept of a share partition. */
export interface ShareState {
  readonly snapshotEpoch: number;
  /** Grows when somebody sets the offsets anew. */
  readonly stateEpoch: number;
  /** -1: nobody has led it yet. */
  readonly leaderEpoch: number;
  /** -1: not known yet; decided by share.auto.offset.reset when it is first read. */
  readonly startOffset: number;
  /** Records from the start on that are done with; -1: not known. */
  readonly deliveryCompleteCount: number;
  readonly createTimestampMs: number;
  readonly writeTimestampMs: number;
  readonly batches: readonly StateBatch[];
}

export interface ShareUpdate {
  readonly snapshotEpoch: number;
  /** -1: as before. */
  readonly leaderEpoch: number;
  /** -1: as before. */
  readonly startOffset: number;
  readonly deliveryCompleteCount: number;
  readonly batches: readonly StateBatch[];
}

/** A change of a shard of the share coordinator: one record. A snapshot without value is a tombstone. */
export type ShareChange =
  | { readonly kind: 'snapshot'; readonly key: SharePartitionKey; readonly value: ShareState | null }
  | { readonly kind: 'update'; readonly key: SharePartitionKey; readonly value: ShareUpdate };

/** How the share coordinator is found: FindCoordinator's key, and the place in maps. */
export const coordinatorKey = ({ groupId, topicId, partition }: SharePartitionKey): string => `${groupId}:${topicId}:${partition}`;

const KEY = /^(.+):([A-Za-z0-9_-]{22}):(\d{1,10})$/s;

/** The other way; null: no such key. */
export function sharePartitionKeyOf(text: string): SharePartitionKey | null {
  const match = KEY.exec(text);
  return match === null ? null : { groupId: match[1]!, topicId: match[2]!, partition: Number(match[3]) };
}

export function encodeShareChange(change: ShareChange, writer: Writer): CoordinatorRecord {
  if (change.kind === 'update') {
    writer.int16(RecordType.update);
    writeShareUpdateKey(writer, change.key, 0);
    const key = writer.takeBuffer();
    writer.int16(VALUE_VERSION);
    writeShareUpdateValue(writer, { ...change.value, stateBatches: mutable(change.value.batches) }, VALUE_VERSION);
    return { key, value: writer.takeBuffer() };
  }
  writer.int16(RecordType.snapshot);
  writeShareSnapshotKey(writer, change.key, 0);
  const key = writer.takeBuffer();
  return { key, value: change.value === null ? null : encodeState(change.value, writer) };
}

const mutable = (batches: readonly StateBatch[]): StateBatch[] => batches as StateBatch[];

function encodeState(state: ShareState, writer: Writer): Buffer {
  writer.int16(VALUE_VERSION);
  const { createTimestampMs, writeTimestampMs, batches } = state;
  writeShareSnapshotValue(writer, { ...state, createTimestamp: createTimestampMs, writeTimestamp: writeTimestampMs, stateBatches: mutable(batches) }, VALUE_VERSION);
  return writer.takeBuffer();
}

/** Null: a record of a later release. Throws ProtocolError on damaged bytes. */
export function decodeShareChange(key: Buffer, value: Buffer | null): ShareChange | null {
  const reader = new Reader(key);
  const type = reader.int16();
  if (type === RecordType.snapshot) {
    const partitionKey = readShareSnapshotKey(reader, 0);
    reader.finish();
    return { kind: 'snapshot', key: partitionKey, value: value === null ? null : decodeState(value) };
  }
  if (type === RecordType.update && value !== null) {
    const partitionKey = readShareUpdateKey(reader, 0);
    reader.finish();
    return { kind: 'update', key: partitionKey, value: decodeUpdate(value) };
  }
  reader.finish(true);
  return null;
}

function decodeState(bytes: Buffer): ShareState {
  const reader = new Reader(bytes);
  checkVersion(reader.int16());
  const { snapshotEpoch, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, createTimestamp, writeTimestamp, stateBatches } = readShareSnapshotValue(reader, VALUE_VERSION);
  reader.finish();
  return {
    snapshotEpoch, stateEpoch, leaderEpoch, startOffset: startOrThrow(startOffset), deliveryCompleteCount,
    createTimestampMs: Number(createTimestamp), writeTimestampMs: Number(writeTimestamp), batches: checkedBatches(stateBatches),
  };
}

function decodeUpdate(bytes: Buffer): ShareUpdate {
  const reader = new Reader(bytes);
  checkVersion(reader.int16());
  const { snapshotEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches } = readShareUpdateValue(reader, VALUE_VERSION);
  reader.finish();
  return { snapshotEpoch, leaderEpoch, startOffset: startOrThrow(startOffset), deliveryCompleteCount, batches: checkedBatches(stateBatches) };
}

const startOrThrow = (offset: number): number => (offset === -1 ? -1 : offsetOrThrow(offset, 'a start offset'));

/** Offsets come from bytes: what cannot be computed with is refused. */
function checkedBatches(batches: readonly StateBatch[]): StateBatch[] {
  return batches.map(({ firstOffset, lastOffset, deliveryState, deliveryCount }) => {
    const first = offsetOrThrow(firstOffset, 'a first offset');
    const last = offsetOrThrow(lastOffset, 'a last offset');
    if (last < first) throw new ProtocolError('OUT_OF_RANGE', `a batch of records from ${first} to ${last}`);
    return { firstOffset: first, lastOffset: last, deliveryState, deliveryCount };
  });
}

/** Those of a request; null when they cannot be computed with. */
export function batchesOrNull(batches: readonly StateBatch[]): StateBatch[] | null {
  const isFine = batches.every(({ firstOffset, lastOffset }) => isSafeOffset(firstOffset) && isSafeOffset(lastOffset) && firstOffset <= lastOffset);
  return isFine ? checkedBatches(batches) : null;
}

function checkVersion(version: number): void {
  if (version !== VALUE_VERSION) throw new ProtocolError('UNSUPPORTED_VERSION', `value of version ${version}, known is ${VALUE_VERSION}`);
}
