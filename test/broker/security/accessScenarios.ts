/**
 * A request to every API, rights to try each with, and what of an answer says whether it was allowed. The same table is asked of this broker
 * (accessTable.test.ts) and of a real Kafka (test/interop/accessAnswers.test.ts), whose answers are kept in kafkaAnswers.json.
 */
import { AclOperation, AclPermission, CLUSTER_NAME, PatternType, ResourceType } from '../../../src/metadata/acls.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { BatchBuilder } from '../../../src/record/build.ts';

export const TOPIC = 'alpha';
export const OTHER_TOPIC = 'beta';
export const NO_TOPIC = 'gamma';
export const GROUP = 'readers';
export const TRANSACTION = 'payments';
const SHARE_GROUP = 'sharers';
const STREAMS_GROUP = 'streamers';
const OWNER = 'User:bob';

/** What is made before: topics, an offset of the group for both, a transactional id. */
export interface World {
  readonly topicIds: ReadonlyMap<string, string>;
}

export interface Scenario {
  readonly name: string;
  readonly api: string;
  readonly version: number;
  readonly body: (world: World) => Readonly<Record<string, unknown>>;
  /** Comes last, and what it removes is made again. */
  readonly removes?: boolean;
}

export interface Right {
  readonly resourceType: number;
  readonly name: string;
  readonly operation: number;
  /** Default: literal, allowed, alice, everywhere. */
  readonly patternType?: number;
  readonly permission?: number;
  readonly principal?: string;
  readonly host?: string;
}

const { read, write, create, alter, describe, describeConfigs, alterConfigs, clusterAction, idempotentWrite, createTokens, describeTokens, all, twoPhaseCommit } = AclOperation;
const remove = AclOperation.delete;

const singles = (resourceType: number, name: string, operations: readonly number[]): Right[] => operations.map((operation) => ({ resourceType, name, operation }));
const topic = (operation: number, name = TOPIC): Right => ({ resourceType: ResourceType.topic, name, operation });
const group = (operation: number, name = GROUP): Right => ({ resourceType: ResourceType.group, name, operation });
const transaction = (operation: number): Right => ({ resourceType: ResourceType.transactionalId, name: TRANSACTION, operation });

/** Sets of rights to ask everything with. */
export const rightSets: readonly (readonly Right[])[] = [
  [],
  ...[
    ...singles(ResourceType.topic, TOPIC, [read, write, create, remove, alter, describe, describeConfigs, alterConfigs, all]),
    ...singles(ResourceType.group, GROUP, [read, remove, describe, describeConfigs, alterConfigs]),
    ...singles(ResourceType.cluster, CLUSTER_NAME, [create, remove, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite, all]),
    ...singles(ResourceType.transactionalId, TRANSACTION, [write, describe, all]),
    ...singles(ResourceType.user, OWNER, [createTokens, describeTokens]),
  ].map((right) => [right]),
  [topic(read), group(read)],
  [topic(describe), group(describe)],
  [topic(read), group(remove)],
  [topic(read), group(read, SHARE_GROUP)],
  [topic(describe), group(read, SHARE_GROUP)],
  [topic(describe), group(read, STREAMS_GROUP)],
  [topic(write), transaction(write)],
  [transaction(write), group(read)],
  [transaction(write), transaction(twoPhaseCommit)],
  [transaction(write), group(read), topic(read)],
  [topic(describe, '*'), group(describe, '*')],
  [topic(describe, NO_TOPIC), topic(create, NO_TOPIC)],
  [topic(describe, NO_TOPIC)],
  [topic(create), topic(describeConfigs)],
  [{ ...topic(read, 'al'), patternType: PatternType.prefixed }, { ...group(read, 'read'), patternType: PatternType.prefixed }],
  [topic(all, '*'), group(all, '*'), { ...topic(read), permission: AclPermission.deny }, { ...group(describe), permission: AclPermission.deny }],
  [topic(all, '*'), { ...topic(all, 'be'), patternType: PatternType.prefixed, permission: AclPermission.deny, principal: 'User:*' }],
  [{ ...topic(all), principal: 'User:*' }, { ...group(all), principal: 'User:*' }, { ...transaction(all), principal: 'User:*' }],
  [{ ...topic(all), host: '10.9.8.7' }, { ...group(all), host: '127.0.0.1' }],
  [{ ...topic(all), principal: 'User:bob' }],
  [{ resourceType: ResourceType.cluster, name: CLUSTER_NAME, operation: all }, { resourceType: ResourceType.cluster, name: CLUSTER_NAME, operation: describe, permission: AclPermission.deny }],
  [topic(write), { ...topic(write, '*'), permission: AclPermission.deny }],
  [topic(write), { ...topic(describe), permission: AclPermission.deny }],
];

