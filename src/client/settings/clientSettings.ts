/** Kafka's client settings, as text, into the options of this client. */
import { nearestName } from '../../base/nearest.ts';
import type { ConfigKey, ConfigKeyTable } from '../../config/keys.ts';
import { parseValue, type ConfigValue } from '../../config/values.ts';
import { CODEC_NAMES, DEFAULT_LEVEL } from '../../record/codecs.ts';
import type { Codec } from '../../record/batchHeader.ts';
import type { ConsumerOptions } from '../consumer/consumerOptions.ts';
import { parseBootstrap } from '../core/bootstrap.ts';
import { ClientError } from '../core/clientError.ts';
import type { ClusterOptions } from '../core/cluster.ts';
import type { ProducerOptions } from '../producer/producerOptions.ts';
import { adminSettings, consumerSettings, producerSettings } from './settingTables.ts';
import { unusedSettings } from './unusedSettings.ts';

export type ClusterSettings = Pick<ClusterOptions, 'bootstrap' | 'clientId' | 'requestTimeoutMs' | 'apiTimeoutMs' | 'connectTimeoutMs' | 'retryBackoffMs' | 'retryBackoffMaxMs' | 'metadataMaxAgeMs'>;

export interface ClientSettings<Options> {
  readonly cluster: ClusterSettings;
  readonly options: Options;
  /** What the user should hear about settings without effect. */
  readonly warnings: readonly string[];
}

const IDEMPOTENT_IN_FLIGHT_MAX = 5;

/** Throws ClientError INVALID_ARGUMENT with Kafka's wording. */
export function adminOptions(settings: ReadonlyMap<string, string>): ClientSettings<null> {
  const values = new Values(adminSettings, settings);
  return { cluster: values.cluster(values.number('default.api.timeout.ms')), options: null, warnings: values.warnings() };
}

export function producerOptions(settings: ReadonlyMap<string, string>): ClientSettings<ProducerOptions> {
  const values = new Values(producerSettings, settings);
  if (settings.has('transactional.id')) throw new ClientError('INVALID_ARGUMENT', 'transactional.id is set, but this client has no transactions yet');
  const codec = CODEC_NAMES.indexOf(values.text('compression.type') as (typeof CODEC_NAMES)[number]) as Codec;
  const options: ProducerOptions = {
    acks: acksOf(values.text('acks')), codec, compressionLevel: levelFor(values.text('compression.type'), values), lingerMs: values.number('linger.ms'),
    batchSizeBytes: values.number('batch.size'), bufferMemoryBytes: values.number('buffer.memory'), requestSizeMaxBytes: values.number('max.request.size'),
    deliveryTimeoutMs: deliveryTimeoutMs(values, settings), requestTimeoutMs: values.number('request.timeout.ms'), maxBlockMs: values.number('max.block.ms'),
    retriesMax: values.number('retries'), inFlightMax: values.number('max.in.flight.requests.per.connection'), isIdempotent: isIdempotent(values, settings),
  };
  return { cluster: values.cluster(options.maxBlockMs), options, warnings: values.warnings() };
}

export function consumerOptions(settings: ReadonlyMap<string, string>): ClientSettings<ConsumerOptions> {
  const values = new Values(consumerSettings, settings);
  if (values.text('group.protocol').toLowerCase() !== 'classic') throw new ClientError('INVALID_ARGUMENT', 'group.protocol=consumer is not supported by this client yet: leave it out, or set classic');
  const groupId = settings.get('group.id');
  const instanceId = settings.get('group.instance.id');
  const group = groupId === undefined ? {} : { group: {
    groupId, sessionTimeoutMs: values.number('session.timeout.ms'), heartbeatIntervalMs: values.number('heartbeat.interval.ms'),
    maxPollIntervalMs: values.number('max.poll.interval.ms'), ...(instanceId === undefined ? {} : { instanceId }),
  } };
  const options: ConsumerOptions = {
    fetchMinBytes: values.number('fetch.min.bytes'), fetchWaitMsMax: values.number('fetch.max.wait.ms'), fetchMaxBytes: values.number('fetch.max.bytes'),
    maxPartitionFetchBytes: values.number('max.partition.fetch.bytes'), isolationLevel: values.text('isolation.level') as ConsumerOptions['isolationLevel'],
    autoOffsetReset: values.text('auto.offset.reset') as ConsumerOptions['autoOffsetReset'], enableAutoCommit: values.flag('enable.auto.commit'),
    autoCommitIntervalMs: values.number('auto.commit.interval.ms'), allowAutoCreateTopics: values.flag('allow.auto.create.topics'),
    excludeInternalTopics: values.flag('exclude.internal.topics'), checkCrcs: values.flag('check.crcs'), ...group,
  };
  return { cluster: values.cluster(values.number('default.api.timeout.ms')), options, warnings: values.warnings() };
}

