import fc from 'fast-check';
import { defaultValue, elementType, fieldName, includes, isArray, isFlexible, isPresent, isStruct, structFields, toInteger } from './schemas.ts';
import type { FieldSchema, MessageSchema, Value } from './schemas.ts';

const edges = (low: number, high: number): fc.Arbitrary<number> => fc.oneof(fc.integer({ min: low, max: high }), fc.constantFrom(low, high, 0, 1));

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.integer({ min: 45, max: 400 }).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom('', 'é中😀', `${'a'.repeat(60)}😀`) },
);
const blob = (maxLength: number): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

const scalars: Record<string, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: edges(-128, 127),
  int16: edges(-32768, 32767),
  uint16: edges(0, 65535),
  int32: edges(-2147483648, 2147483647),
  uint32: edges(0, 4294967295),
  int64: fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger().map(BigInt), fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n), 1n - 2n ** 53n)).map(toInteger),
  float64: fc.double({ noNaN: true }),
  string: text,
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  bytes: blob(40),
  records: fc.oneof(blob(30), blob(1500)),
};

const unknownTags = fc.option(
  fc.uniqueArray(fc.record({ tag: fc.integer({ min: 1000, max: 4294967295 }), data: blob(200) }), { selector: (field) => field.tag, minLength: 1, maxLength: 2 }),
  { nil: undefined, freq: 8 },
);

function fieldArbitrary(schema: MessageSchema, field: FieldSchema, version: number): fc.Arbitrary<unknown> {
  if (!isPresent(field, version)) return fc.constant(null).map(() => defaultValue(schema, field));
  const element = isStruct(field) ? structArbitrary(schema, structFields(schema, field), version) : scalars[elementType(field)]!;
  const whole = isArray(field) ? fc.array(element, { maxLength: 3 }) : element;
  return includes(field.nullableVersions, version) ? fc.option(whole, { freq: 4 }) : whole;
}

function structArbitrary(schema: MessageSchema, fields: readonly FieldSchema[], version: number): fc.Arbitrary<Value> {
  const record = fc.record(Object.fromEntries(fields.map((field) => [fieldName(field), fieldArbitrary(schema, field, version)])));
  if (!isFlexible(schema, version)) return record;
  return fc.tuple(record, unknownTags).map(([value, tags]) => (tags === undefined ? value : { ...value, unknownTaggedFields: tags.toSorted((a, b) => a.tag - b.tag) }));
}

/** Any value of a message that `version` can carry. */
export function messageArbitrary(schema: MessageSchema, version: number): fc.Arbitrary<Value> {
  return structArbitrary(schema, schema.fields, version);
}
