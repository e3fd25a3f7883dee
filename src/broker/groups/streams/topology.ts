/** The topology of a Streams application as its members tell it, and what it needs of the cluster: counts of tasks, and internal topics. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { Topology } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { StreamsGroupTopologyValue } from '../../../protocol/generated/records/streamsGroupTopology.ts';
import type { ClusterView } from '../cluster.ts';

type Subtopology = StreamsGroupTopologyValue['subtopologies'][number];
type TopicInfo = Subtopology['stateChangelogTopics'][number];

/** Kafka's numbers for what a member is told beside its tasks. */
export const StreamsStatus = {
  staleTopology: 0, missingSourceTopics: 1, incorrectlyPartitionedTopics: 2, missingInternalTopics: 3, shutdownApplication: 4, assignmentDelayed: 5,
} as const;

export interface InternalTopic {
  readonly name: string;
  readonly partitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  readonly configs: ReadonlyMap<string, string>;
}

/** A topology over the topics that there are. */
export interface ConfiguredTopology {
  /** Tasks by subtopology, in order; null: the topics do not fit. */
  readonly taskCounts: ReadonlyMap<string, number> | null;
  readonly missingTopics: readonly InternalTopic[];
  /** What stands against it. */
  readonly problem: { readonly status: number; readonly detail: string } | null;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byName = (a: { readonly name: string }, b: { readonly name: string }): number => byText(a.name, b.name);

function normalTopic(topic: TopicInfo): TopicInfo {
  const topicConfigs = topic.topicConfigs.map(({ key, value }) => ({ key, value })).toSorted((a, b) => byText(a.key, b.key));
  return { name: topic.name, partitions: topic.partitions, replicationFactor: topic.replicationFactor, topicConfigs };
}

/** The same topology in one form, whatever the order in which a member lists its parts. */
export function normalTopology({ epoch, subtopologies }: Topology): StreamsGroupTopologyValue {
  const ordered = subtopologies.toSorted((a, b) => byText(a.subtopologyId, b.subtopologyId)).map((one): Subtopology => {
    const sourceTopics = one.sourceTopics.toSorted();
    const sourceTopicRegex = one.sourceTopicRegex.toSorted();
    const repartitionSourceTopics = one.repartitionSourceTopics.map(normalTopic).toSorted(byName);
    const repartitionNames = repartitionSourceTopics.map(({ name }) => name);
    const moved = (indexes: readonly number[], from: readonly string[], to: readonly string[]): number[] =>
      indexes.map((index) => to.indexOf(from[index] ?? '')).filter((index) => index >= 0).toSorted((a, b) => a - b);
    return {
      subtopologyId: one.subtopologyId,
      sourceTopics,
      sourceTopicRegex,
      stateChangelogTopics: one.stateChangelogTopics.map(normalTopic).toSorted(byName),
      repartitionSinkTopics: one.repartitionSinkTopics.toSorted(),
      repartitionSourceTopics,
      copartitionGroups: one.copartitionGroups.map((group) => ({
        sourceTopics: moved(group.sourceTopics, one.sourceTopics, sourceTopics),
        sourceTopicRegex: moved(group.sourceTopicRegex, one.sourceTopicRegex, sourceTopicRegex),
        repartitionSourceTopics: moved(group.repartitionSourceTopics, one.repartitionSourceTopics.map(({ name }) => name), repartitionNames),
      })),
    };
  });
  return { epoch, subtopologies: ordered };
}

export function isSameTopology(a: StreamsGroupTopologyValue, b: StreamsGroupTopologyValue): boolean {
  return JSON.stringify(a.subtopologies) === JSON.stringify(b.subtopologies) && a.epoch === b.epoch;
}

/** Topics that a subtopology reads. */
export function inputTopics({ sourceTopics, repartitionSourceTopics }: Subtopology): string[] {
  return [...sourceTopics, ...repartitionSourceTopics.map(({ name }) => name)];
}

/** All topics of the application. */
export function requiredTopics({ subtopologies }: StreamsGroupTopologyValue): Set<string> {
  return new Set(subtopologies.flatMap((one) => [...inputTopics(one), ...one.stateChangelogTopics.map(({ name }) => name)]));
}

class Misfit extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Counts the tasks, and finds the internal topics that are still to be made. Pure. Throws STREAMS_INVALID_TOPOLOGY when nothing is written to a topic that is read. */
export function configureTopology(topology: StreamsGroupTopologyValue, cluster: ClusterView): ConfiguredTopology {
  try {
    return configured(topology, cluster);
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    return { taskCounts: null, missingTopics: [], problem: { status: error.status, detail: error.message } };
  }
}

function configured({ subtopologies }: StreamsGroupTopologyValue, cluster: ClusterView): ConfiguredTopology {
  const sources = new Set(subtopologies.flatMap(({ sourceTopics }) => sourceTopics));
  const missingSources = [...sources].filter((topic) => cluster.partitionCountOf(topic) === 0).toSorted();
  if (missingSources.length > 0) throw new Misfit(StreamsStatus.missingSourceTopics, `Source topics ${missingSources.join(', ')} are missing.`);
  const decided = decideRepartitionTopics(subtopologies, cluster);
  const countOf = (topic: string): number => cluster.partitionCountOf(topic) || (decided.get(topic) ?? 0);
  for (const one of subtopologies) enforceCopartitioning(one, decided, countOf);
  const taskCounts = new Map(subtopologies.map((one) => [one.subtopologyId, Math.max(0, ...inputTopics(one).map(countOf))]));
  const missing = new Map<string, InternalTopic>();
  for (const one of subtopologies) {
    for (const topic of one.repartitionSourceTopics) expectTopic(topic, decided.get(topic.name) ?? topic.partitions, cluster, missing);
    for (const topic of one.stateChangelogTopics) if (!sources.has(topic.name)) expectTopic(topic, taskCounts.get(one.subtopologyId)!, cluster, missing);
  }
  const names = [...missing.keys()].toSorted();
  const problem = names.length === 0 ? null : { status: StreamsStatus.missingInternalTopics, detail: `Internal topics are missing: ${names.join(', ')}` };
  return { taskCounts, missingTopics: [...missing.values()], problem };
}

/**
 * A repartition topic has as many partitions as it is told to, else as many as what is written to it is read from. That may be other such topics, also in a circle (a
 * foreign-key join): those whose number is not known yet do not count, in the order of the topology, as in Kafka.
 */
function decideRepartitionTopics(subtopologies: readonly Subtopology[], cluster: ClusterView): Map<string, number> {
  const decided = new Map<string, number>();
  const open = new Set<string>();
  for (const { name, partitions } of subtopologies.flatMap(({ repartitionSourceTopics }) => repartitionSourceTopics)) {
    if (partitions > 0) decided.set(name, partitions);
    else open.add(name);
  }
  let hasNews = true;
  while (open.size > 0 && hasNews) {
    hasNews = false;
    for (const name of open) {
      const writers = subtopologies.filter(({ repartitionSinkTopics }) => repartitionSinkTopics.includes(name));
      const count = Math.max(0, ...writers.flatMap(inputTopics).map((topic) => (open.has(topic) ? 0 : (decided.get(topic) ?? cluster.partitionCountOf(topic)))));
      if (count === 0) continue;
      decided.set(name, count);
      open.delete(name);
      hasNews = true;
    }
  }
  if (open.size > 0) throw new KafkaError(ErrorCode.STREAMS_INVALID_TOPOLOGY, `Failed to compute number of partitions for all repartition topics: ${[...open].toSorted().join(', ')}`);
  return decided;
}

/** Topics that are joined have equally many partitions; repartition topics of no fixed number follow. */
function enforceCopartitioning(subtopology: Subtopology, decided: Map<string, number>, countOf: (topic: string) => number): void {
  const { sourceTopics, repartitionSourceTopics, copartitionGroups } = subtopology;
  for (const group of copartitionGroups) {
    const sources = group.sourceTopics.map((index) => sourceTopics[index]!);
    const repartitions = group.repartitionSourceTopics.map((index) => repartitionSourceTopics[index]!);
    const fixed = repartitions.filter(({ partitions }) => partitions > 0).map(({ name }) => name);
    const flexible = repartitions.filter(({ partitions }) => partitions === 0).map(({ name }) => name);
    const counts = new Map([...sources.map((topic) => [topic, countOf(topic)] as const), ...fixed.map((topic) => [topic, decided.get(topic)!] as const)]);
    const count = counts.size === 0 ? Math.max(0, ...flexible.map((topic) => decided.get(topic) ?? 0)) : sameCount(sources, fixed, counts);
    for (const topic of flexible) decided.set(topic, count);
  }
}

/** Throws Misfit. */
function sameCount(sources: readonly string[], fixed: readonly string[], counts: ReadonlyMap<string, number>): number {
  const leading = sources.length > 0 ? sources : fixed;
  const count = counts.get(leading[0]!)!;
  if (leading.some((topic) => counts.get(topic) !== count)) {
    const told = leading.toSorted().map((topic) => `${topic}=${counts.get(topic)}`).join(', ');
    throw new Misfit(StreamsStatus.incorrectlyPartitionedTopics, `Following topics do not have the same number of partitions: [{${told}}]`);
  }
  const other = fixed.find((topic) => counts.get(topic) !== count);
  if (other === undefined) return count;
  throw new Misfit(StreamsStatus.incorrectlyPartitionedTopics,
    `Number of partitions [${counts.get(other)}] of repartition topic [${other}] doesn't match number of partitions [${count}] of the source topic.`);
}

function expectTopic(topic: TopicInfo, partitions: number, cluster: ClusterView, missing: Map<string, InternalTopic>): void {
  const found = cluster.partitionCountOf(topic.name);
  if (found > 0 && found !== partitions) {
    throw new Misfit(StreamsStatus.incorrectlyPartitionedTopics, `Existing topic ${topic.name} has different number of partitions: expected ${partitions}, found ${found}`);
  }
  if (found > 0) return;
  const configs = new Map(topic.topicConfigs.map(({ key, value }) => [key, value]));
  missing.set(topic.name, { name: topic.name, partitions, replicationFactor: topic.replicationFactor === 0 ? -1 : topic.replicationFactor, configs });
}
