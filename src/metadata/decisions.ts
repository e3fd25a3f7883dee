/** What a controller decides about topics: from the image and a request to records and an outcome. Nothing here waits or keeps state. */
import { ErrorCode } from '../protocol/errors.ts';
import { validateTopicConfigs } from '../config/topicConfig.ts';
import type { BrokerLayers } from '../config/layers.ts';
import type { Random } from '../base/ports.ts';
import type { MutableClusterImage } from './image.ts';
import { activeAmong, assignmentProblem, placeReplicas, replicationProblem } from './placement.ts';
import type { ReplicaPlacement } from './placement.ts';
import type { MetadataRecord } from './records.ts';
import { topicNameProblem } from './topicNames.ts';
import { ConfigResourceType } from './types.ts';
import type { ChangeOutcome, NewTopic } from './types.ts';

/** Records of one change; past it, replay and replies would hold everything else up. */
export const PARTITIONS_PER_CHANGE_MAX = 10_000;
/** What a directory name, `<topic>-<partition>`, and Kafka's int32 allow is far above what one node can hold. */
const PARTITION_COUNT_MAX = 1_000_000;
const TOPIC_ID_BYTES = 16;

export interface TopicDefaults {
  readonly partitions: number;
  readonly replicationFactor: number;
}

export interface DecisionContext {
  readonly image: MutableClusterImage;
  readonly defaults: TopicDefaults;
  readonly layers: BrokerLayers;
  readonly random: Random;
}

export const accepted: ChangeOutcome = { code: ErrorCode.NONE, message: null };

export const refused = (code: number, message: string | null = null): ChangeOutcome => ({ code, message });

/** Where the partitions of a new topic go, or why not. */
type Placed = { readonly placements: readonly ReplicaPlacement[] } | ChangeOutcome;

const isRefused = (placed: Placed): placed is ChangeOutcome => 'code' in placed;

/** `records` is added to when the topic can be made. `partitionsLeft` is what the request may still ask for. Returns the id, or the refusal. */
export function decideNewTopic(context: DecisionContext, topic: NewTopic, records: MetadataRecord[], partitionsLeft: number): string | ChangeOutcome {
  const problem = nameProblem(context, topic.name) ?? configProblem(context, topic);
  if (problem !== null) return problem;
  const placed = topic.assignments.size > 0 ? placeAssigned(context, topic) : placeChosen(context, topic, partitionsLeft);
  if (isRefused(placed)) return placed;
  if (placed.placements.length > partitionsLeft) return tooManyPartitions();
  const id = newTopicId(context);
  records.push({ kind: 'topic', name: topic.name, id });
  for (const [key, value] of topic.configs) {
    if (value !== null) records.push({ kind: 'config', resourceType: ConfigResourceType.topic, resourceName: topic.name, key, value });
  }
  pushPartitions(records, id, 0, placed.placements);
  return id;
}

