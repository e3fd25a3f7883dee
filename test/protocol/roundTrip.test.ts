import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../src/protocol/reader.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { messageArbitrary } from './support/arbitraries.ts';
import { codecOf, codecs } from './support/codecs.ts';
import { defaultStruct, fieldName, includes, isPresent, loadSchemas, versionsOf } from './support/schemas.ts';
import type { FieldSchema, MessageSchema, Value } from './support/schemas.ts';

const schemas = [...loadSchemas().values()];
const initials = [...new Set(schemas.map((schema) => schema.name[0]!))].sort();
const writers = [new Writer(), new Writer({ slabBytes: 64, copyBytesMax: 0 }), new Writer({ slabBytes: 300, copyBytesMax: 100 })];

function encode(name: string, value: Value, version: number, writer: Writer): Buffer {
  codecOf(name).write(writer, value, version);
  return writer.takeBuffer();
}

function decode(name: string, bytes: Buffer, version: number): Value {
  const reader = new Reader(bytes);
  const value = codecOf(name).read(reader, version);
  reader.finish();
  return value;
}

function holds(schema: MessageSchema, version: number): void {
  fc.assert(
    fc.property(messageArbitrary(schema, version), (value) => {
      const [bytes, ...others] = writers.map((writer) => encode(schema.name, value, version, writer));
      for (const other of others) expect(other.equals(bytes!)).toBe(true);
      const back = decode(schema.name, bytes!, version);
      expect(back).toEqual(value);
      expect(encode(schema.name, back, version, writers[0]!).equals(bytes!)).toBe(true);
    }),
    { numRuns: 8 },
  );
}

describe('any value of any version comes back as it was', () => {
  it.each(initials)('messages in %s', (initial) => {
    for (const schema of schemas.filter(({ name }) => name.startsWith(initial))) for (const version of versionsOf(schema)) holds(schema, version);
  });
});

describe('defaults', () => {
  it('are what the schema says, in the factory and where a version lacks the field', () => {
    for (const schema of schemas) {
      const expected = defaultStruct(schema, schema.fields);
      expect(codecOf(schema.name).make(), schema.name).toEqual(expected);
      for (const version of versionsOf(schema)) {
        expect(decode(schema.name, encode(schema.name, expected, version, writers[0]!), version), `${schema.name} v${version}`).toEqual(expected);
      }
    }
  });

  it('give all objects of a message one order of fields', () => {
    for (const schema of schemas) {
      const order = schema.fields.map(fieldName);
      const codec = codecOf(schema.name);
      expect(Object.keys(codec.make()), schema.name).toEqual(order);
      expect(Object.keys(codec.read(new Reader(), codec.max)), schema.name).toEqual(order);
    }
  });

  it('cover every schema', () => {
    expect([...codecs.keys()].sort()).toEqual(schemas.map((schema) => schema.name).sort());
  });
});

/** A value that is not the default, for fields where one is easily made. */
function otherValue(field: FieldSchema): unknown {
  if (field.type === 'string') return 'set';
  if (field.type === '[]int32') return [1];
  return /^u?int/.test(field.type) ? 5 : undefined;
}

describe('a field that a version lacks', () => {
  const lacking = schemas.flatMap((schema) =>
    schema.fields.flatMap((field) => versionsOf(schema).filter((version) => !isPresent(field, version)).map((version) => ({ schema, field, version }))),
  ).filter(({ field }) => otherValue(field) !== undefined);

  it('is refused when it is set and may not be ignored, and is left out otherwise', () => {
    const seen = { refused: 0, ignored: 0 };
    for (const { schema, field, version } of lacking) {
      const codec = codecOf(schema.name);
      const write = (): Buffer => encode(schema.name, codec.make({ [fieldName(field)]: otherValue(field) }), version, new Writer());
      const label = `${schema.name}.${field.name} v${version}`;
      if (String(field.ignorable) === 'true') {
        expect(write(), label).toEqual(encode(schema.name, codec.make(), version, new Writer()));
        seen.ignored++;
      } else {
        expect(write, label).toThrowError(expect.objectContaining({ name: 'ProtocolError', code: 'UNSUPPORTED_FIELD' }));
        seen.refused++;
      }
    }
    expect(seen.refused).toBeGreaterThan(50);
    expect(seen.ignored).toBeGreaterThan(50);
  });

  it('is refused as null where the version knows the field but no null', () => {
    const strict = schemas.flatMap((schema) =>
      schema.fields.flatMap((field) => versionsOf(schema).filter((version) => field.nullableVersions !== undefined && isPresent(field, version) && !includes(field.nullableVersions, version)).map((version) => ({ schema, field, version }))),
    );
    expect(strict.length).toBeGreaterThan(3);
    for (const { schema, field, version } of strict) {
      const value = codecOf(schema.name).make({ [fieldName(field)]: null });
      expect(() => encode(schema.name, value, version, new Writer()), `${schema.name}.${field.name} v${version}`).toThrowError(expect.objectContaining({ code: 'UNEXPECTED_NULL' }));
    }
  });
});
