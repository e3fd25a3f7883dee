/**
 * The order in which answers about client quotas name types and keys. The protocol leaves it open; Kafka's own is always the same for the usual sets,
 * and clients' tests compare whole answers.
 */
import { QuotaEntityType, QuotaKey } from '../../metadata/clientQuotas.ts';

const TYPES: readonly string[] = [QuotaEntityType.ip, QuotaEntityType.clientId, QuotaEntityType.user];
const KEYS: readonly string[] = [
  QuotaKey.connectionCreationRate, QuotaKey.consumerByteRate, QuotaKey.controllerMutationRate, QuotaKey.requestPercentage, QuotaKey.producerByteRate,
];

/** Entity types with their names, client before user; types that are unknown come first, in the order given. */
export function inTypeOrder(entity: Iterable<readonly [string, string | null]>): { entityType: string; entityName: string | null }[] {
  return [...entity].map(([entityType, entityName]) => ({ entityType, entityName })).sort((a, b) => TYPES.indexOf(a.entityType) - TYPES.indexOf(b.entityType));
}

/** Quota keys with their limits. */
export function inKeyOrder(values: Iterable<readonly [string, number]>): { key: string; value: number }[] {
  return [...values].map(([key, value]) => ({ key, value })).sort((a, b) => KEYS.indexOf(a.key) - KEYS.indexOf(b.key));
}
