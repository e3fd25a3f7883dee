import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeConsumerGroupDescribeRequest, readConsumerGroupDescribeResponse, writeConsumerGroupDescribeRequest, type Assignment, type DescribedGroup as ModernGroup } from '../../protocol/generated/consumerGroupDescribe.ts';
import { makeDescribeGroupsRequest, readDescribeGroupsResponse, writeDescribeGroupsRequest, type DescribedGroup as OlderGroup } from '../../protocol/generated/describeGroups.ts';
import { readConsumerProtocolAssignment } from '../../protocol/generated/data/consumerProtocol.ts';
import { Reader } from '../../protocol/reader.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import { GroupType } from './groups.ts';
import type { Outcome } from './outcome.ts';
import type { TopicPartition } from './partitionMap.ts';
import { coordinators, CoordinatorType } from './routes.ts';

const describeGroupsApi = { apiKey: ApiKey.DescribeGroups, versionMax: 6, write: writeDescribeGroupsRequest, read: readDescribeGroupsResponse } as const;
const consumerGroupDescribeApi = { apiKey: ApiKey.ConsumerGroupDescribe, versionMax: 1, write: writeConsumerGroupDescribeRequest, read: readConsumerGroupDescribeResponse } as const;
/** From here on a group that does not exist is an error, not a dead group. */
const NOT_FOUND_VERSION = 6;
const CONSUMER_PROTOCOL = 'consumer';
/** Member type of ConsumerGroupDescribe. */
const CLASSIC_MEMBER = 0;

export interface GroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly host: string;
  readonly assignment: readonly TopicPartition[];
  /** Where the group is going; null for classic groups. */
  readonly targetAssignment: readonly TopicPartition[] | null;
  /** null for classic groups. */
  readonly memberEpoch: number | null;
  /** Whether it speaks the classic protocol inside of a group of the new one; null: not told. */
  readonly isClassic: boolean | null;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly type: GroupType;
  /** Protocol type of a classic group, `consumer` or '' for consumers. */
  readonly protocolType: string;
  readonly state: string;
  readonly assignor: string;
  readonly members: readonly GroupMember[];
  /** The coordinator. */
  readonly coordinatorId: number;
  /** null for classic groups. */
  readonly groupEpoch: number | null;
  readonly targetAssignmentEpoch: number | null;
}

/** Groups of consumers, of either protocol. KafkaError GROUP_ID_NOT_FOUND for one that does not exist; for one of another kind, too. */
export function describeConsumerGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome<GroupDescription>>> {
  return askForEach<string, GroupDescription>(cluster, groupIds, coordinators(cluster, CoordinatorType.group, (id) => id), async (connection, keys, brokerId) => {
    const found = connection.offers(consumerGroupDescribeApi.apiKey) ? await askModern(connection, keys, brokerId) : new Map<string, Outcome<GroupDescription>>();
    const others = keys.filter((key) => isOfOtherKind(found.get(key)));
    if (others.length > 0) for (const [key, outcome] of await askClassic(connection, others, brokerId)) found.set(key, consumersOnly(outcome));
    return found;
  });
}

/** Classic groups of whatever protocol. */
export function describeClassicGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome<GroupDescription>>> {
  return askForEach(cluster, groupIds, coordinators(cluster, CoordinatorType.group, (id) => id), askClassic);
}

/** A group of the older protocol, or one of a broker that does not speak the newer. */
function isOfOtherKind(outcome: Outcome<unknown> | undefined): boolean {
  if (outcome === undefined) return true;
  const code = outcome.error instanceof KafkaError ? outcome.error.code : null;
  return code === ErrorCode.GROUP_ID_NOT_FOUND || code === ErrorCode.UNSUPPORTED_VERSION;
}

function consumersOnly(outcome: Outcome<GroupDescription>): Outcome<GroupDescription> {
  if (outcome.error !== undefined || outcome.value.protocolType === CONSUMER_PROTOCOL || outcome.value.protocolType === '') return outcome;
  return failure(ErrorCode.GROUP_ID_NOT_FOUND, `GroupId ${outcome.value.groupId} is not a consumer group (${outcome.value.protocolType}).`);
}

async function askModern(connection: BrokerConnection, keys: readonly string[], brokerId: number | null): Promise<Map<string, Outcome<GroupDescription>>> {
  const answer = await connection.request(consumerGroupDescribeApi, makeConsumerGroupDescribeRequest({ groupIds: [...keys] }));
  return new Map(answer.groups.map((group) => [group.groupId, group.errorCode === ErrorCode.NONE ? { value: modernGroup(group, brokerId ?? -1) } : failure(group.errorCode, group.errorMessage)]));
}

function modernGroup(group: ModernGroup, coordinatorId: number): GroupDescription {
  return {
    coordinatorId, groupId: group.groupId, type: GroupType.consumer, protocolType: CONSUMER_PROTOCOL, state: group.groupState, assignor: group.assignorName, groupEpoch: group.groupEpoch,
    targetAssignmentEpoch: group.assignmentEpoch,
    members: group.members.map((member) => ({
      memberId: member.memberId, groupInstanceId: member.instanceId, clientId: member.clientId, host: member.clientHost, assignment: partitionsOf(member.assignment),
      targetAssignment: partitionsOf(member.targetAssignment), memberEpoch: member.memberEpoch, isClassic: member.memberType < 0 ? null : member.memberType === CLASSIC_MEMBER,
    })),
  };
}

export const partitionsOf = ({ topicPartitions }: Pick<Assignment, 'topicPartitions'>): TopicPartition[] =>
  topicPartitions.flatMap(({ topicName, partitions }) => partitions.map((partition) => ({ topic: topicName, partition })));

async function askClassic(connection: BrokerConnection, keys: readonly string[], brokerId: number | null): Promise<Map<string, Outcome<GroupDescription>>> {
  const version = connection.versionOf(describeGroupsApi);
  const answer = await connection.request(describeGroupsApi, makeDescribeGroupsRequest({ groups: [...keys] }), { version });
  return new Map(answer.groups.map((group) => {
    const isMissing = version < NOT_FOUND_VERSION && group.errorCode === ErrorCode.NONE && group.groupState === 'Dead';
    if (isMissing) return [group.groupId, failure(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${group.groupId} not found.`)];
    return [group.groupId, outcomeOf(group.errorCode, group.errorMessage, classicGroup(group, brokerId ?? -1))];
  }));
}

function classicGroup(group: OlderGroup, coordinatorId: number): GroupDescription {
  const isOfConsumers = group.protocolType === CONSUMER_PROTOCOL || group.protocolType === '';
  return {
    coordinatorId, groupId: group.groupId, type: GroupType.classic, protocolType: group.protocolType, state: group.groupState, assignor: group.protocolData, groupEpoch: null, targetAssignmentEpoch: null,
    members: group.members.map((member) => ({
      memberId: member.memberId, groupInstanceId: member.groupInstanceId, clientId: member.clientId, host: member.clientHost,
      assignment: isOfConsumers ? decodeAssignment(member.memberAssignment) : [], targetAssignment: null, memberEpoch: null, isClassic: null,
    })),
  };
}

/** The partitions in the bytes of a consumer's assignment; none for bytes that are something else. */
function decodeAssignment(bytes: Buffer): TopicPartition[] {
  if (bytes.length < 2) return [];
  try {
    const reader = new Reader(bytes);
    const version = Math.max(reader.int16(), 0);
    const assignment = readConsumerProtocolAssignment(reader, Math.min(version, 3));
    return assignment.assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));
  } catch {
    return [];
  }
}
