import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import { STATIC_LEAVE_EPOCH } from './member.ts';

/** From this version on members choose their ids themselves. */
const OWN_MEMBER_ID_FROM = 1;

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message);
}

/** What can be said of a request without looking at its group. Throws INVALID_REQUEST or UNSUPPORTED_ASSIGNOR. */
export function checkRequest(request: ConsumerGroupHeartbeatRequest, apiVersion: number, assignors: readonly string[]): void {
  const { memberId, memberEpoch, serverAssignor } = request;
  const mustHaveId = apiVersion >= OWN_MEMBER_ID_FROM || memberEpoch > 0 || memberEpoch === -1;
  if (mustHaveId && memberId === '') throw invalid("MemberId can't be empty.");
  if (request.groupId === '') throw invalid("GroupId can't be empty.");
  if (request.instanceId === '') throw invalid("InstanceId can't be empty.");
  if (request.rackId === '') throw invalid("RackId can't be empty.");
  if (memberEpoch === 0) checkFirst(request);
  else if (memberEpoch === STATIC_LEAVE_EPOCH && request.instanceId === null) throw invalid("InstanceId can't be null.");
  else if (memberEpoch < STATIC_LEAVE_EPOCH) throw invalid('MemberEpoch is invalid.');
  if (serverAssignor !== null && !assignors.includes(serverAssignor)) {
    throw new KafkaError(ErrorCode.UNSUPPORTED_ASSIGNOR, `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.join(', ')}.`);
  }
}

function checkFirst({ rebalanceTimeoutMs, topicPartitions, subscribedTopicNames, subscribedTopicRegex }: ConsumerGroupHeartbeatRequest): void {
  if (rebalanceTimeoutMs === -1) throw invalid('RebalanceTimeoutMs must be provided in first request.');
  if (topicPartitions === null || topicPartitions.length > 0) throw invalid('TopicPartitions must be empty when (re-)joining.');
  if (subscribedTopicNames === null && subscribedTopicRegex === null) {
    throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.');
  }
}
