import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatePartitionsAssignment, makeCreatePartitionsRequest, makeCreatePartitionsTopic, readCreatePartitionsResponse, writeCreatePartitionsRequest } from '../../protocol/generated/createPartitions.ts';
import { makeCreatableReplicaAssignment, makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest, readCreateTopicsResponse, writeCreateTopicsRequest } from '../../protocol/generated/createTopics.ts';
import { makeDeleteTopicsRequest, readDeleteTopicsResponse, writeDeleteTopicsRequest } from '../../protocol/generated/deleteTopics.ts';
import { makeDescribeConfigsRequest, makeDescribeConfigsResource, readDescribeConfigsResponse, writeDescribeConfigsRequest, type DescribeConfigsResourceResult } from '../../protocol/generated/describeConfigs.ts';
import { makeAlterableConfig, makeAlterConfigsResource, makeIncrementalAlterConfigsRequest, readIncrementalAlterConfigsResponse, writeIncrementalAlterConfigsRequest } from '../../protocol/generated/incrementalAlterConfigs.ts';
import { makeListPartitionReassignmentsRequest, readListPartitionReassignmentsResponse, writeListPartitionReassignmentsRequest, type OngoingPartitionReassignment } from '../../protocol/generated/listPartitionReassignments.ts';
import type { ClientApi } from '../core/clientApi.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { describeTopics, type TopicDescription } from './describeTopics.ts';

const createTopicsApi = { apiKey: ApiKey.CreateTopics, versionMax: 7, write: writeCreateTopicsRequest, read: readCreateTopicsResponse } as const;
/** Version 6 names topics by id as well, which is of no use here. */
const deleteTopicsApi = { apiKey: ApiKey.DeleteTopics, versionMax: 5, write: writeDeleteTopicsRequest, read: readDeleteTopicsResponse } as const;
const createPartitionsApi = { apiKey: ApiKey.CreatePartitions, versionMax: 3, write: writeCreatePartitionsRequest, read: readCreatePartitionsResponse } as const;
const describeConfigsApi = { apiKey: ApiKey.DescribeConfigs, versionMax: 4, write: writeDescribeConfigsRequest, read: readDescribeConfigsResponse } as const;
const incrementalAlterConfigsApi = { apiKey: ApiKey.IncrementalAlterConfigs, versionMax: 1, write: writeIncrementalAlterConfigsRequest, read: readIncrementalAlterConfigsResponse } as const;
const listReassignmentsApi = { apiKey: ApiKey.ListPartitionReassignments, versionMax: 0, write: writeListPartitionReassignmentsRequest, read: readListPartitionReassignmentsResponse } as const;

const TOPIC_RESOURCE = 2;
const SET_CONFIG = 0;
const DELETE_CONFIG = 1;

export interface NewTopicSpec {
  readonly topic: string;
  /** Absent: the broker's default. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Broker ids by partition; takes the place of the two above. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: ReadonlyMap<string, string>;
}

export interface ConfigEdit {
  readonly name: string;
  /** null: back to the default. */
  readonly value: string | null;
}

export interface TopicListing {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
}

