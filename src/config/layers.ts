/**
 * Where a value comes from: the layers of configuration over each other, and the synonyms within a layer. A topic's own
 * setting wins over one made while running for this broker, that over one for all brokers, that over the file, that
 * over the default.
 */
import type { ConfigKey } from './keys.ts';
import { brokerKey } from './tables.ts';
import { valueOf, type ConfigValue } from './values.ts';

/** Explicit settings by key, as text that has been checked. */
export type Settings = ReadonlyMap<string, string>;

/** The settings of a broker. All three hold broker keys. */
export interface BrokerLayers {
  readonly dynamicBroker: Settings;
  readonly dynamicDefault: Settings;
  readonly static: Settings;
}

export const NO_SETTINGS: Settings = new Map();

/** Layers of a broker of which only the file is known. */
export function staticLayers(settings: Settings): BrokerLayers {
  return { dynamicBroker: NO_SETTINGS, dynamicDefault: NO_SETTINGS, static: settings };
}

/** Keys that share one setting, the finest unit first; all others stand alone. */
const SYNONYMS: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];
const synonymsByName = new Map([
  ...SYNONYMS.flatMap((family) => family.map((name) => [name, family] as const)),
  // Only in this direction.
  ['log.flush.interval.ms', ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms']] as const,
]);

export function brokerSynonyms(name: string): readonly string[] {
  return synonymsByName.get(name) ?? [name];
}

/** The explicit setting of one broker key, or undefined. */
export function explicitText(layers: BrokerLayers, name: string): string | undefined {
  return layers.dynamicBroker.get(name) ?? layers.dynamicDefault.get(name) ?? layers.static.get(name);
}

/** The effective value of one broker key with its default; null when there is neither. Synonyms are the caller's. */
export function brokerValue(layers: BrokerLayers, name: string): ConfigValue | null {
  const key = brokerKey(name);
  const text = explicitText(layers, name) ?? key.defaultText;
  return text === null ? null : valueOf(key, text);
}

const MINUTE_MS = 60_000;
const UNIT_MS = new Map([
  ['hours', 60 * MINUTE_MS],
  ['minutes', MINUTE_MS],
]);

/** Milliseconds in the unit that a key's name ends with; 1 for all others. */
export function unitFactor(name: string): number {
  return UNIT_MS.get(name.slice(name.lastIndexOf('.') + 1)) ?? 1;
}

/** What the broker's settings say for a topic key, as text in the topic key's unit, or null when they say nothing. */
export function brokerTextForTopic(layers: BrokerLayers, key: ConfigKey): string | null {
  for (const name of key.brokerKeys) {
    const text = explicitText(layers, name);
    if (text === undefined) continue;
    const factor = unitFactor(name);
    if (factor === 1) return text;
    const value = valueOf(brokerKey(name), text) as number;
    return String(value < 0 ? -1 : value * factor);
  }
  return null;
}
