/** Members of a consumer group that still speak the classic protocol: JoinGroup, SyncGroup, Heartbeat and LeaveGroup as they know them, over the newer group. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { ConsumerProtocolSubscription } from '../../../protocol/generated/data/consumerProtocol.ts';
import type { HeartbeatRequest } from '../../../protocol/generated/heartbeat.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import type { MemberIdentity, MemberResponse } from '../../../protocol/generated/leaveGroup.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../../protocol/generated/syncGroup.ts';
import { MEMBER_ID_REQUIRED_FROM } from '../classic/join.ts';
import type { GroupClient } from '../classic/join.ts';
import { copyOf } from '../classic/record.ts';
import { joinError } from '../classic/replies.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../consumerProtocol.ts';
import type { Draft } from '../draft.ts';
import { randomUuid } from '../randomUuid.ts';
import { convert, mayDowngrade, rebalanceLater } from './downgrade.ts';
import { readSubscription, withTopicIds, writeAssignment } from './embedded.ts';
import { awaitJoin, awaitSync, fenceMembers, resetSession } from './fence.ts';
import type { ConsumerGroup } from './group.ts';
import { advance, checkRoom, putMember, takeMemory } from './heartbeat.ts';
import { MemberState } from './member.ts';
import type { ClassicFacts, ConsumerMember } from './member.ts';
import { dynamicMember, joiningStatic, staticMember, unknownMember } from './membership.ts';
import { isTargetDue, updateTarget } from './target.ts';

type ClassicConsumer = ConsumerMember & { readonly classic: ClassicFacts };

/** Throws KafkaError. */
export function joinConsumerGroup(draft: Draft, group: ConsumerGroup, request: JoinGroupRequest, client: GroupClient): JoinGroupResponse {
  const { state } = draft;
  const { groupInstanceId: instanceId } = request;
  const { canUpgrade, canDowngrade } = state.settings.consumer;
  if (!canUpgrade && !canDowngrade) throw new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const isNew = request.memberId === '';
  const memberId = isNew ? randomUuid(state.random) : request.memberId;
  checkRoom(group, memberId, state.settings.consumer.membersMax);
  checkProtocols(group, request);
  if (isNew && instanceId === null && client.apiVersion >= MEMBER_ID_REQUIRED_FROM) return joinError(memberId, ErrorCode.MEMBER_ID_REQUIRED);
  const subscription = subscriptionOf(request);
  const replaced = instanceId === null ? undefined : group.staticMember(instanceId);
  const mayBeClassic = replaced !== undefined && mayDowngradeWith(draft, group, replaced);
  const before = memberOf(draft, group, memberId, instanceId, isNew);
  const member = updated(before, request, client, subscription);
  takeMemory(draft, member);
  const hasChanged = putMember(draft, group, before, member);
  if (mayBeClassic) return joinDowngraded(draft, group, member, hasChanged, subscription);
  updateTarget(draft, group);
  const after = advance(draft, group, memberId, hasChanged, withTopicIds(subscription.ownedPartitions, state.cluster)) as ClassicConsumer;
  group.timersOf(memberId).join?.cancel();
  resetSession(state, group, after);
  awaitSync(state, group, after);
  return joined(after);
}

/** Only speakers of the classic protocol are left: the group is a classic one again, and rebalances when this member wants other topics. */
function joinDowngraded(draft: Draft, group: ConsumerGroup, member: ClassicConsumer, hasChanged: boolean, subscription: ConsumerProtocolSubscription): JoinGroupResponse {
  const { state } = draft;
  const after = hasChanged ? member : (advance(draft, group, member.memberId, false, withTopicIds(subscription.ownedPartitions, state.cluster)) as ClassicConsumer);
  for (const memberId of group.members.keys()) group.dropTimers(memberId);
  const classic = convert(draft, group, new Set());
  if (hasChanged) rebalanceLater(draft, classic, 'the consumer group became a classic one when a static member came back');
  return { ...joined(after), generationId: hasChanged ? after.epoch : classic.generation };
}

function mayDowngradeWith({ state }: Draft, group: ConsumerGroup, replaced: ConsumerMember): boolean {
  // the replaced member is no loss: its instance stays
  return mayDowngrade(state, group, new Set([replaced.memberId])) || (group.members.size === 1 && replaced.classic === null && state.settings.consumer.canDowngrade);
}

function checkProtocols(group: ConsumerGroup, { protocolType, protocols }: JoinGroupRequest): void {
  const isKnown = protocols.some(({ name }) => group.classicProtocols.of(name) === group.classicMemberCount);
  if (protocolType !== CONSUMER_PROTOCOL_TYPE || !isKnown) throw new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
}

/** Who only asks for an id need not have said yet what it wants. */
function subscriptionOf({ protocols }: JoinGroupRequest): ConsumerProtocolSubscription {
  const subscription = readSubscription(protocols[0]!.metadata);
  if (subscription === null) throw new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  return subscription;
}

function memberOf(draft: Draft, group: ConsumerGroup, memberId: string, instanceId: string | null, isNew: boolean): ConsumerMember {
  if (instanceId === null) return dynamicMember(group, memberId, true);
  return isNew ? joiningStatic(draft, group, memberId, instanceId, true) : staticMember(group, memberId, instanceId);
}