function oneRecord(isTransactional: boolean): Buffer {
  const builder = new BatchBuilder();
  builder.append(null, Buffer.from('a'), null, 1_700_000_000_000);
  return builder.close(isTransactional ? { isTransactional, producerId: 77_000, producerEpoch: 0, baseSequence: 0 } : {});
}

const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1, maxNumOffsets: 1 }];
const names = [TOPIC, OTHER_TOPIC];
const idsOf = (world: World) => names.map((name) => world.topicIds.get(name) ?? zeroUuid);
const newTopic = (name: string) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] });
const produced = (name: string, topicId: string, isInTransaction = false) => ({ name, topicId, partitionData: [{ index: 0, records: oneRecord(isInTransaction) }] });
const fetched = (name: string, topicId: string) => ({
  topic: name, topicId, partitions: [{ partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, lastFetchedEpoch: -1, logStartOffset: -1, partitionMaxBytes: 1024, replicaDirectoryId: zeroUuid, highWatermark: 0 }],
});
const committed = (name: string, topicId: string) => ({
  name, topicId, partitions: [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: '' }],
});
const noRights = { generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null };
const configResources = [
  { resourceType: 2, resourceName: TOPIC, configurationKeys: ['retention.ms'], configs: [] },
  { resourceType: 2, resourceName: OTHER_TOPIC, configurationKeys: ['retention.ms'], configs: [] },
  { resourceType: 4, resourceName: '1', configurationKeys: ['log.retention.ms'], configs: [] },
  { resourceType: 32, resourceName: GROUP, configurationKeys: null, configs: [] },
];
const anyAcl = { resourceTypeFilter: 2, resourceNameFilter: 'nobody-has-it', patternTypeFilter: 3, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
const subtopology = (sourceTopics: readonly string[]) => ({
  subtopologyId: '0', sourceTopics, sourceTopicRegex: [], stateChangelogTopics: [], repartitionSinkTopics: [], repartitionSourceTopics: [], copartitionGroups: [],
});

const scenario = (name: string, api: string, version: number, body: Scenario['body'], removes = false): Scenario => ({ name, api, version, body, removes });

export const scenarios: readonly Scenario[] = [
  scenario('Produce', 'Produce', 11, () => ({ acks: 1, timeoutMs: 1000, topicData: [...names, NO_TOPIC].map((name) => produced(name, zeroUuid)) })),
  scenario('Produce by id', 'Produce', 13, (world) => ({ acks: 1, timeoutMs: 1000, topicData: idsOf(world).map((id) => produced('', id)) })),
  scenario('Produce in a transaction', 'Produce', 11, () => ({ transactionalId: TRANSACTION, acks: -1, timeoutMs: 1000, topicData: [produced(TOPIC, zeroUuid, true)] })),
  scenario('Fetch', 'Fetch', 12, () => ({ maxWaitMs: 0, minBytes: 1, topics: [...names, NO_TOPIC].map((name) => fetched(name, zeroUuid)) })),
  scenario('Fetch by id', 'Fetch', 16, (world) => ({ maxWaitMs: 0, minBytes: 1, topics: idsOf(world).map((id) => fetched('', id)) })),
  scenario('ListOffsets', 'ListOffsets', 7, () => ({ replicaId: -1, topics: [...names, NO_TOPIC].map((name) => ({ name, partitions })) })),
  scenario('OffsetForLeaderEpoch', 'OffsetForLeaderEpoch', 4, () => ({
    replicaId: -2, topics: [...names, NO_TOPIC].map((topicName) => ({ topic: topicName, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] })),
  })),
  scenario('Metadata', 'Metadata', 9, () => ({
    topics: [...names, NO_TOPIC].map((name) => ({ topicId: zeroUuid, name })), allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true,
  })),
  scenario('Metadata of all', 'Metadata', 12, () => ({ topics: null, allowAutoTopicCreation: false, includeTopicAuthorizedOperations: true })),
  scenario('Metadata by id', 'Metadata', 12, (world) => ({ topics: idsOf(world).map((topicId) => ({ topicId, name: null })), allowAutoTopicCreation: false })),
  scenario('Metadata that creates', 'Metadata', 9, () => ({ topics: [NO_TOPIC].map((name) => ({ topicId: zeroUuid, name })), allowAutoTopicCreation: true }), true),
  scenario('DescribeTopicPartitions', 'DescribeTopicPartitions', 0, () => ({ topics: [...names, NO_TOPIC].map((name) => ({ name })), responsePartitionLimit: 2000, cursor: null })),
  scenario('DescribeTopicPartitions of all', 'DescribeTopicPartitions', 0, () => ({ topics: [], responsePartitionLimit: 2000, cursor: null })),
  scenario('CreateTopics', 'CreateTopics', 7, () => ({ topics: [TOPIC, NO_TOPIC, 'alphabet'].map(newTopic), timeoutMs: 1000, validateOnly: true })),
  scenario('CreateTopics twice the same', 'CreateTopics', 7, () => ({ topics: [NO_TOPIC, NO_TOPIC].map(newTopic), timeoutMs: 1000, validateOnly: true })),
  scenario('CreatePartitions', 'CreatePartitions', 3, () => ({ topics: [...names, NO_TOPIC].map((name) => ({ name, count: 9, assignments: null })), timeoutMs: 1000, validateOnly: true })),
  scenario('DeleteRecords', 'DeleteRecords', 2, () => ({ topics: [...names, NO_TOPIC].map((name) => ({ name, partitions: [{ partitionIndex: 0, offset: 0 }] })), timeoutMs: 1000 })),
  scenario('DescribeProducers', 'DescribeProducers', 0, () => ({ topics: [...names, NO_TOPIC].map((name) => ({ name, partitionIndexes: [0] })) })),
  scenario('DeleteTopics', 'DeleteTopics', 6, () => ({ topics: [...names, NO_TOPIC].map((name) => ({ name, topicId: zeroUuid })), timeoutMs: 1000 }), true),
  scenario('DeleteTopics by id', 'DeleteTopics', 6, (world) => ({ topics: idsOf(world).map((topicId) => ({ name: null, topicId })), timeoutMs: 1000 }), true),
  scenario('DescribeConfigs', 'DescribeConfigs', 4, () => ({ resources: configResources })),
  scenario('AlterConfigs', 'AlterConfigs', 2, () => ({ resources: configResources, validateOnly: true })),
  scenario('IncrementalAlterConfigs', 'IncrementalAlterConfigs', 1, () => ({ resources: configResources, validateOnly: true })),
  scenario('ListConfigResources', 'ListConfigResources', 0, () => ({})),
  scenario('DescribeCluster', 'DescribeCluster', 1, () => ({ includeClusterAuthorizedOperations: true, endpointType: 1 })),
  scenario('DescribeLogDirs', 'DescribeLogDirs', 4, () => ({ topics: [] })),
  scenario('AlterReplicaLogDirs', 'AlterReplicaLogDirs', 2, () => ({ dirs: [{ path: '/nowhere', topics: [{ name: TOPIC, partitions: [0] }] }] })),
  scenario('ElectLeaders', 'ElectLeaders', 2, () => ({ electionType: 0, topicPartitions: [], timeoutMs: 1000 })),
  scenario('AlterPartitionReassignments', 'AlterPartitionReassignments', 0, () => ({ timeoutMs: 1000, topics: [] })),
  scenario('ListPartitionReassignments', 'ListPartitionReassignments', 0, () => ({ timeoutMs: 1000, topics: [] })),
  scenario('UpdateFeatures', 'UpdateFeatures', 1, () => ({ timeoutMs: 1000, featureUpdates: [], validateOnly: true })),
  scenario('DescribeAcls', 'DescribeAcls', 3, () => anyAcl),
  scenario('CreateAcls', 'CreateAcls', 3, () => ({ creations: [{ resourceType: 2, resourceName: '', resourcePatternType: 3, principal: 'User:nobody', host: '*', operation: 3, permissionType: 3 }] })),
  scenario('DeleteAcls', 'DeleteAcls', 3, () => ({ filters: [anyAcl] })),
  scenario('DescribeClientQuotas', 'DescribeClientQuotas', 1, () => ({ components: [], strict: false })),
  scenario('AlterClientQuotas', 'AlterClientQuotas', 1, () => ({
    entries: [{ entity: [{ entityType: 'user', entityName: 'nobody' }], ops: [{ key: 'producer_byte_rate', value: 1, remove: false }] }], validateOnly: true,
  })),
  scenario('DescribeUserScramCredentials', 'DescribeUserScramCredentials', 0, () => ({ users: [{ name: 'nobody' }] })),
  scenario('AlterUserScramCredentials', 'AlterUserScramCredentials', 0, () => ({ deletions: [{ name: 'nobody', mechanism: 1 }], upsertions: [] })),
  scenario('FindCoordinator of groups', 'FindCoordinator', 4, () => ({ keyType: 0, coordinatorKeys: [GROUP, 'others'] })),
  scenario('FindCoordinator of a group', 'FindCoordinator', 3, () => ({ keyType: 0, key: GROUP })),
  scenario('FindCoordinator of transactions', 'FindCoordinator', 4, () => ({ keyType: 1, coordinatorKeys: [TRANSACTION, 'others'] })),
  scenario('OffsetCommit', 'OffsetCommit', 9, () => ({ groupId: GROUP, ...noRights, topics: [...names, NO_TOPIC].map((name) => committed(name, zeroUuid)) })),
  scenario('OffsetCommit by id', 'OffsetCommit', 10, (world) => ({ groupId: GROUP, ...noRights, topics: idsOf(world).map((id) => committed('', id)) })),
  scenario('OffsetFetch', 'OffsetFetch', 9, () => ({
    groups: [GROUP, 'others'].map((groupId) => ({ groupId, memberId: null, memberEpoch: -1, topics: [...names, NO_TOPIC].map((name) => ({ name, topicId: zeroUuid, partitionIndexes: [0] })) })),
  })),
  scenario('OffsetFetch of all', 'OffsetFetch', 9, () => ({ groups: [{ groupId: GROUP, memberId: null, memberEpoch: -1, topics: null }] })),
  scenario('OffsetFetch by id', 'OffsetFetch', 10, (world) => ({
    groups: [{ groupId: GROUP, memberId: null, memberEpoch: -1, topics: idsOf(world).map((topicId) => ({ name: '', topicId, partitionIndexes: [0] })) }],
  })),
  scenario('OffsetFetch of one group', 'OffsetFetch', 5, () => ({ groupId: GROUP, topics: [...names, NO_TOPIC].map((name) => ({ name, partitionIndexes: [0] })) })),
  scenario('OffsetDelete', 'OffsetDelete', 0, () => ({ groupId: GROUP, topics: [{ name: OTHER_TOPIC, partitions: [{ partitionIndex: 5 }] }, { name: TOPIC, partitions: [{ partitionIndex: 5 }] }] })),
  scenario('JoinGroup', 'JoinGroup', 9, () => ({
    groupId: GROUP, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, memberId: '', groupInstanceId: null, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Buffer.alloc(0) }], reason: null,
  })),
  scenario('SyncGroup', 'SyncGroup', 5, () => ({ groupId: GROUP, generationId: 9, memberId: 'm', groupInstanceId: null, protocolType: 'consumer', protocolName: 'range', assignments: [] })),
  scenario('Heartbeat', 'Heartbeat', 4, () => ({ groupId: GROUP, generationId: 9, memberId: 'm', groupInstanceId: null })),
  scenario('LeaveGroup', 'LeaveGroup', 5, () => ({ groupId: GROUP, members: [{ memberId: 'm', groupInstanceId: null, reason: null }] })),
  scenario('DescribeGroups', 'DescribeGroups', 5, () => ({ groups: [GROUP, 'others'], includeAuthorizedOperations: true })),
  scenario('ListGroups', 'ListGroups', 5, () => ({ statesFilter: [], typesFilter: [] })),
  scenario('DeleteGroups', 'DeleteGroups', 2, () => ({ groupsNames: [GROUP, 'others'] }), true),
  scenario('ConsumerGroupHeartbeat', 'ConsumerGroupHeartbeat', 0, () => ({
    groupId: GROUP, memberId: 'm', memberEpoch: -1, instanceId: null, rackId: null, rebalanceTimeoutMs: -1, subscribedTopicNames: [TOPIC], serverAssignor: null, topicPartitions: null,
  })),
  scenario('ConsumerGroupDescribe', 'ConsumerGroupDescribe', 1, () => ({ groupIds: [GROUP, 'others'], includeAuthorizedOperations: true })),
  scenario('ShareGroupHeartbeat', 'ShareGroupHeartbeat', 1, () => ({ groupId: SHARE_GROUP, memberId: 'm', memberEpoch: -1, rackId: null, subscribedTopicNames: [TOPIC] })),
  scenario('ShareGroupDescribe', 'ShareGroupDescribe', 1, () => ({ groupIds: [SHARE_GROUP], includeAuthorizedOperations: true })),
  scenario('ShareFetch', 'ShareFetch', 1, (world) => ({
    groupId: SHARE_GROUP, memberId: 'AAAAAAAAAAAAAAAAAAAAAQ', shareSessionEpoch: 0, maxWaitMs: 0, minBytes: 1, maxBytes: 1000, maxRecords: 1, batchSize: 1,
    topics: [{ topicId: world.topicIds.get(TOPIC) ?? zeroUuid, partitions: [{ partitionIndex: 0, partitionMaxBytes: 0, acknowledgementBatches: [] }] }], forgottenTopicsData: [],
  })),
  scenario('DescribeShareGroupOffsets', 'DescribeShareGroupOffsets', 0, () => ({ groups: [{ groupId: SHARE_GROUP, topics: names.map((topicName) => ({ topicName, partitions: [0] })) }] })),
  scenario('AlterShareGroupOffsets', 'AlterShareGroupOffsets', 0, () => ({ groupId: SHARE_GROUP, topics: [{ topicName: OTHER_TOPIC, partitions: [{ partitionIndex: 0, startOffset: 0 }] }] })),
  scenario('DeleteShareGroupOffsets', 'DeleteShareGroupOffsets', 0, () => ({ groupId: SHARE_GROUP, topics: [{ topicName: OTHER_TOPIC }] })),
  scenario('ReadShareGroupState', 'ReadShareGroupState', 0, (world) => ({ groupId: SHARE_GROUP, topics: [{ topicId: world.topicIds.get(TOPIC) ?? zeroUuid, partitions: [{ partition: 0, leaderEpoch: 0 }] }] })),
  scenario('StreamsGroupHeartbeat', 'StreamsGroupHeartbeat', 0, () => ({
    groupId: STREAMS_GROUP, memberId: 'AAAAAAAAAAAAAAAAAAAAAQ', memberEpoch: 7, rebalanceTimeoutMs: 1000, topology: { epoch: 0, subtopologies: [subtopology([TOPIC])] }, activeTasks: null, standbyTasks: null, warmupTasks: null,
  })),
  scenario('StreamsGroupDescribe', 'StreamsGroupDescribe', 0, () => ({ groupIds: [STREAMS_GROUP], includeAuthorizedOperations: true })),
  scenario('InitProducerId', 'InitProducerId', 4, () => ({ transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 })),
  scenario('InitProducerId of a transaction', 'InitProducerId', 4, () => ({ transactionalId: TRANSACTION, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 })),
  scenario('AddPartitionsToTxn', 'AddPartitionsToTxn', 3, () => ({
    v3AndBelowTransactionalId: TRANSACTION, v3AndBelowProducerId: 77_000, v3AndBelowProducerEpoch: 0, v3AndBelowTopics: names.map((name) => ({ name, partitions: [0] })),
  })),
  scenario('AddPartitionsToTxn of brokers', 'AddPartitionsToTxn', 4, () => ({
    transactions: [{ transactionalId: TRANSACTION, producerId: 77_000, producerEpoch: 0, verifyOnly: true, topics: names.map((name) => ({ name, partitions: [0] })) }],
  })),
  scenario('AddOffsetsToTxn', 'AddOffsetsToTxn', 4, () => ({ transactionalId: TRANSACTION, producerId: 77_000, producerEpoch: 0, groupId: GROUP })),
  scenario('TxnOffsetCommit', 'TxnOffsetCommit', 4, () => ({
    transactionalId: TRANSACTION, groupId: GROUP, producerId: 77_000, producerEpoch: 0, ...noRights, topics: names.map((name) => committed(name, zeroUuid)),
  })),
  scenario('EndTxn', 'EndTxn', 4, () => ({ transactionalId: TRANSACTION, producerId: 77_000, producerEpoch: 0, committed: false })),
  scenario('DescribeTransactions', 'DescribeTransactions', 0, () => ({ transactionalIds: [TRANSACTION, 'others'] })),
  scenario('ListTransactions', 'ListTransactions', 0, () => ({ stateFilters: [], producerIdFilters: [] })),
  scenario('WriteTxnMarkers', 'WriteTxnMarkers', 1, () => ({
    markers: [{ producerId: 77_000, producerEpoch: 0, transactionResult: false, topics: [{ name: NO_TOPIC, partitionIndexes: [0] }], coordinatorEpoch: 0, transactionVersion: 0 }],
  })),
  scenario('CreateDelegationToken', 'CreateDelegationToken', 3, () => ({ ownerPrincipalType: 'User', ownerPrincipalName: 'bob', renewers: [], maxLifetimeMs: 1000 })),
  scenario('DescribeDelegationToken', 'DescribeDelegationToken', 3, () => ({ owners: [] })),
];

