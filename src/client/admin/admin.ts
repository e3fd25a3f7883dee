/** Every administrative operation as a method. Who wants a small program imports the functions of this folder instead. */
import type { Uuid } from '../../protocol/types.ts';
import type { Cluster } from '../core/cluster.ts';
import * as acls from './acls.ts';
import type { AclBinding, AclFilter } from './aclTypes.ts';
import * as clusterInfo from './clusterInfo.ts';
import * as configs from './configs.ts';
import { deleteRecords } from './deleteRecords.ts';
import * as describe from './describeGroups.ts';
import { describeTopics, type TopicDescription } from './describeTopics.ts';
import * as elections from './elections.ts';
import * as features from './features.ts';
import * as groupOffsets from './groupOffsets.ts';
import * as groups from './groups.ts';
import { listOffsets } from './listOffsets.ts';
import * as logDirs from './logDirs.ts';
import { throwFirst } from './outcome.ts';
import type { TopicPartition } from './partitionMap.ts';
import * as quorum from './quorum.ts';
import * as quotas from './quotas.ts';
import * as reassignments from './reassignments.ts';
import { brokerIds } from './routes.ts';
import * as scram from './scram.ts';
import * as shareGroups from './shareGroups.ts';
import { describeStreamsGroups } from './streamsGroups.ts';
import * as tokens from './tokens.ts';
import * as topics from './topics.ts';
import * as transactions from './transactions.ts';

export type { NewPartitions, NewTopicSpec, TopicListing } from './topics.ts';

/** All but the first parameter, which is the cluster. */
type Rest<F> = F extends (cluster: Cluster, ...rest: infer R) => unknown ? R : never;

/**
 * Operations on a cluster. Each is tried again while the failure may pass, by Kafka's rules, until default.api.timeout.ms is over. What concerns
 * several things at once resolves with an Outcome for each; everything else rejects with KafkaError or ClientError.
 */
