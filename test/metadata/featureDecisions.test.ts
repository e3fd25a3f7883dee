import { describe, expect, it } from 'vitest';
import { supportedFeatures } from '../../src/broker/features.ts';
import { decideFeatures, FeatureUpgradeType } from '../../src/metadata/featureDecisions.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';

const { upgrade, safeDowngrade, unsafeDowngrade } = FeatureUpgradeType;

function decide(levels: Record<string, number>, ...updates: [name: string, level: number, upgradeType?: number][]) {
  const records: MetadataRecord[] = [];
  const given = { levels: new Map(Object.entries(levels)), supported: supportedFeatures, controllerId: 1 };
  const { message } = decideFeatures(given, updates.map(([name, level, upgradeType = upgrade]) => ({ name, level, upgradeType })), records);
  return { message: message?.replace('The update failed for all features since the following feature had an error: ', '') ?? null, records: records.length };
}

/** The words are those of Apache Kafka 4.3.1, asked. */
describe('Feature levels', () => {
  it('go back over no level of metadata.version that brought records', () => {
    expect(decide({}, ['metadata.version', 29, safeDowngrade]).message)
      .toBe('Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete metadata information.');
    expect(decide({}, ['metadata.version', 29, unsafeDowngrade]).message).toBe('Unsupported metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not supported in this version.');
    expect(decide({ 'metadata.version': 29 }, ['metadata.version', 23, safeDowngrade])).toEqual({ message: null, records: 1 });
    expect(decide({ 'metadata.version': 29 }, ['metadata.version', 22, safeDowngrade]).message).toContain('Refusing');
    expect(decide({ 'metadata.version': 18 }, ['metadata.version', 30])).toEqual({ message: null, records: 1 });
  });

  it('of metadata.version are never taken off', () => {
    expect(decide({}, ['metadata.version', 0, safeDowngrade]).message).toBe('Invalid update version 0 for feature metadata.version. Local controller 1 only supports versions 7-30');
    expect(decide({}, ['metadata.version', 31]).message).toBe('Invalid update version 31 for feature metadata.version. Local controller 1 only supports versions 7-30');
  });

  it('of kraft.version go up alone', () => {
    expect(decide({}, ['kraft.version', 1])).toEqual({ message: null, records: 1 });
    expect(decide({}, ['kraft.version', 0, safeDowngrade])).toEqual({ message: null, records: 0 });
    expect(decide({ 'kraft.version': 1 }, ['kraft.version', 0, safeDowngrade]).message).toBe("Invalid update version 0 for feature kraft.version. Can't downgrade the version of this feature.");
  });

  it('need others, which the same request may bring', () => {
    const needs = 'eligible.leader.replicas.version could not be set to 1 because it depends on metadata.version level 23';
    expect(decide({ 'metadata.version': 21 }, ['eligible.leader.replicas.version', 1]).message).toBe(needs);
    expect(decide({ 'metadata.version': 21 }, ['eligible.leader.replicas.version', 1], ['metadata.version', 23])).toEqual({ message: null, records: 2 });
  });
});
