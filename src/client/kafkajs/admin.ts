import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { Admin as ClientAdmin } from '../admin/admin.ts';
import { ConfigOperation, type ConfigChange, type ConfigResource } from '../admin/configs.ts';
import { OffsetSpec } from '../admin/listOffsets.ts';
import { valueOf, type Outcome } from '../admin/outcome.ts';
import type { PartitionMap } from '../admin/partitionMap.ts';
import type { Cluster } from '../core/cluster.ts';
import { aclBinding, aclEntry, aclFilter, groupAcls } from './adminAcls.ts';
import type {
  AclEntry, AclFilter, ConfigEntries, ConfigSource, ConfigSynonyms, DeleteAclResponse, DeleteGroupsResult, DescribeAclResponse, DescribeConfigResponse, FetchOffsetsPartition, GroupOverview, IResourceConfig, ITopicConfig,
  ITopicMetadata, ITopicPartitionConfig, ListPartitionReassignmentsResponse, OngoingPartitionReassignment, PartitionReassignment, ResourceConfigQuery, SeekEntry,
} from './adminTypes.ts';
import type { TopicPartitions } from './offsetTypes.ts';
import type { KafkaConfig } from './connection.ts';
import {
  asKafkaJS, KafkaJSAggregateError, KafkaJSAlterPartitionReassignmentsError, KafkaJSCreateTopicError, KafkaJSDeleteGroupsError, KafkaJSDeleteTopicRecordsError, KafkaJSError, KafkaJSNonRetriableError, KafkaJSProtocolError,
} from './errors.ts';
import { adminEvents } from './events.ts';
import { describeGroup, type GroupDescription } from './groupDescription.ts';
import type { Logger } from './logger.ts';
import { Participant } from './participant.ts';
import { clientClock } from '../clientClock.ts';
import { sleep, type RetryOptions } from './retry.ts';

const LEADER_CHECK_MS = 100;
const DEFAULT_CONFIG_SOURCE = 5;

export interface AdminConfig {
  retry?: RetryOptions;
}

/** KafkaJS's admin over the client's. */
export class Admin extends Participant<typeof adminEvents> {

  constructor(config: KafkaConfig, adminConfig: AdminConfig, logger: Logger) {
    super('Admin', adminEvents, config, adminConfig, logger);
  }

