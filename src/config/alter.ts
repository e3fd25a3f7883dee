/** AlterConfigs and IncrementalAlterConfigs: from what a client asks to the settings that a resource will have. */
import type { ConfigKeyTable } from './keys.ts';
import type { BrokerLayers, Settings } from './layers.ts';
import { topicTable } from './tables.ts';
import { validateTopicConfigs } from './topicConfig.ts';
import { splitList } from './values.ts';

/** Codes of IncrementalAlterConfigs. */
export const AlterOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Their names in messages, by code. */
export const ALTER_VERBS: readonly string[] = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'];

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

const invalidConfig = (message: string): Extract<AlterResult, { ok: false }> => ({ ok: false, error: 'INVALID_CONFIG', message });
const invalidRequest = (message: string): Extract<AlterResult, { ok: false }> => ({ ok: false, error: 'INVALID_REQUEST', message });

/** The settings of a topic after `alterations`, checked whole. */
export function alterTopicConfigs(current: Settings, alterations: readonly ConfigAlteration[], layers: BrokerLayers): AlterResult {
  const altered = applyAlterations(current, alterations, topicTable);
  if (!altered.ok) return altered;
  const problem = validateTopicConfigs(altered.settings, layers);
  return problem === null ? altered : invalidConfig(problem);
}

/** One after the other; not checked yet. */
export function applyAlterations(current: Settings, alterations: readonly ConfigAlteration[], table: ConfigKeyTable): AlterResult {
  const problem = alterationsProblem(alterations);
  if (problem !== null) return problem;
  const settings = new Map(current);
  for (const alteration of alterations) {
    const failure = applyAlteration(settings, alteration, table);
    if (failure !== null) return failure;
  }
  return { ok: true, settings };
}

/** What is wrong with what is asked, whatever it is asked of. */
export function alterationsProblem(alterations: readonly ConfigAlteration[]): Extract<AlterResult, { ok: false }> | null {
  if (new Set(alterations.map(({ name }) => name)).size < alterations.length) return invalidRequest('Error due to duplicate config keys');
  const nullKeys = alterations.filter(({ operation, value }) => value === null && operation !== AlterOperation.delete).map(({ name }) => name);
  return nullKeys.length > 0 ? invalidRequest(`Null value not supported for : ${nullKeys.join(', ')}`) : null;
}

/** Changes `settings`; returns what is wrong, or null. */
function applyAlteration(settings: Map<string, string>, alteration: ConfigAlteration, table: ConfigKeyTable): AlterResult | null {
  const { name, operation, value } = alteration;
  if (operation === AlterOperation.delete) {
    settings.delete(name);
    return null;
  }
  if (operation === AlterOperation.set) {
    settings.set(name, value as string);
    return null;
  }
  return alterList(settings, name, operation, value as string, table);
}

function alterList(settings: Map<string, string>, name: string, operation: number, value: string, table: ConfigKeyTable): AlterResult | null {
  const verb = ALTER_VERBS[operation];
  if (verb === undefined) return invalidRequest(`Unknown operation code ${operation} for config key ${name}`);
  const key = table.get(name);
  if (key?.type !== 'list') return invalidConfig(`Can't ${verb} to key ${name} because its type is not LIST.`);
  const before = splitList(settings.get(name) ?? key.defaultText ?? '');
  const items = new Set(splitList(value));
  const after = verb === 'APPEND' ? [...new Set([...before, ...items])] : before.filter((item) => !items.has(item));
  settings.set(name, after.join(','));
  return null;
}
