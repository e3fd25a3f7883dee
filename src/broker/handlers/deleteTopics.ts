/** DeleteTopics (20), versions 1 to 6. Topics are named or given by id. */
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDeletableTopicResult, readDeleteTopicsRequest, writeDeleteTopicsResponse } from '../../protocol/generated/deleteTopics.ts';
import type { DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse } from '../../protocol/generated/deleteTopics.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const FIRST_VERSION_WITH_DISABLED_ERROR = 3;
const FIRST_VERSION_WITH_TOPICS = 6;

export const deleteTopicsHandler: ApiHandler<BrokerServices, DeleteTopicsRequest, DeleteTopicsResponse> = {
  ...spanOf(ApiKey.DeleteTopics),
  read: readDeleteTopicsRequest,
  write: writeDeleteTopicsResponse,
  async handle(request, context, services) {
    if (!services.config.deleteTopicEnable) throw disabled(context.apiVersion);
    const plan = planDeletion(request, context.apiVersion, services);
    const ids = [...plan.idToName.keys()];
    const outcomes = ids.length === 0 ? [] : await services.metadata.controller.deleteTopics(ids);
    const responses = plan.refused;
    ids.forEach((topicId, index) => {
      const { code, message } = outcomes[index]!;
      responses.push(makeDeletableTopicResult({ name: plan.idToName.get(topicId)!, topicId, errorCode: code, errorMessage: message }));
    });
    context.reply({ throttleTimeMs: 0, responses });
  },
  errorResponse: (request, errorCode, errorMessage, version) => ({
    throttleTimeMs: 0,
    responses: version >= FIRST_VERSION_WITH_TOPICS
      ? request.topics.map(({ name, topicId }) => makeDeletableTopicResult({ name, topicId, errorCode, errorMessage }))
      : request.topicNames.map((name) => makeDeletableTopicResult({ name, errorCode, errorMessage })),
  }),
};

function disabled(version: number): KafkaError {
  if (version < FIRST_VERSION_WITH_DISABLED_ERROR) return new KafkaError(ErrorCode.INVALID_REQUEST, 'Topic deletion is disabled.');
  return new KafkaError(ErrorCode.TOPIC_DELETION_DISABLED, 'Topic deletion is disabled.');
}

interface DeletionPlan {
  readonly refused: DeletableTopicResult[];
  readonly idToName: Map<string, string>;
}

function planDeletion(request: DeleteTopicsRequest, version: number, services: BrokerServices): DeletionPlan {
  const refused: DeletableTopicResult[] = [];
  const refuse = (name: string | null, topicId: string, errorCode: number, errorMessage: string | null): void => {
    refused.push(makeDeletableTopicResult({ name, topicId, errorCode, errorMessage }));
  };
  const names: string[] = version >= FIRST_VERSION_WITH_TOPICS ? [] : request.topicNames;
  const ids: string[] = [];
  for (const { name, topicId } of request.topics) {
    if (name !== null && topicId !== zeroUuid) refuse(name, topicId, ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id.');
    else if (name !== null) names.push(name);
    else if (topicId !== zeroUuid) ids.push(topicId);
    else refuse(null, zeroUuid, ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified.');
  }
  const { image } = services.metadata;
  const givenIds = new Set(ids);
  const idToName = new Map<string, string>();
  for (const [topicId, count] of counted(ids)) {
    const topic = image.topicsById.get(topicId);
    if (count > 1) refuse(null, topicId, ErrorCode.INVALID_REQUEST, 'Duplicate topic id.');
    else if (topic === undefined) refuse(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID, null);
    else idToName.set(topicId, topic.name);
  }
  for (const [name, count] of counted(names)) {
    const topic = image.topicsByName.get(name);
    if (count > 1) refuse(name, zeroUuid, ErrorCode.INVALID_REQUEST, 'Duplicate topic name.');
    else if (topic === undefined) refuse(name, zeroUuid, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null);
    else if (givenIds.has(topic.id)) {
      idToName.delete(topic.id);
      refuse(name, topic.id, ErrorCode.INVALID_REQUEST, 'The provided topic name maps to an ID that was already supplied.');
    } else idToName.set(topic.id, name);
  }
  return { refused, idToName };
}

function counted(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
