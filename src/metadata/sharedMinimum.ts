/**
 * While eligible leader replicas are on (KIP-966), min.insync.replicas is one number of all brokers: turning them on gives the cluster the setting and takes
 * those of single brokers away, and it stays.
 */
import { ErrorCode } from '../protocol/errors.ts';
import { refused } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import { ConfigResourceType } from './types.ts';
import type { ChangeOutcome, ClusterImage } from './types.ts';

const FEATURE = 'eligible.leader.replicas.version';
const SETTING = 'min.insync.replicas';
const DEFAULT = '1';

const isOn = (image: ClusterImage): boolean => (image.features.get(FEATURE) ?? 0) > 0;

/** Null, or why settings of brokers (`name` empty: of all) cannot become `after`. */
export function sharedMinimumProblem(image: ClusterImage, name: string, before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ChangeOutcome | null {
  if (!isOn(image) || before.get(SETTING) === after.get(SETTING)) return null;
  if (name !== '') return refused(ErrorCode.INVALID_CONFIG, `Broker-level ${SETTING} cannot be altered while ELR is enabled.`);
  return after.has(SETTING) ? null : refused(ErrorCode.INVALID_CONFIG, `Cluster-level ${SETTING} cannot be removed while ELR is enabled.`);
}

/** Adds what turning the feature on brings, where `records` turn it on. */
export function shareMinimum(image: ClusterImage, fromFile: string | undefined, records: MetadataRecord[]): void {
  if (isOn(image) || !records.some((record) => record.kind === 'feature' && record.name === FEATURE && record.level > 0)) return;
  const set = (resourceName: string, value: string | null): MetadataRecord => ({ kind: 'config', resourceType: ConfigResourceType.broker, resourceName, key: SETTING, value });
  if (!image.configsOf(ConfigResourceType.broker, '').has(SETTING)) records.push(set('', fromFile ?? DEFAULT));
  for (const id of image.brokers.keys()) {
    if (image.configsOf(ConfigResourceType.broker, String(id)).has(SETTING)) records.push(set(String(id), null));
  }
}
