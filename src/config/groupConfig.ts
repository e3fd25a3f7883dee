/** The settings of groups (resource type GROUP): what a client may set, and what is told of it. The broker's settings bound them. */
import { applyAlterations } from './alter.ts';
import type { AlterResult, ConfigAlteration } from './alter.ts';
import { brokerSynonymsOf, ConfigSource, CONFIG_TYPE_CODES } from './describe.ts';
import type { ConfigSynonym, DescribedConfig } from './describe.ts';
import type { ConfigKey } from './keys.ts';
import { brokerValue, explicitText, type BrokerLayers, type Settings } from './layers.ts';
import { brokerTable, groupTable } from './tables.ts';
import { canonicalText, parseValue, valueOf } from './values.ts';

/** The settings of a group after `alterations`, checked whole. */
export function alterGroupConfigs(current: Settings, alterations: readonly ConfigAlteration[], layers: BrokerLayers): AlterResult {
  const altered = applyAlterations(current, alterations, groupTable);
  if (!altered.ok) return altered;
  const problem = validateGroupConfigs(altered.settings, layers);
  return problem === null ? altered : { ok: false, error: 'INVALID_CONFIG', message: problem };
}

/** Null, or the message that goes with INVALID_CONFIG. */
export function validateGroupConfigs(settings: ReadonlyMap<string, string | null>, layers: BrokerLayers): string | null {
  for (const [name, text] of settings) {
    const key = groupTable.get(name);
    if (key === undefined) return `Unknown group config name: ${name}`;
    if (text === null) return `Null value not supported for group configs: ${name}`;
    const parsed = parseValue(key, text);
    if (!parsed.ok) return `Invalid value ${text} for configuration ${name}: ${parsed.problem}`;
    const problem = boundsProblem(key, text, layers);
    if (problem !== null) return problem;
  }
  return timeoutsProblem(settings as Settings, layers);
}

/** Kafka names the bound of `share.session.timeout.ms` `group.share.min.session.timeout.ms`, that of `streams.num.standby.replicas` without `num`. */
function boundsProblem(key: ConfigKey, text: string, layers: BrokerLayers): string | null {
  const value = valueOf(key, text);
  if (typeof value !== 'number') return null;
  const [kind, ...rest] = key.name.replace('.num.standby.', '.standby.').split('.');
  for (const end of ['min', 'max'] as const) {
    const boundName = `group.${kind}.${end}.${rest.join('.')}`;
    if (!brokerTable.has(boundName)) continue;
    const bound = brokerValue(layers, boundName) as number;
    if (end === 'min' && value < bound) return `${key.name} must be greater than or equal to ${boundName}`;
    if (end === 'max' && value > bound) return `${key.name} must be less than or equal to ${boundName}`;
  }
  return null;
}

function timeoutsProblem(settings: Settings, layers: BrokerLayers): string | null {
  for (const kind of ['consumer', 'share', 'streams']) {
    const session = numberOf(`${kind}.session.timeout.ms`, settings, layers);
    const heartbeat = numberOf(`${kind}.heartbeat.interval.ms`, settings, layers);
    if (session <= heartbeat) return `${kind}.session.timeout.ms must be greater than ${kind}.heartbeat.interval.ms`;
  }
  return null;
}

const numberOf = (name: string, settings: Settings, layers: BrokerLayers): number => Number(settings.get(name) ?? defaultText(name, layers));

/** The broker's setting of the same matter is the group's default. */
function defaultText(name: string, layers: BrokerLayers): string | null {
  const brokerKey = brokerTable.get(`group.${name}`);
  if (brokerKey === undefined) return groupTable.get(name)?.defaultText ?? null;
  return explicitText(layers, brokerKey.name) ?? brokerKey.defaultText;
}

/** Describes a group: all public keys, or those of `names` that exist (null: all). */
export function describeGroupConfigs(settings: Settings, layers: BrokerLayers, names: readonly string[] | null): DescribedConfig[] {
  const wanted = names === null ? null : new Set(names);
  return [...groupTable.values()].filter((key) => (wanted === null ? !key.internal : wanted.has(key.name))).map((key) => describeKey(key, settings, layers));
}

function describeKey(key: ConfigKey, settings: Settings, layers: BrokerLayers): DescribedConfig {
  const own = settings.get(key.name);
  const text = own ?? defaultText(key.name, layers);
  const value = text === null ? null : canonicalText(key, text);
  const below = synonymsBelow(key, layers);
  const synonyms = own === undefined ? below : [{ name: key.name, value, source: ConfigSource.dynamicGroup }, ...below];
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

/** The broker's settings of the same matter, by the broker's name for it; without one, the default by the group's. */
function synonymsBelow(key: ConfigKey, layers: BrokerLayers): readonly ConfigSynonym[] {
  const brokerName = `group.${key.name}`;
  if (brokerTable.has(brokerName)) return brokerSynonymsOf(brokerName, layers);
  return key.defaultText === null ? [] : [{ name: key.name, value: canonicalText(key, key.defaultText), source: ConfigSource.default }];
}