const acksOf = (text: string): 0 | 1 | -1 => (text === '0' ? 0 : text === '1' ? 1 : -1);

function levelFor(codecName: string, values: Values): number {
  return codecName === 'gzip' || codecName === 'lz4' || codecName === 'zstd' ? values.number(`compression.${codecName}.level`) : DEFAULT_LEVEL;
}

/** On by default, off where other settings rule it out, an error where it was asked for as well. */
function isIdempotent(values: Values, settings: ReadonlyMap<string, string>): boolean {
  if (!values.flag('enable.idempotence')) return false;
  const conflicts = [
    [acksOf(values.text('acks')) !== -1, 'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.'],
    [values.number('retries') === 0, 'Must set retries to non-zero when using the idempotent producer.'],
    [values.number('max.in.flight.requests.per.connection') > IDEMPOTENT_IN_FLIGHT_MAX, 'Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.'],
  ] as const;
  const conflict = conflicts.find(([isConflict]) => isConflict);
  if (conflict === undefined) return true;
  if (settings.has('enable.idempotence')) throw new ClientError('INVALID_ARGUMENT', conflict[1]);
  return false;
}

function deliveryTimeoutMs(values: Values, settings: ReadonlyMap<string, string>): number {
  const leastMs = values.number('linger.ms') + values.number('request.timeout.ms');
  const deliveryMs = values.number('delivery.timeout.ms');
  if (deliveryMs >= leastMs) return deliveryMs;
  if (settings.has('delivery.timeout.ms')) throw new ClientError('INVALID_ARGUMENT', 'delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms');
  return leastMs;
}

class Values {
  readonly #table: ConfigKeyTable;
  readonly #settings: ReadonlyMap<string, string>;

  constructor(table: ConfigKeyTable, settings: ReadonlyMap<string, string>) {
    this.#table = table;
    this.#settings = settings;
    for (const name of settings.keys()) if (table.has(name)) this.#value(name);
    const protocol = this.text('security.protocol').toUpperCase();
    if (protocol !== 'PLAINTEXT') throw new ClientError('INVALID_ARGUMENT', `security.protocol=${protocol} is not supported by this client yet: only PLAINTEXT is`);
  }

  number(name: string): number {
    return this.#value(name) as number;
  }

  text(name: string): string {
    return this.#value(name) as string;
  }

  flag(name: string): boolean {
    return this.#value(name) as boolean;
  }

  cluster(apiTimeoutMs: number): ClusterSettings {
    return {
      bootstrap: parseBootstrap(this.#settings.get('bootstrap.servers') ?? ''), clientId: this.text('client.id'), requestTimeoutMs: this.number('request.timeout.ms'), apiTimeoutMs,
      connectTimeoutMs: this.number('socket.connection.setup.timeout.ms'), retryBackoffMs: this.number('retry.backoff.ms'), retryBackoffMaxMs: this.number('retry.backoff.max.ms'),
      metadataMaxAgeMs: this.number('metadata.max.age.ms'),
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
    if (!parsed.ok) throw new ClientError('INVALID_ARGUMENT', `Invalid value ${text} for configuration ${name}: ${parsed.problem}`);
    return parsed.value;
  }
}
