/** Metadata (3), versions 0 to 13. Unknown topics are made on the way where client and broker allow it. */
import type { ClusterImage, PartitionImage, TopicImage } from '../../metadata/types.ts';
import { isInternalTopic, topicNameProblem } from '../../metadata/topicNames.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeMetadataResponse, makeMetadataResponseTopic, readMetadataRequest, writeMetadataResponse } from '../../protocol/generated/metadata.ts';
import type { MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic } from '../../protocol/generated/metadata.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { ApiHandler } from '../contract.ts';
import { errorCodeOf } from '../errorMapping.ts';
import { allClusterOperations, allTopicOperations } from '../operations.ts';
import { endpointOf } from '../services.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

/** Topics that one request may bring into being: each costs a write and folders. */
const CREATED_PER_REQUEST_MAX = 1000;
const NO_OPERATIONS = -2147483648;
const FIRST_VERSION_WITH_IDS = 12;
const FIRST_VERSION_WITH_LISTENER_ERROR = 6;
const LAST_VERSION_WITH_CLUSTER_OPERATIONS = 10;

export const metadataHandler: ApiHandler<BrokerServices, MetadataRequest, MetadataResponse> = {
  ...spanOf(ApiKey.Metadata),
  read: readMetadataRequest,
  write: writeMetadataResponse,
  handle(request, context, services) {
    const { apiVersion } = context;
    const topics = requestedTopics(request, apiVersion);
    if (topics !== null) checkTopics(topics, apiVersion);
    const viewOfNow = (): View => ({ services, image: services.metadata.image, listener: context.connection.listenerName, version: apiVersion });
    const answer = (): void => {
      const view = viewOfNow();
      context.reply(buildResponse(view, request, topics === null ? allTopics(view, request) : namedTopics(view, request, topics)));
    };
    const missing = topicsToCreate(request, topics, services);
    if (missing.length === 0) answer();
    else return createAll(missing, services).then((failed) => answerUnknown(failed));

    /** As Kafka: who asks first is told that the topic was not there, and finds it when asking again. */
    function answerUnknown(failed: ReadonlyMap<string, number>): void {
      const view = viewOfNow();
      const asked = new Set(missing);
      const answers = namedTopics(view, request, topics ?? []).map((topic) =>
        (topic.name === null || !asked.has(topic.name) ? topic : unknownTopic(topic.name, failed.get(topic.name))));
      context.reply(buildResponse(view, request, answers));
    }
  },
  errorResponse: (request, errorCode, _message, version) => makeMetadataResponse({
    topics: (request.topics ?? []).map((topic) => makeMetadataResponseTopic({ errorCode, name: topic.name ?? (version >= FIRST_VERSION_WITH_IDS ? null : ''), topicId: topic.topicId })),
    errorCode,
  }),
};

interface View {
  readonly services: BrokerServices;
  readonly image: ClusterImage;
  readonly listener: string;
  readonly version: number;
}

/** Null: all of them. Version 0 had no null and said so with an empty list. */
function requestedTopics(request: MetadataRequest, version: number): readonly MetadataRequestTopic[] | null {
  if (request.topics === null) return null;
  return version === 0 && request.topics.length === 0 ? null : request.topics;
}

function checkTopics(topics: readonly MetadataRequestTopic[], version: number): void {
  if (version >= FIRST_VERSION_WITH_IDS) return;
  for (const topic of topics) {
    if (topic.name === null) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Topic name can not be null for version ${version}`);
    if (topic.topicId !== zeroUuid) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Topic IDs are not supported in requests for version ${version}`);
  }
}

function topicsToCreate(request: MetadataRequest, topics: readonly MetadataRequestTopic[] | null, services: BrokerServices): string[] {
  if (topics === null || !request.allowAutoTopicCreation || !services.config.autoCreateTopicsEnable) return [];
  const known = services.metadata.image.topicsByName;
  const missing: string[] = [];
  for (const { name, topicId } of topics) {
    if (name === null || topicId !== zeroUuid || known.has(name)) continue;
    if (topicNameProblem(name) === null && !missing.includes(name) && missing.length < CREATED_PER_REQUEST_MAX) missing.push(name);
  }
  return missing;
}

/** The error codes of those that could not be made. */
async function createAll(names: readonly string[], services: BrokerServices): Promise<Map<string, number>> {
  const failed = new Map<string, number>();
  await Promise.all(names.map(async (name) => {
    try {
      const { code } = await services.topicCreation.ensure(name);
      if (code !== ErrorCode.NONE) failed.set(name, code);
    } catch (error) {
      failed.set(name, errorCodeOf(error));
    }
  }));
  return failed;
}

