/** Log lines for people, in Kafka's form: `[2026-01-31 12:34:56,789] INFO message (key=value, ...)`. */
import { writeSync } from 'node:fs';
import type { Logger } from '../../base/ports.ts';
import type { LogThreshold } from '../../base/logThreshold.ts';
import type { LogLevel } from './arguments.ts';

type Fields = Readonly<Record<string, unknown>>;

const NO_FIELDS: Fields = {};

/** Writes each line at once, so that the last words of a process that dies are not lost. `write` gets whole lines. */
export function createLineLogger(threshold: LogThreshold, write: (line: string) => void = writeStandardOutput, now: () => Date = () => new Date()): Logger {
  return new LineLogger(threshold, write, now, NO_FIELDS);
}

class LineLogger implements Logger {
  readonly #threshold: LogThreshold;
  readonly #write: (line: string) => void;
  readonly #now: () => Date;
  readonly #fields: Fields;

  constructor(threshold: LogThreshold, write: (line: string) => void, now: () => Date, fields: Fields) {
    this.#threshold = threshold;
    this.#write = write;
    this.#now = now;
    this.#fields = fields;
  }

  debug(message: string, fields?: Fields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#log('error', message, fields);
  }

  child(fields: Fields): Logger {
    return new LineLogger(this.#threshold, this.#write, this.#now, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: Fields | undefined): void {
    if (!this.#threshold.lets(level)) return;
    this.#write(formatLine(this.#now(), level, message, { ...this.#fields, ...fields }));
  }
}

/** One line, and the stacks of errors below it. Text from outside cannot break out of its line. */
export function formatLine(time: Date, level: LogLevel, message: string, fields: Fields): string {
  const stacks: string[] = [];
  const pairs: string[] = [];
  for (const [key, value] of Object.entries(fields)) {
    if (value instanceof Error) stacks.push(value.stack ?? value.message);
    else if (value !== undefined) pairs.push(`${key}=${fieldText(value)}`);
  }
  const detail = pairs.length === 0 ? '' : ` (${pairs.join(', ')})`;
  const stack = stacks.map((text) => `${text}\n`).join('');
  return `[${timeText(time)}] ${level.toUpperCase()} ${printable(message)}${detail}\n${stack}`;
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return printable(value);
  return printable(typeof value === 'object' ? (JSON.stringify(value) ?? '') : String(value));
}

/** Input may be in it: a line stays a line. */
const TEXT_LENGTH_MAX = 4000;

function printable(text: string): string {
  return text.length <= TEXT_LENGTH_MAX ? escaped(text) : `${escaped(text.slice(0, TEXT_LENGTH_MAX))}... (${text.length} characters)`;
}

function escaped(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what must not reach the terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function timeText(time: Date): string {
  const two = (number: number) => String(number).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())},${String(time.getMilliseconds()).padStart(3, '0')}`;
}

const STANDARD_OUTPUT = 1;
const BUSY_TRIES = 50;

/** To standard output without the stream above it. Where nobody reads any more, the broker goes on without words. */
function writeStandardOutput(line: string): void {
  let bytes = Buffer.from(line);
  for (let tries = 0; tries < BUSY_TRIES && bytes.length > 0; tries += 1) {
    try {
      bytes = bytes.subarray(writeSync(STANDARD_OUTPUT, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
