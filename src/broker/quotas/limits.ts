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

/** What is set for one user with one client id. */
export class QuotaLookup {
  /** From the most to the least specific entity. */
  readonly #candidates: readonly (readonly [values: ReadonlyMap<string, number>, sharedBy: string])[];

  constructor(quotas: ClientQuotaView, user: string, clientId: string) {
    const both = `both ${JSON.stringify([user, clientId])}`;
    const entities: readonly (readonly [user: Name, clientId: Name, sharedBy: string])[] = [
      [user, clientId, both],
      [user, null, both],
      [user, undefined, `user ${user}`],
      [null, clientId, both],
      [null, null, both],
      [null, undefined, `user ${user}`],
      [undefined, clientId, `client ${clientId}`],
      [undefined, null, `client ${clientId}`],
    ];
    this.#candidates = entities.flatMap(([userName, clientName, sharedBy]) => {
      const values = quotas.valuesOf(entityOf(userName, clientName));
      return values === undefined ? [] : [[values, sharedBy] as const];
    });
  }

  /** The most specific entity for which `key` is set decides. Null: no limit. */
  limit(key: string): Limit | null {
    for (const [values, sharedBy] of this.#candidates) {
      const value = values.get(key);
      if (value !== undefined) return { value, sharedBy };
    }
    return null;
  }
}

function entityOf(user: Name, clientId: Name): Map<string, string | null> {
  const entity = new Map<string, string | null>();
  if (user !== undefined) entity.set(QuotaEntityType.user, user);
  if (clientId !== undefined) entity.set(QuotaEntityType.clientId, clientId);
  return entity;
}
