import { nearestName } from '../../base/nearest.ts';
import type { ConfigKey, ConfigKeyTable } from '../../config/keys.ts';
import { parseValue, type ConfigValue } from '../../config/values.ts';
import { parseBootstrap } from '../core/bootstrap.ts';
import { ClientError } from '../core/clientError.ts';
import type { ClusterOptions } from '../core/cluster.ts';
import { clientSecurity, type ClientSecurity } from '../security/clientSecurity.ts';
import { adminSettings, consumerSettings, producerSettings } from './settingTables.ts';
import { unusedSettings } from './unusedSettings.ts';

export type ClusterSettings = Pick<ClusterOptions, 'bootstrap' | 'clientId' | 'requestTimeoutMs' | 'apiTimeoutMs' | 'connectTimeoutMs' | 'retryBackoffMs' | 'retryBackoffMaxMs' | 'metadataMaxAgeMs' | 'reconnectBackoffMs' | 'reconnectBackoffMaxMs' | 'rebootstrapTriggerMs'> & ClientSecurity;

export interface ClientSettings<Options> {
  readonly cluster: ClusterSettings;
  readonly options: Options;
  /** What the user should hear about settings without effect. */
  readonly warnings: readonly string[];
}

/** Settings of one kind of client, checked at the door. Throws ClientError INVALID_ARGUMENT in Kafka's wording. */
export class SettingValues {
  readonly #table: ConfigKeyTable;
  readonly #settings: ReadonlyMap<string, string>;

  constructor(table: ConfigKeyTable, settings: ReadonlyMap<string, string>) {
    this.#table = table;
    this.#settings = settings;
    for (const name of settings.keys()) if (table.has(name)) this.#value(name);
  }

  number(name: string): number {
    return this.#value(name) as number;
  }

  text(name: string): string {
    return this.#value(name) as string;
  }

  list(name: string): readonly string[] {
    return this.#value(name) as readonly string[];
  }

  flag(name: string): boolean {
    return this.#value(name) as boolean;
  }

  cluster(apiTimeoutMs: number): ClusterSettings {
    return {
      bootstrap: parseBootstrap(this.#settings.get('bootstrap.servers') ?? ''), clientId: this.text('client.id'), requestTimeoutMs: this.number('request.timeout.ms'), apiTimeoutMs,
      connectTimeoutMs: this.number('socket.connection.setup.timeout.ms'), retryBackoffMs: this.number('retry.backoff.ms'), retryBackoffMaxMs: this.number('retry.backoff.max.ms'),
      metadataMaxAgeMs: this.number('metadata.max.age.ms'), reconnectBackoffMs: this.number('reconnect.backoff.ms'), reconnectBackoffMaxMs: this.number('reconnect.backoff.max.ms'),
      rebootstrapTriggerMs: this.text('metadata.recovery.strategy').toLowerCase() === 'none' ? Infinity : this.number('metadata.recovery.rebootstrap.trigger.ms'), ...clientSecurity(this.#settings),
    };
  }

  /** For every setting given that has no effect. */
  warnings(): string[] {
    const others = [...this.#settings.keys()].filter((name) => !this.#table.has(name));
    return others.map((name) => {
      if (unusedSettings.has(name) || adminSettings.has(name) || producerSettings.has(name) || consumerSettings.has(name)) return `The setting ${name} has no effect in this client`;
      const nearest = nearestName(name, [...this.#table.keys(), ...unusedSettings]);
      return `The setting ${name} is not known${nearest === null ? '' : `. Did you mean ${nearest}?`}`;
    });
  }

  #value(name: string): ConfigValue {
    const key = this.#table.get(name) as ConfigKey;
    const text = this.#settings.get(name) ?? key.defaultText ?? '';
    const parsed = parseValue(key, text);
    const shown = key.type === 'password' ? '[hidden]' : text;
    if (!parsed.ok) throw new ClientError('INVALID_ARGUMENT', `Invalid value ${shown} for configuration ${name}: ${parsed.problem}`);
    return parsed.value;
  }
}
