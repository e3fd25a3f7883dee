/**
 * A login module and its options as Kafka writes them in `sasl.jaas.config`:
 * `org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="...";`
 */

export interface JaasEntry {
  /** The login module's full class name. */
  readonly module: string;
  /** May hold secrets. */
  readonly options: ReadonlyMap<string, string>;
}

/** What is wrong with a JAAS text. The message never holds a part of it, which may be a password. */
export class JaasError extends Error {
  override readonly name = 'JaasError';
}

const TEXT_LENGTH_MAX = 1 << 20;
const CONTROL_FLAGS: ReadonlySet<string> = new Set(['required', 'requisite', 'sufficient', 'optional']);

/** The one entry of the text; JaasError for none, for several and for what does not read as one. */
export function parseJaas(text: string): JaasEntry {
  const [entry, ...others] = parseJaasEntries(text);
  if (entry === undefined) throw new JaasError('the JAAS configuration has no login module');
  if (others.length > 0) throw new JaasError(`the JAAS configuration has ${others.length + 1} login modules; one is allowed`);
  return entry;
}

function parseJaasEntries(text: string): JaasEntry[] {
  if (text.length > TEXT_LENGTH_MAX) throw new JaasError(`the JAAS configuration is longer than ${TEXT_LENGTH_MAX} characters`);
  const tokens = new Tokens(text);
  const entries: JaasEntry[] = [];
  while (!tokens.isAtEnd) entries.push(parseEntry(tokens));
  return entries;
}

function parseEntry(tokens: Tokens): JaasEntry {
  const module = tokens.word('a login module');
  if (!CONTROL_FLAGS.has(tokens.word('a control flag').toLowerCase())) throw new JaasError('the login module has no control flag; allowed: required, requisite, sufficient, optional');
  const options = new Map<string, string>();
  while (!tokens.takes(';')) {
    const name = tokens.word('an option or ;');
    if (!tokens.takes('=')) throw new JaasError('an option of the login module has no = and value');
    options.set(name, tokens.word('the value of an option'));
  }
  return { module, options };
}

/** Words (bare or in quotes), `=` and `;`. */
class Tokens {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
    this.#skipBlanks();
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#text.length;
  }

  takes(sign: '=' | ';'): boolean {
    if (this.#text[this.#position] !== sign) return false;
    this.#position += 1;
    this.#skipBlanks();
    return true;
  }

  word(what: string): string {
    const first = this.#text[this.#position];
    if (first === undefined || first === '=' || first === ';') throw new JaasError(`the JAAS configuration lacks ${what}; it must end with a semicolon`);
    const found = first === '"' || first === "'" ? this.#quoted(first) : this.#bare();
    this.#skipBlanks();
    return found;
  }

  #bare(): string {
    const start = this.#position;
    while (this.#position < this.#text.length && !/[\s=;"']/.test(this.#text[this.#position] as string)) this.#position += 1;
    return this.#text.slice(start, this.#position);
  }

  #quoted(quote: string): string {
    let value = '';
    for (this.#position += 1; this.#position < this.#text.length; this.#position += 1) {
      const sign = this.#text[this.#position] as string;
      if (sign === quote) {
        this.#position += 1;
        return value;
      }
      value += sign === '\\' ? this.#escaped() : sign;
    }
    throw new JaasError('a quotation mark of the JAAS configuration is not closed');
  }

  #escaped(): string {
    this.#position += 1;
    const sign = this.#text[this.#position] ?? '';
    return ESCAPES.get(sign) ?? sign;
  }

  #skipBlanks(): void {
    const blank = /(?:\s+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
    blank.lastIndex = this.#position;
    blank.test(this.#text);
    this.#position = blank.lastIndex;
  }
}

const ESCAPES: ReadonlyMap<string, string> = new Map([['n', '\n'], ['t', '\t'], ['r', '\r']]);
