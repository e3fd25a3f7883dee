import { listOffsets, OffsetSpec } from '../../client/admin/listOffsets.ts';
import type { Outcome } from '../../client/admin/outcome.ts';
import { PartitionMap, type TopicPartition } from '../../client/admin/partitionMap.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import type { FoundOffset } from '../../client/admin/listOffsets.ts';

export function lookUp(cluster: Cluster, partitions: readonly TopicPartition[], timestamp: number): Promise<PartitionMap<Outcome<FoundOffset>>> {
  return partitions.length === 0 ? Promise.resolve(new PartitionMap()) : listOffsets(cluster, partitions.map((key) => [key, timestamp] as const));
}

/** Where logs end; a partition that does not tell (deleted, without a leader) is left out. */
export async function logEnds(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<PartitionMap<number>> {
  const found = await lookUp(cluster, partitions, OffsetSpec.latest);
  return new PartitionMap([...found].flatMap(([key, outcome]) => (outcome.error === undefined ? [[key, (outcome.value as FoundOffset).offset] as const] : [])));
}
