/** The settings of a broker with those made while running laid over its file, and what must hold between them. Kafka's words. */
import { parseHostCounts } from './ipOverrides.ts';
import { brokerSynonyms, type BrokerLayers, type Settings } from './layers.ts';
import { brokerKey, brokerTable } from './tables.ts';
import { splitList, valueOf } from './values.ts';

/** What is set in a stronger layer takes the place of its synonyms in a weaker one. */
export function mergedSettings(layers: BrokerLayers): Settings {
  const merged = new Map(layers.static);
  for (const layer of [layers.dynamicDefault, layers.dynamicBroker]) {
    for (const [name, text] of layer) {
      for (const synonym of brokerSynonyms(name)) merged.delete(synonym);
      merged.set(name, text);
    }
  }
  return merged;
}

/** The value that holds, with its default; `stronger` is a setting of one listener that wins over it. */
export function mergedNumber(settings: Settings, name: string, stronger?: string): number {
  const key = brokerKey(name);
  const own = stronger === undefined ? undefined : settings.get(stronger);
  return Number(valueOf(key, own ?? settings.get(name) ?? key.defaultText ?? '0'));
}

const MEBIBYTE = 1024 * 1024;
const GROUP_KINDS = ['consumer', 'share', 'streams'] as const;

/** Null, or what is wrong. All values were checked alone. */
export function mergedProblem(settings: Settings): string | null {
  return intervalProblem(settings) ?? logProblem(settings) ?? directoriesProblem(settings) ?? addressProblem(settings);
}

function intervalProblem(settings: Settings): string | null {
  for (const kind of GROUP_KINDS) {
    const [name, min, max] = [`group.${kind}.assignment.interval.ms`, `group.${kind}.min.assignment.interval.ms`, `group.${kind}.max.assignment.interval.ms`] as const;
    if (mergedNumber(settings, name) > mergedNumber(settings, max)) return `${name} must be less than or equal to ${max}`;
    if (mergedNumber(settings, name) < mergedNumber(settings, min)) return `${name} must be greater than or equal to ${min}`;
  }
  return null;
}

function logProblem(settings: Settings): string | null {
  const set = (name: string): number | null => (settings.has(name) ? mergedNumber(settings, name) : null);
  const rollMs = set('log.roll.ms');
  if (rollMs !== null && rollMs < 1) return 'requirement failed: log.roll.ms must be greater than or equal to 1';
  const jitterMs = set('log.roll.jitter.ms');
  if (jitterMs !== null && jitterMs < 0) return 'requirement failed: log.roll.jitter.ms must be greater than or equal to 0';
  // Below zero there is no limit.
  if (set('log.retention.ms') === 0) return 'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1';
  const threads = mergedNumber(settings, 'log.cleaner.threads');
  if (threads === 0) return 'Log cleaner threads should be at least 1';
  if (mergedNumber(settings, 'log.cleaner.dedupe.buffer.size') / threads <= MEBIBYTE) {
    return 'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.';
  }
  return null;
}

function directoriesProblem(settings: Settings): string | null {
  const text = settings.get('cordoned.log.dirs');
  if (text === undefined) return null;
  const directories = splitList(settings.get('log.dirs') ?? settings.get('log.dir') ?? '');
  const missing = splitList(text).filter((directory) => !directories.includes(directory));
  return missing.length === 0 ? null : `requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${missing.join(', ')}`;
}

const HOST = /^[0-9a-zA-Z\-%._:]*$/;

function addressProblem(settings: Settings): string | null {
  const name = 'max.connections.per.ip.overrides';
  const overrides = parseHostCounts(settings.get(name) ?? brokerTable.get(name)?.defaultText ?? '');
  if (typeof overrides === 'string') return `Error parsing configuration property '${name}': ${overrides} is not of the form host:count`;
  if (mergedNumber(settings, 'max.connections.per.ip') === 0 && overrides.size === 0) {
    return `requirement failed: max.connections.per.ip can be set to zero only if ${name} property is set.`;
  }
  const invalid = [...overrides.keys()].filter((host) => !HOST.test(host));
  return invalid.length === 0 ? null : `${name} contains invalid addresses : ${invalid.join(',')}`;
}
