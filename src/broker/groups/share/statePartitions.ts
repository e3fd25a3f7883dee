/** Which partitions of a group have their state at the share coordinator, and what remains to be done about it. */
import type { Uuid } from '../../../protocol/types.ts';
import type { ClusterView } from '../cluster.ts';
import type { Draft } from '../draft.ts';
import { statePartitionsValue } from './apply.ts';
import type { ShareGroup, StatePartitions, TopicPartitions } from './group.ts';

/** One partition of a topic. */
export interface TopicPartition {
  readonly topicId: Uuid;
  readonly name: string;
  readonly partition: number;
}

/** Partitions that the group wants and of which the share coordinator has not been told. */
export function uninitialized(group: ShareGroup, cluster: ClusterView): TopicPartition[] {
  const missing: TopicPartition[] = [];
  for (const name of group.subscribedTopics) {
    const topicId = cluster.idOf(name);
    if (topicId === undefined) continue;
    const known = group.statePartitions.initialized.get(topicId)?.partitions;
    const count = cluster.partitionCountOf(name);
    if (known !== undefined && known.size >= count) continue;
    for (let partition = 0; partition < count; partition++) if (known?.has(partition) !== true) missing.push({ topicId, name, partition });
  }
  return missing;
}

export function isInitialized(group: ShareGroup, topicId: Uuid, partition: number): boolean {
  return group.statePartitions.initialized.get(topicId)?.partitions.has(partition) === true;
}

export function initializedPartitions(group: ShareGroup): TopicPartition[] {
  const all: TopicPartition[] = [];
  for (const [topicId, { name, partitions }] of group.statePartitions.initialized) for (const partition of partitions) all.push({ topicId, name, partition });
  return all;
}

export function put(draft: Draft, group: ShareGroup, next: StatePartitions): void {
  draft.put('shareStatePartitions', group.groupId, '', statePartitionsValue(next));
}

/** Notes what is about to be initialized; topics that are gone are forgotten on the way. */
export function beginInitializing(draft: Draft, group: ShareGroup, partitions: readonly TopicPartition[]): void {
  const { cluster } = draft.state;
  const { initializing, initialized, deleting } = group.statePartitions;
  const exists = (topicId: Uuid): boolean => cluster.nameOf(topicId) !== undefined;
  put(draft, group, {
    initializing: withAdded(only(initializing, exists), partitions),
    initialized: only(initialized, exists),
    deleting: new Map([...deleting].filter(([topicId]) => exists(topicId))),
  });
}

/** `done` are initialized; the others may be tried again. */
export function endInitializing(draft: Draft, group: ShareGroup, tried: readonly TopicPartition[], done: readonly TopicPartition[]): void {
  const { initializing, initialized, deleting } = group.statePartitions;
  put(draft, group, { initializing: withTaken(initializing, tried), initialized: withAdded(initialized, done), deleting });
}

const only = (topics: ReadonlyMap<Uuid, TopicPartitions>, isKept: (topicId: Uuid) => boolean): ReadonlyMap<Uuid, TopicPartitions> =>
  new Map([...topics].filter(([topicId]) => isKept(topicId)));

function withAdded(topics: ReadonlyMap<Uuid, TopicPartitions>, added: readonly TopicPartition[]): Map<Uuid, TopicPartitions> {
  const result = new Map([...topics].map(([topicId, { name, partitions }]) => [topicId, { name, partitions: new Set(partitions) }]));
  for (const { topicId, name, partition } of added) {
    const known = result.get(topicId);
    if (known === undefined) result.set(topicId, { name, partitions: new Set([partition]) });
    else known.partitions.add(partition);
  }
  return result;
}

function withTaken(topics: ReadonlyMap<Uuid, TopicPartitions>, taken: readonly TopicPartition[]): Map<Uuid, TopicPartitions> {
  const gone = new Set(taken.map(({ topicId, partition }) => `${partition}/${topicId}`));
  const result = new Map<Uuid, TopicPartitions>();
  for (const [topicId, { name, partitions }] of topics) {
    const left = new Set([...partitions].filter((partition) => !gone.has(`${partition}/${topicId}`)));
    if (left.size > 0) result.set(topicId, { name, partitions: left });
  }
  return result;
}
