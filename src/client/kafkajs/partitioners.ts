import { systemRandom } from '../../base/systemPorts.ts';
import { murmur2 } from '../producer/partitioner.ts';
import type { Message } from './messages.ts';
import { toBytes } from './messages.ts';

export interface PartitionMetadata {
  partitionErrorCode: number;
  partitionId: number;
  leader: number;
  replicas: number[];
  isr: number[];
  offlineReplicas?: number[];
}

export interface PartitionerArgs {
  topic: string;
  partitionMetadata: PartitionMetadata[];
  message: Message;
}

/** Made once a producer; chooses the partition of each message that names none. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number;
export type DefaultPartitioner = ICustomPartitioner;
export type LegacyPartitioner = ICustomPartitioner;

const toPositive = (value: number): number => value & 0x7fffffff;

/** Messages without a key go round among the partitions that have a leader. */
const partitionerBy = (hash: (key: Uint8Array) => number): ICustomPartitioner => () => {
  let counter = systemRandom.below(2 ** 31);
  return ({ partitionMetadata, message }) => {
    const key = toBytes(message.key, 'key');
    if (key !== null) return toPositive(hash(key)) % partitionMetadata.length;
    const available = partitionMetadata.filter(({ leader }) => leader >= 0);
    counter = toPositive(counter + 1);
    if (available.length === 0) return counter % partitionMetadata.length;
    return (available[counter % available.length] as PartitionMetadata).partitionId;
  };
};

const MULTIPLIER = 0x5bd1e995;
const SEED = 0x9747b28c;

/** The murmur2 of KafkaJS 1, which multiplied in floating point and so lost bits: kept so that keys stay where they are. */
export function legacyMurmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = SEED ^ length;
  const byte = (at: number): number => bytes[at] ?? 0;
  // it took a word that is cut as well, and its bytes once more after that
  const words = Math.ceil(length / 4);
  for (let word = 0; word < words; word += 1) {
    const at = word * 4;
    let part = byte(at) + (byte(at + 1) << 8) + (byte(at + 2) << 16) + (byte(at + 3) << 24);
    part *= MULTIPLIER;
    part ^= part >>> 24;
    part *= MULTIPLIER;
    hash *= MULTIPLIER;
    hash ^= part;
  }
  const tail = length - (length % 4);
  const rest = length % 4;
  if (rest === 3) hash ^= byte(tail + 2) << 16;
  if (rest >= 2) hash ^= byte(tail + 1) << 8;
  if (rest >= 1) {
    hash ^= byte(tail);
    hash *= MULTIPLIER;
  }
  hash ^= hash >>> 13;
  hash *= MULTIPLIER;
  hash ^= hash >>> 15;
  return hash;
}

const javaCompatible = partitionerBy(murmur2);

export const Partitioners = { DefaultPartitioner: javaCompatible, JavaCompatiblePartitioner: javaCompatible, LegacyPartitioner: partitionerBy(legacyMurmur2) } as const;
