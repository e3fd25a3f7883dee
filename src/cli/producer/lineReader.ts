import { nearestName } from '../../base/nearest.ts';
import type { RecordHeader } from '../../record/iterate.ts';
import { ToolError } from '../toolError.ts';

export interface ParsedLine {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

const NO_HEADERS: readonly RecordHeader[] = [];
const PROPERTIES = ['parse.key', 'parse.headers', 'ignore.error', 'key.separator', 'headers.delimiter', 'headers.separator', 'headers.key.separator', 'null.marker'];

/** Makes messages of lines, as Kafka's LineMessageReader does. Keys and values are views of the line. */
export class LineReader {
  readonly #hasKeys: boolean;
  readonly #hasHeaders: boolean;
  readonly #ignoresErrors: boolean;
  readonly #keySeparator: Buffer;
  readonly #headersDelimiter: Buffer;
  readonly #headersSeparator: string;
  readonly #headersKeySeparator: string;
  readonly #nullMarker: Buffer | null;
  #lineNumber = 0;

  /** Throws ToolError for separators that could not be told apart. */
  constructor(properties: ReadonlyMap<string, string>) {
    const flag = (name: string) => properties.get(name)?.trim().toLowerCase() === 'true';
    const text = (name: string, otherwise: string) => properties.get(name) ?? otherwise;
    this.#hasKeys = flag('parse.key');
    this.#hasHeaders = flag('parse.headers');
    this.#ignoresErrors = flag('ignore.error');
    const separators = {
      'key.separator': text('key.separator', '\t'), 'headers.delimiter': text('headers.delimiter', '\t'),
      'headers.separator': text('headers.separator', ','), 'headers.key.separator': text('headers.key.separator', ':'),
    };
    const nullMarker = properties.get('null.marker');
    checkSeparators(separators, nullMarker);
    this.#keySeparator = Buffer.from(separators['key.separator']);
    this.#headersDelimiter = Buffer.from(separators['headers.delimiter']);
    this.#headersSeparator = separators['headers.separator'];
    this.#headersKeySeparator = separators['headers.key.separator'];
    this.#nullMarker = nullMarker === undefined ? null : Buffer.from(nullMarker);
  }

  /** Throws ToolError for a line that lacks a separator, unless errors are to be ignored. */
  parse(line: Buffer): ParsedLine {
    this.#lineNumber += 1;
    let start = 0;
    let headers = NO_HEADERS;
    let key: Buffer | null = null;
    if (this.#hasHeaders) {
      const end = this.#find(line, start, this.#headersDelimiter, 'headers delimiter');
      if (end !== -1) {
        const text = line.subarray(start, end);
        headers = this.#isNull(text) ? NO_HEADERS : this.#parseHeaders(text.toString());
        start = end + this.#headersDelimiter.length;
      }
    }
    if (this.#hasKeys) {
      const end = this.#find(line, start, this.#keySeparator, 'key separator');
      if (end !== -1) {
        key = this.#orNull(line.subarray(start, end));
        start = end + this.#keySeparator.length;
      }
    }
    return { key, value: this.#orNull(start === 0 ? line : line.subarray(start)), headers };
  }

  /** A line that was too long to be read. */
  skip(): void {
    this.#lineNumber += 1;
  }

  #find(line: Buffer, start: number, separator: Buffer, name: string): number {
    const at = line.indexOf(separator, start);
    if (at === -1 && !this.#ignoresErrors) throw new ToolError(`No ${name} found on line number ${this.#lineNumber}: '${line.toString()}'`);
    return at;
  }

  #parseHeaders(text: string): RecordHeader[] {
    const pairs = text.split(this.#headersSeparator);
    while (pairs.length > 1 && pairs.at(-1) === '') pairs.pop();
    return pairs.map((pair) => {
      const at = pair.indexOf(this.#headersKeySeparator);
      if (at === -1) {
        if (this.#ignoresErrors) return { key: pair, value: null };
        throw new ToolError(`No header key separator found in pair '${pair}' on line number ${this.#lineNumber}`);
      }
      const key = pair.slice(0, at);
      if (this.#isNull(Buffer.from(key))) throw new ToolError(`Header keys should not be equal to the null marker '${key}' as they can't be null`);
      return { key, value: this.#orNull(Buffer.from(pair.slice(at + this.#headersKeySeparator.length))) };
    });
  }

  #isNull(field: Buffer): boolean {
    return this.#nullMarker !== null && this.#nullMarker.equals(field);
  }

  #orNull(field: Buffer): Buffer | null {
    return this.#isNull(field) ? null : field;
  }
}

/** What to tell about properties that the reader does not know. */
export function unknownReaderProperties(properties: ReadonlyMap<string, string>): string[] {
  return [...properties.keys()].filter((name) => !PROPERTIES.includes(name)).map((name) => {
    const nearest = nearestName(name, PROPERTIES);
    return `The line reader has no property ${name}${nearest === null ? '' : `. Did you mean ${nearest}?`}`;
  });
}

function checkSeparators(separators: Readonly<Record<string, string>>, nullMarker: string | undefined): void {
  const pairs = [['headers.delimiter', 'headers.separator'], ['headers.delimiter', 'headers.key.separator'], ['headers.separator', 'headers.key.separator']] as const;
  for (const [left, right] of pairs) if (separators[left] === separators[right]) throw new ToolError(`${left} and ${right} may not be equal`);
  for (const [name, separator] of Object.entries(separators)) {
    if (separator === '') throw new ToolError(`${name} may not be empty`);
    if (separator === nullMarker) throw new ToolError(`null.marker and ${name} may not be equal`);
  }
}
