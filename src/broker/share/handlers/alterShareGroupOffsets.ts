/** AlterShareGroupOffsets (91), version 0: where the records of a group without members begin. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeAlterShareGroupOffsetsResponse, readAlterShareGroupOffsetsRequest, writeAlterShareGroupOffsetsResponse } from '../../../protocol/generated/alterShareGroupOffsets.ts';
import type {
  AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsRequestTopic as AskedTopic, AlterShareGroupOffsetsResponse, AlterShareGroupOffsetsResponseTopic as AlteredTopic,
} from '../../../protocol/generated/alterShareGroupOffsets.ts';
import { isSafeOffset } from '../../../protocol/offsets.ts';
import { zeroUuid } from '../../../protocol/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { errorMessageOf } from '../../errorMapping.ts';
import type { ClusterView } from '../../groups/cluster.ts';
import type { TopicPartition } from '../../groups/share/statePartitions.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';

export const alterShareGroupOffsetsHandler: ApiHandler<BrokerServices, AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse> = {
  ...spanOf(ApiKey.AlterShareGroupOffsets),
  read: readAlterShareGroupOffsetsRequest,
  write: writeAlterShareGroupOffsetsResponse,
  handle({ groupId, topics }, context, { shareGroups, groupCoordinator }) {
    if (groupId === '') return context.reply(makeAlterShareGroupOffsetsResponse({ errorCode: ErrorCode.INVALID_GROUP_ID }));
    const plan = planOf(topics, groupCoordinator.cluster);
    shareGroups.alterOffsets(groupId, plan.partitions, plan.startOffsets, (error, results) => {
      if (error !== null) return context.reply(makeAlterShareGroupOffsetsResponse({ errorCode: error.code, errorMessage: errorMessageOf(error) }));
      results.forEach(({ errorCode, message }, at) => Object.assign(plan.places[at]!, { errorCode, errorMessage: message }));
      context.reply(makeAlterShareGroupOffsetsResponse({ responses: plan.responses }));
    });
  },
  errorResponse: (_request, errorCode, errorMessage) => makeAlterShareGroupOffsetsResponse({ errorCode, errorMessage }),
};

interface Plan {
  readonly responses: AlteredTopic[];
  readonly partitions: TopicPartition[];
  readonly startOffsets: number[];
  /** Where the result of each partition goes. */
  readonly places: AlteredTopic['partitions'][number][];
}

function planOf(topics: readonly AskedTopic[], cluster: ClusterView): Plan {
  const plan: Plan = { responses: [], partitions: [], startOffsets: [], places: [] };
  for (const { topicName: name, partitions } of topics) {
    const topicId = cluster.idOf(name);
    const response: AlteredTopic = { topicName: name, topicId: topicId ?? zeroUuid, partitions: [] };
    for (const { partitionIndex, startOffset } of partitions) {
      const place = { partitionIndex, errorCode: problemOf(name, partitionIndex, startOffset, cluster), errorMessage: null };
      response.partitions.push(place);
      if (topicId === undefined || place.errorCode !== ErrorCode.NONE) continue;
      plan.partitions.push({ topicId, name, partition: partitionIndex });
      plan.startOffsets.push(startOffset);
      plan.places.push(place);
    }
    plan.responses.push(response);
  }
  return plan;
}

function problemOf(name: string, partition: number, startOffset: number, cluster: ClusterView): number {
  if (partition < 0 || partition >= cluster.partitionCountOf(name)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  return isSafeOffset(startOffset) ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST;
}
