/** Text to value and back, with Kafka's own wording of what is wrong (it reaches clients as INVALID_CONFIG). */
import type { ConfigKey, ConfigRule, ConfigType } from './keys.ts';

/** Whole numbers beyond 2^53 are clamped; `canonicalText` keeps them exact. */
export type ConfigValue = number | boolean | string | readonly string[];

export type Parsed = { readonly ok: true; readonly value: ConfigValue } | { readonly ok: false; readonly problem: string };

const INTEGER_SPANS: Partial<Record<ConfigType, readonly [bigint, bigint]>> = {
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
};

/** Longer than any number that fits; keeps a hostile text from becoming a huge bigint. */
const MAX_NUMBER_DIGITS = 40;

/** Parses and checks one value. `problem` is the part that Kafka puts after `Invalid value V for configuration K: `. */
export function parseValue(key: ConfigKey, text: string): Parsed {
  const parsed = parseType(key.type, text);
  if (!parsed.ok) return parsed;
  const problem = checkRule(key.rule, parsed.value, key.name);
  return problem === null ? parsed : { ok: false, problem };
}

/** The value of a text that has been checked already. Units are the key's own. */
export function valueOf(key: ConfigKey, text: string): ConfigValue {
  const parsed = parseType(key.type, text);
  if (!parsed.ok) throw new TypeError(`${key.name} was not checked: ${parsed.problem}`);
  return parsed.value;
}

/** How Kafka prints the value: trimmed, numbers plain, lists joined by commas. */
export function canonicalText(key: ConfigKey, text: string): string {
  const trimmed = text.trim();
  switch (key.type) {
    case 'boolean':
      return trimmed.toLowerCase();
    case 'int':
    case 'short':
    case 'long':
      return /^[+-]?\d{1,40}$/.test(trimmed) ? BigInt(trimmed.replace('+', '')).toString() : trimmed;
    case 'list':
      return splitList(text).join(',');
    case 'password':
      return text;
    default:
      return trimmed;
  }
}

export function splitList(text: string): string[] {
  const trimmed = text.trim();
  return trimmed === '' ? [] : trimmed.split(',').map((item) => item.trim());
}

function parseType(type: ConfigType, text: string): Parsed {
  const trimmed = text.trim();
  switch (type) {
    case 'boolean':
      return parseBoolean(trimmed);
    case 'int':
    case 'short':
    case 'long':
      return parseInteger(type, trimmed);
    case 'double':
      return parseDouble(trimmed);
    case 'list':
      return { ok: true, value: splitList(text) };
    case 'password':
      return { ok: true, value: text };
    default:
      return { ok: true, value: trimmed };
  }
}

function parseBoolean(text: string): Parsed {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return { ok: true, value: lower === 'true' };
  return { ok: false, problem: 'Expected value to be either true or false' };
}

function parseInteger(type: 'int' | 'short' | 'long', text: string): Parsed {
  const problem = `Not a number of type ${type.toUpperCase()}`;
  if (!/^[+-]?\d+$/.test(text) || text.length > MAX_NUMBER_DIGITS) return { ok: false, problem };
  const exact = BigInt(text.replace('+', ''));
  const [least, most] = INTEGER_SPANS[type] as readonly [bigint, bigint];
  if (exact < least || exact > most) return { ok: false, problem };
  return { ok: true, value: clampToSafe(exact) };
}

function parseDouble(text: string): Parsed {
  const isNumber = text.length <= MAX_NUMBER_DIGITS && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(text);
  return isNumber ? { ok: true, value: Number(text) } : { ok: false, problem: 'Not a number of type DOUBLE' };
}

function clampToSafe(exact: bigint): number {
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  if (exact > most) return Number.MAX_SAFE_INTEGER;
  return exact < -most ? Number.MIN_SAFE_INTEGER : Number(exact);
}

function checkRule(rule: ConfigRule, value: ConfigValue, name: string): string | null {
  switch (rule.kind) {
    case 'any':
      return null;
    case 'nonEmpty':
      return value === '' ? 'String must be non-empty' : null;
    case 'range':
      return checkRange(rule, value as number);
    case 'oneOf':
      return checkChoice(rule, value as string | readonly string[]);
    case 'replicas':
      return checkReplicas(value as readonly string[], name);
    case 'offsetReset':
      return checkOffsetReset(value as string);
  }
}

function checkRange(rule: Extract<ConfigRule, { kind: 'range' }>, value: number): string | null {
  if (value === rule.also) return null;
  if (rule.also !== undefined && (value < rule.min || value > (rule.max ?? Infinity))) {
    return `Value must be between ${rule.min} and ${rule.max} or equal to ${rule.also}`;
  }
  if (value < rule.min) return `Value must be at least ${rule.min}`;
  if (rule.max !== undefined && value > rule.max) return `Value must be no more than ${rule.max}`;
  return null;
}

function checkChoice(rule: Extract<ConfigRule, { kind: 'oneOf' }>, value: string | readonly string[]): string | null {
  const fold = (text: string) => (rule.ignoreCase ? text.toLowerCase() : text);
  const allowed = new Set(rule.values.map(fold));
  const items = typeof value === 'string' ? [value] : value;
  if (items.every((item) => allowed.has(fold(item)))) return null;
  return `String must be one of${rule.ignoreCase ? ' (case insensitive)' : ''}: ${rule.values.join(', ')}`;
}

function checkReplicas(items: readonly string[], name: string): string | null {
  const isStar = items.length === 1 && items[0] === '*';
  if (isStar || items.every((item) => /^\d+:\d+$/.test(item))) return null;
  return `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`;
}

function checkOffsetReset(value: string): string | null {
  if (value === 'earliest' || value === 'latest') return null;
  const duration = /^by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d{1,9})?S)?)?$/i;
  if (value.length < 100 && duration.test(value)) return null;
  return 'Value must be one of earliest, latest or by_duration with an ISO-8601 duration, such as by_duration:PT1H';
}

/** What a key takes, for people: `a whole number from 1 to 9`. */
export function allowedText(key: ConfigKey): string {
  const { rule } = key;
  switch (rule.kind) {
    case 'range':
      return rangeText(rule, key.type === 'double' ? 'a number' : 'a whole number');
    case 'oneOf':
      return `${key.type === 'list' ? 'any of' : 'one of'} ${rule.values.join(', ')}`;
    case 'replicas':
      return '* or partition:broker pairs';
    case 'offsetReset':
      return 'earliest, latest or by_duration:PT1H';
    case 'nonEmpty':
      return 'a text that is not empty';
    case 'any':
      return TYPE_TEXTS[key.type];
  }
}

function rangeText(rule: Extract<ConfigRule, { kind: 'range' }>, noun: string): string {
  const span = rule.max === undefined ? `${noun}, ${rule.min} or more` : `${noun} from ${rule.min} to ${rule.max}`;
  return rule.also === undefined ? span : `${span}, or ${rule.also}`;
}

const TYPE_TEXTS: Record<ConfigType, string> = {
  boolean: 'true or false',
  string: 'a text',
  class: 'a class name',
  password: 'a password',
  list: 'a list separated by commas',
  double: 'a number',
  short: 'a whole number from -32768 to 32767',
  int: 'a whole number from -2147483648 to 2147483647',
  long: 'a whole number of 64 bits',
};