function allTopics(view: View, request: MetadataRequest): MetadataResponseTopic[] {
  const answers: MetadataResponseTopic[] = [];
  for (const topic of view.image.topicsByName.values()) answers.push(describeTopic(view, request, topic));
  return answers;
}

function namedTopics(view: View, request: MetadataRequest, topics: readonly MetadataRequestTopic[]): MetadataResponseTopic[] {
  // As Kafka: where any id is given, names are not looked at.
  const byId = topics.some((topic) => topic.topicId !== zeroUuid);
  const seen = new Set<string>();
  const answers: MetadataResponseTopic[] = [];
  for (const { name, topicId } of topics) {
    const key = byId ? topicId : name;
    if (key === null || (byId && topicId === zeroUuid) || seen.has(key)) continue;
    seen.add(key);
    answers.push(byId ? topicById(view, request, topicId) : topicByName(view, request, key));
  }
  return answers;
}

function topicById(view: View, request: MetadataRequest, topicId: string): MetadataResponseTopic {
  const topic = view.image.topicsById.get(topicId);
  return topic === undefined ? makeMetadataResponseTopic({ errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId }) : describeTopic(view, request, topic);
}

function topicByName(view: View, request: MetadataRequest, name: string): MetadataResponseTopic {
  const topic = view.image.topicsByName.get(name);
  if (topic !== undefined) return describeTopic(view, request, topic);
  return unknownTopic(name, topicNameProblem(name) === null ? undefined : ErrorCode.INVALID_TOPIC_EXCEPTION);
}

function unknownTopic(name: string, errorCode: number = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION): MetadataResponseTopic {
  return makeMetadataResponseTopic({ errorCode, name, isInternal: isInternalTopic(name) });
}

function describeTopic(view: View, request: MetadataRequest, topic: TopicImage): MetadataResponseTopic {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map((partition) => describePartition(view, topic, partition)),
    topicAuthorizedOperations: request.includeTopicAuthorizedOperations ? allTopicOperations : NO_OPERATIONS,
  };
}

function describePartition(view: View, topic: TopicImage, partition: PartitionImage): MetadataResponsePartition {
  const { leader, leaderEpoch, replicas, inSyncReplicas } = partition;
  return {
    errorCode: leaderError(view, leader),
    partitionIndex: partition.index,
    leaderId: leader,
    leaderEpoch,
    replicaNodes: replicas as number[],
    isrNodes: inSyncReplicas as number[],
    offlineReplicas: replicas.filter((id) => isOffline(view, topic, partition.index, id)),
  };
}

function leaderError(view: View, leader: number): number {
  const broker = view.image.brokers.get(leader);
  if (broker === undefined || broker.fenced) return ErrorCode.LEADER_NOT_AVAILABLE;
  if (endpointOf(broker, view.listener) !== undefined) return ErrorCode.NONE;
  return view.version >= FIRST_VERSION_WITH_LISTENER_ERROR ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.LEADER_NOT_AVAILABLE;
}

function isOffline(view: View, topic: TopicImage, index: number, brokerId: number): boolean {
  const broker = view.image.brokers.get(brokerId);
  if (broker === undefined || broker.fenced) return true;
  return brokerId === view.services.nodeId && view.services.partitions.find(topic.name, index)?.isOffline === true;
}

function buildResponse(view: View, request: MetadataRequest, topics: MetadataResponseTopic[]): MetadataResponse {
  const wantsOperations = request.includeClusterAuthorizedOperations && view.version <= LAST_VERSION_WITH_CLUSTER_OPERATIONS;
  return {
    throttleTimeMs: 0,
    brokers: aliveBrokers(view),
    clusterId: view.image.clusterId,
    controllerId: view.image.controllerId,
    topics,
    clusterAuthorizedOperations: wantsOperations ? allClusterOperations : NO_OPERATIONS,
    errorCode: ErrorCode.NONE,
  };
}

function aliveBrokers(view: View): MetadataResponseBroker[] {
  const brokers: MetadataResponseBroker[] = [];
  for (const broker of view.image.brokers.values()) {
    const endpoint = endpointOf(broker, view.listener);
    if (endpoint !== undefined) brokers.push({ nodeId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return brokers;
}
