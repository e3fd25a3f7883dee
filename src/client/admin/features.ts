import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeApiVersionsRequest, readApiVersionsResponse, writeApiVersionsRequest, type ApiVersion } from '../../protocol/generated/apiVersions.ts';
import { makeFeatureUpdateKey, makeUpdateFeaturesRequest, readUpdateFeaturesResponse, writeUpdateFeaturesRequest, type FeatureUpdateKey } from '../../protocol/generated/updateFeatures.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { brokers } from './routes.ts';

/** Version 3 is the newest that does not say to which node it is sent. */
const apiVersionsApi = { apiKey: ApiKey.ApiVersions, versionMax: 4, write: writeApiVersionsRequest, read: readApiVersionsResponse } as const;
const updateFeaturesApi = { apiKey: ApiKey.UpdateFeatures, versionMax: 2, write: writeUpdateFeaturesRequest, read: readUpdateFeaturesResponse } as const;
/** From here on one feature that cannot be updated fails them all, and the answer names none. */
const ALL_OR_NOTHING_VERSION = 2;

export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const;

export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

export interface FeatureMetadata {
  readonly supported: ReadonlyMap<string, VersionRange>;
  readonly finalized: ReadonlyMap<string, VersionRange>;
  /** null: there are no finalized features. */
  readonly finalizedEpoch: number | null;
}

export interface FeatureUpdate {
  /** 0 removes the feature. */
  readonly level: number;
  readonly upgradeType: (typeof UpgradeType)[keyof typeof UpgradeType];
}

/** Features that a broker supports and that the cluster has switched on; null: any broker's. */
export async function describeFeatures(cluster: Cluster, brokerId: number | null = null): Promise<FeatureMetadata> {
  return cluster.retrying(async () => {
    const connection = brokerId === null ? await cluster.anyConnection() : await cluster.connectionTo(brokerId);
    const answer = await askApiVersions(cluster, connection);
    return {
      supported: new Map(answer.supportedFeatures.map(({ name, minVersion, maxVersion }) => [name, { min: minVersion, max: maxVersion }])),
      finalized: new Map(answer.finalizedFeatures.map(({ name, minVersionLevel, maxVersionLevel }) => [name, { min: minVersionLevel, max: maxVersionLevel }])),
      finalizedEpoch: answer.finalizedFeaturesEpoch < 0 ? null : answer.finalizedFeaturesEpoch,
    };
  });
}

/** The APIs that each broker offers, by broker id. */
export function describeApiVersions(cluster: Cluster, brokerIds: readonly number[]): Promise<Map<number, Outcome<readonly ApiVersion[]>>> {
  return askForEach<number, readonly ApiVersion[]>(cluster, brokerIds, brokers(cluster, (id) => id), async (connection, [id]) => {
    const answer = await askApiVersions(cluster, connection);
    return new Map([[id as number, { value: answer.apiKeys }]]);
  });
}

async function askApiVersions(cluster: Cluster, connection: BrokerConnection): Promise<ReturnType<typeof readApiVersionsResponse>> {
  const body = makeApiVersionsRequest({ clientSoftwareName: 'tidelog', clientSoftwareVersion: cluster.options.softwareVersion });
  const answer = await connection.request(apiVersionsApi, body);
  throwOnError(answer.errorCode);
  return answer;
}

export interface FeatureResults {
  /** Why no feature was updated. */
  readonly error: KafkaError | null;
  readonly features: ReadonlyMap<string, KafkaError | null>;
}

/** Switches features on, up, down or off. */
export async function updateFeatures(cluster: Cluster, updates: ReadonlyMap<string, FeatureUpdate>, validateOnly = false): Promise<FeatureResults> {
  return cluster.retrying(async () => {
    const connection = await cluster.controllerConnection();
    const version = connection.versionOf(updateFeaturesApi, validateOnly ? 1 : 0);
    const body = makeUpdateFeaturesRequest({
      timeoutMs: cluster.options.requestTimeoutMs, validateOnly,
      featureUpdates: [...updates].map(([feature, { level, upgradeType }]) => updateKey(feature, level, upgradeType, version)),
    });
    const answer = await connection.request(updateFeaturesApi, body, { version });
    if (answer.errorCode === ErrorCode.NOT_CONTROLLER) cluster.forgetController();
    if (answer.errorCode === ErrorCode.NOT_CONTROLLER) throw new KafkaError(answer.errorCode, answer.errorMessage);
    const error = answer.errorCode === ErrorCode.NONE ? null : new KafkaError(answer.errorCode, answer.errorMessage);
    const named = version >= ALL_OR_NOTHING_VERSION ? [...updates.keys()].map((feature) => [feature, error] as const)
      : answer.results.map(({ feature, errorCode, errorMessage }) => [feature, outcomeOf(errorCode, errorMessage, null).error as KafkaError | undefined ?? null] as const);
    return { error, features: new Map(named) };
  });
}

/** Version 0 only knows whether a downgrade is allowed. */
function updateKey(feature: string, maxVersionLevel: number, upgradeType: number, version: number): FeatureUpdateKey {
  return version === 0 ? makeFeatureUpdateKey({ feature, maxVersionLevel, allowDowngrade: upgradeType !== UpgradeType.upgrade }) : makeFeatureUpdateKey({ feature, maxVersionLevel, upgradeType });
}
