/** Feature levels that a cluster begins with, as `kafka-storage format` is told them. */
import type { BrokerLayers } from '../../config/layers.ts';
import { featuresOffered, ELIGIBLE_LEADER_REPLICAS_VERSION, KRAFT_VERSION } from '../../broker/features.ts';
import { defaultLevels, dependencyOf, levelText, metadataLevel, metadataLevelMax, metadataNames, METADATA_VERSION } from '../features/levels.ts';
import { parseFeature } from '../features/versionTexts.ts';
import { ToolError } from '../toolError.ts';

export interface LevelsAsked {
  /** `4.2`, `4.0-IV3`; undefined: the newest. */
  readonly release: string | undefined;
  /** `name=level`; the last of a name counts. */
  readonly features: readonly string[];
  /** Whether voters of the metadata have directories (KIP-853). */
  readonly hasVoterDirectories: boolean;
  /** The broker's file: whether it may have levels that are not finished. */
  readonly layers: BrokerLayers;
}

/** A level for every feature; 0 takes it off. Throws ToolError in Kafka's words. */
export function initialLevels({ release, features, hasVoterDirectories, layers }: LevelsAsked): ReadonlyMap<string, number> {
  const asked = new Map(features.map(parseFeature));
  if (release !== undefined && asked.has(METADATA_VERSION)) throw new ToolError('Use --release-version instead of --feature metadata.version=X to avoid ambiguity.');
  const metadata = asked.get(METADATA_VERSION) ?? releaseLevel(release);
  for (const [name, level] of asked) checkLevel(name, level, metadata, layers);
  if (asked.get(KRAFT_VERSION) === 1 && !hasVoterDirectories) throw new ToolError(NEEDS_VOTERS);
  return new Map([
    [METADATA_VERSION, metadata],
    ...defaultLevels(metadata),
    // Without a replica beside the leader it changes nothing but who may set min.insync.replicas.
    [ELIGIBLE_LEADER_REPLICAS_VERSION, 0],
    ...(hasVoterDirectories ? [] : [[KRAFT_VERSION, 0] as const]),
    ...asked,
  ]);
}

const NEEDS_VOTERS = 'Cannot set kraft.version to 1 unless controller.quorum.voters is empty and one of the flags --standalone, --initial-controllers, or --no-initial-controllers is used.';

function releaseLevel(release: string | undefined): number {
  const level = release === undefined ? metadataLevelMax : metadataLevel(release);
  if (level === null) throw new ToolError(`Unknown metadata.version '${release}'. Supported metadata.version are: ${metadataNames.join(', ')}`);
  return level;
}

function checkLevel(name: string, level: number, metadata: number, layers: BrokerLayers): void {
  const supportedFeatures = featuresOffered(layers);
  const span = supportedFeatures.find((feature) => feature.name === name);
  if (span === undefined) throw new ToolError(`Unsupported feature: ${name}. Supported features are: ${supportedFeatures.map((feature) => feature.name).filter((other) => other !== METADATA_VERSION).sort().join(', ')}`);
  if (name === METADATA_VERSION && (level < span.minVersion || level > span.maxVersion)) {
    throw new ToolError(`No MetadataVersion with feature level ${level}. Valid feature levels are from ${span.minVersion} to ${span.maxVersion}.`);
  }
  if (level > span.maxVersion) throw new ToolError(`No feature:${name} with feature level ${level}`);
  const needed = dependencyOf(name, level);
  if (needed !== null && metadata < needed) throw new ToolError(`${name} could not be set to ${level} because it depends on ${METADATA_VERSION} level ${needed}`);
}

export const metadataName = (levels: ReadonlyMap<string, number>): string => levelText(METADATA_VERSION, levels.get(METADATA_VERSION) ?? metadataLevelMax);
