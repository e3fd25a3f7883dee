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
    const existing = new Map<string, number[]>();
    const unknown: OffsetDeleteResponseTopic[] = [];
    for (const [name, indexes] of partitionsByTopic(request)) {
      const count = groupCoordinator.cluster.partitionCountOf(name);
      const known = indexes.filter((index) => index >= 0 && index < count);
      if (known.length > 0) existing.set(name, known);
      if (known.length < indexes.length) unknown.push(topicResponse(name, indexes.filter((index) => index < 0 || index >= count), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
    }
    groupCoordinator.deleteOffsets(request.groupId, existing, ({ errorCode, subscribed }) => {
      if (errorCode !== ErrorCode.NONE) return answer(context, { errorCode, throttleTimeMs: 0, topics: [] });
      const codeOf = (name: string): number => (subscribed.has(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE);
      const deleted = [...existing].map(([name, indexes]) => topicResponse(name, indexes, codeOf(name)));
      answer(context, { errorCode, throttleTimeMs: 0, topics: joined(unknown, deleted) });
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

/** One entry a topic: what is unknown first, as Kafka has it. */
function joined(unknown: readonly OffsetDeleteResponseTopic[], deleted: readonly OffsetDeleteResponseTopic[]): OffsetDeleteResponseTopic[] {
  const byName = new Map([...unknown, ...deleted].map((topic) => [topic.name, topic]));
  for (const { name, partitions } of unknown) {
    const other = byName.get(name)!;
    if (other.partitions !== partitions) byName.set(name, { name, partitions: [...partitions, ...other.partitions] });
  }
  return [...byName.values()];
}

function topicResponse(name: string, indexes: readonly number[], errorCode: number): OffsetDeleteResponseTopic {
  return { name, partitions: indexes.map((partitionIndex) => ({ partitionIndex, errorCode })) };
}
