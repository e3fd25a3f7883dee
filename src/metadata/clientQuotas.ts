/** Client quotas: for whom, how much, and which of them a filter means. */

/** Kafka's names of what a quota can be for. */
export const QuotaEntityType = { user: 'user', clientId: 'client-id', ip: 'ip' } as const;

/** Kafka's names of what a quota can limit. */
export const QuotaKey = {
  producerByteRate: 'producer_byte_rate', consumerByteRate: 'consumer_byte_rate', requestPercentage: 'request_percentage',
  controllerMutationRate: 'controller_mutation_rate', connectionCreationRate: 'connection_creation_rate',
} as const;

/** Entity type to name; a null name is the default of the type. */
export type QuotaEntity = ReadonlyMap<string, string | null>;

export interface QuotaEntry {
  readonly entity: QuotaEntity;
  /** Quota key to limit. */
  readonly values: ReadonlyMap<string, number>;
}

/** Entity types that a filter asks for: by name, null for the default, or undefined for any. */
export type QuotaFilter = ReadonlyMap<string, string | null | undefined>;

/** Read side of the quotas in an image. */
export interface ClientQuotaView {
  /** Grows with every change of the quotas. */
  readonly version: number;
  entries(): Iterable<QuotaEntry>;
  /** What is set for exactly this entity; undefined when nothing is. */
  valuesOf(entity: QuotaEntity): ReadonlyMap<string, number> | undefined;
}

export class ClientQuotaSet implements ClientQuotaView {
  version = 0;
  readonly #entries = new Map<string, { entity: QuotaEntity; values: Map<string, number> }>();

  entries(): Iterable<QuotaEntry> {
    return this.#entries.values();
  }

  valuesOf(entity: QuotaEntity): ReadonlyMap<string, number> | undefined {
    return this.#entries.get(entityKey(entity))?.values;
  }

  set(entity: QuotaEntity, key: string, value: number): void {
    this.version++;
    const id = entityKey(entity);
    const entry = this.#entries.get(id);
    if (entry === undefined) this.#entries.set(id, { entity, values: new Map([[key, value]]) });
    else entry.values.set(key, value);
  }

  remove(entity: QuotaEntity, key: string): void {
    const id = entityKey(entity);
    const entry = this.#entries.get(id);
    if (entry?.values.delete(key) !== true) return;
    this.version++;
    if (entry.values.size === 0) this.#entries.delete(id);
  }
}

function entityKey(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `strict`: entities with types that the filter does not name are not meant. */
export function matchesQuotaFilter(filter: QuotaFilter, strict: boolean, entity: QuotaEntity): boolean {
  if (strict && entity.size !== filter.size) return false;
  for (const [type, name] of filter) {
    if (!entity.has(type)) return false;
    if (name !== undefined && entity.get(type) !== name) return false;
  }
  return true;
}
