import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { makeCreatePartitionsRequest, makeCreatePartitionsTopic, readCreatePartitionsResponse, writeCreatePartitionsRequest } from '../../protocol/generated/createPartitions.ts';
import { makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest, makeCreatableReplicaAssignment, readCreateTopicsResponse, writeCreateTopicsRequest } from '../../protocol/generated/createTopics.ts';
import { makeDeleteTopicsRequest, makeDeleteTopicState, readDeleteTopicsResponse, writeDeleteTopicsRequest } from '../../protocol/generated/deleteTopics.ts';
import { makeDescribeConfigsRequest, makeDescribeConfigsResource, readDescribeConfigsResponse, writeDescribeConfigsRequest, type DescribeConfigsResourceResult } from '../../protocol/generated/describeConfigs.ts';
import { makeAlterableConfig, makeAlterConfigsResource, makeIncrementalAlterConfigsRequest, readIncrementalAlterConfigsResponse, writeIncrementalAlterConfigsRequest } from '../../protocol/generated/incrementalAlterConfigs.ts';
import type { MetadataResponseTopic } from '../../protocol/generated/metadata.ts';
import type { Cluster } from '../core/cluster.ts';
import { retrying } from '../core/wait.ts';
import type { ClientApi } from '../core/clientApi.ts';

const createTopicsApi = { apiKey: 19, versionMax: 7, write: writeCreateTopicsRequest, read: readCreateTopicsResponse } as const;
const deleteTopicsApi = { apiKey: 20, versionMax: 5, write: writeDeleteTopicsRequest, read: readDeleteTopicsResponse } as const;
const createPartitionsApi = { apiKey: 37, versionMax: 3, write: writeCreatePartitionsRequest, read: readCreatePartitionsResponse } as const;
const describeConfigsApi = { apiKey: 32, versionMax: 4, write: writeDescribeConfigsRequest, read: readDescribeConfigsResponse } as const;
const incrementalAlterConfigsApi = { apiKey: 44, versionMax: 1, write: writeIncrementalAlterConfigsRequest, read: readIncrementalAlterConfigsResponse } as const;

const TOPIC_RESOURCE = 2;

export interface NewTopicSpec {
  readonly topic: string;
  /** Absent: the broker's default. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Broker ids by partition; excludes the two above. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: ReadonlyMap<string, string>;
}

export interface ConfigEdit {
  readonly name: string;
  /** null: back to the default. */
  readonly value: string | null;
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
    const answer = await this.#askController(createTopicsApi, makeCreateTopicsRequest({ topics: [topic], timeoutMs: this.#cluster.options.requestTimeoutMs, validateOnly }));
    for (const result of answer.topics) throwOnError(result.errorCode, result.errorMessage);
  }

  async deleteTopic(topic: string): Promise<void> {
    const body = makeDeleteTopicsRequest({ topics: [makeDeleteTopicState({ name: topic })], topicNames: [topic], timeoutMs: this.#cluster.options.requestTimeoutMs });
    const answer = await this.#askController(deleteTopicsApi, body);
    for (const result of answer.responses) throwOnError(result.errorCode, result.errorMessage);
    this.#cluster.forget(topic);
  }

  /** `count` is the new total. */
  async createPartitions(topic: string, count: number): Promise<void> {
    const body = makeCreatePartitionsRequest({ topics: [makeCreatePartitionsTopic({ name: topic, count, assignments: null })], timeoutMs: this.#cluster.options.requestTimeoutMs });
    const answer = await this.#askController(createPartitionsApi, body);
    for (const result of answer.results) throwOnError(result.errorCode, result.errorMessage);
  }

  /** All topics, sorted by name. */
  async listTopics(): Promise<MetadataResponseTopic[]> {
    const answer = await retrying(this.#cluster.retryOptions, () => this.#cluster.metadata(null));
    return answer.topics.filter((topic) => topic.name !== null).sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  }

  /** Overrides and defaults of one topic. */
  async describeTopicConfigs(topic: string): Promise<DescribeConfigsResourceResult[]> {
    const body = makeDescribeConfigsRequest({ resources: [makeDescribeConfigsResource({ resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null })], includeSynonyms: false });
    const answer = await this.#cluster.askAny(describeConfigsApi, body);
    const result = answer.results[0];
    if (result === undefined) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'the broker described nothing');
    throwOnError(result.errorCode, result.errorMessage);
    return result.configs;
  }

  async alterTopicConfigs(topic: string, edits: readonly ConfigEdit[]): Promise<void> {
    const configs = edits.map(({ name, value }) => makeAlterableConfig({ name, value, configOperation: value === null ? 1 : 0 }));
    const body = makeIncrementalAlterConfigsRequest({ resources: [makeAlterConfigsResource({ resourceType: TOPIC_RESOURCE, resourceName: topic, configs })] });
    const answer = await this.#askController(incrementalAlterConfigsApi, body);
    for (const result of answer.responses) throwOnError(result.errorCode, result.errorMessage);
  }

  #askController<Request, Response>(api: ClientApi<Request, Response>, body: Request): Promise<Response> {
    return retrying(this.#cluster.retryOptions, async () => (await this.#cluster.controllerConnection()).request(api, body));
  }
}
