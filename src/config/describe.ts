/** What DescribeConfigs answers: effective values, where they come from, and what stands below them. */
import type { ConfigKey, ConfigType } from './keys.ts';
import { baseKeyOf } from './listenerKeys.ts';
import { brokerSynonyms, explicitText, NO_SETTINGS, type BrokerLayers, type Settings } from './layers.ts';
import { brokerTable, topicTable } from './tables.ts';
import { effectiveTopicText } from './topicConfig.ts';
import { canonicalText } from './values.ts';

/** Codes of DescribeConfigs: where a value was set. */
export const ConfigSource = { topic: 1, dynamicBroker: 2, dynamicDefault: 3, static: 4, default: 5, brokerLogger: 6, dynamicClientMetrics: 7, dynamicGroup: 8 } as const;
export type ConfigSourceCode = (typeof ConfigSource)[keyof typeof ConfigSource];

/** Codes of DescribeConfigs: the type of a value; 0 is unknown. */
export const CONFIG_TYPE_CODES: Readonly<Record<ConfigType, number>> = {
  boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7, class: 8, password: 9,
};
const TYPE_UNKNOWN = 0;

export interface ConfigSynonym {
  readonly name: string;
  /** Null for passwords and for what has no value. */
  readonly value: string | null;
  readonly source: ConfigSourceCode;
}

export interface DescribedConfig {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSourceCode;
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  readonly typeCode: number;
  readonly documentation: string;
  readonly synonyms: readonly ConfigSynonym[];
}

/** Describes a topic: all public keys and what it sets beyond them, or those of `names` that exist (null: all), in the order of their names. */
export function describeTopicConfigs(topic: Settings, layers: BrokerLayers, names: readonly string[] | null): DescribedConfig[] {
  return keysToDescribe(topicTable, names, (name) => topic.has(name)).map((key) => describeTopicKey(key, topic, layers));
}

function describeTopicKey(key: ConfigKey, topic: Settings, layers: BrokerLayers): DescribedConfig {
  const value = effectiveTopicText(key, topic, layers);
  const [brokerName] = key.brokerKeys;
  const below = brokerName === undefined ? [] : synonymsOf(brokerName, layers, false);
  const synonyms = topic.has(key.name) ? [{ name: key.name, value, source: ConfigSource.topic }, ...below] : below;
  return {
    name: key.name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.default,
    readOnly: false,
    isSensitive: false,
    typeCode: CONFIG_TYPE_CODES[key.type],
    documentation: key.doc,
    synonyms,
  };
}

/** Describes one broker: all public keys and what its file sets beyond them. */
export function describeBrokerConfigs(layers: BrokerLayers, names: readonly string[] | null): DescribedConfig[] {
  const known = keysToDescribe(brokerTable, names, (name) => explicitText(layers, name) !== undefined).map((key) => describeBrokerKey(key, layers));
  const isWanted = (name: string) => !brokerTable.has(name) && (names === null || names.includes(name));
  const others = new Set([...layers.static.keys(), ...layers.dynamicDefault.keys(), ...layers.dynamicBroker.keys()]);
  const unknown = [...others].filter(isWanted).map((name) => describeUnknownKey(name, layers));
  return [...known, ...unknown];
}

function describeBrokerKey(key: ConfigKey, layers: BrokerLayers): DescribedConfig {
  const isSensitive = key.type === 'password';
  const synonyms = synonymsOf(key.name, layers, isSensitive);
  const text = explicitText(layers, key.name) ?? key.defaultText;
  return {
    name: key.name,
    value: isSensitive || text === null ? null : canonicalText(key, text),
    source: synonyms[0]?.source ?? ConfigSource.default,
    readOnly: key.dynamic === 'no',
    isSensitive,
    typeCode: CONFIG_TYPE_CODES[key.type],
    documentation: key.doc,
    synonyms,
  };
}

/** A setting of one listener, or a key of a plug-in, perhaps: then its value may be a secret. */
function describeUnknownKey(name: string, layers: BrokerLayers): DescribedConfig {
  const key = baseKeyOf(name);
  const isSensitive = key === undefined || key.type === 'password';
  const synonyms = synonymsOf(name, layers, isSensitive);
  return {
    name,
    value: synonyms[0]?.value ?? null,
    source: synonyms[0]?.source ?? ConfigSource.static,
    // As Kafka tells it, though settings of listeners can be made while running.
    readOnly: true,
    isSensitive,
    typeCode: key === undefined ? TYPE_UNKNOWN : CONFIG_TYPE_CODES[key.type],
    documentation: key?.doc ?? '',
    synonyms,
  };
}

/** Describes the settings made for all brokers while running (the broker resource with an empty name): nothing else. */
export function describeDynamicDefaults(settings: Settings, names: readonly string[] | null): DescribedConfig[] {
  const layers: BrokerLayers = { dynamicBroker: NO_SETTINGS, dynamicDefault: settings, static: NO_SETTINGS };
  const isWanted = (name: string): boolean => settings.has(name) && (names === null || names.includes(name));
  return describeBrokerConfigs(layers, names)
    .filter(({ name }) => isWanted(name))
    .map((config) => ({ ...config, synonyms: config.synonyms.filter(({ source }) => source === ConfigSource.dynamicDefault) }));
}

/** As Kafka does, an internal key is told unasked once somebody has set it. */
function keysToDescribe(table: ReadonlyMap<string, ConfigKey>, names: readonly string[] | null, isSet: (name: string) => boolean): ConfigKey[] {
  const wanted = names === null ? null : new Set(names);
  return [...table.values()].filter((key) => (wanted === null ? !key.internal || isSet(key.name) : wanted.has(key.name)));
}

/**
 * Every explicit and default value of a broker key and of its synonyms, strongest first. As Kafka does, what precedes
 * the key's own name is dropped: `log.retention.hours` alone does not show up under `log.retention.ms`.
 */
function synonymsOf(name: string, layers: BrokerLayers, isSensitive: boolean): ConfigSynonym[] {
  const base = brokerTable.has(name) ? undefined : baseKeyOf(name);
  // A setting of one listener stands above the key alone.
  const names = base === undefined ? brokerSynonyms(name) : [name, base.name];
  const all = [
    ...fromLayer(names, layers.dynamicBroker, ConfigSource.dynamicBroker),
    ...fromLayer(names, layers.dynamicDefault, ConfigSource.dynamicDefault),
    ...fromLayer(names, layers.static, ConfigSource.static),
    ...fromDefaults(names),
  ];
  const start = all.findIndex((synonym) => synonym.name === name);
  const kept = start === -1 ? [] : all.slice(start);
  return isSensitive ? kept.map((synonym) => ({ ...synonym, value: null })) : kept;
}

/** For settings of groups, whose defaults these are. */
export const brokerSynonymsOf = (name: string, layers: BrokerLayers): readonly ConfigSynonym[] => synonymsOf(name, layers, false);

function fromLayer(names: readonly string[], layer: Settings, source: ConfigSourceCode): ConfigSynonym[] {
  return names.filter((name) => layer.has(name)).map((name) => ({ name, value: layer.get(name) as string, source }));
}

function fromDefaults(names: readonly string[]): ConfigSynonym[] {
  return names.flatMap((name) => {
    const value = brokerTable.get(name)?.defaultText ?? null;
    return value === null ? [] : [{ name, value, source: ConfigSource.default }];
  });
}
