/** OffsetCommit (8), versions 2 to 10. Topics by name up to version 9, by id from version 10. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readOffsetCommitRequest, writeOffsetCommitResponse } from '../../../protocol/generated/offsetCommit.ts';
import type { OffsetCommitRequest, OffsetCommitRequestTopic, OffsetCommitResponse, OffsetCommitResponseTopic } from '../../../protocol/generated/offsetCommit.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TopicIds } from '../cluster.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

const TOPIC_IDS_FROM = 10;

export const offsetCommitHandler: ApiHandler<GroupServices, OffsetCommitRequest, OffsetCommitResponse> = {
  ...spanOf(ApiKey.OffsetCommit),
  read: readOffsetCommitRequest,
  write: writeOffsetCommitResponse,
  handle(request, context, { groupCoordinator }) {
    const isById = context.apiVersion >= TOPIC_IDS_FROM;
    const topics: OffsetCommitRequestTopic[] = [];
    const unknown: OffsetCommitRequestTopic[] = [];
    for (const topic of request.topics) (resolve(topic, isById, groupCoordinator.cluster) ? topics : unknown).push(topic);
    const failed = unknown.map((topic) => failedTopic(topic, isById ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
    if (topics.length === 0 && failed.length > 0) return answer(context, { throttleTimeMs: 0, topics: failed });
    groupCoordinator.commit({ ...request, topics }, context.apiVersion, (errorCode, committed) => {
      const done = errorCode === ErrorCode.NONE ? committed : topics.map((topic) => failedTopic(topic, errorCode));
      answer(context, { throttleTimeMs: 0, topics: failed.length === 0 ? done : [...done, ...failed] });
    });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, topics: request.topics.map((topic) => failedTopic(topic, errorCode)) }),
};

/** Fills in what the client left to us. False: there is no such topic. */
function resolve(topic: OffsetCommitRequestTopic, isById: boolean, topicIds: TopicIds): boolean {
  const found = isById ? topicIds.nameOf(topic.topicId) : topicIds.idOf(topic.name);
  if (found === undefined) return false;
  if (isById) topic.name = found;
  else topic.topicId = found;
  return true;
}

function failedTopic({ name, topicId, partitions }: OffsetCommitRequestTopic, errorCode: number): OffsetCommitResponseTopic {
  return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
}
