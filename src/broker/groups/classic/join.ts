import { ErrorCode } from '../../../protocol/errors.ts';
import type { JoinGroupRequest } from '../../../protocol/generated/joinGroup.ts';
import { MEMBER_PROTOCOL_BYTES_MAX, NEW_MEMBER_JOIN_TIMEOUT_MS } from '../settings.ts';
import { randomUuidText } from '../randomUuid.ts';
import type { GroupState, GroupWrite } from '../state.ts';
import { checkMember, groupWriteError } from './checks.ts';
import { ClassicState } from './states.ts';
import type { ClassicGroup } from './group.ts';
import { ClassicMember, protocolBytes } from './member.ts';
import type { JoinReply, MemberProtocol } from './member.ts';
import { awaitPendingMember, joinedReply, prepareRebalance, rebalanceOrCompleteJoin, resetSession, writeGroup, writeNewGroup } from './rebalance.ts';
import { copyOf } from './record.ts';
import { joinError, syncError } from './replies.ts';

/** Who asks. */
export interface GroupClient {
  readonly clientId: string;
  /** As Kafka shows it: a slash, then the address. */
  readonly host: string;
  readonly apiVersion: number;
  /** What the client's principal may do with topics; left out: everything. */
  readonly topicAccess?: TopicAccess;
}

export interface TopicAccess {
  mayDescribe(topic: string): boolean;
  mayCreate(topic: string): boolean;
}

/** From this version on a new member is first given its id (KIP-394). */
export const MEMBER_ID_REQUIRED_FROM = 4;
/** From this version on the leader can be told to leave the assignment as it is (KIP-814). */
const SKIP_ASSIGNMENT_FROM = 9;

/** What a string of the protocol can hold, less a dash and a UUID: a longer id could not be written to the log, nor to the other members. */
const MEMBER_ID_PREFIX_BYTES_MAX = 0x7fff - 37;

/** One JoinGroup on its way through the group. */
interface Joining {
  readonly state: GroupState;
  readonly group: ClassicGroup;
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  readonly reply: JoinReply;
}

