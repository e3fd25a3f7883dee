/** Describing groups: what a group consumes is told to those who may describe all of it. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import * as consumer from '../../../../protocol/generated/consumerGroupDescribe.ts';
import { makeDescribedGroup } from '../../../../protocol/generated/describeGroups.ts';
import type { DescribeGroupsRequest } from '../../../../protocol/generated/describeGroups.ts';
import * as share from '../../../../protocol/generated/shareGroupDescribe.ts';
import * as streams from '../../../../protocol/generated/streamsGroupDescribe.ts';
import { guardOf } from '../guard.ts';
import type { GuardCall, GuardOfApi } from '../guard.ts';
import { describing } from './groups.ts';

const errorCode = ErrorCode.GROUP_AUTHORIZATION_FAILED;
const errorMessage = 'Group authorization failed.';
const TOPICS_HIDDEN = 'The group has described topic(s) that the client is not authorized to describe.';

interface ById {
  groupIds: string[];
}

const groupIds = (request: ById): string[] => request.groupIds;
const withGroupIds = <Request extends ById>(request: Request, ids: string[]): Request => ({ ...request, groupIds: ids });

function hidden<Group extends { errorCode: number; errorMessage: string | null; members: unknown[] }>(group: Group, topics: Iterable<string>, { caller }: GuardCall): Group {
  for (const topic of topics) {
    if (!caller.mayTopic(AclOperation.describe, topic)) return { ...group, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, errorMessage: TOPICS_HIDDEN, members: [] };
  }
  return group;
}

function* topicsOfConsumers({ members }: consumer.DescribedGroup): Generator<string> {
  for (const { assignment, targetAssignment } of members) {
    for (const { topicName } of assignment.topicPartitions) yield topicName;
    for (const { topicName } of targetAssignment.topicPartitions) yield topicName;
  }
}

function* topicsOfSharers({ members }: share.DescribedGroup): Generator<string> {
  for (const { assignment } of members) for (const { topicName } of assignment.topicPartitions) yield topicName;
}

function* topicsOfStreams({ topology }: streams.DescribedGroup): Generator<string> {
  for (const { sourceTopics, repartitionSinkTopics, repartitionSourceTopics, stateChangelogTopics } of topology?.subtopologies ?? []) {
    yield* sourceTopics;
    yield* repartitionSinkTopics;
    for (const { name } of repartitionSourceTopics) yield name;
    for (const { name } of stateChangelogTopics) yield name;
  }
}

/** A group of streams that may not be seen shows neither its members nor its topology. */
function hiddenStreams(group: streams.DescribedGroup, call: GuardCall): streams.DescribedGroup {
  const shown = hidden(group, topicsOfStreams(group), call);
  return shown === group ? group : { ...shown, topology: null };
}

export const describeGroupsGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.DescribeGroups, describing(
    (request: DescribeGroupsRequest) => request.groups,
    (request, groups) => ({ ...request, groups }),
    (groupId) => makeDescribedGroup({ groupId, errorCode }),
    (group) => group,
  )),
  guardOf(ApiKey.ConsumerGroupDescribe, describing<consumer.ConsumerGroupDescribeRequest, consumer.DescribedGroup>(
    groupIds, withGroupIds,
    (groupId) => consumer.makeDescribedGroup({ groupId, errorCode, errorMessage }),
    (group, call) => hidden(group, topicsOfConsumers(group), call),
  )),
  guardOf(ApiKey.ShareGroupDescribe, describing<share.ShareGroupDescribeRequest, share.DescribedGroup>(
    groupIds, withGroupIds,
    (groupId) => share.makeDescribedGroup({ groupId, errorCode, errorMessage }),
    (group, call) => hidden(group, topicsOfSharers(group), call),
  )),
  guardOf(ApiKey.StreamsGroupDescribe, describing<streams.StreamsGroupDescribeRequest, streams.DescribedGroup>(
    groupIds, withGroupIds,
    (groupId) => streams.makeDescribedGroup({ groupId, errorCode, errorMessage }),
    hiddenStreams,
  )),
];
