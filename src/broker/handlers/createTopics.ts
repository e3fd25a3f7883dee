/** CreateTopics (19), versions 2 to 7. Answers once the new partitions can be used. */
import { describeTopicConfigs } from '../../config/describe.ts';
import { PARTITIONS_PER_CHANGE_MAX } from '../../metadata/decisions.ts';
import type { NewTopic, NewTopicOutcome, TopicImage } from '../../metadata/types.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatableTopicResult, readCreateTopicsRequest, writeCreateTopicsResponse } from '../../protocol/generated/createTopics.ts';
import type { CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse } from '../../protocol/generated/createTopics.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { splitByName } from './repeatedNames.ts';

export const createTopicsHandler: ApiHandler<BrokerServices, CreateTopicsRequest, CreateTopicsResponse> = {
  ...spanOf(ApiKey.CreateTopics),
  read: readCreateTopicsRequest,
  write: writeCreateTopicsResponse,
  async handle(request, context, services) {
    // A topic has one partition or more; as Kafka, all are refused together.
    if (request.topics.length > PARTITIONS_PER_CHANGE_MAX) {
      throw new KafkaError(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.');
    }
    const { unique, repeated } = splitByName(request.topics);
    const outcomes = await createGood(unique, request.validateOnly, services);
    const topics = unique.map((topic, index) => answer(topic, outcomes[index]!, services));
    for (const name of repeated) topics.push(failed(name, ErrorCode.INVALID_REQUEST, 'Duplicate topic name.'));
    context.reply({ throttleTimeMs: 0, topics });
  },
  errorResponse: (request, errorCode, message) => ({
    throttleTimeMs: 0,
    topics: request.topics.map((topic) => failed(topic.name, errorCode, message)),
  }),
};

/** Outcomes in the order of `topics`; what can be refused at sight never reaches the controller. */
async function createGood(topics: readonly CreatableTopic[], validateOnly: boolean, services: BrokerServices): Promise<NewTopicOutcome[]> {
  const early = topics.map(earlyRefusal);
  const asked = topics.filter((_topic, index) => early[index] === null);
  const outcomes = asked.length === 0 ? [] : await services.metadata.controller.createTopics(asked.map(toNewTopic), validateOnly);
  if (!validateOnly) await Promise.all(outcomes.map(({ topic }) => (topic === null ? undefined : services.partitions.whenSettled(topic.name))));
  let next = 0;
  return early.map((refusal) => refusal ?? outcomes[next++]!);
}

/** A partition or setting named twice: maps cannot say it any more. */
function earlyRefusal(topic: CreatableTopic): NewTopicOutcome | null {
  const indexes = new Set<number>();
  for (const { partitionIndex } of topic.assignments) {
    if (indexes.has(partitionIndex)) {
      return { code: ErrorCode.INVALID_REPLICA_ASSIGNMENT, message: `Found multiple manual partition assignments for partition ${partitionIndex}`, topic: null };
    }
    indexes.add(partitionIndex);
  }
  return null;
}

function toNewTopic(topic: CreatableTopic): NewTopic {
  return {
    name: topic.name,
    partitions: topic.numPartitions,
    replicationFactor: topic.replicationFactor,
    assignments: new Map(topic.assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds])),
    configs: new Map(topic.configs.map(({ name, value }) => [name, value])),
  };
}

function failed(name: string, errorCode: number, errorMessage: string | null): CreatableTopicResult {
  return makeCreatableTopicResult({ name, errorCode, errorMessage, numPartitions: -1, replicationFactor: -1, configs: [] });
}

function answer(asked: CreatableTopic, outcome: NewTopicOutcome, services: BrokerServices): CreatableTopicResult {
  const { topic } = outcome;
  if (topic === null) return failed(asked.name, outcome.code, outcome.message);
  return makeCreatableTopicResult({
    name: topic.name,
    topicId: topic.id,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]?.replicas.length ?? -1,
    configs: effectiveConfigs(asked, topic, services),
  });
}

function effectiveConfigs(asked: CreatableTopic, _topic: TopicImage, services: BrokerServices): CreatableTopicConfigs[] {
  const own = new Map(asked.configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value] as const])));
  return describeTopicConfigs(own, services.config.layers, null).map(({ name, value, readOnly, source, isSensitive }) =>
    ({ name, value, readOnly, configSource: source, isSensitive }));
}
