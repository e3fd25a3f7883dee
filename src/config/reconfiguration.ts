/** From the settings that hold to those to come: how far threads and limits may go in one step, and what cannot be loaded. Kafka's words. */
import type { Settings } from './layers.ts';
import { mergedNumber } from './mergedBroker.ts';
import { brokerTable } from './tables.ts';
import { splitList } from './values.ts';

const THREAD_KEYS = ['num.io.threads', 'num.replica.fetchers', 'num.recovery.threads.per.data.dir', 'background.threads'] as const;
const REMOTE_THREAD_KEYS = [
  'remote.log.reader.threads', 'remote.log.manager.copier.thread.pool.size', 'remote.log.manager.expiration.thread.pool.size', 'remote.log.manager.follower.thread.pool.size',
] as const;
const REMOTE_SIZE_KEYS = ['remote.log.index.file.cache.total.size.bytes', 'remote.log.manager.copy.max.bytes.per.second', 'remote.log.manager.fetch.max.bytes.per.second'] as const;
/** Reporters that are built in, by Kafka's name. */
const KNOWN_REPORTERS: ReadonlySet<string> = new Set(['org.apache.kafka.common.metrics.JmxReporter']);

/** Null, or what is wrong. Both are whole: see `mergedSettings`. */
export function checkReconfiguration(before: Settings, after: Settings): string | null {
  const problem = reportersProblem(before, after) ?? listenersProblem(before, after) ?? threadsProblem(before, after)
    ?? cleanerProblem(before, after) ?? localRetentionProblem(before, after) ?? remoteProblem(before, after);
  return problem === null ? null : `Invalid value org.apache.kafka.common.config.ConfigException: ${problem} for configuration Invalid dynamic configuration`;
}

function reportersProblem(before: Settings, after: Settings): string | null {
  const name = 'metric.reporters';
  const text = after.get(name);
  if (text === undefined || text === before.get(name) || splitList(text).every((reporter) => KNOWN_REPORTERS.has(reporter))) return null;
  return `Validation of dynamic config update of Set(${name}) failed with class class kafka.server.DynamicMetricsReporters`;
}

/** Names of the listeners that are open, as keys hold them. */
function listenerNames(settings: Settings): string[] {
  const text = settings.get('listeners') ?? brokerTable.get('listeners')?.defaultText ?? '';
  return splitList(text).flatMap((item) => /^([^:]+):\/\//.exec(item)?.[1]?.toLowerCase() ?? []);
}

function listenersProblem(before: Settings, after: Settings): string | null {
  for (const listener of listenerNames(after)) {
    const value = (settings: Settings, name: string): number => mergedNumber(settings, name, `listener.name.${listener}.${name}`);
    const threads = stepProblem('num.network.threads', value(before, 'num.network.threads'), value(after, 'num.network.threads'));
    if (threads !== null) return threads;
    for (const name of ['max.connections', 'max.connection.creation.rate']) {
      if (value(before, name) !== value(after, name) && value(after, name) <= 0) return `Invalid ${name} ${value(after, name)}`;
    }
  }
  return null;
}

function threadsProblem(before: Settings, after: Settings): string | null {
  return firstOf(THREAD_KEYS, (name) => stepProblem(name, mergedNumber(before, name), mergedNumber(after, name)));
}

function stepProblem(name: string, before: number, after: number): string | null {
  if (before === after) return null;
  const problem = `Dynamic thread count update validation failed for ${name}=${after}, value should`;
  if (after <= 0) return `${problem} be at least 1`;
  if (after < Math.floor(before / 2)) return `${problem} be at least half the current value ${before}`;
  return after > before * 2 ? `${problem} not be greater than double the current value ${before}` : null;
}

function cleanerProblem(before: Settings, after: Settings): string | null {
  const threads = mergedNumber(after, 'log.cleaner.threads');
  const current = mergedNumber(before, 'log.cleaner.threads');
  if (threads < Math.floor(current / 2)) return `Log cleaner threads cannot be reduced to less than half the current value ${current}`;
  return threads > current * 2 ? `Log cleaner threads cannot be increased to more than double the current value ${current}` : null;
}

/** Of tiered storage, which this broker has not: checked as Kafka does, so that what is taken there is taken here. */
function localRetentionProblem(before: Settings, after: Settings): string | null {
  const changed = (name: string): boolean => before.get(name) !== after.get(name);
  if (!['log.local.retention.ms', 'log.local.retention.bytes', 'log.retention.ms', 'log.retention.bytes'].some(changed)) return null;
  return localProblem('log.local.retention.ms', 'log.retention.ms', mergedNumber(after, 'log.local.retention.ms'), retentionMs(after))
    ?? localProblem('log.local.retention.bytes', 'log.retention.bytes', mergedNumber(after, 'log.local.retention.bytes'), mergedNumber(after, 'log.retention.bytes'));
}

function localProblem(name: string, whole: string, local: number, all: number): string | null {
  if (all < 0 || local === -2) return null;
  const problem = `Invalid value ${local} for configuration ${name}: Value must not be`;
  if (local === -1) return `${problem} -1 as ${whole} value is set as ${all}.`;
  return local > all ? `${problem} more than ${whole} property value: ${all}` : null;
}

function retentionMs(settings: Settings): number {
  if (settings.has('log.retention.ms')) return mergedNumber(settings, 'log.retention.ms');
  const minutes = settings.has('log.retention.minutes') ? mergedNumber(settings, 'log.retention.minutes') : mergedNumber(settings, 'log.retention.hours') * 60;
  return minutes < 0 ? -1 : minutes * 60_000;
}

function remoteProblem(before: Settings, after: Settings): string | null {
  return firstOf(REMOTE_SIZE_KEYS, (name) => {
    const value = mergedNumber(after, name);
    return value !== mergedNumber(before, name) && value <= 0 ? `Dynamic remote log manager config update validation failed for ${name}=${value}, value should be at least 1` : null;
  }) ?? firstOf(REMOTE_THREAD_KEYS, (name) => stepProblem(name, mergedNumber(before, name), mergedNumber(after, name)));
}

function firstOf(names: readonly string[], problemOf: (name: string) => string | null): string | null {
  for (const name of names) {
    const problem = problemOf(name);
    if (problem !== null) return problem;
  }
  return null;
}
