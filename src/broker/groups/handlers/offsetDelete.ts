/** OffsetDelete (47), version 0: forget committed offsets of topics that the group does not consume. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readOffsetDeleteRequest, writeOffsetDeleteResponse } from '../../../protocol/generated/offsetDelete.ts';
import type { OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteResponseTopic } from '../../../protocol/generated/offsetDelete.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

export const offsetDeleteHandler: ApiHandler<GroupServices, OffsetDeleteRequest, OffsetDeleteResponse> = {
  ...spanOf(ApiKey.OffsetDelete),
  read: readOffsetDeleteRequest,
  write: writeOffsetDeleteResponse,
  handle(request, context, services) {
    const { groupCoordinator } = services;
    const partitions = partitionsByTopic(request);
    const known = new Map([...partitions].filter(([name]) => groupCoordinator.cluster.idOf(name) !== undefined));
    groupCoordinator.deleteOffsets(request.groupId, known, ({ errorCode, subscribed }) => {
      if (errorCode !== ErrorCode.NONE) return answer(context, { errorCode, throttleTimeMs: 0, topics: [] });
      const codeOf = (name: string): number => {
        if (!known.has(name)) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
        return subscribed.has(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE;
      };
      answer(context, { errorCode, throttleTimeMs: 0, topics: [...partitions].map(([name, indexes]) => topicResponse(name, indexes, codeOf(name))) });
    });
  },
  errorResponse: (_request, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
};

/** Each topic and each partition once. */
function partitionsByTopic(request: OffsetDeleteRequest): Map<string, number[]> {
  const byTopic = new Map<string, Set<number>>();
  for (const { name, partitions } of request.topics) {
    const indexes = byTopic.get(name) ?? new Set();
    for (const { partitionIndex } of partitions) indexes.add(partitionIndex);
    byTopic.set(name, indexes);
  }
  return new Map([...byTopic].map(([name, indexes]) => [name, [...indexes]]));
}

function topicResponse(name: string, indexes: readonly number[], errorCode: number): OffsetDeleteResponseTopic {
  return { name, partitions: indexes.map((partitionIndex) => ({ partitionIndex, errorCode })) };
}
