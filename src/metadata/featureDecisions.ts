/** What a controller decides about feature levels (KIP-584, KIP-778). */
import { ErrorCode } from '../protocol/errors.ts';
import { accepted, refused } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import type { ChangeOutcome, FeatureSpan, FeatureUpdate } from './types.ts';

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
    const problem = problemOf(given, update);
    if (problem !== null) {
      records.length = 0;
      const what = `Invalid update version ${update.level} for feature ${update.name}. ${problem}`;
      return refused(ErrorCode.INVALID_UPDATE_VERSION, `The update failed for all features since the following feature had an error: ${what}`);
    }
    if (update.level !== levelOf(given, update.name)) records.push({ kind: 'feature', name: update.name, level: update.level });
  }
  return accepted;
}

const levelOf = ({ levels, supported }: FeatureDecision, name: string): number =>
  levels.get(name) ?? supported.find((span) => span.name === name)?.defaultLevel ?? 0;

function problemOf(given: FeatureDecision, { name, level, upgradeType }: FeatureUpdate): string | null {
  if (upgradeType < FeatureUpgradeType.upgrade || upgradeType > FeatureUpgradeType.unsafeDowngrade) return 'The controller does not support the given upgrade type.';
  if (level < 0) return 'A feature version cannot be less than 0.';
  const span = given.supported.find((supported) => supported.name === name);
  if (span === undefined) return `Local controller ${given.controllerId} does not support this feature.`;
  if (level > span.maxVersion || (level < span.minVersion && level !== 0)) {
    return `Local controller ${given.controllerId} only supports versions ${span.minVersion}-${span.maxVersion}`;
  }
  if (level < levelOf(given, name) && upgradeType === FeatureUpgradeType.upgrade) {
    return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.";
  }
  return level > levelOf(given, name) && upgradeType !== FeatureUpgradeType.upgrade ? "Can't downgrade to a newer version." : null;
}
