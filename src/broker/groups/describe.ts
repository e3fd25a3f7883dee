import { emptyBytes } from '../../protocol/types.ts';
import type { DescribedGroupMember } from '../../protocol/generated/describeGroups.ts';
import { ClassicState } from './classic/states.ts';
import type { ClassicGroup } from './classic/group.ts';
import type { ClassicMember } from './classic/member.ts';
import type { GroupState } from './state.ts';

export interface GroupFilter {
  /** Empty: any. Compared without regard to case. */
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export interface GroupListing {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}

export function listGroups(state: GroupState, { states, types }: GroupFilter): GroupListing[] {
  const wantedStates = new Set(states.map((text) => text.trim().toLowerCase()));
  const wantedTypes = new Set(types.map((text) => text.trim().toLowerCase()));
  const listed: GroupListing[] = [];
  for (const group of state.groups.values()) {
    if (wantedStates.size > 0 && !wantedStates.has(group.state.toLowerCase())) continue;
    if (wantedTypes.size > 0 && !wantedTypes.has(group.type)) continue;
    listed.push({ groupId: group.groupId, protocolType: group.protocolType ?? '', groupState: group.state, groupType: group.type });
  }
  return listed;
}

export interface GroupDescription {
  /** False: nobody knows the group. */
  readonly isKnown: boolean;
  /** There is a group of this name, and it is no classic one. */
  readonly isOfOtherKind: boolean;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: DescribedGroupMember[];
}

const UNKNOWN: GroupDescription = { isKnown: false, isOfOtherKind: false, groupState: ClassicState.dead, protocolType: '', protocolData: '', members: [] };

const OF_OTHER_KIND: GroupDescription = { ...UNKNOWN, isOfOtherKind: true };

export function describeGroup(state: GroupState, groupId: string): GroupDescription {
  const group = state.classicGroup(groupId);
  if (group === undefined) return state.groups.has(groupId) ? OF_OTHER_KIND : UNKNOWN;
  const protocolName = group.is(ClassicState.stable) ? group.protocolName : null;
  const members = [...group.members.values()].map((member) => describeMember(member, protocolName));
  return { isKnown: true, isOfOtherKind: false, groupState: group.state, protocolType: protocolTypeOf(group), protocolData: protocolName ?? '', members };
}

function protocolTypeOf(group: ClassicGroup): string {
  return group.protocolType ?? '';
}

/** What a member says is told only once the group has chosen under which protocol. */
function describeMember(member: ClassicMember, protocolName: string | null): DescribedGroupMember {
  return {
    memberId: member.memberId,
    groupInstanceId: member.instanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    memberMetadata: (protocolName === null ? null : member.metadataOf(protocolName)) ?? emptyBytes,
    memberAssignment: member.assignment,
  };
}
