import type { Random } from '../../base/ports.ts';
import type { PartitionLeader } from '../core/cluster.ts';
import type { OutgoingRecord } from './outgoingRecord.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** 32-bit murmur2, signed, as Java's client computes it, so that a key goes to the same partition whoever produces it. */
export function murmur2(bytes: Uint8Array): number {
  let hash = SEED ^ bytes.length;
  const whole = bytes.length - (bytes.length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER);
  }
  const tail = bytes.length - whole;
  if (tail === 3) hash ^= (bytes[whole + 2] as number) << 16;
  if (tail >= 2) hash ^= (bytes[whole + 1] as number) << 8;
  if (tail >= 1) hash = Math.imul(hash ^ (bytes[whole] as number), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/** Records without a key stay with one partition until its batch is closed (KIP-480). */
export class StickyPartition {
  readonly #random: Random;
  #current = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  choose(leaders: readonly PartitionLeader[]): number {
    if (this.#current < 0 || this.#current >= leaders.length) this.#move(leaders);
    return this.#current;
  }

  /** A batch of `partition` is closed: on to another one. */
  onBatchClosed(partition: number, leaders: readonly PartitionLeader[]): void {
    if (partition === this.#current) this.#move(leaders);
  }

  /** To a partition that has a leader, where one has; not the same one twice where there are two. */
  #move(leaders: readonly PartitionLeader[]): void {
    const others = [...leaders.keys()].filter((partition) => partition !== this.#current);
    const led = others.filter((partition) => (leaders[partition] as PartitionLeader).leader >= 0);
    const candidates = led.length > 0 ? led : others;
    this.#current = candidates[this.#random.below(candidates.length)] ?? Math.min(Math.max(this.#current, 0), leaders.length - 1);
  }
}

/** Chooses the partitions of one topic's records. */
export interface Partitioner {
  /** A number from 0 to below `leaders.length`. */
  choose(record: OutgoingRecord, leaders: readonly PartitionLeader[]): number;
  /** A batch of this partition is closed. */
  onBatchClosed?(partition: number, leaders: readonly PartitionLeader[]): void;
}

/** One for each topic. */
export type PartitionerFactory = (topic: string, random: Random) => Partitioner;

/** Java's: murmur2 of the key; records without a key stay with a partition for a batch. */
export const defaultPartitioner: PartitionerFactory = (_topic, random) => {
  const sticky = new StickyPartition(random);
  return {
    choose: ({ key }, leaders) => (key === null ? sticky.choose(leaders) : partitionForKey(key, leaders.length)),
    onBatchClosed: (partition, leaders) => sticky.onBatchClosed(partition, leaders),
  };
};

/** Java's UniformStickyPartitioner: a partition for a batch, whatever the keys. */
export const uniformStickyPartitioner: PartitionerFactory = (_topic, random) => {
  const sticky = new StickyPartition(random);
  return { choose: (_record, leaders) => sticky.choose(leaders), onBatchClosed: (partition, leaders) => sticky.onBatchClosed(partition, leaders) };
};

/** One partition after the other, past those without a leader where others have one. */
export const roundRobinPartitioner: PartitionerFactory = (_topic, random) => {
  let next = random.below(2 ** 16);
  return {
    choose(_record, leaders) {
      for (let tries = 0; tries < leaders.length; tries += 1) {
        const partition = next++ % leaders.length;
        if ((leaders[partition] as PartitionLeader).leader >= 0) return partition;
      }
      return next % leaders.length;
    },
  };
};

/** A function of one's own. */
export function customPartitioner(choose: (record: OutgoingRecord, partitionCount: number) => number): PartitionerFactory {
  return () => ({ choose: (record, leaders) => choose(record, leaders.length) });
}
