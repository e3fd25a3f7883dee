import type { ClusterView } from '../cluster.ts';

const PRIME_A = 2654435761;
const PRIME_B = 1597334677;

/**
 * A number that changes when one of the topics appears, goes, is made anew, gets partitions, or moves to other racks: 53 bits, which a record keeps as an int64. Only compared
 * with what was computed here; a broker of another make computes another, and rebalances once.
 */
export function metadataHash(topics: Iterable<string>, cluster: ClusterView): number {
  let sumLow = 0;
  let sumHigh = 0;
  for (const topic of topics) {
    const text = describeTopic(topic, cluster);
    if (text === null) continue;
    let a = 0xdeadbeef;
    let b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, PRIME_A);
      b = Math.imul(b ^ unit, PRIME_B);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    // sums, so that the order of topics is of no matter
    sumLow = (sumLow + (a >>> 0)) >>> 0;
    sumHigh = (sumHigh + (b >>> 0)) >>> 0;
  }
  return (sumHigh & 0x1fffff) * 0x100000000 + sumLow;
}

/** Null: there is no such topic. */
function describeTopic(topic: string, cluster: ClusterView): string | null {
  const id = cluster.idOf(topic);
  if (id === undefined) return null;
  const count = cluster.partitionCountOf(topic);
  let text = `${topic}/${id}/${count}`;
  for (let partition = 0; partition < count; partition++) {
    const racks = cluster.racksOf(topic, partition);
    if (racks.length > 0) text += `/${partition}:${racks.toSorted().join(',')}`;
  }
  return text;
}
