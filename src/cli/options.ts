/**
 * The command line as Kafka's tools take it: `--name value`, `--name=value`, the same with one dash, values that begin with a dash,
 * no abbreviations, `--` ends the options. Words that belong to no option are handed over in `words`.
 */
import { nearestName } from '../base/nearest.ts';
import { UsageError } from './toolError.ts';

export interface OptionSpec {
  /** Without dashes. */
  readonly name: string;
  /** What `--help` calls the value; absent: the option takes none. */
  readonly argument?: string;
  /** The value may be left out (it then is ''). */
  readonly isArgumentOptional?: boolean;
  readonly type?: 'integer' | 'long';
  /** May be given more than once. */
  readonly isList?: boolean;
  /** Taken when the option is absent. */
  readonly default?: string;
  readonly description: string;
}

/** Options that are gone, with what to type instead. */
export type Replacements = Readonly<Record<string, string>>;

interface Token {
  readonly name: string;
  /** After `=`; null without one. */
  readonly value: string | null;
}

const INTEGER_BOUND = 2n ** 31n;
const LONG_BOUND = 2n ** 63n;
const NUMBER_DIGITS_MAX = 20;

/** Throws UsageError in the words of Kafka's tools; a name that is not known comes with the nearest one. */
export function parseOptions(argv: readonly string[], specs: readonly OptionSpec[], replacements: Replacements = {}): Options {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const values = new Map<string, string[]>();
  const words: string[] = [];
  const order: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] as string;
    if (word === '--') {
      words.push(...argv.slice(index + 1));
      break;
    }
    const token = tokenOf(word);
    if (token === null) {
      words.push(word);
      continue;
    }
    const spec = known.get(token.name) ?? refuse(token.name, specs, replacements);
    const list = values.get(spec.name) ?? [];
    values.set(spec.name, list);
    order.push(spec.name);
    if (spec.argument === undefined) continue;
    const next = argv[index + 1];
    const takesNext = token.value === null && next !== undefined && !(spec.isArgumentOptional === true && tokenOf(next) !== null);
    if (takesNext) index += 1;
    list.push(token.value ?? (takesNext ? next : valueLeftOut(spec)));
  }
  return new Options(known, values, words, order);
}

function tokenOf(word: string): Token | null {
  if (!word.startsWith('-') || word === '-' || word === '--') return null;
  const body = word.slice(word.startsWith('--') ? 2 : 1);
  const at = body.indexOf('=');
  return at === -1 ? { name: body, value: null } : { name: body.slice(0, at), value: body.slice(at + 1) };
}

function valueLeftOut(spec: OptionSpec): string {
  if (spec.isArgumentOptional === true) return '';
  throw new UsageError(`Option ${spec.name} requires an argument`);
}

function refuse(name: string, specs: readonly OptionSpec[], replacements: Replacements): never {
  const instead = Object.hasOwn(replacements, name) ? replacements[name] : undefined;
  if (instead !== undefined) throw new UsageError(`${name} is not a recognized option: ${instead}`);
  const nearest = nearestName(name, specs.map((spec) => spec.name));
  throw new UsageError(`${name} is not a recognized option${nearest === null ? '' : `. Did you mean --${nearest}?`}`);
}

export class Options {
  readonly #specs: ReadonlyMap<string, OptionSpec>;
  readonly #values: ReadonlyMap<string, readonly string[]>;
  /** What belongs to no option. */
  readonly words: readonly string[];
  /** Names as often and in the order as they were given. */
  readonly order: readonly string[];

  constructor(specs: ReadonlyMap<string, OptionSpec>, values: ReadonlyMap<string, readonly string[]>, words: readonly string[], order: readonly string[]) {
    this.#specs = specs;
    this.#values = values;
    this.words = words;
    this.order = order;
    for (const [name, given] of values) this.#check(name, given);
  }

  /** Whether the option was given. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** The value given, or the default, or undefined. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.[0] ?? this.#specs.get(name)?.default;
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** A whole number; beyond 2^53 it is clamped to the nearest safe one. */
  number(name: string): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    return Math.max(Math.min(Number(text), Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
  }

  #check(name: string, given: readonly string[]): void {
    const spec = this.#specs.get(name) as OptionSpec;
    if (spec.isList !== true && given.length > 1) throw new UsageError(`Found multiple arguments for option ${name}, but you asked for only one`);
    if (spec.type === undefined) return;
    for (const text of given) if (!isWhole(text, spec.type)) throw new UsageError(`Cannot parse argument '${text}' of option ${name}`);
  }
}

function isWhole(text: string, type: 'integer' | 'long'): boolean {
  if (!/^[+-]?\d+$/.test(text) || text.length > NUMBER_DIGITS_MAX) return false;
  const value = BigInt(text.replace('+', ''));
  const bound = type === 'integer' ? INTEGER_BOUND : LONG_BOUND;
  return value >= -bound && value < bound;
}
