/**
 * The records of groups whose assignment the broker makes: consumer (KIP-848), share (KIP-932) and streams groups (KIP-1071). All keys are a group id, and for
 * some a second name; all values are of version 0.
 */
import { Reader } from '../../protocol/reader.ts';
import type { Writer } from '../../protocol/writer.ts';
import { readConsumerGroupCurrentMemberAssignmentValue, writeConsumerGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/consumerGroupCurrentMemberAssignment.ts';
import type { ConsumerGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/consumerGroupCurrentMemberAssignment.ts';
import { readConsumerGroupMemberMetadataValue, writeConsumerGroupMemberMetadataValue } from '../../protocol/generated/records/consumerGroupMemberMetadata.ts';
import type { ConsumerGroupMemberMetadataValue } from '../../protocol/generated/records/consumerGroupMemberMetadata.ts';
import { readConsumerGroupMetadataValue, writeConsumerGroupMetadataValue } from '../../protocol/generated/records/consumerGroupMetadata.ts';
import type { ConsumerGroupMetadataValue } from '../../protocol/generated/records/consumerGroupMetadata.ts';
import { readConsumerGroupPartitionMetadataValue, writeConsumerGroupPartitionMetadataValue } from '../../protocol/generated/records/consumerGroupPartitionMetadata.ts';
import type { ConsumerGroupPartitionMetadataValue } from '../../protocol/generated/records/consumerGroupPartitionMetadata.ts';
import { readConsumerGroupRegularExpressionValue, writeConsumerGroupRegularExpressionValue } from '../../protocol/generated/records/consumerGroupRegularExpression.ts';
import type { ConsumerGroupRegularExpressionValue } from '../../protocol/generated/records/consumerGroupRegularExpression.ts';
import { readConsumerGroupTargetAssignmentMemberValue, writeConsumerGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/consumerGroupTargetAssignmentMember.ts';
import type { ConsumerGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/consumerGroupTargetAssignmentMember.ts';
import { readConsumerGroupTargetAssignmentMetadataValue, writeConsumerGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/consumerGroupTargetAssignmentMetadata.ts';
import type { ConsumerGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/consumerGroupTargetAssignmentMetadata.ts';
import { readShareGroupCurrentMemberAssignmentValue, writeShareGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/shareGroupCurrentMemberAssignment.ts';
import type { ShareGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/shareGroupCurrentMemberAssignment.ts';
import { readShareGroupMemberMetadataValue, writeShareGroupMemberMetadataValue } from '../../protocol/generated/records/shareGroupMemberMetadata.ts';
import type { ShareGroupMemberMetadataValue } from '../../protocol/generated/records/shareGroupMemberMetadata.ts';
import { readShareGroupMetadataValue, writeShareGroupMetadataValue } from '../../protocol/generated/records/shareGroupMetadata.ts';
import type { ShareGroupMetadataValue } from '../../protocol/generated/records/shareGroupMetadata.ts';
import { readShareGroupStatePartitionMetadataValue, writeShareGroupStatePartitionMetadataValue } from '../../protocol/generated/records/shareGroupStatePartitionMetadata.ts';
import type { ShareGroupStatePartitionMetadataValue } from '../../protocol/generated/records/shareGroupStatePartitionMetadata.ts';
import { readShareGroupTargetAssignmentMemberValue, writeShareGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/shareGroupTargetAssignmentMember.ts';
import type { ShareGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/shareGroupTargetAssignmentMember.ts';
import { readShareGroupTargetAssignmentMetadataValue, writeShareGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/shareGroupTargetAssignmentMetadata.ts';
import type { ShareGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/shareGroupTargetAssignmentMetadata.ts';
import { readStreamsGroupCurrentMemberAssignmentValue, writeStreamsGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/streamsGroupCurrentMemberAssignment.ts';
import type { StreamsGroupCurrentMemberAssignmentValue } from '../../protocol/generated/records/streamsGroupCurrentMemberAssignment.ts';
import { readStreamsGroupMemberMetadataValue, writeStreamsGroupMemberMetadataValue } from '../../protocol/generated/records/streamsGroupMemberMetadata.ts';
import type { StreamsGroupMemberMetadataValue } from '../../protocol/generated/records/streamsGroupMemberMetadata.ts';
import { readStreamsGroupMetadataValue, writeStreamsGroupMetadataValue } from '../../protocol/generated/records/streamsGroupMetadata.ts';
import type { StreamsGroupMetadataValue } from '../../protocol/generated/records/streamsGroupMetadata.ts';
import { readStreamsGroupTargetAssignmentMemberValue, writeStreamsGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/streamsGroupTargetAssignmentMember.ts';
import type { StreamsGroupTargetAssignmentMemberValue } from '../../protocol/generated/records/streamsGroupTargetAssignmentMember.ts';
import { readStreamsGroupTargetAssignmentMetadataValue, writeStreamsGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/streamsGroupTargetAssignmentMetadata.ts';
import type { StreamsGroupTargetAssignmentMetadataValue } from '../../protocol/generated/records/streamsGroupTargetAssignmentMetadata.ts';
import { readStreamsGroupTopologyValue, writeStreamsGroupTopologyValue } from '../../protocol/generated/records/streamsGroupTopology.ts';
import type { StreamsGroupTopologyValue } from '../../protocol/generated/records/streamsGroupTopology.ts';
import { GroupCoordinatorRecordType as Type } from '../../protocol/generated/records/types.ts';
import { ProtocolError } from '../../protocol/protocolError.ts';
import type { CoordinatorRecord } from '../contract.ts';

/** Value by kind of record. */
export interface ModernValues {
  readonly consumerGroup: ConsumerGroupMetadataValue;
  readonly consumerPartitions: ConsumerGroupPartitionMetadataValue;
  readonly consumerMember: ConsumerGroupMemberMetadataValue;
  readonly consumerTarget: ConsumerGroupTargetAssignmentMetadataValue;
  readonly consumerMemberTarget: ConsumerGroupTargetAssignmentMemberValue;
  readonly consumerCurrent: ConsumerGroupCurrentMemberAssignmentValue;
  readonly consumerRegex: ConsumerGroupRegularExpressionValue;
  readonly shareGroup: ShareGroupMetadataValue;
  readonly shareMember: ShareGroupMemberMetadataValue;
  readonly shareTarget: ShareGroupTargetAssignmentMetadataValue;
  readonly shareMemberTarget: ShareGroupTargetAssignmentMemberValue;
  readonly shareCurrent: ShareGroupCurrentMemberAssignmentValue;
  readonly shareStatePartitions: ShareGroupStatePartitionMetadataValue;
  readonly streamsGroup: StreamsGroupMetadataValue;
  readonly streamsMember: StreamsGroupMemberMetadataValue;
  readonly streamsTarget: StreamsGroupTargetAssignmentMetadataValue;
  readonly streamsMemberTarget: StreamsGroupTargetAssignmentMemberValue;
  readonly streamsCurrent: StreamsGroupCurrentMemberAssignmentValue;
  readonly streamsTopology: StreamsGroupTopologyValue;
}

export type ModernKind = keyof ModernValues;

/** One record; a null value is a tombstone. `subject` is the member id or regular expression of kinds that have one in their key, else ''. */
export interface ModernRecord<Kind extends ModernKind> {
  readonly kind: Kind;
  readonly groupId: string;
  readonly subject: string;
  readonly value: ModernValues[Kind] | null;
}

export type ModernChange = { [Kind in ModernKind]: ModernRecord<Kind> }[ModernKind];

interface Spec<Value> {
  readonly type: number;
  readonly hasSubject: boolean;
  readonly read: (reader: Reader, version: number) => Value;
  readonly write: (writer: Writer, value: Value, version: number) => void;
}

const ofGroup = <Value>(type: number, read: Spec<Value>['read'], write: Spec<Value>['write']): Spec<Value> => ({ type, hasSubject: false, read, write });
const ofSubject = <Value>(type: number, read: Spec<Value>['read'], write: Spec<Value>['write']): Spec<Value> => ({ type, hasSubject: true, read, write });

const specs: { readonly [Kind in ModernKind]: Spec<ModernValues[Kind]> } = {
  consumerGroup: ofGroup(Type.ConsumerGroupMetadata, readConsumerGroupMetadataValue, writeConsumerGroupMetadataValue),
  consumerPartitions: ofGroup(Type.ConsumerGroupPartitionMetadata, readConsumerGroupPartitionMetadataValue, writeConsumerGroupPartitionMetadataValue),
  consumerMember: ofSubject(Type.ConsumerGroupMemberMetadata, readConsumerGroupMemberMetadataValue, writeConsumerGroupMemberMetadataValue),
  consumerTarget: ofGroup(Type.ConsumerGroupTargetAssignmentMetadata, readConsumerGroupTargetAssignmentMetadataValue, writeConsumerGroupTargetAssignmentMetadataValue),
  consumerMemberTarget: ofSubject(Type.ConsumerGroupTargetAssignmentMember, readConsumerGroupTargetAssignmentMemberValue, writeConsumerGroupTargetAssignmentMemberValue),
  consumerCurrent: ofSubject(Type.ConsumerGroupCurrentMemberAssignment, readConsumerGroupCurrentMemberAssignmentValue, writeConsumerGroupCurrentMemberAssignmentValue),
  consumerRegex: ofSubject(Type.ConsumerGroupRegularExpression, readConsumerGroupRegularExpressionValue, writeConsumerGroupRegularExpressionValue),
  shareGroup: ofGroup(Type.ShareGroupMetadata, readShareGroupMetadataValue, writeShareGroupMetadataValue),
  shareMember: ofSubject(Type.ShareGroupMemberMetadata, readShareGroupMemberMetadataValue, writeShareGroupMemberMetadataValue),
  shareTarget: ofGroup(Type.ShareGroupTargetAssignmentMetadata, readShareGroupTargetAssignmentMetadataValue, writeShareGroupTargetAssignmentMetadataValue),
  shareMemberTarget: ofSubject(Type.ShareGroupTargetAssignmentMember, readShareGroupTargetAssignmentMemberValue, writeShareGroupTargetAssignmentMemberValue),
  shareCurrent: ofSubject(Type.ShareGroupCurrentMemberAssignment, readShareGroupCurrentMemberAssignmentValue, writeShareGroupCurrentMemberAssignmentValue),
  shareStatePartitions: ofGroup(Type.ShareGroupStatePartitionMetadata, readShareGroupStatePartitionMetadataValue, writeShareGroupStatePartitionMetadataValue),
  streamsGroup: ofGroup(Type.StreamsGroupMetadata, readStreamsGroupMetadataValue, writeStreamsGroupMetadataValue),
  streamsMember: ofSubject(Type.StreamsGroupMemberMetadata, readStreamsGroupMemberMetadataValue, writeStreamsGroupMemberMetadataValue),
  streamsTarget: ofGroup(Type.StreamsGroupTargetAssignmentMetadata, readStreamsGroupTargetAssignmentMetadataValue, writeStreamsGroupTargetAssignmentMetadataValue),
  streamsMemberTarget: ofSubject(Type.StreamsGroupTargetAssignmentMember, readStreamsGroupTargetAssignmentMemberValue, writeStreamsGroupTargetAssignmentMemberValue),
  streamsCurrent: ofSubject(Type.StreamsGroupCurrentMemberAssignment, readStreamsGroupCurrentMemberAssignmentValue, writeStreamsGroupCurrentMemberAssignmentValue),
  streamsTopology: ofGroup(Type.StreamsGroupTopology, readStreamsGroupTopologyValue, writeStreamsGroupTopologyValue),
};

const kindByType = new Map(Object.entries(specs).map(([kind, { type }]) => [type, kind as ModernKind]));

const VALUE_VERSION = 0;

/** A change, typed by its kind. */
export function modernChange<Kind extends ModernKind>(kind: Kind, groupId: string, subject: string, value: ModernValues[Kind] | null): ModernChange {
  return { kind, groupId, subject, value } as ModernChange;
}

export function isModern(change: { readonly kind: string }): change is ModernChange {
  return change.kind in specs;
}

export function encodeModernChange({ kind, groupId, subject, value }: ModernChange, writer: Writer): CoordinatorRecord {
  const spec = specs[kind] as Spec<unknown>;
  writer.int16(spec.type);
  writer.string(groupId, false);
  if (spec.hasSubject) writer.string(subject, false);
  const key = writer.takeBuffer();
  if (value === null) return { key, value: null };
  writer.int16(VALUE_VERSION);
  spec.write(writer, value, VALUE_VERSION);
  return { key, value: writer.takeBuffer() };
}

/** `reader` stands behind the type of the key. Null: a type that is not known. Throws ProtocolError on damaged bytes. */
export function decodeModernChange(type: number, reader: Reader, bytes: Buffer | null): ModernChange | null {
  const kind = kindByType.get(type);
  if (kind === undefined) return null;
  const spec = specs[kind] as Spec<unknown>;
  const groupId = reader.string(false);
  const subject = spec.hasSubject ? reader.string(false) : '';
  reader.finish();
  return { kind, groupId, subject, value: bytes === null ? null : decodeValue(spec, bytes) } as ModernChange;
}

function decodeValue(spec: Spec<unknown>, bytes: Buffer): unknown {
  const reader = new Reader(bytes);
  const version = reader.int16();
  if (version !== VALUE_VERSION) throw new ProtocolError('UNSUPPORTED_VERSION', `value of version ${version}, known is ${VALUE_VERSION}`);
  const value = spec.read(reader, VALUE_VERSION);
  reader.finish();
  return value;
}
