import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAlterClientQuotasRequest, makeAlterClientQuotasRequestEntityData, makeAlterClientQuotasRequestEntryData, makeOpData, readAlterClientQuotasResponse, writeAlterClientQuotasRequest } from '../../protocol/generated/alterClientQuotas.ts';
import { makeComponentData, makeDescribeClientQuotasRequest, readDescribeClientQuotasResponse, writeDescribeClientQuotasRequest } from '../../protocol/generated/describeClientQuotas.ts';
import { throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { anyBroker } from './routes.ts';

const describeClientQuotasApi = { apiKey: ApiKey.DescribeClientQuotas, versionMax: 1, write: writeDescribeClientQuotasRequest, read: readDescribeClientQuotasResponse } as const;
const alterClientQuotasApi = { apiKey: ApiKey.AlterClientQuotas, versionMax: 1, write: writeAlterClientQuotasRequest, read: readAlterClientQuotasResponse } as const;

const MatchType = { exact: 0, default: 1, any: 2 } as const;

export type QuotaEntityType = 'user' | 'client-id' | 'ip';

/** Names by type; null: the default of that type. */
export type QuotaEntity = ReadonlyMap<QuotaEntityType, string | null>;

export interface QuotaFilterPart {
  readonly type: QuotaEntityType;
  /** null: the default of that type; 'any': every name, and the default. */
  readonly match: { readonly name: string } | null | 'any';
}

export interface EntityQuotas {
  readonly entity: QuotaEntity;
  readonly quotas: ReadonlyMap<string, number>;
}

export interface QuotaAlteration {
  readonly entity: QuotaEntity;
  /** null: remove. */
  readonly quotas: ReadonlyMap<string, number | null>;
}

/** `isStrict`: entities of these types and no other. */
export async function describeClientQuotas(cluster: Cluster, parts: readonly QuotaFilterPart[], isStrict = false): Promise<EntityQuotas[]> {
  const components = parts.map(({ type, match }) => makeComponentData({
    entityType: type, matchType: match === null ? MatchType.default : match === 'any' ? MatchType.any : MatchType.exact, match: match === null || match === 'any' ? null : match.name,
  }));
  const answer = await cluster.askAny(describeClientQuotasApi, makeDescribeClientQuotasRequest({ components, strict: isStrict }));
  throwOnError(answer.errorCode, answer.errorMessage);
  return (answer.entries ?? []).map(({ entity, values }) => ({
    entity: new Map(entity.map(({ entityType, entityName }) => [entityType as QuotaEntityType, entityName])), quotas: new Map(values.map(({ key, value }) => [key, value])),
  }));
}

export function alterClientQuotas(cluster: Cluster, alterations: readonly QuotaAlteration[], validateOnly = false): Promise<Map<QuotaAlteration, Outcome<null>>> {
  return askForEach<QuotaAlteration, null>(cluster, alterations, anyBroker(cluster), async (connection, keys) => {
    const entries = keys.map(({ entity, quotas }) => makeAlterClientQuotasRequestEntryData({
      entity: [...entity].map(([entityType, entityName]) => makeAlterClientQuotasRequestEntityData({ entityType, entityName })),
      ops: [...quotas].map(([key, value]) => makeOpData({ key, value: value ?? 0, remove: value === null })),
    }));
    const answer = await connection.request(alterClientQuotasApi, makeAlterClientQuotasRequest({ entries, validateOnly }));
    const results = new Map(answer.entries.map((entry) => [entityKey(entry.entity.map(({ entityType, entityName }) => [entityType, entityName] as const)), entry]));
    return new Map(keys.flatMap((key) => {
      const result = results.get(entityKey([...key.entity]));
      return result === undefined ? [] : [[key, outcomeOf(result.errorCode, result.errorMessage, null)] as const];
    }));
  });
}

const entityKey = (parts: readonly (readonly [string, string | null])[]): string => JSON.stringify([...parts].sort(([a], [b]) => (a < b ? -1 : 1)));
