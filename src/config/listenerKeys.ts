/** Settings of one listener: `listener.name.<name>.<key>`, or with a SASL mechanism before the key. They win over the key alone. */
import type { ConfigKey } from './keys.ts';
import { explicitText, type BrokerLayers } from './layers.ts';
import { brokerTable } from './tables.ts';
import { valueOf, type ConfigValue } from './values.ts';

const PREFIX = 'listener.name.';
/** Keys that a SASL mechanism may stand before. */
const MECHANISM = /^(?:plain|scram-sha-256|scram-sha-512|oauthbearer|gssapi)\./;

export const listenerPrefix = (listenerName: string): string => `${PREFIX}${listenerName.toLowerCase()}.`;

/** The key that a listener's setting is about, without its prefixes; undefined for no such setting or an unknown key. */
export function baseKeyOf(name: string): ConfigKey | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  // Names of listeners may hold dots: the longest key that fits counts.
  let rest = name.slice(PREFIX.length);
  for (let at = rest.indexOf('.'); at >= 0; at = rest.indexOf('.')) {
    rest = rest.slice(at + 1);
    const key = brokerTable.get(rest) ?? brokerTable.get(rest.replace(MECHANISM, ''));
    if (key !== undefined) return key;
  }
  return undefined;
}

const PER_LISTENER = /^(?:ssl\.|sasl\.|connections\.max\.reauth\.ms$)/;

/** As `baseKeyOf`, for the keys that listeners are asked for one by one; others have no effect there. */
export function keyPerListener(name: string): ConfigKey | undefined {
  const key = baseKeyOf(name);
  return key !== undefined && PER_LISTENER.test(key.name) ? key : undefined;
}

/** A key of the table, or what a listener's setting is about. */
export const brokerKeyOf = (name: string): ConfigKey | undefined => brokerTable.get(name) ?? baseKeyOf(name);

/** Whether a value must not be shown: passwords, and what is not known at all of a listener. */
export const isSecretKey = (name: string): boolean => {
  const key = brokerKeyOf(name);
  return key === undefined ? name.startsWith(PREFIX) : key.type === 'password';
};

/** The explicit text of a listener's setting: for one mechanism, for the listener, for all of them. */
export function listenerText(layers: BrokerLayers, listenerName: string, key: string, mechanism?: string): string | undefined {
  const prefix = listenerPrefix(listenerName);
  const ofMechanism = mechanism === undefined ? undefined : explicitText(layers, `${prefix}${mechanism.toLowerCase()}.${key}`);
  return ofMechanism ?? explicitText(layers, prefix + key) ?? explicitText(layers, key);
}

/** The effective value with its default; null when there is neither. */
export function listenerValue(layers: BrokerLayers, listenerName: string, key: string, mechanism?: string): ConfigValue | null {
  const known = brokerTable.get(key) as ConfigKey;
  const text = listenerText(layers, listenerName, key, mechanism) ?? known.defaultText;
  return text === null ? null : valueOf(known, text);
}