function updated(before: ConsumerMember, request: JoinGroupRequest, client: GroupClient, subscription: ConsumerProtocolSubscription): ClassicConsumer {
  const protocols = request.protocols.map(({ name, metadata }) => ({ name, metadata: copyOf(metadata) }));
  return {
    ...before,
    instanceId: request.groupInstanceId ?? before.instanceId,
    rackId: subscription.rackId ?? before.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs,
    topics: [...new Set(subscription.topics)].toSorted(),
    regex: '',
    clientId: client.clientId,
    clientHost: client.host,
    classic: { sessionTimeoutMs: request.sessionTimeoutMs, protocols },
  };
}

function joined({ memberId, epoch, classic }: ClassicConsumer): JoinGroupResponse {
  // each is told that another leads: the broker makes the assignment
  return { ...joinError(memberId, ErrorCode.NONE), generationId: epoch, protocolType: CONSUMER_PROTOCOL_TYPE, protocolName: classic.protocols[0]!.name };
}

/** The classic member that speaks. Throws UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID or ILLEGAL_GENERATION. */
function speaker(group: ConsumerGroup, memberId: string, instanceId: string | null, generation: number | null): ClassicConsumer {
  const member = instanceId === null ? group.members.get(memberId) : staticMember(group, memberId, instanceId);
  if (member === undefined || member.classic === null) throw unknownMember(group, memberId);
  if (generation !== null && generation !== member.epoch) throw new KafkaError(ErrorCode.ILLEGAL_GENERATION);
  return member as ClassicConsumer;
}

/** Throws KafkaError. */
export function syncConsumerGroup({ state }: Draft, group: ConsumerGroup, request: SyncGroupRequest): SyncGroupResponse {
  const { memberId, groupInstanceId, generationId, protocolType, protocolName } = request;
  const member = speaker(group, memberId, groupInstanceId, generationId);
  const { name, metadata } = member.classic.protocols[0]!;
  const isOther = (protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE) || (protocolName !== null && protocolName !== name);
  if (isOther) throw new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  if (hasNewTarget(state, group, member) && member.state !== MemberState.unrevokedPartitions) {
    awaitJoin(state, group, member);
    throw new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS);
  }
  group.timersOf(memberId).sync?.cancel();
  resetSession(state, group, member);
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, protocolType: CONSUMER_PROTOCOL_TYPE, protocolName: name, assignment: writeAssignment(member.assigned, metadata, state.cluster) };
}

/** Returns the error code: REBALANCE_IN_PROGRESS asks the member to join again, to give partitions up or to get them. */
export function heartbeatConsumerGroup({ state }: Pick<Draft, 'state'>, group: ConsumerGroup, request: HeartbeatRequest): number {
  const member = speaker(group, request.memberId, request.groupInstanceId, request.generationId);
  resetSession(state, group, member);
  const hasNews = hasNewTarget(state, group, member) || member.state === MemberState.unrevokedPartitions
    || (member.state === MemberState.unreleasedPartitions && !waitsForOthers(group, member));
  if (!hasNews) return ErrorCode.NONE;
  awaitJoin(state, group, member);
  return ErrorCode.REBALANCE_IN_PROGRESS;
}

/** A target that has to wait (`assignment.interval.ms`) is no news yet. Where all speak the classic protocol no heartbeat makes it, so that one has to join again. */
function hasNewTarget(state: Draft['state'], group: ConsumerGroup, member: ConsumerMember): boolean {
  return group.assignmentEpoch > member.epoch || (group.classicMemberCount === group.members.size && isTargetDue({ state }, group));
}

/** Whether some partition that the member shall get is with somebody else. */
function waitsForOthers(group: ConsumerGroup, { memberId, assigned }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.targetOf(memberId)) {
    const own = assigned.get(topicId);
    for (const partition of partitions) if (own?.has(partition) !== true && group.ownerOf(topicId, partition) !== undefined) return true;
  }
  return false;
}

/** Members go, of either protocol: themselves, or as an administrator names them, static ones by their instance alone. */
export function leaveConsumerGroup(draft: Draft, group: ConsumerGroup, leaving: readonly MemberIdentity[]): MemberResponse[] {
  const gone = new Map<string, ConsumerMember>();
  const answers = leaving.map((identity) => {
    const { memberId, groupInstanceId } = identity;
    try {
      const member = leaver(group, memberId, groupInstanceId);
      gone.set(member.memberId, member);
      return { memberId, groupInstanceId, errorCode: ErrorCode.NONE as number };
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return { memberId, groupInstanceId, errorCode: error.code };
    }
  });
  fenceMembers(draft, group, [...gone.values()]);
  return answers;
}

function leaver(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerMember {
  const isAdministered = memberId === '' && instanceId !== null;
  if (instanceId !== null && !isAdministered) return staticMember(group, memberId, instanceId);
  const member = isAdministered ? group.staticMember(instanceId) : group.members.get(memberId);
  if (member === undefined) throw unknownMember(group, memberId);
  return member;
}
