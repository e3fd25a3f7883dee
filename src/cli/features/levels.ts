/** Kafka's feature levels: what `kafka-features version-mapping` and `feature-dependencies` tell. */

/** Names of the levels of metadata.version, from level 7 on. */
const METADATA_NAMES = [
  '3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2', '3.7-IV0', '3.7-IV1', '3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0', '4.0-IV1', '4.0-IV2',
  '4.0-IV3', '4.1-IV0', '4.1-IV1', '4.2-IV0', '4.2-IV1', '4.3-IV0',
] as const;
const FIRST_LEVEL = 7;
/** Begun in 4.3 and not finished: known by name alone. */
const UNSTABLE_NAMES: readonly string[] = ['4.4-IV0'];
export const METADATA_VERSION = 'metadata.version';

/** From which level of metadata.version on a feature has these levels by default. */
const DEFAULTS: Readonly<Record<string, readonly (readonly [fromMetadataLevel: number, level: number])[]>> = {
  'kraft.version': [[21, 1]],
  'transaction.version': [[24, 2]],
  'group.version': [[22, 1]],
  'eligible.leader.replicas.version': [[26, 1]],
  'share.version': [[28, 1]],
  'streams.version': [[29, 1]],
};
/** Levels of metadata.version that levels of other features need. */
const DEPENDENCIES: Readonly<Record<string, number>> = { 'eligible.leader.replicas.version=1': 23 };
const LEVELS_MAX: Readonly<Record<string, number>> = { 'kraft.version': 1, 'transaction.version': 2, 'group.version': 1, 'eligible.leader.replicas.version': 1, 'share.version': 1, 'streams.version': 1 };

export const featureNames: readonly string[] = Object.keys(DEFAULTS);
export const metadataLevelMax = FIRST_LEVEL + METADATA_NAMES.length - 1;
export const metadataNames: readonly string[] = METADATA_NAMES;

/** A level as Kafka prints it: by name for metadata.version. */
export function levelText(feature: string, level: number): string {
  return feature === METADATA_VERSION ? ([...METADATA_NAMES, ...UNSTABLE_NAMES][level - FIRST_LEVEL] ?? `UNKNOWN ${level}`) : String(level);
}

/** The level of `4.0-IV3`, or the newest of `4.0`; null: there is none of that name. */
export function metadataLevel(version: string): number | null {
  const exact = METADATA_NAMES.findIndex((name) => name === version);
  const newest = METADATA_NAMES.findLastIndex((name) => name.startsWith(`${version}-`));
  const index = exact >= 0 ? exact : newest;
  return index < 0 ? null : index + FIRST_LEVEL;
}

/** Levels of all other features in a cluster of that metadata.version. */
export function defaultLevels(level: number): Map<string, number> {
  return new Map(featureNames.map((feature) => [feature, (DEFAULTS[feature] ?? []).findLast(([from]) => level >= from)?.[1] ?? 0]));
}

/** What a level needs; null: nothing. undefined: there is no such level. */
export function dependenciesOf(feature: string, level: number): string | null | undefined {
  const max = feature === METADATA_VERSION ? metadataLevelMax : LEVELS_MAX[feature];
  if (max === undefined || level < 0 || level > max) return undefined;
  const needed = dependencyOf(feature, level);
  return needed === null ? null : `${METADATA_VERSION}=${needed} (${levelText(METADATA_VERSION, needed)})`;
}

/** The level of metadata.version that a level of another feature needs; null: any. */
export const dependencyOf = (feature: string, level: number): number | null => DEPENDENCIES[`${feature}=${level}`] ?? null;
