/** AlterConfigs and IncrementalAlterConfigs: from what a client asks to the settings that a resource will have. */
import type { ConfigKeyTable } from './keys.ts';
import { baseKeyOf, brokerKeyOf } from './listenerKeys.ts';
import type { BrokerLayers, Settings } from './layers.ts';
import { brokerTable, topicTable } from './tables.ts';
import { validateTopicConfigs } from './topicConfig.ts';
import { parseValue, splitList } from './values.ts';
import { parseOverridesPerIp } from './ipOverrides.ts';

/** Codes of IncrementalAlterConfigs. */
export const AlterOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigAlteration {
  readonly name: string;
  /** One of AlterOperation; any other number is refused. */
  readonly operation: number;
  readonly value: string | null;
}

/** `error` names the protocol's error; its text is for the client. */
export type AlterResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly error: 'INVALID_CONFIG' | 'INVALID_REQUEST'; readonly message: string };

const invalidConfig = (message: string): AlterResult => ({ ok: false, error: 'INVALID_CONFIG', message });
const invalidRequest = (message: string): AlterResult => ({ ok: false, error: 'INVALID_REQUEST', message });

/** The settings of a topic after `alterations`, checked whole. */
export function alterTopicConfigs(current: Settings, alterations: readonly ConfigAlteration[], layers: BrokerLayers): AlterResult {
  const altered = applyAlterations(current, alterations, topicTable);
  if (!altered.ok) return altered;
  const problem = validateTopicConfigs(altered.settings, layers);
  return problem === null ? altered : invalidConfig(problem);
}

/** The settings made while running, for one broker or (`isDefault`) for all, after `alterations`. */
export function alterBrokerConfigs(current: Settings, alterations: readonly ConfigAlteration[], isDefault: boolean): AlterResult {
  const altered = applyAlterations(current, alterations, brokerTable);
  if (!altered.ok) return altered;
  const problem = validateDynamicBrokerConfigs(altered.settings, isDefault);
  return problem === null ? altered : invalidConfig(problem);
}

/** Checks settings made while a broker runs. Returns null, or the message that goes with INVALID_CONFIG. */
export function validateDynamicBrokerConfigs(settings: ReadonlyMap<string, string | null>, isDefault: boolean): string | null {
  const names = [...settings.keys()];
  const fixed = names.filter((name) => brokerTable.get(name)?.dynamic === 'no');
  if (fixed.length > 0) return `Cannot update these configs dynamically: ${setText(fixed)}`;
  const single = names.filter((name) => brokerTable.get(name)?.dynamic === 'broker' || baseKeyOf(name) !== undefined);
  if (isDefault && single.length > 0) {
    return `Cannot update these configs at default cluster level, broker configs must be updated per broker: ${setText(single)}`;
  }
  for (const [name, text] of settings) {
    const problem = checkBrokerSetting(name, text);
    if (problem !== null) return problem;
  }
  return null;
}

const setText = (names: readonly string[]): string => `Set(${names.join(', ')})`;

function checkBrokerSetting(name: string, text: string | null): string | null {
  const key = brokerKeyOf(name);
  if (!key) return null;
  if (text === null) return `Null value not supported for : ${name}`;
  const parsed = parseValue(key, text);
  const shown = key.type === 'password' ? '[hidden]' : text;
  if (!parsed.ok) return `Invalid value ${shown} for configuration ${name}: ${parsed.problem}`;
  if (name === 'log.cleaner.threads' && Number(text) < 1) return `Invalid value ${text} for configuration ${name}: Log cleaner threads should be at least 1`;
  if (name === 'max.connections.per.ip.overrides' && parseOverridesPerIp(text) === null) {
    return `Invalid value ${text} for configuration ${name}: wanted host:count, separated by commas`;
  }
  return null;
}

/** One after the other; not checked yet. */
export function applyAlterations(current: Settings, alterations: readonly ConfigAlteration[], table: ConfigKeyTable): AlterResult {
  const settings = new Map(current);
  const seen = new Set<string>();
  for (const alteration of alterations) {
    if (seen.has(alteration.name)) return invalidRequest('Error due to duplicate config keys');
    seen.add(alteration.name);
    const failure = applyAlteration(settings, alteration, table);
    if (failure !== null) return failure;
  }
  return { ok: true, settings };
}

/** Changes `settings`; returns what is wrong, or null. */
function applyAlteration(settings: Map<string, string>, alteration: ConfigAlteration, table: ConfigKeyTable): AlterResult | null {
  const { name, operation, value } = alteration;
  if (operation === AlterOperation.delete) {
    settings.delete(name);
    return null;
  }
  if (value === null) return invalidRequest(`Null value not supported for : ${name}`);
  if (operation === AlterOperation.set) {
    settings.set(name, value);
    return null;
  }
  return alterList(settings, name, operation, value, table);
}

function alterList(settings: Map<string, string>, name: string, operation: number, value: string, table: ConfigKeyTable): AlterResult | null {
  const verb = operation === AlterOperation.append ? 'APPEND' : operation === AlterOperation.subtract ? 'SUBTRACT' : null;
  if (verb === null) return invalidRequest(`Unknown operation code ${operation} for config key ${name}`);
  const key = table.get(name);
  if (key?.type !== 'list') return invalidConfig(`Can't ${verb} to key ${name} because its type is not LIST.`);
  const before = splitList(settings.get(name) ?? key.defaultText ?? '');
  const items = new Set(splitList(value));
  const after = verb === 'APPEND' ? [...new Set([...before, ...items])] : before.filter((item) => !items.has(item));
  settings.set(name, after.join(','));
  return null;
}
