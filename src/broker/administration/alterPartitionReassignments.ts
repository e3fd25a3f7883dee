/** AlterPartitionReassignments (45), versions 0 and 1. Replicas may only be asked for where they are already: there is one node. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeAlterPartitionReassignmentsResponse, readAlterPartitionReassignmentsRequest, writeAlterPartitionReassignmentsResponse,
} from '../../protocol/generated/alterPartitionReassignments.ts';
import type { AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartitionResponse } from '../../protocol/generated/alterPartitionReassignments.ts';
import { assignmentProblem } from '../../metadata/placement.ts';
import type { ClusterImage, PartitionImage } from '../../metadata/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const ANY_WIDTH = -1;

export const alterPartitionReassignmentsHandler: ApiHandler<BrokerServices, AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse> = {
  ...spanOf(ApiKey.AlterPartitionReassignments),
  read: readAlterPartitionReassignmentsRequest,
  write: writeAlterPartitionReassignmentsResponse,
  handle(request, context, services) {
    const { image } = services.metadata;
    const responses = request.topics.map(({ name, partitions }) => ({
      name, partitions: partitions.map(({ partitionIndex, replicas }) => reassign(image, name, partitionIndex, replicas)),
    }));
    context.reply(makeAlterPartitionReassignmentsResponse({ errorMessage: null, allowReplicationFactorChange: allowsChange(request, context.apiVersion), responses }));
  },
  errorResponse: (request, errorCode, errorMessage, version) =>
    makeAlterPartitionReassignmentsResponse({ errorCode, errorMessage, allowReplicationFactorChange: allowsChange(request, version) }),
};

/** Version 0 has no such field. */
const allowsChange = (request: AlterPartitionReassignmentsRequest, version: number): boolean => version === 0 || request.allowReplicationFactorChange;

function reassign(image: ClusterImage, name: string, partitionIndex: number, replicas: readonly number[] | null): ReassignablePartitionResponse {
  const answer = (errorCode: number, errorMessage: string | null): ReassignablePartitionResponse => ({ partitionIndex, errorCode, errorMessage });
  const topic = image.topicsByName.get(name);
  if (topic === undefined) return answer(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find a topic named ${name}.`);
  const partition = topic.partitions[partitionIndex];
  if (partition === undefined) return answer(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition ${name}:${partitionIndex}.`);
  if (replicas === null) return answer(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, null);
  const problem = assignmentProblem(image, replicas, ANY_WIDTH) ?? moveProblem(partition, replicas);
  return problem === null ? answer(ErrorCode.NONE, null) : answer(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
}

function moveProblem(partition: PartitionImage, replicas: readonly number[]): string | null {
  const isUnchanged = replicas.length === partition.replicas.length && replicas.every((id, at) => id === partition.replicas[at]);
  return isUnchanged ? null : 'Replicas cannot be moved between brokers here.';
}
