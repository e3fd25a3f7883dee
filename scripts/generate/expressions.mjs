// Pieces of TypeScript that types, readers and writers share.
import { intersect, isEmpty } from './schema.mjs';

/** A condition on `version` that holds inside `range`, given that `version` lies in `context`: 'true', 'false' or an expression. */
export function versionIn(range, context) {
  const inside = intersect(range, context);
  if (isEmpty(inside)) return 'false';
  const above = inside.from > context.from ? `version >= ${inside.from}` : '';
  const below = inside.to < context.to ? `version <= ${inside.to}` : '';
  if (above !== '' && inside.from === inside.to) return `version === ${inside.from}`;
  if (above !== '' && below !== '') return `${above} && ${below}`;
  return above || below || 'true';
}

/** How a function over `context` says whether compact encodings are in use: 'true', 'false' or the local `flexible`. */
export function flexibleIn(flexibleFrom, context) {
  if (flexibleFrom <= context.from) return 'true';
  return flexibleFrom > context.to ? 'false' : 'flexible';
}

export function defineFlexible(body, flexibleFrom) {
  return /\bflexible\b/.test(body) ? `  const flexible = version >= ${flexibleFrom};\n` : '';
}

const scalarTypes = {
  bool: 'boolean', int8: 'number', int16: 'number', uint16: 'number', int32: 'number', uint32: 'number', float64: 'number',
  int64: 'Int64', string: 'string', uuid: 'Uuid', bytes: 'Buffer', records: 'RecordBytes',
};

export function typeOf(field) {
  const element = field.kind === 'struct' ? field.struct.typeName : scalarTypes[field.kind];
  return `${element}${field.isArray ? '[]' : ''}${isEmpty(field.nullable) ? '' : ' | null'}`;
}

function literal(value) {
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (typeof value === 'bigint') return `${value}n as unknown as Int64`;
  return String(value);
}

/** The default value of a field, as an expression. Structs are spelled out, so that their shape is the reader's. */
export function defaultOf(field) {
  if (field.default === null) return 'null';
  if (field.isArray) return '[]';
  if (field.kind === 'struct') return defaultStruct(field.struct.fields);
  if (field.kind === 'bytes' || field.kind === 'records') return 'emptyBytes';
  return field.kind === 'uuid' ? 'zeroUuid' : literal(field.default);
}

export function defaultStruct(fields) {
  if (fields.length === 0) return '{}';
  return `{ ${fields.map((field) => `${field.name}: ${defaultOf(field)}`).join(', ')} }`;
}

/** An expression that is true when `value` (of the type of `field`) is not the field's default. */
export function differs(field, value) {
  if (field.default === null) return `${value} !== null`;
  const sized = field.isArray || field.kind === 'bytes' || field.kind === 'records';
  if (sized) return isEmpty(field.nullable) ? `${value}.length !== 0` : `(${value} === null || ${value}.length !== 0)`;
  if (field.kind === 'struct') {
    const call = `!isDefault${field.struct.typeName}(${value})`;
    return isEmpty(field.nullable) ? call : `(${value} === null || ${call})`;
  }
  if (field.kind === 'bool') return field.default ? `!${value}` : value;
  return `${value} !== ${defaultOf(field).includes(' as ') ? `(${defaultOf(field)})` : defaultOf(field)}`;
}
