/** Settings of resource type CLIENT_METRICS (KIP-714): a subscription to metrics that clients push. */
import { compileLinearPattern } from '../base/linearPattern.ts';
import type { LinearPattern } from '../base/linearPattern.ts';
import { applyAlterations } from './alter.ts';
import type { AlterResult, ConfigAlteration } from './alter.ts';
import { ConfigSource, CONFIG_TYPE_CODES } from './describe.ts';
import type { DescribedConfig } from './describe.ts';
import type { Settings } from './layers.ts';
import { clientMetricsTable } from './tables.ts';
import { canonicalText, parseValue, splitList } from './values.ts';

export const CLIENT_SELECTORS = ['client_instance_id', 'client_id', 'client_software_name', 'client_software_version', 'client_source_address', 'client_source_port'] as const;
export type ClientSelector = (typeof CLIENT_SELECTORS)[number];

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;
/** Longer ones take long to compile, and everybody waits. */
const PATTERN_LENGTH_MAX = 1_000;

type Problem = Extract<AlterResult, { ok: false }>;

export function alterClientMetricsConfigs(current: Settings, alterations: readonly ConfigAlteration[]): AlterResult {
  const altered = applyAlterations(current, alterations, clientMetricsTable);
  return altered.ok ? (clientMetricsProblem(altered.settings) ?? altered) : altered;
}

export function clientMetricsProblem(settings: ReadonlyMap<string, string | null>): Problem | null {
  for (const [name, text] of settings) {
    const key = clientMetricsTable.get(name);
    if (key === undefined) return { ok: false, error: 'INVALID_REQUEST', message: `Unknown client metrics configuration: ${name}` };
    const parsed = parseValue(key, text ?? '');
    if (!parsed.ok) return { ok: false, error: 'INVALID_CONFIG', message: `Invalid value ${text} for configuration ${name}: ${parsed.problem}` };
    if (name === 'interval.ms' && (Number(text) < INTERVAL_MS_MIN || Number(text) > INTERVAL_MS_MAX)) {
      return { ok: false, error: 'INVALID_REQUEST', message: `Invalid value ${text} for interval.ms, interval must be between ${INTERVAL_MS_MIN} and ${INTERVAL_MS_MAX} (1 hour)` };
    }
    if (name !== 'match') continue;
    const wrong = splitList(text ?? '').find((item) => parseSelector(item) === null);
    if (wrong !== undefined) return { ok: false, error: 'INVALID_CONFIG', message: `Illegal client matching pattern: ${wrong}` };
  }
  return null;
}

/** `client_id=app-.*`; null where it is no such thing. */
function parseSelector(text: string): { readonly selector: ClientSelector; readonly pattern: LinearPattern } | null {
  const at = text.indexOf('=');
  const selector = text.slice(0, at).trim() as ClientSelector;
  if (at < 0 || text.length > PATTERN_LENGTH_MAX || !CLIENT_SELECTORS.includes(selector)) return null;
  try {
    return { selector, pattern: compileLinearPattern(text.slice(at + 1).trim()) };
  } catch {
    return null;
  }
}

/** One subscription, ready for use. */
export interface ClientMetricsSubscription {
  /** Prefixes of metrics' names; `*` stands for all, and none for no subscription. */
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  /** All must match for a client to be meant. */
  readonly selectors: ReadonlyMap<ClientSelector, LinearPattern>;
}

/** `settings` were checked when they were made. */
export function clientMetricsSubscription(settings: Settings): ClientMetricsSubscription {
  const text = (name: string): string => settings.get(name) ?? clientMetricsTable.get(name)?.defaultText ?? '';
  const selectors = new Map<ClientSelector, LinearPattern>();
  for (const item of splitList(text('match'))) {
    const parsed = parseSelector(item);
    if (parsed !== null) selectors.set(parsed.selector, parsed.pattern);
  }
  return { metrics: splitList(text('metrics')), intervalMs: Number(text('interval.ms')), selectors };
}

/** Describes a subscription: all keys, or those of `names` that exist (null: all). */
export function describeClientMetricsConfigs(settings: Settings, names: readonly string[] | null): DescribedConfig[] {
  const keys = [...clientMetricsTable.values()].filter(({ name }) => names === null || names.includes(name));
  return keys.map((key) => {
    const own = settings.get(key.name);
    const source = own === undefined ? ConfigSource.default : ConfigSource.dynamicClientMetrics;
    const value = canonicalText(key, own ?? key.defaultText ?? '');
    return {
      name: key.name, value, source, readOnly: false, isSensitive: false, typeCode: CONFIG_TYPE_CODES[key.type], documentation: key.doc,
      synonyms: own === undefined ? [] : [{ name: key.name, value, source }],
    };
  });
}