/** Codes that say that something is not allowed, or hide it; every other is a way to be let through. */
const REFUSALS: ReadonlySet<number> = new Set([29, 30, 31, 53, 55, 65, 100]);
const NAMES = ['name', 'topic', 'topicName', 'groupId', 'transactionalId', 'key', 'resourceName'];
const CODES = ['errorCode', 'partitionErrorCode', 'topicConfigErrorCode'];
const OPERATIONS = ['topicAuthorizedOperations', 'clusterAuthorizedOperations', 'authorizedOperations'];
const OURS: ReadonlySet<unknown> = new Set([TOPIC, OTHER_TOPIC, NO_TOPIC, 'alphabet', GROUP, 'others', 'unheard-of', TRANSACTION, SHARE_GROUP, STREAMS_GROUP, '1']);

/** What a response says of rights, in a form that does not depend on the order of its parts. */
export function verdictsOf(response: unknown, { topicIds }: World): string[] {
  const found = new Set<string>();
  collect(response, '', new Map([...topicIds].map(([name, id]) => [id, `id of ${name}`])), found);
  return [...found].sort();
}

function collect(node: unknown, owner: string, ids: ReadonlyMap<string, string>, found: Set<string>): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, owner, ids, found);
  } else if (typeof node === 'object' && node !== null && !Buffer.isBuffer(node)) {
    collectFields(node as Record<string, unknown>, owner, ids, found);
  }
}

