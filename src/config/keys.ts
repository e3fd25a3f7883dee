/** What is known of a configuration key. The tables are generated from `schema/` into `generated/`. */

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password';

/** What a value may be, beyond its type. Exactly one form applies. */
export type ConfigRule =
  | { readonly kind: 'any' }
  | { readonly kind: 'nonEmpty' }
  /** Both ends are allowed; `also` is one more value outside of them. */
  | { readonly kind: 'range'; readonly min: number; readonly max?: number; readonly also?: number }
  /** For a list: each of its items. */
  | { readonly kind: 'oneOf'; readonly values: readonly string[]; readonly ignoreCase?: boolean }
  /** `partition:broker` pairs, or `*`. */
  | { readonly kind: 'replicas' }
  /** `earliest`, `latest` or `by_duration:` and an ISO 8601 duration. */
  | { readonly kind: 'offsetReset' };

export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
  /** As Kafka prints it; null when there is none. */
  readonly defaultText: string | null;
  readonly rule: ConfigRule;
  readonly importance: 'high' | 'medium' | 'low';
  /** Whether it may change while the broker runs: never, for all brokers together, also for one broker. */
  readonly dynamic: 'no' | 'cluster' | 'broker';
  /** Known to Kafka, left out when configurations are listed. */
  readonly internal: boolean;
  /** `used`: acted on. `accepted`: known, without effect, named at start when it is set away from its default. */
  readonly use: 'used' | 'accepted';
  readonly doc: string;
  /** Topic keys: the broker keys that give the default, first set wins. Broker keys: none. */
  readonly brokerKeys: readonly string[];
}

export type ConfigKeyTable = ReadonlyMap<string, ConfigKey>;

export function keyTable(keys: readonly ConfigKey[]): ConfigKeyTable {
  return new Map(keys.map((key) => [key.name, key]));
}
