/** Java's `.properties` format (java.util.Properties, method load), read as UTF-8 text, and `key=value` arguments. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from './configError.ts';
import type { ConfigEntry } from './types.ts';

interface LogicalLine {
  readonly text: string;
  /** Of its first line, counted from 1. */
  readonly number: number;
}

const COMMENT = /^[ \t\f]*[#!]/;
const BLANK = /^[ \t\f]*$/;

/** Reads the file. Throws ConfigError when it cannot be read or parsed; origins are `<file's name>:<line>`. */
export function readPropertiesFile(file: string): ConfigEntry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'is a folder, not a file' : message;
    throw new ConfigError([{ key: file, value: null, origin: '', message: reason }]);
  }
  return parseProperties(text, path.basename(file));
}

/** Parses the text of a file; later entries of one key win, which is the reader's to apply. */
export function parseProperties(text: string, fileName: string): ConfigEntry[] {
  return logicalLines(text).map((line) => parseLine(line, fileName));
}

/** Parses `key=value` of an `--override` argument. The value is taken as it is, without escapes. */
export function parseOverride(argument: string): ConfigEntry {
  const at = argument.indexOf('=');
  const key = argument.slice(0, Math.max(at, 0)).trim();
  if (key === '') {
    throw new ConfigError([{ key: `--override ${argument}`, value: null, origin: '', message: 'wanted: --override key=value' }]);
  }
  return { key, value: argument.slice(at + 1).trim(), origin: '--override' };
}

/** Joins continued lines and drops comments and blank lines. */
function logicalLines(text: string): LogicalLine[] {
  const natural = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const lines: LogicalLine[] = [];
  for (let index = 0; index < natural.length; index += 1) {
    const number = index + 1;
    let line = natural[index] as string;
    if (COMMENT.test(line) || BLANK.test(line)) continue;
    const parts: string[] = [];
    while (endsInContinuation(line)) {
      parts.push(line.slice(0, -1));
      index += 1;
      line = (natural[index] ?? '').replace(/^[ \t\f]+/, '');
    }
    parts.push(line);
    lines.push({ text: parts.join('').replace(/^[ \t\f]+/, ''), number });
  }
  return lines;
}

function endsInContinuation(line: string): boolean {
  let backslashes = 0;
  while (backslashes < line.length && line[line.length - 1 - backslashes] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function parseLine(line: LogicalLine, fileName: string): ConfigEntry {
  const origin = `${fileName}:${line.number}`;
  const keyEnd = findKeyEnd(line.text);
  const separator = /^[ \t\f]*[=:]?[ \t\f]*/.exec(line.text.slice(keyEnd)) as RegExpExecArray;
  const rawValue = line.text.slice(keyEnd + separator[0].length);
  return { key: unescape(line.text.slice(0, keyEnd), origin), value: unescape(rawValue, origin), origin };
}

function findKeyEnd(text: string): number {
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] as string;
    if (character === '\\') index += 1;
    else if ('=: \t\f'.includes(character)) return index;
  }
  return text.length;
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string, origin: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[^]|$)/g, (whole, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    if (escaped === 'u') {
      throw new ConfigError([{ key: text.slice(0, 60), value: null, origin, message: `${whole} without four hexadecimal digits; write \\\\ for a backslash` }]);
    }
    return ESCAPES[escaped] ?? escaped;
  });
}
