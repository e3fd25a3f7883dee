import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatePartitionsAssignment, makeCreatePartitionsRequest, makeCreatePartitionsTopic, readCreatePartitionsResponse, writeCreatePartitionsRequest } from '../../protocol/generated/createPartitions.ts';
import { makeCreatableReplicaAssignment, makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest, readCreateTopicsResponse, writeCreateTopicsRequest, type CreatableTopic, type CreatableTopicResult } from '../../protocol/generated/createTopics.ts';
import { makeDeleteTopicsRequest, makeDeleteTopicState, readDeleteTopicsResponse, writeDeleteTopicsRequest } from '../../protocol/generated/deleteTopics.ts';
import type { Uuid } from '../../protocol/types.ts';
import { checkOptionNames } from '../api/optionCheck.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { controller } from './routes.ts';

const createTopicsApi = { apiKey: ApiKey.CreateTopics, versionMax: 7, write: writeCreateTopicsRequest, read: readCreateTopicsResponse } as const;
const deleteTopicsApi = { apiKey: ApiKey.DeleteTopics, versionMax: 6, write: writeDeleteTopicsRequest, read: readDeleteTopicsResponse } as const;
const createPartitionsApi = { apiKey: ApiKey.CreatePartitions, versionMax: 3, write: writeCreatePartitionsRequest, read: readCreatePartitionsResponse } as const;
/** The first one that takes the broker's default for counts that are left out. (KIP-464) */
const DEFAULTS_VERSION = 4;
/** From here on topics are named in structs, and by id. (KIP-516) */
const IDS_VERSION = 6;

export interface NewTopicSpec {
  readonly topic: string;
  /** Absent: the broker's default. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Broker ids by partition; takes the place of the two above. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
}

export interface NewPartitions {
  readonly topic: string;
  /** The new total. */
  readonly count: number;
  /** Broker ids of the partitions that are added. */
  readonly assignments?: readonly (readonly number[])[];
}

export interface TopicListing {
  readonly name: string;
  readonly topicId: Uuid;
  readonly isInternal: boolean;
}

/** By topic; the outcome is what the broker tells of the new topic. */
export async function createTopics(cluster: Cluster, specs: readonly NewTopicSpec[], validateOnly = false): Promise<Map<string, Outcome<CreatableTopicResult>>> {
  const topics = new Map(specs.map((spec) => [spec.topic, creatable(spec)]));
  const takesDefaults = specs.some(({ partitions, replicationFactor, assignments = [] }) => assignments.length === 0 && (partitions === undefined || replicationFactor === undefined));
  return askForEach<string, CreatableTopicResult>(cluster, [...topics.keys()], controller(cluster), async (connection, keys) => {
    const body = makeCreateTopicsRequest({ topics: keys.map((key) => topics.get(key) as CreatableTopic), timeoutMs: cluster.options.requestTimeoutMs, validateOnly });
    const answer = await connection.request(createTopicsApi, body, { version: connection.versionOf(createTopicsApi, takesDefaults ? DEFAULTS_VERSION : 1) });
    return new Map(answer.topics.map((result) => [result.name, outcomeOf(result.errorCode, result.errorMessage, result)]));
  });
}

const NEW_TOPIC_OPTIONS = ['topic', 'partitions', 'replicationFactor', 'assignments', 'configs'] as const satisfies readonly (keyof NewTopicSpec)[];

/** Throws ClientError INVALID_ARGUMENT. */
function creatable(spec: NewTopicSpec): CreatableTopic {
  checkOptionNames('a new topic', spec, NEW_TOPIC_OPTIONS);
  if (typeof spec.topic !== 'string') throw new ClientError('INVALID_ARGUMENT', 'a new topic needs a name: { topic: ... }');
  const configs = spec.configs instanceof Map ? spec.configs : Object.entries(spec.configs ?? {});
  const assignments = (spec.assignments ?? []).map((brokerIds, partitionIndex) => makeCreatableReplicaAssignment({ partitionIndex, brokerIds: [...brokerIds] }));
  const isAssigned = assignments.length > 0;
  return makeCreatableTopic({
    name: spec.topic, numPartitions: isAssigned ? -1 : (spec.partitions ?? -1), replicationFactor: isAssigned ? -1 : (spec.replicationFactor ?? -1), assignments,
    configs: [...(configs as Iterable<[string, string]>)].map(([name, value]) => makeCreatableTopicConfig({ name, value })),
  });
}

export async function deleteTopics(cluster: Cluster, topics: readonly string[]): Promise<Map<string, Outcome<null>>> {
  const outcomes = await askForEach<string, null>(cluster, topics, controller(cluster), async (connection, keys) => {
    const version = connection.versionOf(deleteTopicsApi);
    const named = version >= IDS_VERSION ? { topics: keys.map((name) => makeDeleteTopicState({ name })) } : { topicNames: [...keys] };
    const answer = await connection.request(deleteTopicsApi, makeDeleteTopicsRequest({ ...named, timeoutMs: cluster.options.requestTimeoutMs }), { version });
    return new Map(answer.responses.map(({ name, errorCode, errorMessage }) => [name ?? '', outcomeOf(errorCode, errorMessage, null)]));
  });
  for (const topic of topics) cluster.forget(topic);
  return outcomes;
}

export function deleteTopicsById(cluster: Cluster, topicIds: readonly Uuid[]): Promise<Map<Uuid, Outcome<null>>> {
  return askForEach<Uuid, null>(cluster, topicIds, controller(cluster), async (connection, keys) => {
    const body = makeDeleteTopicsRequest({ topics: keys.map((topicId) => makeDeleteTopicState({ name: null, topicId })), timeoutMs: cluster.options.requestTimeoutMs });
    const answer = await connection.request(deleteTopicsApi, body, { version: connection.versionOf(deleteTopicsApi, IDS_VERSION) });
    return new Map(answer.responses.map(({ topicId, errorCode, errorMessage }) => [topicId, outcomeOf(errorCode, errorMessage, null)]));
  });
}

export async function createPartitions(cluster: Cluster, additions: readonly NewPartitions[], validateOnly = false): Promise<Map<string, Outcome<null>>> {
  const wanted = new Map(additions.map((addition) => [addition.topic, addition]));
  const outcomes = await askForEach<string, null>(cluster, [...wanted.keys()], controller(cluster), async (connection, keys) => {
    const topics = keys.map((name) => {
      const { count, assignments } = wanted.get(name) as NewPartitions;
      return makeCreatePartitionsTopic({ name, count, assignments: assignments?.map((brokerIds) => makeCreatePartitionsAssignment({ brokerIds: [...brokerIds] })) ?? null });
    });
    const answer = await connection.request(createPartitionsApi, makeCreatePartitionsRequest({ topics, timeoutMs: cluster.options.requestTimeoutMs, validateOnly }));
    return new Map(answer.results.map(({ name, errorCode, errorMessage }) => [name, outcomeOf(errorCode, errorMessage, null)]));
  });
  for (const topic of wanted.keys()) cluster.forget(topic);
  return outcomes;
}

/** All topics, sorted by name. */
export async function listTopics(cluster: Cluster): Promise<TopicListing[]> {
  const answer = await cluster.retrying(() => cluster.metadata(null));
  const listings = answer.topics.flatMap(({ name, topicId, isInternal }) => (name === null ? [] : [{ name, topicId, isInternal }]));
  return listings.sort((a, b) => (a.name < b.name ? -1 : 1));
}
