import type { PartitionTable } from '../../partition/partitions.ts';
import type { Partition } from '../../partition/partition.ts';
import type { Uuid } from '../../../protocol/types.ts';
import { SharePartition } from './sharePartition.ts';
import type { SharePartitionPorts } from './sharePartition.ts';

/** All share partitions that this broker leads and that somebody reads, by group. */
export class SharePartitions {
  readonly #ports: SharePartitionPorts;
  readonly #partitions: PartitionTable;
  readonly #groups = new Map<string, Map<string, SharePartition>>();

  constructor(partitions: PartitionTable, ports: Omit<SharePartitionPorts, 'onFenced'>) {
    this.#partitions = partitions;
    this.#ports = { ...ports, onFenced: (partition) => this.#remove(partition) };
  }

  get size(): number {
    let size = 0;
    for (const group of this.#groups.values()) size += group.size;
    return size;
  }

  /** The share partition of a partition that is led here; begins to load it when it is new. */
  of(groupId: string, partition: Partition): SharePartition {
    const place = placeOf(partition.topic.id, partition.index);
    const known = this.#groups.get(groupId)?.get(place);
    if (known !== undefined && known.partition === partition && known.leaderEpoch === partition.leaderEpoch) return known;
    if (known !== undefined) this.#remove(known);
    const made = new SharePartition({ groupId, topicId: partition.topic.id, partition: partition.index }, partition, this.#ports);
    const group = this.#groups.get(groupId);
    if (group === undefined) this.#groups.set(groupId, new Map([[place, made]]));
    else group.set(place, made);
    made.load();
    return made;
  }

  /** One that is in use already. */
  known(groupId: string, topicId: Uuid, index: number): SharePartition | undefined {
    return this.#groups.get(groupId)?.get(placeOf(topicId, index));
  }

  find(topicId: Uuid, index: number): Partition | undefined {
    return this.#partitions.topicById(topicId)?.partitions[index];
  }

  hasTopic(topicId: Uuid): boolean {
    return this.#partitions.topicById(topicId) !== undefined;
  }

  /** What is kept of the group was changed from elsewhere. */
  dropGroup(groupId: string): void {
    for (const partition of this.#groups.get(groupId)?.values() ?? []) this.#remove(partition);
  }

  dropTopics(topicIds: ReadonlySet<Uuid>): void {
    for (const group of this.#groups.values()) {
      for (const partition of group.values()) if (topicIds.has(partition.key.topicId)) this.#remove(partition);
    }
  }

  close(): void {
    for (const groupId of this.#groups.keys()) this.dropGroup(groupId);
  }

  #remove(partition: SharePartition): void {
    const { groupId, topicId, partition: index } = partition.key;
    const group = this.#groups.get(groupId);
    const place = placeOf(topicId, index);
    if (group?.get(place) === partition) {
      group.delete(place);
      if (group.size === 0) this.#groups.delete(groupId);
    }
    partition.fence();
  }
}

const placeOf = (topicId: Uuid, index: number): string => `${index}/${topicId}`;