const tooManyPartitions = (): ChangeOutcome => refused(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.');

function nameProblem(context: DecisionContext, name: string): ChangeOutcome | null {
  const problem = topicNameProblem(name);
  if (problem !== null) return refused(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  if (context.image.topicsByName.has(name)) return refused(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  const other = context.image.collidingTopic(name);
  return other === null ? null : refused(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`);
}

function configProblem(context: DecisionContext, topic: NewTopic): ChangeOutcome | null {
  const problem = validateTopicConfigs(topic.configs, context.layers);
  return problem === null ? null : refused(ErrorCode.INVALID_CONFIG, problem);
}

function placeAssigned(context: DecisionContext, topic: NewTopic): Placed {
  if (topic.replicationFactor !== -1) {
    return refused(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but replication factor was not set to -1.');
  }
  if (topic.partitions !== -1) {
    return refused(ErrorCode.INVALID_REQUEST, 'A manual partition assignment was specified, but numPartitions was not set to -1.');
  }
  const placements: ReplicaPlacement[] = [];
  let width = -1;
  for (const [index, replicas] of topic.assignments) {
    const placement = placeManually(context, index, replicas, width);
    if ('code' in placement) return placement;
    width = replicas.length;
    placements[index] = placement;
    if (index < 0 || index >= topic.assignments.size) {
      return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, 'partitions should be a consecutive 0-based integer sequence');
    }
  }
  return { placements };
}

function placeManually(context: DecisionContext, index: number, replicas: readonly number[], width: number): ReplicaPlacement | ChangeOutcome {
  const problem = assignmentProblem(context.image, replicas, width);
  if (problem !== null) return refused(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  const inSync = activeAmong(context.image, replicas);
  if (inSync.length > 0) return { replicas, inSync };
  return refused(
    ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    `All brokers specified in the manual partition assignment for partition ${index} are fenced or in controlled shutdown.`,
  );
}

function placeChosen(context: DecisionContext, topic: NewTopic, partitionsLeft: number): Placed {
  if (topic.replicationFactor < -1 || topic.replicationFactor === 0) {
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0, or -1 to use the default value.');
  }
  if (topic.partitions < -1 || topic.partitions === 0) {
    return refused(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.');
  }
  const count = topic.partitions === -1 ? context.defaults.partitions : topic.partitions;
  const replicationFactor = topic.replicationFactor === -1 ? context.defaults.replicationFactor : topic.replicationFactor;
  const problem = replicationProblem(context.image.brokers, replicationFactor);
  if (problem !== null) {
    return refused(ErrorCode.INVALID_REPLICATION_FACTOR, `Unable to replicate the partition ${replicationFactor} time(s): ${problem}`);
  }
  if (count > partitionsLeft) return tooManyPartitions();
  return { placements: placeReplicas(context.image, context.random.below(context.image.brokers.size), count, replicationFactor) };
}

function newTopicId(context: DecisionContext): string {
  for (;;) {
    const id = Buffer.from(context.random.bytes(TOPIC_ID_BYTES)).toString('base64url');
    // Kafka keeps ids that begin with a dash for itself to spare command lines, and the lowest ones for internal use.
    if (!id.startsWith('-') && !id.startsWith('AAAAAAAA') && !context.image.topicsById.has(id)) return id;
  }
}

function pushPartitions(records: MetadataRecord[], topicId: string, firstIndex: number, placements: readonly ReplicaPlacement[]): void {
  placements.forEach(({ replicas, inSync }, position) => {
    records.push({
      kind: 'partition', topicId, index: firstIndex + position, replicas, inSyncReplicas: inSync, leader: inSync[0] ?? -1, leaderEpoch: 0, partitionEpoch: 0,
    });
  });
}

/** As the controller's createPartitions; `records` is added to when it can be done. */
export function decideNewPartitions(
  context: DecisionContext, name: string, count: number, assignments: readonly (readonly number[])[], records: MetadataRecord[],
): ChangeOutcome {
  const topic = context.image.topicsByName.get(name);
  if (topic === undefined) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const present = topic.partitions.length;
  if (count === present) return refused(ErrorCode.INVALID_PARTITIONS, `Topic already has ${present} partition(s).`);
  if (count < present) {
    return refused(ErrorCode.INVALID_PARTITIONS, `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`);
  }
  if (count > PARTITION_COUNT_MAX || count - present > PARTITIONS_PER_CHANGE_MAX) return tooManyPartitions();
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
  const placed = assignments.length > 0
    ? placeAdded(context, assignments, present, count - present, replicationFactor)
    : placeMore(context, present, count - present, replicationFactor);
  if (isRefused(placed)) return placed;
  pushPartitions(records, topic.id, present, placed.placements);
  return accepted;
}

function placeAdded(context: DecisionContext, assignments: readonly (readonly number[])[], first: number, additional: number, width: number): Placed {
  if (assignments.length !== additional) {
    return refused(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `Attempted to add ${additional} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    );
  }
  const placements: ReplicaPlacement[] = [];
  for (const [position, replicas] of assignments.entries()) {
    const placement = placeManually(context, first + position, replicas, width);
    if ('code' in placement) return placement;
    placements.push(placement);
  }
  return { placements };
}

function placeMore(context: DecisionContext, first: number, additional: number, replicationFactor: number): Placed {
  const problem = replicationProblem(context.image.brokers, replicationFactor);
  if (problem !== null) return refused(ErrorCode.INVALID_REPLICATION_FACTOR, problem);
  return { placements: placeReplicas(context.image, first, additional, replicationFactor) };
}
