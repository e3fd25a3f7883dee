import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { StreamsGroupHeartbeatRequest, Topology } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import { STATIC_LEAVE_EPOCH } from './member.ts';

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message);
}

/** What can be said of a request without looking at its group. Throws INVALID_REQUEST or STREAMS_INVALID_TOPOLOGY. As in Kafka 4.3, static members, regular expressions and warm-up tasks are not for these groups yet. */
export function checkStreamsRequest(request: StreamsGroupHeartbeatRequest): void {
  const { memberEpoch, instanceId, topology, activeTasks, standbyTasks, warmupTasks } = request;
  if (request.memberId === '') throw invalid("MemberId can't be empty.");
  if (request.groupId === '') throw invalid("GroupId can't be empty.");
  if (instanceId === '') throw invalid("InstanceId can't be empty.");
  if (request.rackId === '') throw invalid("RackId can't be empty.");
  if (instanceId !== null) throw invalid('Static membership is not yet supported.');
  if (request.taskOffsets !== null) throw invalid('TaskOffsets are not supported yet.');
  if (request.taskEndOffsets !== null) throw invalid('TaskEndOffsets are not supported yet.');
  if (warmupTasks !== null && warmupTasks.length > 0) throw invalid('WarmupTasks are not supported yet.');
  if (topology !== null) checkTopology(topology);
  if (memberEpoch === 0) checkFirst(request);
  else if (memberEpoch === STATIC_LEAVE_EPOCH) throw invalid("InstanceId can't be null.");
  else if (memberEpoch < STATIC_LEAVE_EPOCH) throw invalid(`MemberEpoch is ${memberEpoch}, but must be greater than or equal to -2.`);
  const told = [activeTasks, standbyTasks, warmupTasks].filter((tasks) => tasks !== null).length;
  if (told > 0 && told < 3) throw invalid('If one task-type is non-null, all must be non-null.');
  if (memberEpoch !== 0 && topology !== null) throw invalid('Topology can only be provided when (re-)joining.');
}

function checkFirst({ rebalanceTimeoutMs, activeTasks, standbyTasks, warmupTasks, topology }: StreamsGroupHeartbeatRequest): void {
  if (rebalanceTimeoutMs === -1) throw invalid('RebalanceTimeoutMs must be provided in first request.');
  if (activeTasks === null || activeTasks.length > 0) throw invalid('ActiveTasks must be empty when (re-)joining.');
  if (standbyTasks === null || standbyTasks.length > 0) throw invalid('StandbyTasks must be empty when (re-)joining.');
  if (warmupTasks === null || warmupTasks.length > 0) throw invalid('WarmupTasks must be empty when (re-)joining.');
  if (topology === null) throw invalid('Topology must be non-null when (re-)joining.');
}

function checkTopology({ subtopologies }: Topology): void {
  const isRegex = subtopologies.some(({ sourceTopicRegex, copartitionGroups }) =>
    sourceTopicRegex.length > 0 || copartitionGroups.some((group) => group.sourceTopicRegex.length > 0));
  if (isRegex) throw invalid('Regular expressions for source topics are not supported yet.');
  for (const { stateChangelogTopics } of subtopologies) {
    const fixed = stateChangelogTopics.find(({ partitions }) => partitions !== 0);
    if (fixed !== undefined) {
      throw new KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, `Changelog topic ${fixed.name} must have an undefined partition count, but it is set to ${fixed.partitions}.`);
    }
  }
}
