/** What a controller decides about feature levels (KIP-584, KIP-778). */
import { ErrorCode } from '../protocol/errors.ts';
import { accepted, refused } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import type { ChangeOutcome, FeatureSpan, FeatureUpdate } from './types.ts';

const METADATA_VERSION = 'metadata.version';
const KRAFT_VERSION = 'kraft.version';
/** Levels of metadata.version that brought new records or fields in Kafka: below them there is no way back. */
const LEVELS_WITH_NEW_RECORDS: readonly number[] = [8, 11, 13, 14, 15, 17, 23, 30];
/** Level of metadata.version that a feature needs as soon as it is on. */
const NEEDED_METADATA_LEVELS: ReadonlyMap<string, number> = new Map([['eligible.leader.replicas.version', 23]]);

/** Kafka's FeatureUpdate.UpgradeType. */
export const FeatureUpgradeType = { unknown: 0, upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const;

export interface FeatureDecision {
  /** What somebody set. */
  readonly levels: ReadonlyMap<string, number>;
  readonly supported: readonly FeatureSpan[];
  readonly controllerId: number;
}

/** All updates or none: the first that cannot be made fails the request. */
export function decideFeatures(given: FeatureDecision, updates: readonly FeatureUpdate[], records: MetadataRecord[]): ChangeOutcome {
  for (const update of updates) {
    const what = updateProblem(given, update, updates);
    if (what !== null) {
      records.length = 0;
      return refused(ErrorCode.INVALID_UPDATE_VERSION, `The update failed for all features since the following feature had an error: ${what}`);
    }
    if (update.level !== levelOf(given, update.name)) records.push({ kind: 'feature', name: update.name, level: update.level });
  }
  return accepted;
}

const levelOf = ({ levels, supported }: FeatureDecision, name: string): number =>
  levels.get(name) ?? supported.find((span) => span.name === name)?.defaultLevel ?? 0;

function updateProblem(given: FeatureDecision, update: FeatureUpdate, all: readonly FeatureUpdate[]): string | null {
  const { name, level, upgradeType } = update;
  const problem = problemOf(given, update);
  if (problem !== null) return `Invalid update version ${level} for feature ${name}. ${problem}`;
  const current = levelOf(given, name);
  if (name !== METADATA_VERSION) return dependencyProblem(given, update, all);
  if (level >= current || !changesRecords(level, current)) return null;
  const why = upgradeType === FeatureUpgradeType.unsafeDowngrade
    ? 'Unsafe metadata downgrade is not supported in this version.'
    : 'Refusing to perform the requested downgrade because it might delete metadata information.';
  return `Unsupported ${METADATA_VERSION} downgrade from ${current} to ${level}. ${why}`;
}

const changesRecords = (lower: number, higher: number): boolean => LEVELS_WITH_NEW_RECORDS.some((level) => lower < level && level <= higher);

/** A level that the same request sets counts. */
function dependencyProblem(given: FeatureDecision, { name, level }: FeatureUpdate, all: readonly FeatureUpdate[]): string | null {
  const needed = NEEDED_METADATA_LEVELS.get(name);
  if (needed === undefined || level === 0) return null;
  const metadataLevel = all.find((update) => update.name === METADATA_VERSION)?.level ?? levelOf(given, METADATA_VERSION);
  return metadataLevel >= needed ? null : `${name} could not be set to ${level} because it depends on ${METADATA_VERSION} level ${needed}`;
}

function problemOf(given: FeatureDecision, { name, level, upgradeType }: FeatureUpdate): string | null {
  if (upgradeType < FeatureUpgradeType.upgrade || upgradeType > FeatureUpgradeType.unsafeDowngrade) return 'The controller does not support the given upgrade type.';
  if (level < 0) return 'A feature version cannot be less than 0.';
  const span = given.supported.find((supported) => supported.name === name);
  if (span === undefined) return `Local controller ${given.controllerId} does not support this feature.`;
  if (level > span.maxVersion || level < span.minVersion) {
    return `Local controller ${given.controllerId} only supports versions ${span.minVersion}-${span.maxVersion}`;
  }
  if (name === KRAFT_VERSION && level < levelOf(given, name)) return "Can't downgrade the version of this feature.";
  if (level < levelOf(given, name) && upgradeType === FeatureUpgradeType.upgrade) {
    return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.";
  }
  return level > levelOf(given, name) && upgradeType !== FeatureUpgradeType.upgrade ? "Can't downgrade to a newer version." : null;
}
