/** DeleteTopics: ids and names that may not be described are answered as if they were not there to be seen. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import { makeDeletableTopicResult } from '../../../../protocol/generated/deleteTopics.ts';
import type { DeletableTopicResult, DeleteTopicsRequest, DeleteTopicsResponse, DeleteTopicState } from '../../../../protocol/generated/deleteTopics.ts';
import { zeroUuid } from '../../../../protocol/types.ts';
import { guardOf } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
const REFUSED = 'Topic authorization failed.';

function deleteTopics(request: DeleteTopicsRequest, call: GuardCall): Verdict<DeleteTopicsRequest, DeleteTopicsResponse> | null {
  const { caller, config } = call;
  // Kafka looks first whether anything may be deleted at all.
  if (!config.deleteTopicEnable || caller.mayCluster(AclOperation.delete)) return null;
  const denied: DeletableTopicResult[] = [];
  const counts = countsOf(request);
  const topicNames = request.topicNames.filter((name) => !refuse(denied, counts.get(name)! > 1 ? null : nameRefusal(name, call)));
  const topics = request.topics.filter((topic) => !refuse(denied, stateRefusal(topic, counts, call)));
  if (denied.length === 0) return null;
  return { request: { ...request, topicNames, topics }, finish: (response) => void (response.responses = [...response.responses, ...denied]) };
}

function refuse(denied: DeletableTopicResult[], refusal: DeletableTopicResult | null): boolean {
  if (refusal === null) return false;
  denied.push(refusal);
  return true;
}

/** How often each name and each id stands in the request. */
function countsOf(request: DeleteTopicsRequest): Map<string, number> {
  const counts = new Map<string, number>();
  const add = (key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);
  request.topicNames.forEach(add);
  for (const topic of request.topics) add(keyOf(topic));
  return counts;
}

const keyOf = ({ name, topicId }: DeleteTopicState): string => name ?? `id ${topicId}`;

/** Repeated and contradictory entries are the handler's to refuse. */
function stateRefusal(topic: DeleteTopicState, counts: ReadonlyMap<string, number>, call: GuardCall): DeletableTopicResult | null {
  const { name, topicId } = topic;
  if ((name !== null && topicId !== zeroUuid) || counts.get(keyOf(topic))! > 1) return null;
  return name === null ? idRefusal(topicId, call) : nameRefusal(name, call);
}

function nameRefusal(name: string, { caller, metadata }: GuardCall): DeletableTopicResult | null {
  const isDescribed = caller.mayTopic(AclOperation.describe, name);
  // That it is not there may be told to whom its being there could be told.
  if (isDescribed && (caller.mayTopic(AclOperation.delete, name) || !metadata.image.topicsByName.has(name))) return null;
  return makeDeletableTopicResult({ name, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: REFUSED });
}

function idRefusal(topicId: string, { caller, metadata }: GuardCall): DeletableTopicResult | null {
  const name = metadata.image.topicsById.get(topicId)?.name;
  if (name === undefined || caller.mayTopic(AclOperation.delete, name)) return null;
  const shown = caller.mayTopic(AclOperation.describe, name) ? name : null;
  return makeDeletableTopicResult({ name: shown, topicId, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: REFUSED });
}

export const deleteTopicsGuard: GuardOfApi = guardOf(ApiKey.DeleteTopics, deleteTopics);
