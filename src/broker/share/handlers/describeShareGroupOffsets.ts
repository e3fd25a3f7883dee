/** DescribeShareGroupOffsets (90), versions 0 and 1: where groups stand, and since version 1 how far behind they are. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import {
  makeDescribeShareGroupOffsetsResponseGroup as makeGroup, makeDescribeShareGroupOffsetsResponsePartition as makePartition,
  readDescribeShareGroupOffsetsRequest, writeDescribeShareGroupOffsetsResponse,
} from '../../../protocol/generated/describeShareGroupOffsets.ts';
import type {
  DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestGroup as AskedGroup, DescribeShareGroupOffsetsResponse,
  DescribeShareGroupOffsetsResponseGroup as DescribedGroup, DescribeShareGroupOffsetsResponsePartition as DescribedPartition,
  DescribeShareGroupOffsetsResponseTopic as DescribedTopic,
} from '../../../protocol/generated/describeShareGroupOffsets.ts';
import type { Uuid } from '../../../protocol/types.ts';
import { zeroUuid } from '../../../protocol/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { ShareGroup } from '../../groups/share/group.ts';
import { isInitialized } from '../../groups/share/statePartitions.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';

const UNKNOWN = -1;

export const describeShareGroupOffsetsHandler: ApiHandler<BrokerServices, DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse> = {
  ...spanOf(ApiKey.DescribeShareGroupOffsets),
  read: readDescribeShareGroupOffsetsRequest,
  write: writeDescribeShareGroupOffsetsResponse,
  handle({ groups: asked }, context, services) {
    const groups: DescribedGroup[] = [];
    let left = asked.length;
    if (left === 0) return context.reply({ throttleTimeMs: 0, groups });
    asked.forEach((group, at) => describeGroup(group, services, (described) => {
      groups[at] = described;
      if (--left === 0) context.reply({ throttleTimeMs: 0, groups });
    }));
  },
  errorResponse: ({ groups }, errorCode, errorMessage) =>
    ({ throttleTimeMs: 0, groups: groups.map(({ groupId }) => makeGroup({ groupId, errorCode, errorMessage })) }),
};

interface AskedTopic {
  readonly topicName: string;
  readonly partitions: readonly number[];
}

function describeGroup({ groupId, topics }: AskedGroup, services: BrokerServices, done: (described: DescribedGroup) => void): void {
  const refuse = (errorCode: number, errorMessage: string | null): void => done(makeGroup({ groupId, errorCode, errorMessage }));
  const found = services.shareGroups.find(groupId);
  // A group that nobody knows has no offsets, as Kafka has it.
  const group = found === ErrorCode.GROUP_ID_NOT_FOUND ? new ShareGroup(groupId) : found;
  if (typeof group === 'number') return refuse(group, null);
  const asked = topics ?? allTopics(group, services);
  const described: DescribedTopic[] = [];
  let left = asked.length;
  if (left === 0) return done(makeGroup({ groupId, topics: described }));
  asked.forEach((topic, at) => describeTopic(group, topic, services, (one) => {
    described[at] = one;
    if (--left === 0) done(makeGroup({ groupId, topics: described }));
  }));
}

function allTopics(group: ShareGroup, services: BrokerServices): AskedTopic[] {
  return [...group.statePartitions.initialized].flatMap(([topicId, { partitions }]) => {
    const topicName = services.groupCoordinator.cluster.nameOf(topicId);
    return topicName === undefined ? [] : [{ topicName, partitions: [...partitions] }];
  });
}

function describeTopic(group: ShareGroup, { topicName, partitions: asked }: AskedTopic, services: BrokerServices, done: (described: DescribedTopic) => void): void {
  const topicId = services.groupCoordinator.cluster.idOf(topicName);
  const partitions: DescribedPartition[] = [];
  let left = asked.length;
  const end = (): void => done({ topicName, topicId: topicId ?? zeroUuid, partitions });
  if (left === 0) return end();
  asked.forEach((partitionIndex, at) => {
    const put = (described: DescribedPartition): void => {
      partitions[at] = described;
      if (--left === 0) end();
    };
    if (topicId === undefined) put(makePartition({ partitionIndex, startOffset: UNKNOWN, lag: UNKNOWN, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }));
    else describePartition(group, topicId, partitionIndex, services, put);
  });
}

function describePartition(group: ShareGroup, topicId: Uuid, partitionIndex: number, services: BrokerServices, put: (described: DescribedPartition) => void): void {
  if (!isInitialized(group, topicId, partitionIndex)) return put(makePartition({ partitionIndex, startOffset: UNKNOWN, leaderEpoch: 0, lag: UNKNOWN }));
  services.share.persister.readSummary({ groupId: group.groupId, topicId, partition: partitionIndex }, ({ errorCode, message, startOffset, leaderEpoch, deliveryCompleteCount }) => {
    if (errorCode !== ErrorCode.NONE) return put(makePartition({ partitionIndex, startOffset: UNKNOWN, lag: UNKNOWN, errorCode, errorMessage: message }));
    const lag = lagOf(services, topicId, partitionIndex, startOffset, deliveryCompleteCount);
    put(makePartition({ partitionIndex, startOffset, leaderEpoch, lag }));
  });
}

/** Records from the start on that are not done with; -1: not known. */
function lagOf({ partitions }: BrokerServices, topicId: Uuid, index: number, startOffset: number, doneCount: number): number {
  const log = partitions.topicById(topicId)?.partitions[index]?.onlineLog;
  if (startOffset === UNKNOWN || doneCount === UNKNOWN || log === null || log === undefined) return UNKNOWN;
  return Math.max(log.highWatermark - startOffset - doneCount, 0);
}
