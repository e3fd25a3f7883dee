import { describe, expect, it } from 'vitest';
import { Reader } from '../../src/protocol/reader.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { codecOf, loadVectors } from './support/codecs.ts';
import type { Vector } from './support/codecs.ts';
import { parseLossless } from './support/losslessJson.ts';
import { fromKafkaJson, loadSchemas } from './support/schemas.ts';

const vectors = loadVectors();
const schemas = loadSchemas();
const nameOf = (vector: Vector): string => `${vector.message} v${vector.v} ${vector.kind} ${vector.hex.slice(0, 60)}`;

function expectedOf(vector: Vector): Record<string, unknown> {
  const schema = schemas.get(vector.message)!;
  return fromKafkaJson(schema, schema.fields, vector.json);
}

function read(vector: Vector): Record<string, unknown> {
  const reader = new Reader(Buffer.from(vector.hex, 'hex'));
  const value = codecOf(vector.message).read(reader, vector.v);
  reader.finish();
  return value;
}

function write(vector: Vector, value: Record<string, unknown>): string {
  const writer = new Writer();
  codecOf(vector.message).write(writer, value, vector.v);
  return writer.takeBuffer().toString('hex');
}

describe('messages that Kafka encoded', () => {
  it('are all there, for every message', () => {
    expect(vectors).toHaveLength(2565);
    expect(new Set(vectors.map((vector) => vector.message)).size).toBe(286);
    expect(vectors.some((vector) => JSON.stringify(vector.json, (_, value: unknown) => (typeof value === 'bigint' ? 'big' : value)).includes('"big"'))).toBe(true);
  });

  it('are read as the values that Kafka names', () => {
    for (const vector of vectors) expect(read(vector), nameOf(vector)).toEqual(expectedOf(vector));
  });

  it('are written byte for byte from those values', () => {
    for (const vector of vectors) expect(write(vector, expectedOf(vector)), nameOf(vector)).toBe(vector.hex);
  });

  it('come back byte for byte when read and written', () => {
    for (const vector of vectors) expect(write(vector, read(vector)), nameOf(vector)).toBe(vector.hex);
  });
});

describe('parseLossless', () => {
  it('keeps numbers beyond 2^53 as bigint and leaves strings and fractions alone', () => {
    expect(parseLossless('{"a":9223372036854775807,"b":-9223372036854775808,"c":"9223372036854775807","d":1.2345678901234567,"e":9007199254740991,"f":"\\"9223372036854775807"}')).toEqual({
      a: 9223372036854775807n, b: -9223372036854775808n, c: '9223372036854775807', d: 1.2345678901234567, e: 9007199254740991, f: '"9223372036854775807',
    });
  });
});
