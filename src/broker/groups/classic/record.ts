import { assert, definite } from '../../../base/assert.ts';
import type { GroupMetadataValue } from '../../../protocol/generated/records/groupMetadata.ts';
import { emptyBytes } from '../../../protocol/types.ts';
import type { GroupChange } from '../records.ts';
import { ClassicGroup } from './group.ts';
import type { GroupTally } from './group.ts';
import { ClassicMember } from './member.ts';

/** Kafka's mark for a group that nobody has joined. */
const NO_PROTOCOL_TYPE = '';

/** The record that keeps the group as it is, with what each member is assigned. */
export function groupRecord(group: ClassicGroup, assignmentOf: (member: ClassicMember) => Buffer): GroupChange {
  const { groupId, protocolName } = group;
  assert(group.members.size === 0 || protocolName !== null, 'a group with members has chosen a protocol');
  const value: GroupMetadataValue = {
    protocolType: group.protocolType ?? NO_PROTOCOL_TYPE,
    generation: group.generation,
    protocol: protocolName,
    leader: group.leaderId,
    currentStateTimestamp: group.stateSinceMs,
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: definite(member.metadataOf(protocolName!), 'what the member says under the chosen protocol'),
      assignment: assignmentOf(member),
    })),
  };
  return { kind: 'group', groupId, value };
}

/** What tells that there is such a group before it has a generation: Kafka's first record of every classic group. */
export function newGroupRecord({ groupId, stateSinceMs }: ClassicGroup): GroupChange {
  const value: GroupMetadataValue = { protocolType: NO_PROTOCOL_TYPE, generation: 0, protocol: null, leader: null, currentStateTimestamp: stateSinceMs, members: [] };
  return { kind: 'group', groupId, value };
}

/** The group as a record left it: stable when it had members. Copies their bytes, which are views of what was read. */
export function restoreGroup(groupId: string, value: GroupMetadataValue, tally: GroupTally): ClassicGroup {
  const protocolName = value.protocol;
  const members = value.members.map((kept) => {
    const member = new ClassicMember({
      memberId: kept.memberId,
      instanceId: kept.groupInstanceId,
      clientId: kept.clientId,
      clientHost: kept.clientHost,
      rebalanceTimeoutMs: kept.rebalanceTimeout === -1 ? kept.sessionTimeout : kept.rebalanceTimeout,
      sessionTimeoutMs: kept.sessionTimeout,
      protocols: [{ name: protocolName ?? '', metadata: copyOf(kept.subscription) }],
    });
    member.assignment = copyOf(kept.assignment);
    return member;
  });
  const facts = {
    generation: value.generation,
    protocolType: value.protocolType === NO_PROTOCOL_TYPE ? null : value.protocolType,
    protocolName: protocolName ?? (members.length === 0 ? null : ''),
    leaderId: value.leader,
    stateSinceMs: Number(value.currentStateTimestamp),
  };
  return ClassicGroup.restore(groupId, facts, members, tally);
}

/** Owned bytes, so that a frame or a slice of the log is not kept alive by a few of its bytes. */
export function copyOf(bytes: Uint8Array): Buffer {
  return bytes.length === 0 ? emptyBytes : Buffer.from(bytes);
}
