/** Which quota holds for a user with a client id: Kafka's order of precedence, and whom the limit is shared with. */
import { QuotaEntityType } from '../../metadata/clientQuotas.ts';
import type { ClientQuotaView } from '../../metadata/clientQuotas.ts';

export interface Limit {
  readonly value: number;
  /** Whoever has the same shares the limit. */
  readonly sharedBy: string;
}

/** Undefined: not part of the entity; null: the default. */
type Name = string | null | undefined;

/** The most specific entity for which `key` is set decides. Null: no limit. */
export function limitFor(quotas: ClientQuotaView, key: string, user: string, clientId: string): Limit | null {
  const both = `both ${JSON.stringify([user, clientId])}`;
  const candidates: readonly (readonly [user: Name, clientId: Name, sharedBy: string])[] = [
    [user, clientId, both],
    [user, null, both],
    [user, undefined, `user ${user}`],
    [null, clientId, both],
    [null, null, both],
    [null, undefined, `user ${user}`],
    [undefined, clientId, `client ${clientId}`],
    [undefined, null, `client ${clientId}`],
  ];
  for (const [userName, clientName, sharedBy] of candidates) {
    const value = quotas.valuesOf(entityOf(userName, clientName))?.get(key);
    if (value !== undefined) return { value, sharedBy };
  }
  return null;
}

function entityOf(user: Name, clientId: Name): Map<string, string | null> {
  const entity = new Map<string, string | null>();
  if (user !== undefined) entity.set(QuotaEntityType.user, user);
  if (clientId !== undefined) entity.set(QuotaEntityType.clientId, clientId);
  return entity;
}