export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** One topic. Rejects with what the broker says against it. */
  async createTopic(spec: topics.NewTopicSpec, validateOnly = false): Promise<void> {
    throwFirst(await topics.createTopics(this.#cluster, [spec], validateOnly));
  }

  createTopics = (...rest: Rest<typeof topics.createTopics>) => topics.createTopics(this.#cluster, ...rest);
  deleteTopics = (names: readonly string[]) => topics.deleteTopics(this.#cluster, names);
  deleteTopicsById = (topicIds: readonly Uuid[]) => topics.deleteTopicsById(this.#cluster, topicIds);
  createPartitions = (...rest: Rest<typeof topics.createPartitions>) => topics.createPartitions(this.#cluster, ...rest);
  listTopics = () => topics.listTopics(this.#cluster);
  deleteRecords = (...rest: Rest<typeof deleteRecords>) => deleteRecords(this.#cluster, ...rest);
  listOffsets = (...rest: Rest<typeof listOffsets>) => listOffsets(this.#cluster, ...rest);

  /** In the order asked for. Rejects with KafkaError UNKNOWN_TOPIC_OR_PARTITION. */
  describeTopics(names: readonly string[], partitionsPerAnswerMax?: number): Promise<TopicDescription[]> {
    return describeTopics(this.#cluster, names, partitionsPerAnswerMax);
  }

  describeConfigs = (...rest: Rest<typeof configs.describeConfigs>) => configs.describeConfigs(this.#cluster, ...rest);
  incrementalAlterConfigs = (...rest: Rest<typeof configs.incrementalAlterConfigs>) => configs.incrementalAlterConfigs(this.#cluster, ...rest);
  listConfigResources = (...rest: Rest<typeof configs.listConfigResources>) => configs.listConfigResources(this.#cluster, ...rest);

  listGroups = (filter?: groups.GroupFilter) => groups.listGroups(this.#cluster, filter);
  listConsumerGroups = (filter?: groups.GroupFilter) => groups.listConsumerGroups(this.#cluster, filter);
  describeConsumerGroups = (groupIds: readonly string[]) => describe.describeConsumerGroups(this.#cluster, groupIds);
  describeClassicGroups = (groupIds: readonly string[]) => describe.describeClassicGroups(this.#cluster, groupIds);
  describeShareGroups = (groupIds: readonly string[]) => shareGroups.describeShareGroups(this.#cluster, groupIds);
  describeStreamsGroups = (groupIds: readonly string[]) => describeStreamsGroups(this.#cluster, groupIds);
  /** Of every kind. */
  deleteGroups = (groupIds: readonly string[]) => groups.deleteGroups(this.#cluster, groupIds);
  removeMembers = (...rest: Rest<typeof groups.removeMembers>) => groups.removeMembers(this.#cluster, ...rest);
  /** Of consumer groups and of streams groups, which keep their offsets in the same way. */
  listConsumerGroupOffsets = (...rest: Rest<typeof groupOffsets.listConsumerGroupOffsets>) => groupOffsets.listConsumerGroupOffsets(this.#cluster, ...rest);
  alterConsumerGroupOffsets = (...rest: Rest<typeof groupOffsets.alterConsumerGroupOffsets>) => groupOffsets.alterConsumerGroupOffsets(this.#cluster, ...rest);
  deleteConsumerGroupOffsets = (groupId: string, partitions: readonly TopicPartition[]) => groupOffsets.deleteConsumerGroupOffsets(this.#cluster, groupId, partitions);
  listShareGroupOffsets = (...rest: Rest<typeof shareGroups.listShareGroupOffsets>) => shareGroups.listShareGroupOffsets(this.#cluster, ...rest);
  alterShareGroupOffsets = (...rest: Rest<typeof shareGroups.alterShareGroupOffsets>) => shareGroups.alterShareGroupOffsets(this.#cluster, ...rest);
  deleteShareGroupOffsets = (groupId: string, names: readonly string[]) => shareGroups.deleteShareGroupOffsets(this.#cluster, groupId, names);

  describeAcls = (filter: AclFilter) => acls.describeAcls(this.#cluster, filter);
  createAcls = (bindings: readonly AclBinding[]) => acls.createAcls(this.#cluster, bindings);
  deleteAcls = (filters: readonly AclFilter[]) => acls.deleteAcls(this.#cluster, filters);
  describeClientQuotas = (...rest: Rest<typeof quotas.describeClientQuotas>) => quotas.describeClientQuotas(this.#cluster, ...rest);
  alterClientQuotas = (...rest: Rest<typeof quotas.alterClientQuotas>) => quotas.alterClientQuotas(this.#cluster, ...rest);
  describeScramCredentials = (users: readonly string[] | null) => scram.describeScramCredentials(this.#cluster, users);
  alterScramCredentials = (alterations: readonly scram.ScramAlteration[]) => scram.alterScramCredentials(this.#cluster, alterations);
  createDelegationToken = (request?: tokens.TokenRequest) => tokens.createDelegationToken(this.#cluster, request);
  renewDelegationToken = (...rest: Rest<typeof tokens.renewDelegationToken>) => tokens.renewDelegationToken(this.#cluster, ...rest);
  expireDelegationToken = (...rest: Rest<typeof tokens.expireDelegationToken>) => tokens.expireDelegationToken(this.#cluster, ...rest);
  describeDelegationTokens = (...rest: Rest<typeof tokens.describeDelegationTokens>) => tokens.describeDelegationTokens(this.#cluster, ...rest);

  describeLogDirs = (ids: readonly number[]) => logDirs.describeLogDirs(this.#cluster, ids);
  describeReplicaLogDirs = (replicas: readonly logDirs.TopicPartitionReplica[]) => logDirs.describeReplicaLogDirs(this.#cluster, replicas);
  alterReplicaLogDirs = (...rest: Rest<typeof logDirs.alterReplicaLogDirs>) => logDirs.alterReplicaLogDirs(this.#cluster, ...rest);
  alterReassignments = (...rest: Rest<typeof reassignments.alterReassignments>) => reassignments.alterReassignments(this.#cluster, ...rest);
  listReassignments = (partitions?: readonly TopicPartition[] | null) => reassignments.listReassignments(this.#cluster, partitions);
  electLeaders = (...rest: Rest<typeof elections.electLeaders>) => elections.electLeaders(this.#cluster, ...rest);

  listTransactions = (filter?: transactions.TransactionFilter) => transactions.listTransactions(this.#cluster, filter);
  describeTransactions = (transactionalIds: readonly string[]) => transactions.describeTransactions(this.#cluster, transactionalIds);
  describeProducers = (...rest: Rest<typeof transactions.describeProducers>) => transactions.describeProducers(this.#cluster, ...rest);
  abortTransaction = (transaction: transactions.HangingTransaction) => transactions.abortTransaction(this.#cluster, transaction);
  fenceProducers = (transactionalIds: readonly string[]) => transactions.fenceProducers(this.#cluster, transactionalIds);
  forceTerminateTransaction = (transactionalId: string) => transactions.forceTerminateTransaction(this.#cluster, transactionalId);

  describeCluster = (...rest: Rest<typeof clusterInfo.describeCluster>) => clusterInfo.describeCluster(this.#cluster, ...rest);
  unregisterBroker = (brokerId: number) => clusterInfo.unregisterBroker(this.#cluster, brokerId);
  describeFeatures = (brokerId?: number | null) => features.describeFeatures(this.#cluster, brokerId);
  updateFeatures = (...rest: Rest<typeof features.updateFeatures>) => features.updateFeatures(this.#cluster, ...rest);
  describeApiVersions = (ids: readonly number[]) => features.describeApiVersions(this.#cluster, ids);
  describeQuorum = () => quorum.describeQuorum(this.#cluster);
  addRaftVoter = (...rest: Rest<typeof quorum.addRaftVoter>) => quorum.addRaftVoter(this.#cluster, ...rest);
  removeRaftVoter = (...rest: Rest<typeof quorum.removeRaftVoter>) => quorum.removeRaftVoter(this.#cluster, ...rest);

  /** Ids of the brokers that are there. */
  listBrokers = () => brokerIds(this.#cluster);
}
