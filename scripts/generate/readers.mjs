// Readers: one function a message or struct, one for each array of structs.
import { defaultOf, defineFlexible, flexibleIn, versionIn } from './expressions.mjs';
import { intersect, isEmpty } from './schema.mjs';

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const scalarCalls = { bool: 'boolean' };
const sizedKinds = new Set(['string', 'bytes', 'records']);

/** What one field reads, given that it is present and `context` is the span of versions in which it is. */
function presentExpression(field, context, flexible, isTagged = false) {
  const compact = field.neverFlexible ? 'false' : flexible;
  const nullable = versionIn(field.nullable, context);
  const plain = readCall(field, false, compact);
  if (nullable === 'false') return plain;
  const orNull = readCall(field, true, compact, isTagged);
  return nullable === 'true' ? orNull : `(${nullable} ? ${orNull} : ${plain})`;
}

function readCall(field, nullable, compact, isTagged = false) {
  if (field.kind === 'struct') {
    const { typeName, takesVersion } = field.struct;
    const version = takesVersion || (field.isArray && field.struct.arrayTakesVersion) ? ', version' : '';
    if (field.isArray) return `read${nullable ? 'Nullable' : ''}${typeName}Array(reader${version})`;
    const read = `read${typeName}(reader${version})`;
    return nullable ? `(reader.${isTagged ? 'taggedStructPresent' : 'structPresent'}() ? ${read} : null)` : read;
  }
  if (field.isArray) return `reader.${nullable ? `nullable${capital(field.kind)}` : field.kind}Array(${compact})`;
  if (!sizedKinds.has(field.kind)) return `reader.${scalarCalls[field.kind] ?? field.kind}()`;
  const kind = field.kind === 'records' ? 'bytes' : field.kind;
  return `reader.${nullable ? `nullable${capital(kind)}` : kind}(${compact})`;
}

function fieldExpression(field, context, flexible) {
  const condition = versionIn(field.body, context);
  if (condition === 'false') return defaultOf(field);
  const present = presentExpression(field, intersect(field.body, context), flexible);
  return condition === 'true' ? present : `${condition} ? ${present} : ${defaultOf(field)}`;
}

function tagCase(field, unit) {
  const condition = versionIn(field.tagged, { from: Math.max(unit.flexibleFrom, unit.versions.from), to: unit.versions.to });
  const value = presentExpression(field, intersect(field.tagged, unit.versions), 'true', true);
  const assign = `value.${field.name} = ${value};`;
  const guarded = condition === 'true' ? assign : `if (${condition}) ${assign}\n          else reader.unknownTag(value, tagEnd);`;
  return `        case ${field.tag}:\n          ${guarded}\n          break;\n`;
}

function tagSection(unit, flexible) {
  if (flexible === 'false') return '';
  const guard = flexible === 'true' ? '' : 'if (flexible) ';
  const tags = unit.fields.filter((field) => field.tag !== undefined && !isEmpty(field.tagged));
  if (tags.length === 0) return `  ${guard}reader.unknownTags(value);\n`;
  const loop = `for (let left = reader.tagCount(); left > 0 && reader.ok; left--) {
      const tagEnd = reader.beginTag();
      switch (reader.tag) {
${tags.map((field) => tagCase(field, unit)).join('')}        default:
          reader.unknownTag(value, tagEnd);
      }
      reader.endTag(tagEnd);
    }`;
  return flexible === 'true' ? `  ${loop.replaceAll('\n  ', '\n')}\n` : `  if (flexible) {\n    ${loop}\n  }\n`;
}

export function emitReader(name, unit, exported) {
  const flexible = flexibleIn(unit.flexibleFrom, unit.versions);
  const fields = unit.fields.map((field) => `    ${field.name}: ${fieldExpression(field, unit.versions, flexible)},\n`).join('');
  const tags = tagSection(unit, flexible);
  const literal = `${fields === '' ? '{}' : `{\n${fields}  }`}`;
  const body = tags === '' ? `  return ${literal};\n` : `  const value: ${name} = ${literal};\n${tags}  return value;\n`;
  const text = defineFlexible(body, unit.flexibleFrom) + body;
  unit.takesVersion = /\bversion\b(?!:)/.test(text);
  const usesReader = /\breader\b/.test(text) ? 'reader' : '_reader';
  unit.arrayTakesVersion = flexible === 'flexible';
  const version = unit.takesVersion ? ', version: number' : exported ? ', _version: number' : '';
  return `${exported ? 'export ' : ''}function read${name}(${usesReader}: Reader${version}): ${name} {\n${text}}\n`;
}

/** The least that an element takes on the wire, over all versions of its struct. */
function wireBytes(struct) {
  let least = Infinity;
  const last = Math.min(struct.versions.to, 64);
  for (let version = struct.versions.from; version <= last; version++) least = Math.min(least, wireBytesAt(struct, version));
  return Math.max(least, 1);
}

const fixedBytes = { bool: 1, int8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, float64: 8, uuid: 16 };

function wireBytesAt(struct, version) {
  const flexible = version >= struct.flexibleFrom;
  const within = (range) => version >= range.from && version <= range.to;
  let bytes = flexible ? 1 : 0;
  for (const field of struct.fields) {
    if (!within(field.body)) continue;
    if (field.isArray || field.kind === 'bytes' || field.kind === 'records') bytes += flexible ? 1 : 4;
    else if (field.kind === 'string') bytes += flexible ? 1 : 2;
    else if (field.kind === 'struct') bytes += within(field.nullable) ? 1 : wireBytesAt(field.struct, version);
    else bytes += fixedBytes[field.kind];
  }
  return bytes;
}

const heapCosts = { string: 32, uuid: 48, bytes: 104, records: 104, int64: 24, float64: 16 };

/** About what a decoded struct takes on the heap, its arrays' elements not counted. */
function heapBytes(struct) {
  let bytes = 32;
  for (const field of struct.fields) {
    bytes += 8;
    if (field.isArray) bytes += 32;
    else if (field.kind === 'struct') bytes += heapBytes(field.struct);
    else bytes += heapCosts[field.kind] ?? 0;
  }
  return bytes;
}

export function emitArrayReader(struct, nullable) {
  const { typeName } = struct;
  const flexible = flexibleIn(struct.flexibleFrom, struct.versions);
  const element = `read${typeName}(reader${struct.takesVersion ? ', version' : ''})`;
  const call = nullable ? 'nullableArrayLength' : 'arrayLength';
  const compact = flexible === 'flexible' ? `version >= ${struct.flexibleFrom}` : flexible;
  const empty = nullable ? '  if (length <= 0) return length === 0 ? [] : null;\n' : '  if (length === 0) return [];\n';
  const text = `  const length = reader.${call}(${compact}, ${wireBytes(struct)}, ${heapBytes(struct)});
${empty}  const values = [${element}];
  for (let i = 1; i < length && reader.ok; i++) values.push(${element});
  return values;
`;
  const version = /\bversion\b/.test(text) ? ', version: number' : '';
  return `function read${nullable ? 'Nullable' : ''}${typeName}Array(reader: Reader${version}): ${typeName}[]${nullable ? ' | null' : ''} {\n${text}}\n`;
}