function collectFields(fields: Record<string, unknown>, owner: string, ids: ReadonlyMap<string, string>, found: Set<string>): void {
  const named = NAMES.map((key) => fields[key]).find((value) => typeof value === 'string' && value !== '') as string | undefined;
  if (named !== undefined && !OURS.has(named)) return;
  const own = named ?? ids.get(fields['topicId'] as string);
  const name = own === undefined ? owner : owner === '' ? own : `${owner}/${own}`;
  for (const [key, value] of Object.entries(fields)) {
    if (CODES.includes(key)) found.add(`${key} ${name} ${REFUSALS.has(value as number) ? String(value) : 'passed'}`);
    else if (OPERATIONS.includes(key) && value !== -2147483648) found.add(`${key} ${name} ${String(value)}`);
    else collect(value, name, ids, found);
  }
  if (own !== undefined && !CODES.some((key) => key in fields)) found.add(`seen ${name}`);
}

export const nameOfRights = (rights: readonly Right[]): string => rights.map(nameOfRight).join(', ') || 'nothing';

function nameOfRight({ resourceType, name, operation, patternType, permission, principal, host }: Right): string {
  const shown = `${nameIn(ResourceType, resourceType)}:${name}${patternType === PatternType.prefixed ? '...' : ''} ${nameIn(AclOperation, operation)}`;
  const more = [permission === AclPermission.deny ? 'denied' : '', principal === undefined ? '' : `to ${principal}`, host === undefined ? '' : `at ${host}`];
  return [shown, ...more.filter((part) => part !== '')].join(' ');
}

const nameIn = (codes: Readonly<Record<string, number>>, code: number): string => Object.entries(codes).find(([, known]) => known === code)![0];
