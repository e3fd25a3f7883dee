/** Which brokers hold a partition. */
import type { BrokerRegistration, ClusterImage } from './types.ts';

export interface ReplicaPlacement {
  readonly replicas: readonly number[];
  /** Those of them that are up; the first leads. */
  readonly inSync: readonly number[];
}

/** What is wrong with the number of replicas asked for, in Kafka's words; null when it can be had. */
export function replicationProblem(brokers: ReadonlyMap<number, BrokerRegistration>, replicationFactor: number): string | null {
  if (replicationFactor <= 0) return `Invalid replication factor ${replicationFactor}: the replication factor must be positive.`;
  if (activeBrokers(brokers).length === 0) return 'All brokers are currently fenced.';
  if (replicationFactor > brokers.size) {
    return `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.size} broker(s) are registered.`;
  }
  return null;
}

const activeBrokers = (brokers: ReadonlyMap<number, BrokerRegistration>): number[] =>
  [...brokers.values()].filter((broker) => !broker.fenced).map((broker) => broker.id);

/** Replicas of `count` new partitions, in stripes over the brokers that begin at `first` (a random number spreads leaders of small topics). */
export function placeReplicas(image: ClusterImage, first: number, count: number, replicationFactor: number): ReplicaPlacement[] {
  const active = activeBrokers(image.brokers);
  const fenced = [...image.brokers.keys()].filter((id) => !active.includes(id));
  const placements: ReplicaPlacement[] = [];
  for (let index = 0; index < count; index++) {
    const replicas: number[] = [];
    for (let step = 0; step < Math.min(replicationFactor, active.length); step++) {
      replicas.push(active[(first + index + step) % active.length]!);
    }
    const inSync = [...replicas];
    for (let step = 0; replicas.length < replicationFactor; step++) replicas.push(fenced[step]!);
    placements.push({ replicas, inSync });
  }
  return placements;
}

/** Checks replicas that a person chose. `width`: how many each partition must have, -1 when this is the first. Returns Kafka's message, or null. */
export function assignmentProblem(image: ClusterImage, replicas: readonly number[], width: number): string | null {
  const said = 'The manual partition assignment includes';
  if (replicas.length === 0) return `${said} an empty replica list.`;
  const seen = new Set<number>();
  for (const id of [...replicas].sort((a, b) => a - b)) {
    if (!image.brokers.has(id)) return `${said} broker ${id}, but no such broker is registered.`;
    if (seen.has(id)) return `${said} the broker ${id} more than once.`;
    seen.add(id);
  }
  if (width === -1 || replicas.length === width) return null;
  return `${said} a partition with ${replicas.length} replica(s), but this is not consistent with previous partitions, which have ${width} replica(s).`;
}

/** The replicas of an assignment that are up. */
export function activeAmong(image: ClusterImage, replicas: readonly number[]): number[] {
  return replicas.filter((id) => image.brokers.get(id)?.fenced === false);
}
