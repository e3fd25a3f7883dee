import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { allMessages } from '../../../src/protocol/generated/allMessages.ts';
import type { Reader } from '../../../src/protocol/reader.ts';
import type { Writer } from '../../../src/protocol/writer.ts';
import { parseLossless } from './losslessJson.ts';
import type { Value } from './schemas.ts';

/** A generated codec with its types worn off. */
export interface Codec {
  make(fields?: object): Value;
  read(reader: Reader, version: number): Value;
  write(writer: Writer, value: Value, version: number): void;
  readonly min: number;
  readonly max: number;
}

export const codecs = new Map(Object.entries(allMessages as unknown as Record<string, Codec>));

export function codecOf(name: string): Codec {
  const codec = codecs.get(name);
  if (codec === undefined) throw new Error(`no codec for ${name}`);
  return codec;
}

/** One message as Kafka's own code encodes it. */
export interface Vector {
  readonly message: string;
  readonly v: number;
  readonly kind: string;
  readonly json: Value;
  readonly hex: string;
}

export function loadVectors(): Vector[] {
  const text = gunzipSync(readFileSync(new URL('../vectors.jsonl.gz', import.meta.url))).toString('utf8');
  return text.split('\n').filter((line) => line !== '').map((line) => parseLossless(line) as Vector);
}
