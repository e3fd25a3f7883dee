import type { RecordCursor, RecordHeader } from '../../record/iterate.ts';
import { KafkaJSNonRetriableError } from './errors.ts';

export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined;
}

export interface Message {
  key?: Buffer | string | null;
  value: Buffer | string | null;
  partition?: number;
  headers?: IHeaders;
  /** Milliseconds, as text. */
  timestamp?: string;
}

export interface KafkaMessage {
  key: Buffer | null;
  value: Buffer | null;
  timestamp: string;
  attributes: number;
  offset: string;
  headers?: IHeaders;
}

export function toBytes(field: Buffer | string | null | undefined, what: string): Uint8Array | null {
  if (field === null || field === undefined) return null;
  if (typeof field === 'string') return Buffer.from(field, 'utf8');
  if (field instanceof Uint8Array) return field;
  throw new KafkaJSNonRetriableError(`The ${what} of a message must be a string, a buffer or null, not ${typeof field}`);
}

/** A header with several values comes several times. */
export function toHeaders(headers: IHeaders): RecordHeader[] {
  return Object.entries(headers).flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map((single) => ({ key, value: toBytes(single, `header "${key}"`) })));
}

function fromHeaders(headers: readonly RecordHeader[]): IHeaders {
  const all: IHeaders = {};
  for (const { key, value } of headers) {
    const bytes = value as Buffer;
    const known = all[key];
    if (known === undefined) all[key] = bytes;
    else if (Array.isArray(known)) known.push(bytes);
    else all[key] = [known, bytes];
  }
  return all;
}

export function fromCursor(cursor: RecordCursor): KafkaMessage {
  return { key: cursor.key(), value: cursor.value(), timestamp: String(cursor.timestampMs), attributes: 0, offset: String(cursor.offset), headers: fromHeaders(cursor.headers()) };
}
