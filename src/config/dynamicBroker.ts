/** Changing the settings of a running broker (KIP-226): what may change, where, and what is told of what may not, in the order and the words of Kafka. */
import { ALTER_VERBS, alterationsProblem, type AlterResult, type ConfigAlteration } from './alter.ts';
import { checkReconfiguration } from './reconfiguration.ts';
import { mergedSettings, mergedProblem } from './mergedBroker.ts';
import type { BrokerLayers, Settings } from './layers.ts';
import { brokerTable } from './tables.ts';
import { parseValue, splitList } from './values.ts';

/** `listener.name.<listener>.<key>`: the key may begin with a SASL mechanism. */
const LISTENER_SETTING = /^listener\.name\.[^.]*\.(.*)$/;
/** Of these, settings of single listeners may be made for all brokers. */
const CLUSTER_LEVEL_LISTENER_KEYS: ReadonlySet<string> = new Set(['max.connections', 'max.connection.creation.rate', 'num.network.threads']);
/** Kafka's SslConfigs.RECONFIGURABLE_CONFIGS: while running they change for one listener, never for all. */
const KEYS_OF_ONE_LISTENER: ReadonlySet<string> = new Set([
  'ssl.keystore.type', 'ssl.keystore.location', 'ssl.keystore.password', 'ssl.key.password', 'ssl.keystore.key', 'ssl.keystore.certificate.chain',
  'ssl.truststore.type', 'ssl.truststore.location', 'ssl.truststore.password', 'ssl.truststore.certificates',
]);

/** The settings made while running, for one broker or (`isDefault`) for all, after `alterations`. */
export function alterBrokerConfigs(current: Settings, alterations: readonly ConfigAlteration[], isDefault: boolean, layers: BrokerLayers): AlterResult {
  const problem = alterationsProblem(alterations);
  if (problem !== null) return problem;
  const settings = new Map(current);
  for (const alteration of alterations) {
    const failure = applyToBroker(settings, alteration);
    if (failure !== null) return failure;
  }
  const invalid = validateDynamicBrokerConfigs(withoutStale(settings, current), isDefault, layers);
  return invalid === null ? { ok: true, settings } : { ok: false, error: 'INVALID_REQUEST', message: invalid };
}

/** What an older release stored and this one would not take must not stand in the way of other changes. */
function withoutStale(settings: Settings, stored: Settings): Settings {
  return new Map([...settings].filter(([name, text]) => {
    const alone = new Map([[name, text]]);
    return stored.get(name) !== text || (fixedProblem(alone) ?? valuesProblem(alone)) === null;
  }));
}

function applyToBroker(settings: Map<string, string>, { name, operation, value }: ConfigAlteration): Extract<AlterResult, { ok: false }> | null {
  const verb = ALTER_VERBS[operation];
  if (verb === undefined) return { ok: false, error: 'INVALID_REQUEST', message: `Unknown operations type ${operation}` };
  if (verb === 'SET') settings.set(name, value as string);
  if (verb === 'DELETE') settings.delete(name);
  if (verb === 'SET' || verb === 'DELETE') return null;
  const key = brokerTable.get(name);
  if (key === undefined) return { ok: false, error: 'INVALID_CONFIG', message: `Unknown config name: ${name}` };
  if (key.type !== 'list') return { ok: false, error: 'INVALID_CONFIG', message: `Config value ${verb.toLowerCase()} is not allowed for config key: ${name}` };
  const before = splitList(settings.get(name) ?? key.defaultText ?? '');
  const items = new Set(splitList(value as string));
  settings.set(name, (verb === 'APPEND' ? [...new Set([...before, ...items])] : before.filter((item) => !items.has(item))).join(','));
  return null;
}

/**
 * Checks all settings that one broker or (`isDefault`) all brokers will have while they run, on top of `layers`, the settings that hold now.
 * Returns null, or the message that goes with INVALID_REQUEST. Names that nobody knows are taken, as Kafka takes them.
 */
export function validateDynamicBrokerConfigs(settings: Settings, isDefault: boolean, layers: BrokerLayers): string | null {
  const alone = fixedProblem(settings) ?? valuesProblem(settings) ?? (isDefault ? levelProblem(settings) : null);
  if (alone !== null) return alone;
  const before = mergedSettings(layers);
  const after = mergedSettings(isDefault ? { ...layers, dynamicDefault: settings } : { ...layers, dynamicBroker: settings });
  return mergedProblem(after) ?? checkReconfiguration(before, after);
}

function fixedProblem(settings: Settings): string | null {
  const names = [...settings.keys()];
  const fixed = names.filter((name) => brokerTable.get(name)?.dynamic === 'no');
  if (fixed.length > 0) return `Cannot update these configs dynamically: ${listText(fixed)}`;
  const unprefixed = names.filter((name) => KEYS_OF_ONE_LISTENER.has(name));
  return unprefixed.length > 0 ? `These security configs can be dynamically updated only per-listener using the listener prefix: ${listText(unprefixed)}` : null;
}

function levelProblem(settings: Settings): string | null {
  const single = [...settings.keys()].filter(isOfOneBroker);
  return single.length > 0 ? `Cannot update these configs at default cluster level, broker id must be specified: ${listText(single)}` : null;
}

function isOfOneBroker(name: string): boolean {
  const key = LISTENER_SETTING.exec(name)?.[1];
  return key === undefined ? brokerTable.get(name)?.dynamic === 'broker' : !CLUSTER_LEVEL_LISTENER_KEYS.has(key);
}

const listText = (names: readonly string[]): string => `[${names.join(', ')}]`;

function valuesProblem(settings: Settings): string | null {
  for (const [name, text] of settings) {
    const problem = valueProblem(LISTENER_SETTING.exec(name)?.[1] ?? name, text);
    if (problem !== null) return problem;
  }
  return null;
}

/** Classes of Java that stand for what is built in here; others cannot be loaded. */
const KNOWN_CLASSES: ReadonlySet<string> = new Set(['org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder']);

/** `name` is without a listener's prefix. */
function valueProblem(name: string, text: string): string | null {
  const key = brokerTable.get(name);
  if (key === undefined || key.dynamic === 'no') return null;
  const parsed = parseValue(key, text);
  if (!parsed.ok) return `Invalid value ${shownValue(key.type, text)} for configuration ${name}: ${parsed.problem}`;
  if (key.type === 'class' && !KNOWN_CLASSES.has(text.trim())) return `Invalid value ${text} for configuration ${name}: Class ${text} could not be found.`;
  return null;
}

/** Java prints a whole number of type double with its point. */
function shownValue(type: string, text: string): string {
  if (type === 'password') return '[hidden]';
  return type === 'double' && /^-?\d{1,15}$/.test(text.trim()) ? `${Number(text)}.0` : text;
}
