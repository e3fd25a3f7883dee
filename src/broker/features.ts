import { brokerValue, type BrokerLayers } from '../config/layers.ts';
import type { ClusterImage } from '../metadata/types.ts';

/** Feature levels that this broker can work at. A feature stands here once the APIs that it promises are served. */
export interface SupportedFeature {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Of a cluster for which nobody has set another. */
  readonly defaultLevel: number;
}

/** KIP-890: at 2 the epoch of a producer grows with each transaction, and produce adds partitions to it. */
export const TRANSACTION_VERSION = 'transaction.version';

/** KIP-848: consumer groups. */
export const GROUP_VERSION = 'group.version';

/** KIP-932: share groups. */
export const SHARE_VERSION = 'share.version';

/** KIP-1071: streams groups. */
export const STREAMS_VERSION = 'streams.version';

/** KIP-584: in Kafka, which records the metadata has. Ours are of one kind at every level: it only tells how new a cluster its administrators want. */
export const METADATA_VERSION = 'metadata.version';

/** KIP-853: at 1 voters of the metadata's quorum have directories, and are added and removed by name. */
export const KRAFT_VERSION = 'kraft.version';

/** KIP-966: one node has no replica that could be eligible; what remains is that min.insync.replicas is the cluster's. */
export const ELIGIBLE_LEADER_REPLICAS_VERSION = 'eligible.leader.replicas.version';

export const supportedFeatures: readonly SupportedFeature[] = [
  { name: METADATA_VERSION, minVersion: 7, maxVersion: 30, defaultLevel: 30 },
  { name: KRAFT_VERSION, minVersion: 0, maxVersion: 1, defaultLevel: 0 },
  { name: ELIGIBLE_LEADER_REPLICAS_VERSION, minVersion: 0, maxVersion: 1, defaultLevel: 0 },
  { name: GROUP_VERSION, minVersion: 0, maxVersion: 1, defaultLevel: 1 },
  { name: SHARE_VERSION, minVersion: 0, maxVersion: 1, defaultLevel: 1 },
  { name: STREAMS_VERSION, minVersion: 0, maxVersion: 1, defaultLevel: 1 },
  { name: TRANSACTION_VERSION, minVersion: 0, maxVersion: 2, defaultLevel: 2 },
];

/** The level of metadata.version that Kafka 4.3 has begun and not finished. */
const UNSTABLE_METADATA_LEVEL = 31;

/** What may be set: with `unstable.feature.versions.enable` also what Kafka has not finished. */
export function featuresOffered(layers: BrokerLayers): readonly SupportedFeature[] {
  if (brokerValue(layers, 'unstable.feature.versions.enable') !== true) return supportedFeatures;
  return supportedFeatures.map((feature) => (feature.name === METADATA_VERSION ? { ...feature, maxVersion: UNSTABLE_METADATA_LEVEL } : feature));
}

const defaultLevels = new Map(supportedFeatures.map(({ name, defaultLevel }) => [name, defaultLevel]));

/** At which level the cluster works; 0: without the feature. */
export function featureLevel(image: ClusterImage, name: string): number {
  return image.features.get(name) ?? defaultLevels.get(name) ?? 0;
}

/** All features of the cluster with their levels. */
export function finalizedFeatures(image: ClusterImage): ReadonlyMap<string, number> {
  const levels = new Map([...defaultLevels, ...image.features]);
  return new Map([...levels].filter(([, level]) => level > 0));
}