/** Operations on the cluster. Every call is tried again while the error may pass, and throws KafkaError or ClientError. */
export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async createTopic(spec: NewTopicSpec, validateOnly = false): Promise<void> {
    const assignments = (spec.assignments ?? []).map((brokerIds, partitionIndex) => makeCreatableReplicaAssignment({ partitionIndex, brokerIds: [...brokerIds] }));
    const isAssigned = assignments.length > 0;
    const topic = makeCreatableTopic({
      name: spec.topic,
      numPartitions: isAssigned ? -1 : (spec.partitions ?? -1),
      replicationFactor: isAssigned ? -1 : (spec.replicationFactor ?? -1),
      assignments,
      configs: [...(spec.configs ?? [])].map(([name, value]) => makeCreatableTopicConfig({ name, value })),
    });
    const body = makeCreateTopicsRequest({ topics: [topic], timeoutMs: this.#cluster.options.requestTimeoutMs, validateOnly });
    await this.#askController(createTopicsApi, body, (answer) => {
      for (const result of answer.topics) throwOnError(result.errorCode, result.errorMessage);
    });
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length === 0) return;
    const body = makeDeleteTopicsRequest({ topicNames: [...topics], timeoutMs: this.#cluster.options.requestTimeoutMs });
    await this.#askController(deleteTopicsApi, body, (answer) => {
      for (const result of answer.responses) throwOnError(result.errorCode, result.errorMessage ?? result.name);
    });
    for (const topic of topics) this.#cluster.forget(topic);
  }

  /** `count` is the new total; `assignments` are the broker ids of the partitions that are added. */
  async createPartitions(topics: readonly { readonly topic: string; readonly count: number; readonly assignments?: readonly (readonly number[])[] }[]): Promise<void> {
    const named = topics.map(({ topic, count, assignments }) =>
      makeCreatePartitionsTopic({ name: topic, count, assignments: assignments?.map((brokerIds) => makeCreatePartitionsAssignment({ brokerIds: [...brokerIds] })) ?? null }));
    await this.#askController(createPartitionsApi, makeCreatePartitionsRequest({ topics: named, timeoutMs: this.#cluster.options.requestTimeoutMs }), (answer) => {
      for (const result of answer.results) throwOnError(result.errorCode, result.errorMessage);
    });
    for (const { topic } of topics) this.#cluster.forget(topic);
  }

  /** All topics, sorted by name. */
  async listTopics(): Promise<TopicListing[]> {
    const answer = await this.#cluster.retrying(() => this.#cluster.metadata(null));
    const listings = answer.topics.flatMap(({ name, topicId, isInternal }) => (name === null ? [] : [{ name, topicId, isInternal }]));
    return listings.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** In the order asked for. Throws KafkaError UNKNOWN_TOPIC_OR_PARTITION. */
  describeTopics(topics: readonly string[], partitionsPerAnswerMax?: number): Promise<TopicDescription[]> {
    return describeTopics(this.#cluster, topics, partitionsPerAnswerMax);
  }

  /** Ids of the brokers that are there. */
  async listBrokers(): Promise<number[]> {
    const answer = await this.#cluster.retrying(() => this.#cluster.metadata([]));
    return answer.brokers.map(({ nodeId }) => nodeId);
  }

  /** Overrides and defaults by topic. */
  async describeTopicConfigs(topics: readonly string[]): Promise<Map<string, readonly DescribeConfigsResourceResult[]>> {
    if (topics.length === 0) return new Map();
    const resources = topics.map((resourceName) => makeDescribeConfigsResource({ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: null }));
    const answer = await this.#cluster.askAny(describeConfigsApi, makeDescribeConfigsRequest({ resources, includeSynonyms: false }));
    for (const result of answer.results) throwOnError(result.errorCode, result.errorMessage);
    return new Map(answer.results.map(({ resourceName, configs }) => [resourceName, configs]));
  }

  async alterTopicConfigs(topic: string, edits: readonly ConfigEdit[]): Promise<void> {
    const configs = edits.map(({ name, value }) => makeAlterableConfig({ name, value, configOperation: value === null ? DELETE_CONFIG : SET_CONFIG }));
    const body = makeIncrementalAlterConfigsRequest({ resources: [makeAlterConfigsResource({ resourceType: TOPIC_RESOURCE, resourceName: topic, configs })] });
    await this.#askController(incrementalAlterConfigsApi, body, (answer) => {
      for (const result of answer.responses) throwOnError(result.errorCode, result.errorMessage);
    });
  }

  /** Partitions whose replicas move, by `topic/partition`; empty where the cluster cannot tell. */
  async listReassignments(): Promise<Map<string, OngoingPartitionReassignment>> {
    const ongoing = new Map<string, OngoingPartitionReassignment>();
    try {
      const body = makeListPartitionReassignmentsRequest({ topics: null, timeoutMs: this.#cluster.options.requestTimeoutMs });
      await this.#askController(listReassignmentsApi, body, (answer) => {
        throwOnError(answer.errorCode, answer.errorMessage);
        for (const { name, partitions } of answer.topics) for (const partition of partitions) ongoing.set(`${name}/${partition.partitionIndex}`, partition);
      });
    } catch (error) {
      const isUnknown = error instanceof ClientError && error.code === 'UNSUPPORTED_VERSION';
      const isForbidden = error instanceof KafkaError && (error.code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED || error.code === ErrorCode.UNSUPPORTED_VERSION);
      if (!isUnknown && !isForbidden) throw error;
    }
    return ongoing;
  }

  /** `check` throws what the answer says; a controller that has moved is looked for. */
  async #askController<Request, Response>(api: ClientApi<Request, Response>, body: Request, check: (answer: Response) => void): Promise<void> {
    await this.#cluster.retrying(async () => {
      try {
        check(await (await this.#cluster.controllerConnection()).request(api, body));
      } catch (error) {
        this.#cluster.forgetController();
        throw error;
      }
    });
  }
}