/** `reply` is called now, or when the rebalance has got everybody together. The request's timeouts have been checked. */
export function joinGroup(state: GroupState, request: JoinGroupRequest, client: GroupClient, reply: JoinReply): GroupWrite | null {
  const { groupId, memberId } = request;
  const isNewMember = memberId === '';
  const known = state.classicGroup(groupId);
  if (known === undefined && state.groups.has(groupId)) return refuse(reply, memberId, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  if (known === undefined && !isNewMember) return refuse(reply, memberId, ErrorCode.UNKNOWN_MEMBER_ID);
  if (isNewMember && state.tally.pendingJoins >= state.settings.pendingJoinsMax) return refuse(reply, '', ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const bytes = protocolBytes(request.protocols);
  if (bytes > MEMBER_PROTOCOL_BYTES_MAX) return refuse(reply, memberId, ErrorCode.INVALID_REQUEST);
  if (!state.takeProtocolBytes(bytes)) return refuse(reply, memberId, ErrorCode.COORDINATOR_NOT_AVAILABLE);
  const group = known ?? state.createGroup(groupId);
  const joining: Joining = { state, group, request, client, reply };
  const write = isNewMember ? joinNewMember(joining) : joinKnownMember(joining);
  state.dropIfUnused(group);
  const isNew = group.members.size > 0 && !group.isPersisted && state.offsets.topicsOf(groupId) === undefined;
  return write === null && isNew ? writeNewGroup(state, group) : write;
}

function refuse(reply: JoinReply, memberId: string, errorCode: number): null {
  reply(joinError(memberId, errorCode));
  return null;
}

/** Whether `group.max.size` leaves room. The members that have rejoined are counted while that goes on, so that the last ones are turned away. */
function hasRoom(state: GroupState, group: ClassicGroup, memberId: string): boolean {
  const { membersMax } = state.settings;
  switch (group.state) {
    case ClassicState.empty:
    case ClassicState.dead:
      return true;
    case ClassicState.preparingRebalance:
      return isAwaited(group, memberId) || group.awaitingJoinCount < membersMax;
    default:
      return group.members.has(memberId) || group.members.size < membersMax;
  }
}

function isAwaited(group: ClassicGroup, memberId: string): boolean {
  const member = group.members.get(memberId);
  return member !== undefined && member.joinReply !== null;
}

/** An error that ends the join before it touches the group; 0: go on. */
function checkJoin({ state, group, request }: Joining): number {
  if (!hasRoom(state, group, request.memberId)) return ErrorCode.GROUP_MAX_SIZE_REACHED;
  const names = request.protocols.map(({ name }) => name);
  return group.supportsProtocols(request.protocolType, names) ? ErrorCode.NONE : ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
}

function joinNewMember(joining: Joining): GroupWrite | null {
  const { state, group, request, client, reply } = joining;
  const errorCode = checkJoin(joining);
  if (errorCode !== ErrorCode.NONE) return refuse(reply, '', errorCode);
  const { groupInstanceId } = request;
  const prefix = groupInstanceId ?? client.clientId;
  if (Buffer.byteLength(prefix) > MEMBER_ID_PREFIX_BYTES_MAX) return refuse(reply, '', ErrorCode.INVALID_REQUEST);
  const memberId = `${prefix}-${randomUuidText(state.random)}`;
  if (groupInstanceId !== null) {
    const oldMemberId = group.staticMembers.get(groupInstanceId);
    return oldMemberId === undefined ? addMember(joining, memberId) : replaceMember(joining, group.member(oldMemberId), memberId);
  }
  if (client.apiVersion < MEMBER_ID_REQUIRED_FROM) return addMember(joining, memberId);
  awaitPendingMember(state, group, memberId, request.sessionTimeoutMs);
  return refuse(reply, memberId, ErrorCode.MEMBER_ID_REQUIRED);
}

function joinKnownMember(joining: Joining): GroupWrite | null {
  const { group, request, reply } = joining;
  const { memberId, groupInstanceId } = request;
  const errorCode = checkJoin(joining);
  if (errorCode === ErrorCode.GROUP_MAX_SIZE_REACHED) {
    group.remove(memberId);
    return refuse(reply, '', errorCode);
  }
  if (errorCode !== ErrorCode.NONE) return refuse(reply, memberId, errorCode);
  if (group.pendingJoins.has(memberId)) {
    // only dynamic members are given an id to come back with
    return groupInstanceId === null ? addMember(joining, memberId) : refuse(reply, memberId, ErrorCode.INVALID_REQUEST);
  }
  const memberError = checkMember(group, memberId, groupInstanceId);
  if (memberError !== ErrorCode.NONE) return refuse(reply, memberId, memberError);
  const member = group.member(memberId);
  if (needsRebalance(group, member, request)) return rejoin(joining, member);
  if (group.is(ClassicState.completingRebalance) || group.is(ClassicState.stable)) {
    // it did not get the first reply, or has nothing new to say
    reply(joinedReply(group, memberId));
    return null;
  }
  return refuse(reply, memberId, ErrorCode.UNKNOWN_MEMBER_ID);
}

/** A leader that joins a stable group wants a new assignment: perhaps its topics have changed. */
function needsRebalance(group: ClassicGroup, member: ClassicMember, request: JoinGroupRequest): boolean {
  if (group.is(ClassicState.preparingRebalance)) return true;
  if (group.is(ClassicState.stable) && group.isLeader(member.memberId)) return true;
  return (group.is(ClassicState.completingRebalance) || group.is(ClassicState.stable)) && !member.hasProtocols(distinct(request));
}

function rejoin({ state, group, request, reply }: Joining, member: ClassicMember): GroupWrite | null {
  group.update(member, ownProtocols(request), request.rebalanceTimeoutMs, request.sessionTimeoutMs);
  group.setJoinReply(member, reply);
  return rebalanceOrCompleteJoin(state, group, `member ${member.memberId} rejoins: ${request.reason ?? 'not provided'}`);
}

/** The first of each name. */
function distinct(request: JoinGroupRequest): MemberProtocol[] {
  const names = new Set<string>();
  return request.protocols.filter(({ name }) => !names.has(name) && names.add(name));
}

function ownProtocols(request: JoinGroupRequest): MemberProtocol[] {
  return distinct(request).map(({ name, metadata }) => ({ name, metadata: copyOf(metadata) }));
}

function addMember({ state, group, request, client, reply }: Joining, memberId: string): GroupWrite | null {
  const member = new ClassicMember({
    memberId,
    instanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.host,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: ownProtocols(request),
  });
  member.isNew = true;
  if (group.is(ClassicState.preparingRebalance) && group.previousState === ClassicState.empty) group.newMemberAdded = true;
  group.add(member, request.protocolType, reply);
  resetSession(state, group, member, NEW_MEMBER_JOIN_TIMEOUT_MS);
  return rebalanceOrCompleteJoin(state, group, `member ${memberId} joins: ${request.reason ?? 'not provided'}`);
}

/** A static member has been started again: the old run is fenced, and the new one takes over what it had. */
function replaceMember(joining: Joining, old: ClassicMember, memberId: string): GroupWrite | null {
  const { state, group, request, reply } = joining;
  const instanceId = request.groupInstanceId!;
  const oldLeaderId = group.leaderId;
  group.answerJoin(old, joinError(old.memberId, ErrorCode.FENCED_INSTANCE_ID));
  old.answerSync(syncError(ErrorCode.FENCED_INSTANCE_ID));
  const member = group.replaceStaticMember(instanceId, old, memberId);
  group.update(member, ownProtocols(request), request.rebalanceTimeoutMs, request.sessionTimeoutMs);
  resetSession(state, group, member);
  group.setJoinReply(member, reply);
  if (group.is(ClassicState.stable)) {
    if (group.selectProtocol() === group.protocolName) return keepReplacement(joining, old, member, oldLeaderId);
    return prepareRebalance(state, group, `static member ${instanceId} came back and changes the protocol`);
  }
  // whoever leads may have assigned to the old id already
  if (group.is(ClassicState.completingRebalance)) return prepareRebalance(state, group, `static member ${instanceId} came back`);
  return rebalanceOrCompleteJoin(state, group, `static member ${instanceId} came back`);
}

/** A static member that comes back unchanged disturbs nobody: the generation stays, its new id is written, and it gets its old assignment. */
function keepReplacement(joining: Joining, old: ClassicMember, member: ClassicMember, oldLeaderId: string | null): GroupWrite {
  const { state, group, client } = joining;
  const settle = (errorCode: number): void => {
    // once another rebalance has begun, that one answers
    if (!group.is(ClassicState.stable)) return;
    if (errorCode !== ErrorCode.NONE) return revertReplacement(joining, old, member, errorCode, oldLeaderId);
    const isLeader = group.isLeader(member.memberId);
    const joined = joinedReply(group, member.memberId);
    // an old leader that thinks it leads would assign, without need: it is told that the old run still does
    const reply = client.apiVersion >= SKIP_ASSIGNMENT_FROM ? { ...joined, skipAssignment: isLeader } : { ...joined, leader: oldLeaderId ?? '', members: [] };
    if (group.answerJoin(member, reply)) resetSession(state, group, member);
  };
  return writeGroup(group, ({ assignment }) => assignment, settle);
}

function revertReplacement({ state, group, request }: Joining, old: ClassicMember, member: ClassicMember, errorCode: number, leader: string | null): void {
  const reply = { ...joinError('', groupWriteError(errorCode)), generationId: group.generation, protocolType: group.protocolType, protocolName: group.protocolName };
  group.answerJoin(member, { ...reply, leader: leader ?? '' });
  if (group.members.get(member.memberId) !== member) return;
  group.update(member, old.protocols, old.rebalanceTimeoutMs, old.sessionTimeoutMs);
  member.answerSync(syncError(groupWriteError(errorCode)));
  const reverted = group.replaceStaticMember(request.groupInstanceId!, member, old.memberId);
  resetSession(state, group, reverted);
}