  async listTopics(): Promise<string[]> {
    return (await this.#ask((admin) => admin.listTopics())).map(({ name }) => name);
  }

  /** False where all of them exist already. */
  async createTopics({ topics, validateOnly = false, waitForLeaders = true }: { topics: ITopicConfig[]; validateOnly?: boolean; waitForLeaders?: boolean; timeout?: number }): Promise<boolean> {
    if (!Array.isArray(topics)) throw new KafkaJSNonRetriableError(`Invalid topics array ${String(topics)}`);
    if (topics.some(({ topic }) => typeof topic !== 'string' || topic === '')) throw new KafkaJSNonRetriableError('Invalid topics array, the topic names have to be a valid string');
    const names = topics.map(({ topic }) => topic);
    if (new Set(names).size < names.length) throw new KafkaJSNonRetriableError('Invalid topics array, it cannot have multiple entries for the same topic');
    const outcomes = await this.#ask((admin) => admin.createTopics(topics.map(toSpec), validateOnly));
    const failed = [...outcomes].flatMap(([topic, { error }]) => (error === undefined ? [] : [{ topic, error }]));
    const others = failed.filter(({ error }) => !(error instanceof KafkaError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS));
    if (others.length > 0) throw new KafkaJSAggregateError('Topic creation errors', others.map(({ topic, error }) => (error instanceof KafkaError ? new KafkaJSCreateTopicError(error, topic) : error)));
    if (waitForLeaders && !validateOnly) await this.#awaitLeaders(names);
    return failed.length === 0;
  }

  async deleteTopics({ topics }: { topics: string[]; timeout?: number }): Promise<void> {
    raiseAll(await this.#ask((admin) => admin.deleteTopics(topics)));
  }

  async createPartitions({ topicPartitions, validateOnly = false }: { topicPartitions: ITopicPartitionConfig[]; validateOnly?: boolean; timeout?: number }): Promise<boolean> {
    const additions = topicPartitions.map(({ topic, count, assignments }) => ({ topic, count, ...(assignments === undefined ? {} : { assignments }) }));
    raiseAll(await this.#ask((admin) => admin.createPartitions(additions, validateOnly)));
    return true;
  }

  async fetchTopicMetadata({ topics = [] }: { topics?: string[] } = {}): Promise<{ topics: ITopicMetadata[] }> {
    const answer = await asKafkaJS(this.#get().metadata(topics.length === 0 ? null : topics));
    const failed = answer.topics.find(({ errorCode }) => errorCode !== ErrorCode.NONE);
    if (failed !== undefined) throw new KafkaJSProtocolError(new KafkaError(failed.errorCode, failed.name));
    return { topics: answer.topics.map(({ name, partitions }) => ({
      name: name ?? '',
      partitions: partitions.map(({ errorCode, partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas }) => ({ partitionErrorCode: errorCode, partitionId: partitionIndex, leader: leaderId, replicas: replicaNodes, isr: isrNodes, offlineReplicas })),
    })) };
  }

  async describeCluster(): Promise<{ brokers: { nodeId: number; host: string; port: number }[]; controller: number | null; clusterId: string }> {
    const { clusterId, controllerId, nodes } = await this.#ask((admin) => admin.describeCluster());
    return { brokers: nodes.map(({ id, host, port }) => ({ nodeId: id, host, port })), controller: controllerId < 0 ? null : controllerId, clusterId: clusterId ?? '' };
  }

  async fetchTopicOffsets(topic: string): Promise<(SeekEntry & { high: string; low: string })[]> {
    const [highs, lows] = await Promise.all([this.#offsetsOf(topic, OffsetSpec.latest), this.#offsetsOf(topic, OffsetSpec.earliest)]);
    return highs.map(({ partition, offset }, place) => ({ partition, offset, high: offset, low: lows[place]?.offset ?? '0' }));
  }

  async fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<SeekEntry[]> {
    if (timestamp === undefined) return this.#offsetsOf(topic, OffsetSpec.latest);
    const [found, ends] = await Promise.all([this.#offsetsOf(topic, timestamp), this.#offsetsOf(topic, OffsetSpec.latest)]);
    return found.map(({ partition, offset }, place) => ({ partition, offset: offset === '-1' ? (ends[place]?.offset ?? '-1') : offset }));
  }

  async fetchOffsets({ groupId, topics, resolveOffsets = false }: { groupId: string; topics?: string[]; topic?: string; resolveOffsets?: boolean }): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]> {
    const wanted = topics === undefined || topics.length === 0 ? null : (await Promise.all(topics.map(async (topic) => (await this.#partitionsOf(topic)).map((partition) => ({ topic, partition }))))).flat();
    if (resolveOffsets) await this.#resolveOffsets(groupId, topics ?? []);
    const outcomes = await this.#ask((admin) => admin.listConsumerGroupOffsets(new Map([[groupId, wanted]])));
    const byTopic = new Map<string, FetchOffsetsPartition[]>();
    for (const [{ topic, partition }, outcome] of await asKafkaJS(Promise.resolve().then(() => valueOf(outcomes.get(groupId))))) {
      const committed = valueOf(outcome);
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), { partition, offset: committed === null ? '-1' : String(committed.offset), metadata: committed === null ? null : committed.metadata }]);
    }
    return [...byTopic].map(([topic, partitions]) => ({ topic, partitions: partitions.sort((a, b) => a.partition - b.partition) }));
  }

  /** The group must have no members. */
  async setOffsets({ groupId, topic, partitions }: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void> {
    if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
    if (!Array.isArray(partitions) || partitions.length === 0) throw new KafkaJSNonRetriableError('Invalid partitions');
    const { state } = await this.#describe(groupId);
    if (state !== 'Empty' && state !== 'Dead') throw new KafkaJSNonRetriableError(`The consumer group must have no running instances, current state: ${state}`);
    const offsets = partitions.map(({ partition, offset }) => [{ topic, partition }, { offset: Number(offset), leaderEpoch: -1, metadata: '' }] as const);
    raiseAll(await this.#ask((admin) => admin.alterConsumerGroupOffsets(groupId, offsets)));
  }

  async resetOffsets({ groupId, topic, earliest = false }: { groupId: string; topic: string; earliest?: boolean }): Promise<void> {
    await this.setOffsets({ groupId, topic, partitions: await this.#offsetsOf(topic, earliest ? OffsetSpec.earliest : OffsetSpec.latest) });
  }

  async describeConfigs({ resources, includeSynonyms = false }: { resources: ResourceConfigQuery[]; includeSynonyms?: boolean }): Promise<DescribeConfigResponse> {
    const asked = resources.map(({ type, name }) => ({ type, name }) as ConfigResource);
    const outcomes = await this.#ask((admin) => admin.describeConfigs(asked, { includeSynonyms }));
    const described = resources.map(({ type, name, configNames }, place) => {
      const entries = valueOf(outcomes.get(asked[place] as ConfigResource)).filter((entry) => configNames === undefined || configNames.includes(entry.name));
      const configEntries = entries.map((entry): ConfigEntries => ({
        configName: entry.name, configValue: entry.value as string, isDefault: entry.configSource === DEFAULT_CONFIG_SOURCE, configSource: entry.configSource as ConfigSource, isSensitive: entry.isSensitive, readOnly: entry.readOnly,
        configSynonyms: entry.synonyms.map((synonym) => ({ configName: synonym.name, configValue: synonym.value, configSource: synonym.source }) as ConfigSynonyms),
      }));
      return { configEntries, errorCode: 0, errorMessage: null as unknown as string, resourceName: name, resourceType: type };
    });
    return { resources: described, throttleTime: 0 };
  }

  /** What is not named goes back to its default, as KafkaJS's request does it. */
  async alterConfigs({ resources, validateOnly = false }: { resources: IResourceConfig[]; validateOnly?: boolean }): Promise<{ resources: { errorCode: number; errorMessage: string | null; resourceName: string; resourceType: number }[]; throttleTime: number }> {
    const current = await this.describeConfigs({ resources: resources.map(({ type, name }) => ({ type, name })) });
    const changes = new Map<ConfigResource, ConfigChange[]>(resources.map(({ type, name, configEntries }, place) => {
      const set = configEntries.map((entry) => ({ name: entry.name, operation: ConfigOperation.set, value: entry.value }));
      const own = type === 2 ? 1 : 2;
      const dropped = (current.resources[place]?.configEntries ?? []).filter(({ configSource, configName }) => configSource === own && !configEntries.some((entry) => entry.name === configName));
      return [{ type, name } as ConfigResource, [...set, ...dropped.map(({ configName }) => ({ name: configName, operation: ConfigOperation.delete, value: null }))]];
    }));
    raiseAll(await this.#ask((admin) => admin.incrementalAlterConfigs(changes, validateOnly)));
    return { resources: resources.map(({ type, name }) => ({ errorCode: 0, errorMessage: null, resourceName: name, resourceType: type })), throttleTime: 0 };
  }

  async listGroups(): Promise<{ groups: GroupOverview[] }> {
    return { groups: (await this.#ask((admin) => admin.listGroups())).map(({ groupId, protocol }) => ({ groupId, protocolType: protocol })) };
  }

  async describeGroups(groupIds: string[]): Promise<{ groups: GroupDescription[] }> {
    return { groups: await Promise.all(groupIds.map((groupId) => this.#describe(groupId))) };
  }

  async deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]> {
    const outcomes = await this.#ask((admin) => admin.deleteGroups(groupIds));
    const results = [...outcomes].map(([groupId, { error }]) => ({ groupId, error: error === undefined ? null : toProtocolError(error) }));
    const failed = results.filter(({ error }) => error !== null).map(({ groupId, error }) => ({ groupId, errorCode: (error as KafkaJSProtocolError).code, error: error as KafkaJSProtocolError }));
    if (failed.length > 0) throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', failed);
    return results.map(({ groupId }) => ({ groupId, errorCode: 0 }));
  }

  /** Everything before the offsets; -1: everything. */
  async deleteTopicRecords({ topic, partitions }: { topic: string; partitions: SeekEntry[] }): Promise<void> {
    const outcomes = await this.#ask((admin) => admin.deleteRecords(partitions.map(({ partition, offset }) => [{ topic, partition }, Number(offset)] as const)));
    const failed = [...outcomes].flatMap(([{ partition }, { error }]) => (error === undefined ? [] : [{ partition, offset: partitions.find((entry) => entry.partition === partition)?.offset ?? '-1', error: toProtocolError(error) }]));
    if (failed.length > 0) throw new KafkaJSDeleteTopicRecordsError(failed);
  }

  async createAcls({ acl }: { acl: AclEntry[] }): Promise<boolean> {
    raiseAll(await this.#ask((admin) => admin.createAcls(acl.map(aclBinding))));
    return true;
  }

  async describeAcls(filter: AclFilter): Promise<DescribeAclResponse> {
    return { throttleTime: 0, errorCode: 0, resources: groupAcls(await this.#ask((admin) => admin.describeAcls(aclFilter(filter)))) };
  }

  async deleteAcls({ filters }: { filters: AclFilter[] }): Promise<DeleteAclResponse> {
    const asked = filters.map(aclFilter);
    const outcomes = await this.#ask((admin) => admin.deleteAcls(asked));
    return { throttleTime: 0, filterResponses: asked.map((filter) => ({ errorCode: 0, matchingAcls: valueOf(outcomes.get(filter)).map((binding) => ({ errorCode: 0, ...aclEntry(binding) })) })) };
  }

  async alterPartitionReassignments({ topics }: { topics: PartitionReassignment[]; timeout?: number }): Promise<void> {
    const moves = topics.flatMap(({ topic, partitionAssignment }) => partitionAssignment.map(({ partition, replicas }) => [{ topic, partition }, replicas] as const));
    const outcomes = await this.#ask((admin) => admin.alterReassignments(moves));
    const failed = [...outcomes].flatMap(([{ topic, partition }, { error }]) => (error instanceof KafkaError ? [new KafkaJSAlterPartitionReassignmentsError(error, topic, partition)] : []));
    if (failed.length > 0) throw new KafkaJSAggregateError('Errors altering partition reassignments', failed);
  }

  async listPartitionReassignments({ topics }: { topics?: TopicPartitions[]; timeout?: number } = {}): Promise<ListPartitionReassignmentsResponse> {
    const asked = topics?.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))) ?? null;
    const byTopic = new Map<string, OngoingPartitionReassignment[]>();
    for (const [{ topic, partition }, { replicas, addingReplicas, removingReplicas }] of await this.#ask((admin) => admin.listReassignments(asked))) {
      const moves = byTopic.get(topic) ?? [];
      moves.push({ partitionIndex: partition, partition, replicas: [...replicas], addingReplicas: [...addingReplicas], removingReplicas: [...removingReplicas] });
      byTopic.set(topic, moves);
    }
    return { topics: [...byTopic].map(([topic, partitions]) => ({ topic, name: topic, partitions })) };
  }

  #get(): Cluster {
    return this.cluster.get('admin');
  }

  #ask<T>(work: (admin: ClientAdmin) => Promise<T>): Promise<T> {
    return asKafkaJS(work(new ClientAdmin(this.#get())));
  }

  #describe(groupId: string): Promise<GroupDescription> {
    return asKafkaJS(describeGroup(this.#get(), groupId));
  }

  async #partitionsOf(topic: string): Promise<number[]> {
    const { topics } = await this.fetchTopicMetadata({ topics: [topic] });
    return (topics[0]?.partitions ?? []).map(({ partitionId }) => partitionId).sort((a, b) => a - b);
  }

  async #offsetsOf(topic: string, spec: number): Promise<SeekEntry[]> {
    if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
    const partitions = await this.#partitionsOf(topic);
    const found = await this.#ask((admin) => admin.listOffsets(partitions.map((partition) => [{ topic, partition }, spec] as const)));
    return partitions.map((partition) => ({ partition, offset: String(valueOf(found.get({ topic, partition })).offset) }));
  }

  async #resolveOffsets(groupId: string, topics: readonly string[]): Promise<void> {
    for (const { topic, partitions } of await this.fetchOffsets({ groupId, topics: [...topics] })) {
      const ends = new Map((await this.#offsetsOf(topic, OffsetSpec.latest)).map(({ partition, offset }) => [partition, offset]));
      const lacking = partitions.filter(({ offset }) => offset === '-1').map(({ partition }) => ({ partition, offset: ends.get(partition) ?? '0' }));
      if (lacking.length > 0) await this.setOffsets({ groupId, topic, partitions: lacking });
    }
  }

  async #awaitLeaders(topics: readonly string[]): Promise<void> {
    const cluster = this.#get();
    await asKafkaJS(cluster.retrying(async () => {
      const answer = await cluster.metadata(topics);
      const isReady = answer.topics.every(({ errorCode, partitions }) => errorCode === ErrorCode.NONE && partitions.length > 0 && partitions.every(({ leaderId }) => leaderId >= 0));
      if (isReady) return;
      await sleep(clientClock, LEADER_CHECK_MS);
      throw new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE);
    }));
  }
}

function toSpec({ topic, numPartitions, replicationFactor, replicaAssignment, configEntries }: ITopicConfig): Parameters<ClientAdmin['createTopics']>[0][number] {
  return {
    topic, ...(numPartitions === undefined || numPartitions < 0 ? {} : { partitions: numPartitions }), ...(replicationFactor === undefined || replicationFactor < 0 ? {} : { replicationFactor }),
    ...(replicaAssignment === undefined || replicaAssignment.length === 0 ? {} : { assignments: [...replicaAssignment].sort((a, b) => a.partition - b.partition).map(({ replicas }) => replicas) }),
    ...(configEntries === undefined ? {} : { configs: new Map(configEntries.map(({ name, value }) => [name, value])) }),
  };
}

const toProtocolError = (error: Error): KafkaJSProtocolError => (error instanceof KafkaError ? new KafkaJSProtocolError(error) : new KafkaJSProtocolError(new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, error.message)));

function raiseAll(outcomes: ReadonlyMap<unknown, Outcome<unknown>> | PartitionMap<Outcome<unknown>>): void {
  for (const { error } of outcomes.values()) {
    if (error === undefined) continue;
    throw error instanceof KafkaError ? new KafkaJSProtocolError(error) : new KafkaJSError(error);
  }
}
